"""`inperson avatar refine`: a few seconds of video make an avatar better."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.processes.threads import one_blas_thread
from inperson.errors import BadInputError


@dataclass(frozen=True)
class Refine:
    """Make an avatar better with a few seconds of webcam video of the same person.

    The first two thirds of the clip are learned from, the last third only says how good the result is. Ctrl-C keeps
    the best so far; the same command then goes on where it stopped.
    """

    avatar: tyro.conf.Positional[str]
    """The .avatar file."""
    clip: tyro.conf.Positional[Path]
    """A video file or a folder of pictures, 3 to 20 seconds of the person from the hips up, moving."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """The avatar to write; by default NAME-refined.avatar beside the given one."""
    any_person: bool = False
    """Refine even if the clip seems to show somebody else than the avatar."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    steps: int = 900
    """Steps of the optimisation, at most."""
    seed: int = 0
    """Of everything random."""
    shader: Literal["off", "small", "medium", "large"] = "off"
    """Also teach the video shader of this size the person; what it learns is kept in the avatar if it helps."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where Gaussians are optimised; auto takes CUDA where there is a GPU and gsplat works. What was stopped on one
    goes on on another."""

    def run(self, console: Console) -> None:
        """Refine, write, and print the scores."""
        one_blas_thread()
        from inperson.app.shading.engines import sizes_for
        from inperson.app.writers import check_writable
        from inperson.avatar.file import SUFFIX, avatar_path

        given = avatar_path(self.avatar)
        out = self.out or Path(f"{given.stem}-refined{SUFFIX}" if given.name == self.avatar else _beside(given))
        if out.suffix.lower() != SUFFIX:
            raise BadInputError(f"--out {out}", f"name a file ending in {SUFFIX}")
        if self.steps < 1:
            raise BadInputError(f"--steps {self.steps}", "give at least 1")
        sizes_for(self.shader)  # missing weights are said before the work
        check_writable(out)
        if not self.clip.exists():
            raise BadInputError(f"clip {self.clip} does not exist", "give a video file or a folder of pictures")
        self._refine(console, given, out)

    def _refine(self, console: Console, given: Path, out: Path) -> None:
        """Everything that needs heavy imports."""
        import torch

        from inperson.app.making.teaching import teach, teaching_table, with_papers
        from inperson.app.processes.interrupt import InterruptFlag
        from inperson.app.reports.refine import RefineBar, score_table
        from inperson.avatar.body import load_body
        from inperson.avatar.file import load_avatar, save_avatar
        from inperson.reconstruct.device import choose_device, device_text
        from inperson.reconstruct.refine.checkpoint import checkpoint_path
        from inperson.reconstruct.refine.clip import Watcher, refine_on_clip
        from inperson.reconstruct.refine.settings import RefineSettings

        torch.set_num_threads(1)
        avatar = load_avatar(given)
        body = load_body(self.body or avatar.body_name)
        device = choose_device(self.device)
        console.print(f"computing on {device_text(device)}", highlight=False)
        settings = RefineSettings(seed=self.seed, any_person=self.any_person, device=device)
        settings = replace(settings, optimise=replace(settings.optimise, steps=self.steps))
        with InterruptFlag() as interrupt, RefineBar(console, self.clip.name) as bar:
            watcher = Watcher(bar.update, interrupt.asked)
            refined = refine_on_clip(avatar, body, self.clip, settings, watcher, checkpoint_path(out))
            console.print(score_table(refined))
            better = refined.avatar
            if self.shader != "off" and refined.finished:
                learned = teach(better, body, refined.clip, self.shader, bar.teaching, interrupt.asked)
                better = with_papers(better, learned)
                console.print(teaching_table(self.shader, learned))
        save_avatar(better, out)
        if not refined.finished:
            console.print("stopped: this is the best so far; the same command goes on from here", highlight=False)
        console.print(f"wrote {out}", soft_wrap=True, highlight=False)


def _beside(given: Path) -> Path:
    return given.with_name(f"{given.stem}-refined{given.suffix}")
