"""`inperson calibrate`: where the webcam is, seen from the headset."""

from dataclasses import dataclass
from typing import Literal

from rich.console import Console


@dataclass(frozen=True)
class Calibrate:
    """Align the webcam with the headset, once for each place of the camera: stand, look ahead, arms out.

    Prompts appear here and in the headset. Later sessions with the same profile find what was measured.
    """

    input: str | None = None
    """A camera's number or name (or a clip). Camera 0 if there is one."""
    profile: str = "me"
    """Whose calibration this is."""
    avatar: str | None = None
    """A shipped avatar's name or an .avatar file, to see yourself meanwhile."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""

    def run(self, console: Console) -> None:
        """Guide the wearer through it, solve, save."""
        from inperson.app.headset.calibration import calibrate

        calibrate(self, console)
