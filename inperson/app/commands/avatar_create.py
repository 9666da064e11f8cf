"""`inperson avatar create`: one photo to an animatable avatar."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.processes.threads import one_blas_thread
from inperson.errors import BadInputError

if TYPE_CHECKING:
    from inperson.app.making.person_search import PersonSearch
    from inperson.avatar.provenance import Consent


@dataclass(frozen=True)
class Create:
    """Make an avatar of the person in one photo: the upper or the whole body, from the front, the face in view."""

    photo: tyro.conf.Positional[Path]
    """JPEG, PNG, WebP, TIFF, BMP or HEIC."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The avatar to write: a file ending in .avatar."""
    consent: bool = False
    """The person in the photo agreed; without it you are asked."""
    fast: bool = False
    """Take the network's answer as it is, without polishing it against the photo: seconds instead of a minute."""
    person: int | None = None
    """Which of several people in the photo, 1 for the leftmost."""
    name: str | None = None
    """The avatar's name; by default that of the file it is written to."""
    strip: Path | None = None
    """Where to put the picture of photo and avatar side by side; by default a PNG named after the avatar."""
    body: str = "neutral"
    """The body to use: neutral, male, female, or an SMPL-X npz."""
    network: Path | None = None
    """Weights of a reconstruction network; by default the shipped one's."""
    seed: int = 0
    """Of everything random; the same photo and seed give the same avatar (on CUDA but for rounding)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the network runs and polishing happens; auto takes CUDA where there is a GPU and gsplat works."""

    def run(self, console: Console) -> None:
        """Ask, make, write, and print the scores."""
        one_blas_thread()
        if self.out.suffix.lower() != ".avatar":
            raise BadInputError(f"--out {self.out}", "name a file ending in .avatar")
        strip = self.strip or self._beside()
        if strip.suffix.lower() != ".png":
            raise BadInputError(f"--strip {strip}", "name a file ending in .png")
        if strip.resolve() == self.photo.resolve():
            raise BadInputError(f"--strip {strip} is the photo itself", "name another file")
        if not self.photo.is_file():
            raise BadInputError(f"photo {self.photo} does not exist", "give a picture file")
        from inperson.app.making.person_search import PersonSearch

        with PersonSearch() as search:  # loads what it needs meanwhile; it sees no photo before consent is known
            from inperson.app.making.consent import consent_to
            from inperson.app.writers import check_writable

            for path in (self.out, strip):
                check_writable(path)
            consent = consent_to(self.photo.name, given=self.consent, console=console)
            self._make(console, strip, consent, search)

    def _beside(self) -> Path:
        """A PNG with the avatar's name, unless that is the photo."""
        strip = self.out.with_suffix(".png")
        return strip if strip.resolve() != self.photo.resolve() else self.out.with_suffix(".strip.png")

    def _make(self, console: Console, strip: Path, consent: "Consent", search: "PersonSearch") -> None:
        """Everything that needs heavy imports."""
        from inperson.reconstruct.photo.picture import read_photo

        photo = read_photo(self.photo)
        search.begin(photo, self.person)  # meanwhile the rest is loaded
        import torch

        from inperson.app.pictures.photo_strip import photo_strip
        from inperson.app.reports.create import CreateBar, score_table
        from inperson.app.writers import write_png
        from inperson.avatar.file import save_avatar
        from inperson.avatar.provenance import Provenance
        from inperson.reconstruct.create import CreateSettings, create_avatar
        from inperson.reconstruct.device import choose_device, device_text
        from inperson.render.cpu.rasterizer import CpuRasterizer

        torch.set_num_threads(1)
        device = choose_device(self.device)
        console.print(f"computing on {device_text(device)}", highlight=False)
        settings = CreateSettings(
            fast=self.fast,
            network=self.network,
            person=self.person,
            body=self.body,
            seed=self.seed,
            device=device,
        )
        with CreateBar(console, photo.name) as bar:
            created = create_avatar(photo, settings, bar.update, search)
        papers = replace(Provenance.from_strings(created.avatar.provenance), consent=consent)
        avatar = replace(created.avatar, name=self.name or self.out.stem, provenance=papers.to_strings())
        pictures = photo_strip(photo.image, avatar, created.fit, created.target, CpuRasterizer())
        save_avatar(avatar, self.out)
        write_png(strip, pictures)
        console.print(score_table(created))
        for path in (self.out, strip):
            console.print(f"wrote {path}", soft_wrap=True, highlight=False)
