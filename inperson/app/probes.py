"""What `inperson doctor` looks at. Each probe runs in a process of its own: `python -m inperson.app.probes NAME`.

A probe answers with one line, or raises whatever the part it tries raises: the doctor shows the last line.
"""

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

from inperson.errors import DeviceError, InPersonError, MissingModelError


@dataclass(frozen=True)
class Probe:
    """One part of the machine: how to try it, and what to do when it fails."""

    name: str
    try_it: Callable[[], str]
    needed: bool
    """Whether the main job needs it; otherwise only what the mend's line names goes without."""
    mend: str
    knows_better: bool = False
    """Whether the mend of an `InPersonError` that it raises replaces `mend`."""


MEND_FOLLOWS = " -> "
"""Between a complaint and the mend of a probe that knows better."""


def _python() -> str:
    if sys.version_info[:2] != (3, 11):
        raise RuntimeError(f"this is Python {platform.python_version()}")
    return f"{platform.python_version()} at {sys.executable}"


def _torch() -> str:
    import torch

    return f"{torch.__version__}, {torch.get_num_threads()} threads"


def _numba() -> str:
    import numba

    return f"{numba.__version__}, {int(numba.njit(lambda x: x + 1)(41))} computed by compiled code"


def _mediapipe() -> str:
    import mediapipe

    return mediapipe.__version__


def _models() -> str:
    from inperson.tracking.models import CATALOGUE, model_path

    return ", ".join(model_path(spec).name for spec in CATALOGUE)


def _assets() -> str:
    from inperson.avatar.body import load_body
    from inperson.paths import assets_dir

    avatars = sorted(path.stem for path in (assets_dir() / "avatars").glob("*.avatar"))
    if not avatars:
        raise MissingModelError("no shipped avatars", "reinstall")
    return f"body of {load_body().num_vertices} vertices, avatars {', '.join(avatars)}"


def _video() -> str:
    import av

    av.CodecContext.create("libx264", "w")
    return f"PyAV {av.__version__} with libx264"


def _camera() -> str:
    from inperson.tracking.sources_camera import list_cameras

    cameras = list_cameras()
    if not cameras:
        raise DeviceError("no camera found", "plug one in")
    return ", ".join(f"{camera.index} ({camera.name})" for camera in cameras)


def _opengl() -> str:
    import moderngl

    context = moderngl.create_context(standalone=True, backend="egl", require=330)  # type: ignore[arg-type]
    return f"{context.info['GL_RENDERER']}, OpenGL {context.version_code / 100:.1f}"


def _window() -> str:
    import glfw

    if not glfw.init():
        raise DeviceError("no display", "log in to a desktop")
    glfw.window_hint(glfw.VISIBLE, glfw.FALSE)
    if not glfw.create_window(64, 64, "doctor", None, None):
        raise DeviceError("the display opens no OpenGL window", "update its driver")
    glfw.terminate()
    return f"display {os.environ.get('WAYLAND_DISPLAY') or os.environ.get('DISPLAY') or 'of this desktop'}"


def _openxr() -> str:
    from inperson.app.headset.summary import summarise
    from inperson.render.xr.describe import describe_runtime
    from inperson.render.xr.extensions import OPTIONAL
    from inperson.render.xr.loss import RuntimeLost

    try:
        return summarise(describe_runtime("wgl" if sys.platform == "win32" else "egl"), OPTIONAL)
    except RuntimeLost as error:
        raise DeviceError(f"the OpenXR runtime went away ({error})", _RESTART_RUNTIME) from error


def _cuda() -> str:
    import torch

    if not torch.cuda.is_available():
        raise DeviceError("no CUDA device", "install one")
    import gsplat

    return f"{torch.cuda.get_device_name()}, gsplat {gsplat.__version__}"


def _smplx() -> str:
    import smplx

    return f"package at {os.path.dirname(smplx.__file__)}"


_RESTART_RUNTIME = "restart the headset's runtime (SteamVR, monado-service)"

PROBES = (
    Probe("python", _python, True, "use Python 3.11: make setup PYTHON=python3.11"),
    Probe("torch", _torch, True, "run make setup again"),
    Probe("numba", _numba, True, "run make setup again"),
    Probe("mediapipe", _mediapipe, True, "install libegl1 and libgles2, then run make setup again"),
    Probe("models", _models, True, "run inperson models fetch"),
    Probe("assets", _assets, True, "check the repository out again: files in assets/ are missing"),
    Probe("video", _video, True, "run make setup again: PyAV carries its own encoder"),
    Probe("camera", _camera, False, "plug a camera in, or give live --input a clip"),
    Probe("opengl", _opengl, False, "install libegl1 and libgl1-mesa-dri; without it live --backend cpu draws"),
    Probe("window", _window, False, "start from a desktop session; without a display live writes an MP4"),
    Probe("openxr", _openxr, False, _RESTART_RUNTIME, knows_better=True),
    Probe("cuda", _cuda, False, "with an NVIDIA GPU: .venv/bin/pip install -e '.[cuda]', else the CPU draws"),
    Probe("smplx", _smplx, False, "only tests need it: .venv/bin/pip install -e '.[smplx]'"),
)


def main() -> None:
    """Run the probe that the command line names; the last line of stdout or stderr is its answer."""
    probe = next(probe for probe in PROBES if probe.name == sys.argv[1])
    try:
        sys.stdout.write(probe.try_it() + "\n")
    except InPersonError as error:
        sys.exit(f"{error.what}{MEND_FOLLOWS}{error.mend}" if probe.knows_better else error.what)


if __name__ == "__main__":
    main()
