"""`inperson live`: a camera or a clip in, the avatar in the mirror or in a headset."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.commands.unfit import HEADSET_VIEWS, Unfit, headset_only, refuse
from inperson.app.outputs.addresses import OFF
from inperson.app.outputs.options import Inputs, Outputs
from inperson.app.shading.choice import DEFAULT_SHADER, ShaderChoice
from inperson.errors import BadInputError

Keep = Literal["auto", "embed", "reference"]


@dataclass(frozen=True)
class Live:
    """Track a person live and show their avatar: in a window, in an MP4, in a headset.

    Without a display the mirror goes to out/mirror.mp4. A clip plays at its own pace either way, so that the
    figures at the end are those of a camera. A headset that goes away is waited for.
    """

    input: str | None = None
    """demo, a camera's number or name, a clip, or a MOTION.npz. Camera 0 if there is one, otherwise the demo."""
    avatar: str | None = None
    """A shipped avatar's name or an .avatar file."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    view: Literal["mirror", "stereo", "none", "headset", "headset+mirror"] = "mirror"
    """The picture: a mirror, a stereo pair side by side, no window at all (the mirror only in --out), an OpenXR
    headset, or a headset with the mirror window beside it."""
    scene: Literal["mirror", "embodied", "face-to-face"] | None = None
    """In a headset: a mirror before you (the default), your own body, or the avatar opposite you."""
    passthrough: bool = False
    """In a headset: over the real world, where the runtime offers it."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Write the mirror's pictures to this MP4."""
    size: tuple[int, int] = (512, 512)
    """Width and height of one view of the mirror, pixels."""
    profile: str | None = None
    """Whose shape, resting face and headset calibration to remember: a name, or none. A camera remembers `me`, a
    clip nobody."""
    seconds: float | None = None
    """Stop after this long."""
    frames: int | None = None
    """Stop after so many pictures: the headset's, or the mirror's where there is none."""
    report: Path | None = None
    """Write the figures to this JSON file."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""
    shader: ShaderChoice = DEFAULT_SHADER
    """The video shader, which adds what the Gaussians blur: a size that stays, or auto for the largest that keeps up,
    smaller or none while it does not."""

    record: Path | None = None
    """Record the session to this .mcap file: motion, sound, timings, events; never the mirror's pixels."""
    microphone: str | None = None
    """What --record listens to: a sound file, a microphone's number or name, default, or none. The system's own if
    there is one."""
    record_camera: bool = False
    """With --record: keep the camera's pictures, too."""
    record_avatar: Keep = "auto"
    """With --record: embed the avatar's file, or only name it (reference). auto embeds your own, and names those that
    come with the program."""
    outputs: Annotated[Outputs, tyro.conf.OmitArgPrefixes] = field(default_factory=Outputs)
    """What is sent to other programs meanwhile."""
    inputs: Annotated[Inputs, tyro.conf.OmitArgPrefixes] = field(default_factory=Inputs)
    """What other programs send."""

    @property
    def in_headset(self) -> bool:
        """Whether a headset shows it."""
        return self.view in HEADSET_VIEWS

    def unfit(self) -> Iterator[Unfit]:
        """Options that do not apply to the view."""
        if not self.in_headset:
            yield from headset_only(self.scene, passthrough=self.passthrough)
        if self.view == "headset":
            mend = "use --view headset+mirror"
            if self.out is not None:
                yield Unfit(("out",), f"--out {self.out}: a headset alone has no mirror", mend)
            if self.outputs.virtual_camera.device != OFF:
                path = ("outputs", "virtual_camera", "device")
                yield Unfit(path, "--virtual-camera shows the mirror", mend)

    def check(self) -> None:
        """Refuse options that say nothing together.

        Raises:
            BadInputError: two options contradict each other, or a number is not positive.
        """
        refuse(self.unfit())
        if self.record is None:
            # a microphone and what becomes of avatars may stand in the settings for whenever something is recorded
            if self.record_camera:
                raise BadInputError("--record-camera is for a recording", "add --record FILE.mcap")
        elif self.record.suffix.lower() != ".mcap":
            raise BadInputError(f"--record {self.record}", "name a file ending in .mcap")
        self.outputs.check()
        for option, value in (("--seconds", self.seconds), ("--frames", self.frames)):
            if value is not None and value <= 0:
                raise BadInputError(f"{option} {value}", "give a number above 0")

    def run(self, console: Console) -> None:
        """Run one session; Ctrl-C ends it and keeps what was written."""
        from inperson.app.live.setup import run_session

        if run_session(self, console).interrupted:
            raise KeyboardInterrupt
