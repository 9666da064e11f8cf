"""Pipelines that do on cue what cameras, landmarkers and native libraries do to a session."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from inperson.app.motion.pipeline import TrackingPlan
from inperson.avatar.body import load_body
from inperson.avatar.state import BodyState
from inperson.conventions import Intrinsics
from inperson.errors import DeviceError, MissingModelError
from inperson.tracking.observation import CameraFrame, Observation

FRAME_COUNT = 12
INTRINSICS = Intrinsics.from_horizontal_fov(64, 48)


def empty_observation(frame: CameraFrame, *, person: bool = True) -> Observation:
    body = np.full((33, 2), 24.0, np.float32) if person else None
    return Observation(
        *(frame.time_ns, frame.sequence, frame.intrinsics),
        body_pixels=body, body_world=None, body_visibility=None, left_hand=None, right_hand=None, face=None,
    )  # fmt: skip


class ScriptedPipeline:
    """FRAME_COUNT frames, 100 a second; the state's `transl` counts them. Every third frame is dropped."""

    clip_seconds = FRAME_COUNT / 100
    fps = 100.0
    notices = ()

    def __init__(self, plan: TrackingPlan) -> None:
        self.plan = plan
        self.body = load_body(plan.body)
        self.count = 0
        self.dropped = 0

    def describe(self) -> str:
        return f"a script of {self.plan.source}"

    def next_frame(self) -> CameraFrame | None:
        if self.count >= FRAME_COUNT:
            return None
        self.count += 1
        self.dropped = self.count // 3
        time.sleep(0.01)
        image = np.full((48, 64, 3), self.count, np.uint8)
        return CameraFrame(image, time.monotonic_ns(), self.count + self.dropped, INTRINSICS)

    def observe(self, frame: CameraFrame) -> Observation:
        return empty_observation(frame)

    def fit(self, observation: Observation) -> BodyState:
        state = BodyState.rest(self.body.num_betas, self.body.num_expression, observation.time_ns)
        state.transl[0] = self.count
        return state

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class EndlessPipeline(ScriptedPipeline):
    """A camera that never stops."""

    clip_seconds = None

    def next_frame(self):
        self.count %= FRAME_COUNT
        return super().next_frame()


class WitnessedPipeline(EndlessPipeline):
    """Writes down every state as soon as it is fitted: `tracked.txt` in the working folder, one time a line."""

    def fit(self, observation):
        state = super().fit(observation)
        with Path("tracked.txt").open("a") as witness:
            witness.write(f"{state.time_ns}\n")
        return state


class NobodyPipeline(ScriptedPipeline):
    """An empty room."""

    def observe(self, frame):
        return empty_observation(frame, person=False)


class UnpluggedPipeline(ScriptedPipeline):
    """A camera that is pulled out after a few frames."""

    def next_frame(self):
        if self.count == 3:
            raise DeviceError("camera 0 (test) stopped sending pictures", "plug it in again, then start again")
        return super().next_frame()


class BuggyPipeline(ScriptedPipeline):
    """A fit with a bug in it."""

    def fit(self, observation):
        raise ZeroDivisionError("a bug in the fit")


class SegfaultPipeline(ScriptedPipeline):
    """A native library that crashes, after a word on its stderr."""

    def observe(self, frame):
        os.write(2, b"native: heap corrupted\n")
        os.kill(os.getpid(), signal.SIGSEGV)


class ChattyPipeline(ScriptedPipeline):
    """A native library that talks."""

    def __init__(self, plan):
        super().__init__(plan)
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")


def no_models(plan: TrackingPlan):
    raise MissingModelError("model file pose_landmarker_full.task is missing", "run `inperson models fetch`")
