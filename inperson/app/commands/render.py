"""`inperson render`: a recorded motion on an avatar."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Render:
    """Draw a motion (of `inperson track`, or AMASS) on an avatar, into an MP4 or a folder of PNGs."""

    motion: tyro.conf.Positional[Path]
    """The motion: MOTION.npz."""
    avatar: str
    """A shipped avatar's name or an .avatar file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """A file ending in .mp4, or a new folder."""
    camera: Literal["source", "mirror", "orbit"] = "source"
    """source lines up with the clip's own frames; mirror shows head to waist; orbit walks around once."""
    stereo: bool = False
    """A stereo pair side by side."""
    size: tuple[int, int] | None = None
    """Width and height of one view, pixels; by default the clip's own, or 512 512."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""

    def run(self, console: Console) -> None:
        """Draw and write every frame."""
        from contextlib import closing

        from rich.markup import escape
        from rich.progress import track

        from inperson.app.outputs import open_output
        from inperson.app.playback import Playback
        from inperson.app.played_motion import performer_of
        from inperson.avatar.body import load_body
        from inperson.avatar.file import load_avatar
        from inperson.render.backends import make_rasterizer
        from inperson.tracking.motion_file import load_motion

        motion = load_motion(self.motion)
        avatar = load_avatar(self.avatar)
        body = load_body(self.body or avatar.body_name)
        with closing(make_rasterizer(self.backend)) as rasterizer:
            playback = Playback(
                *(motion, performer_of(motion, body), avatar, body, rasterizer),
                camera=self.camera,
                size=self.size,
                stereo=self.stereo,
            )
            with open_output(self.out, *playback.picture_size, fps=motion.framerate) as writer:
                for picture, time_s in track(
                    playback.pictures(), escape(avatar.name), total=len(motion), console=console
                ):
                    writer.write(picture, time_s)
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False)
