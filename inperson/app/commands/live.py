"""`inperson live`: a camera or a clip in, the avatar in the mirror."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console


@dataclass(frozen=True)
class Live:
    """Track a person live and show their avatar: in a window, in an MP4, or both.

    Without a display the mirror goes to out/mirror.mp4. A clip plays at its own pace either way, so that the
    figures at the end are those of a camera.
    """

    input: str | None = None
    """demo, a camera's number or name, or a clip. Camera 0 when there is one, otherwise the demo."""
    avatar: str | None = None
    """A shipped avatar's name or an .avatar file."""
    body: str | None = None
    """The body the avatar was made for, if it is not a shipped one: an SMPL-X npz."""
    view: Literal["mirror", "stereo", "none"] = "mirror"
    """The picture: a mirror, a stereo pair side by side, or no window at all (the mirror only in --out)."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Write the pictures to this MP4."""
    size: tuple[int, int] = (512, 512)
    """Width and height of one view, pixels."""
    profile: str | None = None
    """Whose shape and resting face to remember: a name, or none. A camera remembers `me`, a clip nobody."""
    seconds: float | None = None
    """Stop after this long."""
    report: Path | None = None
    """Write the figures to this JSON file."""
    backend: Literal["auto", "cpu", "gl", "gsplat"] = "auto"
    """What draws."""

    def run(self, console: Console) -> None:
        """Run one session; Ctrl-C ends it and keeps what was written."""
        from inperson.app.live_setup import run_session

        if run_session(self, console).interrupted:
            raise KeyboardInterrupt
