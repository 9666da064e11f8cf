"""Perception: body, hands and face alone, one after the other, and side by side as in a live session.

Every subject goes through the same clip at its own pace, so that what is followed from frame to frame has
something to follow. Beside body, hands and face, MediaPipe's own tasks; beside all, what a silhouette costs.
"""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import ParamSpec, TypeVar

from mediapipe.tasks.python import vision

from benchmarks import BenchReport, side_by_side
from inperson.paths import assets_dir
from inperson.tracking.landmarkers import Perception
from inperson.tracking.landmarkers_body import BodyLandmarker
from inperson.tracking.landmarkers_chatter import native_chatter_muted
from inperson.tracking.landmarkers_face import FaceLandmarker, next_head_square
from inperson.tracking.landmarkers_hand_network import HandNetwork, Side
from inperson.tracking.landmarkers_hands import HandTracker
from inperson.tracking.landmarkers_reference import ReferenceBody, ReferenceFace
from inperson.tracking.landmarkers_tasks import model_options, task_image
from inperson.tracking.models import FACE, HAND, POSE, SILHOUETTE, model_path
from inperson.tracking.observation import CameraFrame
from inperson.tracking.silhouette import SilhouetteSegmenter
from inperson.tracking.sources import open_source

CLIP = assets_dir() / "performer" / "performer.mp4"
FRAMES = 90
FRAME_MS = 33
FACE_PIXELS = 512
"""At which the face task is shown the head."""

P = ParamSpec("P")
T = TypeVar("T")


class InTurn(Executor):
    """Runs everything at once in the caller's thread: the serial counterpart of a thread pool."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def run(seconds: float = 20.0, clip: Path = CLIP) -> BenchReport:
    """Time all of it in turns on the first frames of a clip of one person."""
    frames = read_frames(clip)
    with ExitStack() as stack, native_chatter_muted():
        threads = stack.enter_context(ThreadPoolExecutor(2))
        body = BodyLandmarker(model_path(POSE))
        bodies = [body.detect(frame.image, frame.time_ns) for frame in frames]
        body.forget()
        places = [found.pixels if found is not None else None for found in bodies]
        face = FaceLandmarker(model_path(FACE))
        mediapipe_body, mediapipe_face = ReferenceBody(model_path(POSE)), ReferenceFace(model_path(FACE))
        stack.callback(mediapipe_body.close)
        stack.callback(mediapipe_face.close)
        head = next_head_square(None, places[0], frames[0].image)
        heads = [head.cut(frame.image, FACE_PIXELS) for frame in frames]
        hands = HandTracker({side: HandNetwork(model_path(HAND)) for side in Side}, threads)
        segmenter = SilhouetteSegmenter(model_path(SILHOUETTE))
        mediapipe_hands = stack.enter_context(vision.HandLandmarker.create_from_options(hand_task_options()))
        serial = stack.enter_context(Perception(executor=InTurn()))
        parallel = stack.enter_context(Perception())

        def follow_hands(i: int, frame: CameraFrame) -> object:
            return hands.settle(frame.image, places[i % FRAMES], hands.follow(frame.image))

        def stepping(work: Callable[[int, CameraFrame], object]) -> Callable[[], object]:
            step = count()

            def once() -> object:
                i = next(step)
                return work(i, frames[i % FRAMES])

            return once

        subjects: dict[str, Callable[[int, CameraFrame], object]] = {
            "body": lambda i, frame: body.detect(frame.image, i * FRAME_MS * 1_000_000),
            "mediapipe_body": lambda i, frame: mediapipe_body.detect(frame.image, i * FRAME_MS * 1_000_000),
            "hands": follow_hands,
            "mediapipe_hands": lambda i, frame: mediapipe_hands.detect_for_video(
                task_image(frame.image), i * FRAME_MS
            ),
            "face": lambda i, frame: face.detect(frame.image, frame.intrinsics, frame.time_ns, places[i % FRAMES]),
            "mediapipe_face": lambda i, frame: mediapipe_face.detect(heads[i % FRAMES], i * FRAME_MS * 1_000_000),
            "silhouette": lambda i, frame: segmenter.segment(frame.image),
            "serial": lambda i, frame: serial.observe(frame),
            "parallel": lambda i, frame: parallel.observe(frame),
        }
        return side_by_side(
            "landmarks",
            {name: stepping(work) for name, work in subjects.items()},
            compare=[
                ("parallel", "serial"),
                ("body", "mediapipe_body"),
                ("hands", "mediapipe_hands"),
                ("face", "mediapipe_face"),
            ],
            seconds=seconds,
        )


def read_frames(clip: Path) -> list[CameraFrame]:
    """The clip's first frames."""
    frames: list[CameraFrame] = []
    with open_source(clip, live=False) as source:
        while len(frames) < FRAMES and (frame := source.read()) is not None:
            frames.append(frame)
    return frames


def hand_task_options() -> vision.HandLandmarkerOptions:
    """MediaPipe's own two-hand tracker."""
    return vision.HandLandmarkerOptions(
        base_options=model_options(model_path(HAND)), running_mode=vision.RunningMode.VIDEO, num_hands=2
    )
