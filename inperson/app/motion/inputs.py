"""Which source a session shows: what the user named, else camera 0, else the shipped clip."""

from inperson.paths import assets_dir
from inperson.tracking.sources_camera import list_cameras

DEMO = "demo"
FIRST_CAMERA = "0"


def choose_source(wanted: str | None) -> str:
    """What `open_source` should open.

    Args:
        wanted: `demo`, a camera's number or name, a path; None for camera 0, or the demo where there is none.
    """
    if wanted is None:
        wanted = FIRST_CAMERA if any(camera.index == 0 for camera in list_cameras()) else DEMO
    return str(assets_dir() / "performer" / "performer.mp4") if wanted == DEMO else wanted


def is_motion(source: str) -> bool:
    """Whether a source is a motion file, which is played instead of tracked."""
    return source.lower().endswith(".npz")
