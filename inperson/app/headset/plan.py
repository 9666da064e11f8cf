"""What a headset process shall do, in words that pass between processes."""

import sys
from dataclasses import dataclass
from typing import Literal

from inperson.app.shading.choice import ShaderChoice
from inperson.render.scene.scenes import SceneName
from inperson.workers import available_cores

COMPOSITORS_CORES = 1
"""Left to the runtime's own process: threads that share a frame's work wait for the slowest, and one that has to wait
for a core costs more than it brings."""
Binding = Literal["egl", "glx", "wgl", "wayland"]
Job = Literal["show", "calibrate"]


@dataclass(frozen=True, slots=True)
class HeadsetPlan:
    """One headset session."""

    avatar: str
    """For `load_avatar`."""
    body: str | None = None
    """For `load_body`, if it is not the one the avatar names."""
    scene: SceneName = "mirror"
    passthrough: bool = False
    """Over the real world, where the runtime offers it."""
    backend: str = "auto"
    """For `make_rasterizer`."""
    bindings: tuple[Binding, ...] = ("egl",)
    """How OpenGL is shared with the runtime: the first that works."""
    motion: str | None = None
    """A MOTION.npz that moves the avatar; None for what the webcam tracks."""
    session: str | None = None
    """A recorded session that moves it instead, at the pace of `HeadsetProcess.play`."""
    participant: str = ""
    """Who of that session."""
    calibration: str | None = None
    """File that says where the webcam is; None, or none there, for a rough alignment from the head."""
    shader: ShaderChoice = "off"
    """The video shader."""
    mirrored: bool = False
    """Somebody watches the wearer's states, the mirror or another program: they go back to the session."""
    frames: int | None = None
    """Leave after so many frames."""
    job: Job = "show"
    patient: bool = False
    """Wait for a runtime that is not there instead of failing: what is started again after a crash does."""


def bindings_for(mirror_window: bool) -> tuple[Binding, ...]:
    """The ways to share OpenGL to try on this machine, in order.

    EGL needs no display. Beside a mirror window there is one, and then GLX is what every runtime knows.
    """
    if sys.platform == "win32":
        return ("wgl",)
    return ("glx", "egl") if mirror_window else ("egl", "glx")


def frame_loop_threads() -> int:
    """That share a frame's work in the headset process."""
    return max(available_cores() - COMPOSITORS_CORES, 1)
