"""What a headset process and the session that started it tell each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.app.headset.plan import Binding
from inperson.app.replay.tempo import Tempo
from inperson.app.shading.figures import ShaderFigures
from inperson.render.frame_times import FrameFigures
from inperson.tracking.play_calibration_solver import CalibrationSample


@dataclass(frozen=True, slots=True)
class HeadsetReady:
    """The runtime is there and everything is compiled."""

    runtime: str
    """The runtime's name and version."""
    system: str
    """The headset's name."""
    binding: Binding
    """How OpenGL is shared."""
    passthrough: bool
    """Whether the real world can be seen behind."""


@dataclass(frozen=True, slots=True)
class HeadsetStatus:
    """How it goes; figures are of the last seconds."""

    state: str
    """The session's state in lower case, or what is waited for."""
    runtime: str = ""
    avatar: str = ""
    """Whoever is shown."""
    frames: FrameFigures | None = None
    """None before the first."""
    scale: float = 1.0
    """Of the recommended eye size, per side, that the newest frame was drawn at."""
    level: int = 0
    """Its level of detail: 0 draws every Gaussian."""
    shader: str = ""
    """How the video shader stands; empty where there is none."""
    notice: str = ""
    """One line that the user should read now."""


@dataclass(frozen=True, slots=True, eq=False)
class Recentred:
    """The play space moved under the wearer's feet: they asked for it, or the runtime did it."""

    time_ns: int
    """Of the first frame in the new one, monotonic."""
    T_new_from_old: Float[np.ndarray, "4 4"]


@dataclass(frozen=True, slots=True)
class CalibrationSeen:
    """What webcam and headset saw while the wearer held out the arms."""

    samples: tuple[CalibrationSample, ...]


@dataclass(frozen=True, slots=True)
class RungChange:
    """From this moment on, eyes were drawn at this scale and level of detail."""

    seconds: float
    """Since the first frame."""
    scale: float
    level: int
    shader: str = ""
    """How the video shader stood; empty where there is none."""


@dataclass(frozen=True, slots=True)
class HeadsetFigures:
    """What a headset session measured, told when it ends."""

    runtime: str
    system: str
    scene: str
    avatar: str
    """Who was shown last."""
    binding: str
    backend: str
    eye_size: tuple[int, int]
    """Recommended by the runtime, pixels."""
    frames: FrameFigures
    """Of the whole session; a gap without a runtime counts into its seconds."""
    rungs: tuple[RungChange, ...]
    """Every change of scale and level, the start included."""
    states: tuple[str, ...]
    """Every state of the last OpenXR session, in order."""
    reconnects: int
    """How often the runtime came back."""
    longest_gap_s: float
    """Without a runtime."""
    restarts: int = 0
    """How often the process had to be started again."""
    shader: ShaderFigures | None = None
    """None without one."""


@dataclass(frozen=True, slots=True)
class Go:
    """Begin."""

    start_ns: int
    """Monotonic; when a motion file begins to play."""


@dataclass(frozen=True, slots=True)
class Recenter:
    """Put the wearer back into the middle."""


@dataclass(frozen=True, slots=True)
class ShowAvatar:
    """Put on another avatar."""

    name: str


@dataclass(frozen=True, slots=True)
class ToggleShader:
    """Draw without the video shader, or with it again."""


@dataclass(frozen=True, slots=True)
class ToggleSplit:
    """Draw half of the person without the video shader, or all with it again."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave through EXITING and say what was measured."""


@dataclass(frozen=True, slots=True)
class ShowSign:
    """Show the wearer a line at the edge of their view, with a red dot: they are being recorded."""

    text: str
    """Empty: take it away."""


@dataclass(frozen=True, slots=True)
class Play:
    """A recorded session goes on like this."""

    tempo: Tempo


Command = Go | Play | Recenter | ShowAvatar | ShowSign | ToggleShader | ToggleSplit | Stop
