"""`inperson render`: a recorded motion on an avatar."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.shading.choice import DEFAULT_SHADER, ShaderChoice
from inperson.errors import BadInputError


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
    shader: ShaderChoice = DEFAULT_SHADER
    """The video shader, which adds what the Gaussians blur: a size, or auto for the largest there is."""
    quality: Literal["live", "teacher"] = "live"
    """teacher: the video shader's offline model in place of --shader, seconds a picture on a CPU. The whole motion is
    shaded together; an orbit around one that comes back to its beginning has no seam."""
    teacher: Path | None = None
    """Weights for --quality teacher; by default those that come with the program."""
    split: bool = False
    """The left half of each view without the shader, the right half with it."""

    def run(self, console: Console) -> None:
        """Draw and write every frame."""
        taught = self.quality == "teacher"
        if self.split and self.shader == "off" and not taught:
            raise BadInputError("--split shows the picture without the shader beside it", "add --shader SIZE or auto")
        if taught and self.shader != "off":
            raise BadInputError("--quality teacher shades in place of --shader", "give one of them")
        if self.teacher is not None and not taught:
            raise BadInputError("--teacher is for --quality teacher", "add it, or leave --teacher out")
        from contextlib import ExitStack
        from functools import partial

        from rich.markup import escape
        from rich.progress import track

        from inperson.app.motion.played import performer_of
        from inperson.app.pictures.playback import Playback
        from inperson.app.shading.offline import open_offline_shader
        from inperson.app.shading.opening import open_view_shader
        from inperson.app.writers import open_output
        from inperson.avatar.body import load_body
        from inperson.avatar.file import load_avatar
        from inperson.render.backends import make_rasterizer
        from inperson.tracking.motion_file import load_motion
        from inperson.workers import available_cores

        motion = load_motion(self.motion)
        avatar = load_avatar(self.avatar)
        body = load_body(self.body or avatar.body_name)
        with ExitStack() as stack:
            rasterizer = make_rasterizer(self.backend)
            stack.callback(rasterizer.close)
            say = partial(console.print, highlight=False)
            shader = open_view_shader(self.shader, rasterizer, eyes=1 + self.stereo, say=say, stack=stack)
            teacher = None
            if taught:
                teacher = open_offline_shader(self.teacher, rasterizer, available_cores())
                stack.callback(teacher.close)
            playback = Playback(
                *(motion, performer_of(motion, body), avatar, body, rasterizer),
                camera=self.camera,
                size=self.size,
                stereo=self.stereo,
                shader=shader,
                teacher=teacher,
                on_pass=lambda done, total: say(f"the teacher's pass {done} of {total}"),
                split=self.split,
            )
            with open_output(self.out, *playback.picture_size, fps=motion.framerate) as writer:
                for picture, time_s in track(
                    playback.pictures(), escape(avatar.name), total=len(motion), console=console
                ):
                    writer.write(picture, time_s)
        console.print(f"wrote {self.out}", soft_wrap=True, highlight=False)
        for stage, row in playback.times.table().items():
            console.print(f"{stage} {row['median_ms']:.1f} ms a picture (median)", highlight=False)
