"""What the options of `inperson live` come to on this machine, found out before anything is started."""

from dataclasses import dataclass
from pathlib import Path

from inperson.app.cast import Performer, cast_of, load_performer
from inperson.app.commands.live import Live
from inperson.app.motion.inputs import choose_source, is_motion
from inperson.app.outputs.addresses import OFF
from inperson.app.shading.engines import sizes_for
from inperson.app.writers import check_writable
from inperson.errors import BadInputError, DeviceError, OutputError
from inperson.render.window import has_display
from inperson.shader_model.network.config import Size

ME, NOBODY = "me", "none"
"""Profiles: who is in front of a camera unless said otherwise, and nobody to remember."""
DEFAULT_OUT = Path("out/mirror.mp4")


@dataclass(frozen=True, slots=True)
class LivePlan:
    """One session, before it is opened."""

    options: Live
    source: str
    """A camera's number or name, a clip or a motion file."""
    on_screen: bool
    """Whether a mirror window is shown."""
    out: Path | None
    """Where the mirror's pictures go besides."""
    cast: tuple[str, ...]
    """Names or files of avatars, the first on stage first."""
    first: Performer
    """Who begins, and the body that states are of."""
    shader_sizes: tuple[Size, ...]
    """That may be chosen; none without the video shader."""

    @property
    def plays_motion(self) -> bool:
        """Whether a motion file moves the avatar; otherwise somebody is tracked."""
        return is_motion(self.source)

    @property
    def repeats(self) -> bool:
        """Whether a clip or a motion begins again when it ends: somebody watches who can end it."""
        return (self.on_screen and self.out is None) or self.options.in_headset

    @property
    def has_mirror(self) -> bool:
        """Whether a mirror is drawn at all."""
        if self.options.view == "headset":
            return False
        return not self.options.in_headset or self.on_screen or self.out is not None

    @property
    def eyes(self) -> int:
        """Shaded at once."""
        return 2 if self.options.in_headset or self.options.view == "stereo" else 1

    @property
    def dimensions(self) -> tuple[int, int]:
        """Numbers of shape and of expression coefficients."""
        return self.first.body.num_betas, self.first.body.num_expression

    @property
    def user(self) -> str | None:
        """Whose shape, resting face and calibration are remembered."""
        name = self.options.profile or (NOBODY if Path(self.source).exists() else ME)
        return None if name == NOBODY else name

    def load(self, name: str) -> Performer:
        """One of the cast, on the body that was asked for."""
        return load_performer(name, self.options.body)


def plan_session(options: Live) -> LivePlan:
    """Look at what there is, so that what cannot be is said before anybody waits.

    Raises:
        BadInputError: options that say nothing together, no such avatar or body.
        DeviceError: no display for what needs one.
        OutputError: a file that cannot be written.
    """
    options.check()
    on_screen = options.view not in ("none", "headset") and has_display()
    if options.view == "headset+mirror" and not on_screen and options.out is None:
        raise DeviceError("there is no display for the mirror window", "use --view headset, or give --out FILE.mp4")
    out = _output(options, on_screen)
    for path in filter(None, (out, options.report, options.record)):
        check_writable(path)
    if options.record is not None and options.record.exists():
        raise OutputError(f"{options.record} is there already", "name a new file: recordings are not replaced")
    source = choose_source(options.input)
    if options.record_camera and is_motion(source):
        raise BadInputError(f"--record-camera: {source} moves the avatar, no camera", "leave it out")
    if options.inputs.vmc.address != OFF and is_motion(source):
        raise BadInputError(
            f"--vmc-input: {source} moves the whole avatar", "give a camera or a clip, or leave it out"
        )
    cast = cast_of(options.avatar)
    return LivePlan(
        options=options,
        source=source,
        on_screen=on_screen,
        out=out,
        cast=cast,
        first=load_performer(cast[0], options.body),
        shader_sizes=sizes_for(options.shader),
    )


def _output(options: Live, on_screen: bool) -> Path | None:
    """Where the pictures go besides a window, checked as far as its name goes."""
    if options.out is None and (on_screen or options.view == "none" or options.in_headset):
        return None
    if options.out is None:
        DEFAULT_OUT.parent.mkdir(exist_ok=True)
        return DEFAULT_OUT
    if options.out.suffix.lower() != ".mp4":
        raise BadInputError(f"--out {options.out}", "name a file ending in .mp4")
    return options.out
