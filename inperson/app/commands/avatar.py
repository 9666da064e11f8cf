"""`inperson avatar`: make an avatar, refine it, look at it, export it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.commands.avatar_create import Create
from inperson.app.commands.avatar_export import Export
from inperson.app.commands.avatar_refine import Refine
from inperson.errors import BadInputError

if TYPE_CHECKING:
    from inperson.avatar.gaussians import GaussianAvatar

SHEET_AZIMUTHS = (0.0, 45.0, 90.0, 180.0)
"""Degrees, of the pictures in a PNG: front, half left, left, back."""
TURN_SECONDS, TURN_RATE = 6.0, 30.0


@dataclass(frozen=True)
class Show:
    """Print where an avatar comes from, and show it from all sides: one turn as MP4, or four views as PNG."""

    avatar: tyro.conf.Positional[str]
    """A shipped avatar's name or an .avatar file."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """The file to write: .mp4 or .png; without it only the avatar's papers are printed."""
    size: tuple[int, int] = (512, 768)
    """Width and height of one picture, pixels."""
    closeup: bool = False
    """Head and shoulders only."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""

    def run(self, console: Console) -> None:
        """Draw and write, then print what the avatar says of itself."""
        from inperson.avatar.file import load_avatar

        if self.out is not None and self.out.suffix.lower() not in (".mp4", ".png"):
            raise BadInputError(f"--out {self.out}", "name a file ending in .mp4 or .png")
        avatar = load_avatar(self.avatar)
        if self.out is not None:
            self._draw(avatar, self.out, console)
        for line in papers(avatar):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        if self.out is not None:
            console.print(f"wrote {self.out}", soft_wrap=True, highlight=False)

    def _draw(self, avatar: "GaussianAvatar", out: Path, console: Console) -> None:
        import numpy as np
        from rich.markup import escape
        from rich.progress import track

        from inperson.app.pictures.turntable import Turntable
        from inperson.app.writers import Mp4Writer, check_writable, write_png
        from inperson.avatar.body import load_body
        from inperson.render.backends import make_rasterizer

        check_writable(out)
        body = load_body(self.body or avatar.body_name)
        rasterizer = make_rasterizer(self.backend)
        table = Turntable(avatar, body, rasterizer, *self.size, closeup=self.closeup)
        if out.suffix.lower() == ".png":
            write_png(out, np.concatenate([table.draw(np.deg2rad(a)) for a in SHEET_AZIMUTHS], axis=1))
        else:
            count = round(TURN_SECONDS * TURN_RATE)
            with Mp4Writer(out, *self.size, fps=TURN_RATE) as writer:
                pictures = track(table.turn(count), escape(avatar.name), total=count, console=console)
                for number, picture in enumerate(pictures):
                    writer.write(picture, number / TURN_RATE)
        rasterizer.close()


def papers(avatar: "GaussianAvatar") -> list[str]:
    """What an avatar's header says of where it comes from, one `field: value` a line, consent last.

    Reading the file has made sure that all of it is plain text, nothing that would steer a terminal.
    """
    from inperson.avatar.provenance import Provenance

    about = Provenance.from_strings(avatar.provenance)
    others = dict(sorted(about.others.items()))
    consent = others.pop("consent", "not stated")
    if about.consent is not None:
        given = "given" if about.consent.given else "refused"
        consent = f"{given} by {about.consent.by} on {about.consent.on} ({about.consent.how})"
    entries = [
        *(("name", avatar.name), ("body", avatar.body_name), ("body_sha256", avatar.body_sha256)),
        *(("gaussians", str(len(avatar.face_index))), ("tool", about.tool), ("created", str(about.created or ""))),
        *(("photo", about.photo_name), ("photo_sha256", about.photo_sha256)),
        ("reference_photo", _photo_size(avatar)),
        ("personal_shader", _personal(avatar)),
        *(("network_sha256", about.network_sha256), ("scores", _listed(about.scores))),
        *(("refined on", f"{c.name} ({c.seconds:.1f} s) on {c.on}: {_listed(c.scores)}") for c in about.clips),
        *others.items(),
        ("consent", consent),
    ]
    return [f"{key}: {value}" for key, value in entries if value]


def _personal(avatar: "GaussianAvatar") -> str:
    known = avatar.personal
    return "" if known is None else f"{len(known.values)} numbers for the weights {known.weights_sha256[:12]}"


def _photo_size(avatar: "GaussianAvatar") -> str:
    return "" if avatar.photo is None else "{1} x {0} pixels".format(*avatar.photo.image.shape)


def _listed(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in scores.items())


@dataclass(frozen=True)
class Avatar:
    """Gaussian avatars."""

    action: (
        Annotated[Create, tyro.conf.subcommand("create")]
        | Annotated[Refine, tyro.conf.subcommand("refine")]
        | Annotated[Show, tyro.conf.subcommand("show")]
        | Annotated[Export, tyro.conf.subcommand("export")]
    )

    def run(self, console: Console) -> None:
        """Run the chosen action."""
        self.action.run(console)
