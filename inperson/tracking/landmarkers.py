"""One camera frame to one `Observation`: body, hands and face side by side."""

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from inperson.tracking.landmarkers_body import BodyLandmarker, BodyLandmarks
from inperson.tracking.landmarkers_chatter import native_chatter_muted
from inperson.tracking.landmarkers_face import FaceLandmarker
from inperson.tracking.landmarkers_hand_network import HandNetwork, Side
from inperson.tracking.landmarkers_hands import HandTracker
from inperson.tracking.models import FACE, HAND, POSE, SILHOUETTE, model_path
from inperson.tracking.observation import CameraFrame, Observation
from inperson.tracking.silhouette import SilhouetteSegmenter

_WORKERS = 6
"""Most tasks at once: body, face, silhouette, hands, and its two sides."""

T = TypeVar("T")


class Perception:
    """Finds one person's landmarks in frame after frame (un-mirrored, of one camera). One caller at a time.

    Body, hands and face are looked for side by side in threads; hands and face start from where the last frame
    left them, and what depends on this frame's body (searching a lost hand) comes after. Nobody in view is an
    `Observation` without parts, never an error. Nothing here touches the network.

    Args:
        silhouette_every: 1 also segments the person in every frame, n in every n-th, 0 in none.
        executor: runs the parts; threads of its own by default. It is shut down with this.

    Raises:
        MissingModelError: a model file is missing or damaged.
    """

    def __init__(self, silhouette_every: int = 0, executor: Executor | None = None) -> None:
        hand, pose, face = model_path(HAND), model_path(POSE), model_path(FACE)
        self._silhouette_every = silhouette_every
        self._executor = executor or ThreadPoolExecutor(_WORKERS, thread_name_prefix="perception")
        with native_chatter_muted():
            self._segmenter = SilhouetteSegmenter(model_path(SILHOUETTE)) if silhouette_every else None
            self._body = BodyLandmarker(pose)
            self._face = FaceLandmarker(face)
            self._hands = HandTracker({side: HandNetwork(hand) for side in Side}, self._executor)
        self._last: BodyLandmarks | None = None
        self._count = 0
        self._stage_ms: dict[str, float] = {}

    @property
    def stage_ms(self) -> dict[str, float]:
        """What the last frame's parts took, milliseconds (they overlap): body, hands, face, search, silhouette."""
        return dict(self._stage_ms)

    def observe(self, frame: CameraFrame) -> Observation:
        """Everything that can be seen of the person in this frame."""
        image, now = frame.image, frame.time_ns
        self._stage_ms = {}
        last = self._last.pixels if self._last is not None else None
        body_task = self._start("body", lambda: self._body.detect(image, now))
        hands_task = self._start("hands", lambda: self._hands.follow(image))
        face_task = (
            self._start("face", lambda: self._face.detect(image, frame.intrinsics, now, last))
            if last is not None
            else None
        )
        segmenter = self._segmenter if self._silhouette_every and not self._count % self._silhouette_every else None
        mask_task = self._start("silhouette", lambda: segmenter.segment(image)) if segmenter is not None else None
        self._count += 1

        body, followed = body_task.result(), hands_task.result()
        pixels = body.pixels if body is not None else None
        if face_task is None and pixels is not None:  # the first frame of somebody: their head is only known now
            face_task = self._start("face", lambda: self._face.detect(image, frame.intrinsics, now, pixels))
        if body is None:
            self._hands.forget()
            hands = dict.fromkeys(Side)
        else:
            hands = self._timed("search", lambda: self._hands.settle(image, pixels, followed))
        face = face_task.result() if face_task is not None else None
        self._last = body
        return Observation(
            time_ns=now,
            sequence=frame.sequence,
            intrinsics=frame.intrinsics,
            body_pixels=pixels,
            body_world=body.world if body is not None else None,
            body_visibility=body.visibility if body is not None else None,
            left_hand=hands[Side.LEFT],
            right_hand=hands[Side.RIGHT],
            face=face if body is not None else None,
            silhouette=mask_task.result() if mask_task is not None else None,
        )

    def forget(self) -> None:
        """Start afresh: the next frame is of another clip or may show another person."""
        self._body.forget()
        self._face.forget()
        self._hands.forget()
        self._last = None

    def close(self) -> None:
        """Free the threads."""
        self._executor.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, name: str, work: Callable[[], T]) -> Future[T]:
        return self._executor.submit(self._timed, name, work)

    def _timed(self, name: str, work: Callable[[], T]) -> T:
        start = time.perf_counter()
        result = work()
        self._stage_ms[name] = (time.perf_counter() - start) * 1e3
        return result
