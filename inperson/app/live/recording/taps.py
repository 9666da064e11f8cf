"""What tracking and headset processes hand over to a recording. Nobody here waits for it."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import Float

from inperson.app.live.recording.rings import EYES, HEADSET_STAGES, TRANSFORMS, TrackingRings
from inperson.app.motion.state_record import pack_state
from inperson.app.processes.record_ring import RecordRing
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState
from inperson.render.frame_times import FrameRecord
from inperson.render.views import EyeView
from inperson.tracking.observation import CameraFrame

if TYPE_CHECKING:
    from inperson.app.live.recording.pictures import PictureTap


class TrackingTap:
    """Every tracked frame into the ring, and the camera's pictures where they are wanted. `with` ends its thread.

    Args:
        rings: None: nothing is recorded.
    """

    def __init__(self, rings: TrackingRings | None) -> None:
        self._frames = None if rings is None else rings.frames
        self._pictures = None if rings is None or rings.pictures is None else _open_pictures(rings.pictures)

    def put(self, frame: CameraFrame, state: BodyState, stage_ns: Float[np.ndarray, "3"], done_ns: int) -> None:
        """A frame was tracked.

        Args:
            stage_ns: durations of `STAGES`.
            done_ns: when it was done, monotonic.
        """
        if self._frames is not None:
            record = pack_state(state, self._frames.dtype)
            k = frame.intrinsics
            record["done_ns"], record["stage_ns"] = done_ns, stage_ns
            record["camera"], record["image_size"] = (k.fx, k.fy, k.cx, k.cy), (k.width, k.height)
            self._frames.put(record)
        if self._pictures is not None:
            self._pictures.put(frame)

    def finish(self) -> None:
        """There will be no more frames: wait until every picture is in its ring."""
        if self._pictures is not None:
            self._pictures.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.finish()


def _open_pictures(ring: RecordRing) -> "PictureTap":
    """Imported here: headset processes have no use for OpenCV."""
    from inperson.app.live.recording.pictures import PictureTap

    return PictureTap(ring)


class HeadsetTap:
    """Every frame of a headset into the ring, after it was submitted.

    Args:
        ring: None: nothing is recorded.
    """

    def __init__(self, ring: RecordRing | None) -> None:
        self._ring = ring
        self._pose: HeadsetPose | None = None
        self._state: BodyState | None = None
        self._views: tuple[EyeView, EyeView] | None = None

    def posed(self, pose: HeadsetPose, state: BodyState | None) -> None:
        """The frame that has begun is located, and shows this body in the play space."""
        self._pose, self._state = pose, state

    def drawn(self, views: tuple[EyeView, EyeView]) -> None:
        """It is drawn for these eyes."""
        self._views = views

    def submitted(self, record: FrameRecord, nominal_fps: float) -> None:
        """It is over."""
        pose, state, views = self._pose, self._state, self._views
        self._pose = self._state = self._views = None
        if self._ring is None:
            return
        packed = np.zeros((), self._ring.dtype) if state is None else pack_state(state, self._ring.dtype)
        packed["has_pose"], packed["has_state"] = pose is not None, state is not None
        packed["frame_ns"] = record.display_time_ns if pose is None else pose.time_ns
        packed["done_ns"], packed["nominal_fps"] = time.monotonic_ns(), nominal_fps
        durations = [getattr(record, f"{stage}_ms") for stage in HEADSET_STAGES]
        packed["stage_ms"] = [np.nan if ms is None else ms for ms in durations]
        known = {} if pose is None else {name: getattr(pose, name) for name in TRANSFORMS if name not in EYES}
        packed["fovs"] = np.nan
        if views is not None:
            known |= {name: view.T_world_from_eye for name, view in zip(EYES, views, strict=True)}
            packed["fovs"] = [(v.angle_left, v.angle_right, v.angle_up, v.angle_down) for v in views]
        for number, name in enumerate(TRANSFORMS):
            T = known.get(name)
            packed["transforms"][number] = np.nan if T is None else T
        self._ring.put(packed)
