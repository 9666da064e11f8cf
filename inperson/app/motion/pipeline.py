"""What the tracking process runs: a source, the landmarkers and the fit, behind one small interface."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from inperson.app.outputs.options import VmcInput
from inperson.avatar.state import BodyState
from inperson.tracking.observation import CameraFrame, Observation

BESIDE_HEADSET_NICENESS = 19
"""A camera frame that waits costs less than a display frame that does: on two cores shared by both, a headset shows
36 to 40 frames a second beside a tracker that stands back this far, and 27 beside one at niceness 5."""
BESIDE_SHADER_NICENESS = 5
"""Beside a mirror that the video shader refines: both then give up about the same share of their pictures."""


@dataclass(frozen=True, slots=True)
class TrackingPlan:
    """What to track, in words that pass between processes."""

    source: str
    """For `open_source`: a camera's number or name, a video file, a folder of pictures."""
    body: str
    """For `load_body`."""
    profile: str | None = None
    """File that remembers the user's shape and neutral face; None learns them anew."""
    repeat: bool = False
    """Begin a clip again when it ends."""
    niceness: int = 0
    """How far tracking stands back when cores are scarce (POSIX `nice`): a headset's display never waits for it."""
    vmc: VmcInput | None = None
    """Parts of the body that another program gives."""


class Pipeline(Protocol):
    """Frames in, states out, one at a time."""

    clip_seconds: float | None
    fps: float
    """Frames a second of the source, nominal."""

    def describe(self) -> str:
        """What the source calls itself."""

    @property
    def dropped(self) -> int:
        """Frames the source produced that were never asked for."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What there is to say of its inputs when all is over."""

    def next_frame(self) -> CameraFrame | None:
        """Wait for a frame newer than the last; None when the source has ended."""

    def observe(self, frame: CameraFrame) -> Observation:
        """Find the landmarks."""

    def fit(self, observation: Observation) -> BodyState:
        """Fit the body to them."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_pipeline(plan: TrackingPlan) -> Pipeline:
    """The real one (imported here: only the tracking process pays for mediapipe)."""
    from inperson.app.motion.camera import CameraPipeline

    if plan.vmc is None:
        return CameraPipeline(plan)
    from inperson.app.vmc_input.pipeline import WithVmcInput
    from inperson.avatar.body import load_body

    return WithVmcInput(lambda: CameraPipeline(plan), plan.vmc, load_body(plan.body))
