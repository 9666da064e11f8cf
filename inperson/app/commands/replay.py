"""`inperson replay`: a recorded session again, in the mirror, in a headset, or into a file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from inperson.app.commands.unfit import HEADSET_VIEWS, Unfit, headset_only, refuse
from inperson.app.outputs.options import Outputs
from inperson.app.shading.choice import DEFAULT_SHADER, ShaderChoice
from inperson.errors import BadInputError

SLOWEST, FASTEST = 0.25, 4.0


@dataclass(frozen=True)
class Replay:
    """Play a recorded session: in a window with a timeline, in a headset to walk around inside it, or into a file.

    What was recorded is how people moved, not pixels: size, avatar and view are free. Keys are in docs/replay.md.
    """

    file: tyro.conf.Positional[Path]
    """The session, an .mcap."""
    view: Literal["mirror", "stereo", "headset", "headset+mirror", "none"] = "mirror"
    """The picture: a mirror, a stereo pair side by side, an OpenXR headset, a headset with the mirror window beside
    it (its keys pause and seek), or no window at all (for --out)."""
    begin: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Begin here: seconds (83.5) or mm:ss.s (1:23.5) from the start of the recording; -10 counts from its end."""
    end: Annotated[str | None, tyro.conf.arg(name="to")] = None
    """End here."""
    speed: float = 1.0
    """0.25 to 4 times as fast as it was. Voices keep their pitch; above 2 they are silent."""
    loop: bool = False
    """Begin again after the end."""
    participant: str | None = None
    """Whom to show, by key; without it, whoever moved most."""
    avatar: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """KEY=FILE: what participant KEY wears instead, an .avatar file or a shipped avatar's name. May be repeated."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    scene: Literal["face-to-face", "embodied", "mirror"] | None = None
    """In a headset: the person stands opposite you (the default), is where you are, or is your reflection."""
    passthrough: bool = False
    """In a headset: over the real world, where the runtime offers it."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Draw into a file ending in .mp4, or a new folder of PNGs, instead of playing it: the same bytes every time."""
    size: tuple[int, int] = (512, 512)
    """Width and height of one view, pixels."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""
    shader: ShaderChoice = DEFAULT_SHADER
    """The video shader, which adds what the Gaussians blur: a size, or auto: in a window the largest that keeps up,
    in a file the largest there is."""
    outputs: Annotated[Outputs, tyro.conf.OmitArgPrefixes] = field(default_factory=Outputs)
    """What is sent to other programs while it plays in a window."""

    @property
    def in_headset(self) -> bool:
        """Whether a headset shows it."""
        return self.view in HEADSET_VIEWS

    def unfit(self) -> Iterator[Unfit]:
        """Options that do not apply to the view."""
        if not self.in_headset:
            yield from headset_only(self.scene, passthrough=self.passthrough)
        elif self.out is not None:
            yield Unfit(("out",), f"--out {self.out} is the mirror's pictures", "leave out --view headset")

    def check(self) -> None:
        """Refuse options that say nothing together.

        Raises:
            BadInputError: two options contradict each other, or a number is out of range.
        """
        if not SLOWEST <= self.speed <= FASTEST:
            raise BadInputError(f"--speed {self.speed:g}", f"give {SLOWEST:g} to {FASTEST:g}")
        if min(self.size) < 1:
            raise BadInputError(f"--size {self.size[0]} {self.size[1]}", "give numbers above 0")
        refuse(self.unfit())
        if self.out is not None and self.loop:
            raise BadInputError("--loop never ends, a file has to", "leave out --loop or --out")
        if self.out is None and self.view == "none":
            raise BadInputError("--view none shows nothing", "add --out FILE.mp4 or a folder")
        self.outputs.check()

    def run(self, console: Console) -> None:
        """Play it, or draw it; Ctrl-C ends a replay that is played as Q does."""
        from inperson.app.replay.setup import replay

        replay(self, console)
