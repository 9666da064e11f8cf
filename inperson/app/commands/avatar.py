"""`inperson avatar show`: look at an avatar."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from rich.console import Console

from inperson.errors import BadInputError

SHEET_AZIMUTHS = (0.0, 45.0, 90.0, 180.0)
"""Degrees, of the pictures in a PNG: front, half left, left, back."""
TURN_SECONDS, TURN_RATE = 6.0, 30.0


@dataclass(frozen=True)
class Show:
    """Show an avatar from all sides: one turn as MP4, or front, half, side and back as PNG."""

    avatar: tyro.conf.Positional[str]
    """A shipped avatar's name or an .avatar file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """The file to write: .mp4 or .png."""
    size: tuple[int, int] = (512, 768)
    """Width and height of one picture, pixels."""
    closeup: bool = False
    """Head and shoulders only."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""

    def run(self, console: Console) -> None:
        """Draw and write."""
        from rich.progress import track

        from inperson.app.outputs import Mp4Writer, check_writable, write_png
        from inperson.app.turntable import Turntable
        from inperson.avatar.body import load_body
        from inperson.avatar.file import load_avatar
        from inperson.render.backends import make_rasterizer

        if self.out.suffix.lower() not in (".mp4", ".png"):
            raise BadInputError(f"--out {self.out}", "name a file ending in .mp4 or .png")
        check_writable(self.out)
        avatar = load_avatar(self.avatar)
        body = load_body(self.body or avatar.body_name)
        rasterizer = make_rasterizer(self.backend)
        table = Turntable(avatar, body, rasterizer, *self.size, closeup=self.closeup)
        if self.out.suffix.lower() == ".png":
            write_png(self.out, np.concatenate([table.draw(np.deg2rad(a)) for a in SHEET_AZIMUTHS], axis=1))
        else:
            count = round(TURN_SECONDS * TURN_RATE)
            with Mp4Writer(self.out, *self.size, fps=TURN_RATE) as writer:
                pictures = track(table.turn(count), avatar.name, total=count, console=console)
                for number, picture in enumerate(pictures):
                    writer.write(picture, number / TURN_RATE)
        rasterizer.close()
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False)


@dataclass(frozen=True)
class Avatar:
    """Gaussian avatars."""

    action: Annotated[Show, tyro.conf.subcommand("show")] | Annotated[None, tyro.conf.Suppress]

    def run(self, console: Console) -> None:
        """Run the chosen action."""
        assert self.action is not None
        self.action.run(console)
