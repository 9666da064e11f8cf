"""Headsets that do on cue what runtimes, wearers and bugs do to a session."""

import os
import signal
import time
from dataclasses import replace

import numpy as np

from inperson.app.headset.link import HeadsetLink
from inperson.app.headset.plan import HeadsetPlan
from inperson.app.headset.status import (
    CalibrationSeen,
    Go,
    HeadsetFigures,
    HeadsetReady,
    HeadsetStatus,
    Recenter,
    Recentred,
    RungChange,
    ShowAvatar,
    ShowSign,
    Stop,
)
from inperson.app.processes.mailbox import Mailbox
from inperson.avatar.body import load_body
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState, Source
from inperson.errors import DeviceError
from inperson.render.frame_times import FrameFigures, FrameRecord, StageFigures
from inperson.render.views import EyeView
from inperson.tracking.play_calibration_solver import CalibrationSample

T_NEW_FROM_OLD = np.array([[1, 0, 0, 0.5], [0, 1, 0, 0], [0, 0, 1, -0.25], [0, 0, 0, 1]], np.float64)


def frame_figures(frames: int, seconds: float) -> FrameFigures:
    """A hundred frames a second, none missed, all at three quarters of the size."""
    stages = {
        name: StageFigures(k + 1.0, k + 2.0, k + 3.0) for k, name in enumerate(("wait", "input", "draw", "frame"))
    }
    return FrameFigures(frames, frames, 0, seconds, 100.0, 100.0, stages, 0.75, 0.75, 0.75, {1: frames})


class ScriptedHeadset:
    """A hundred frames a second. The state it puts out says in `transl` what it was told: x counts recenterings, y
    the other avatars, z is 1. It answers every recentering."""

    frames: int | None = None

    def __init__(self, plan: HeadsetPlan, tracked: Mailbox | None) -> None:
        self.plan, self.tracked = plan, tracked
        self.body = load_body("neutral")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def describe(self) -> HeadsetReady:
        return HeadsetReady("Scripted 1.0", "a headset of cardboard", "egl", passthrough=False)

    def run(self, link: HeadsetLink, go: Go) -> HeadsetFigures:
        state = BodyState.rest(self.body.num_betas, self.body.num_expression)
        told = np.array([0.0, 0.0, 1.0], np.float32)
        shown, begin = 0, time.monotonic()
        while shown != self.frames:
            time.sleep(0.01)
            for command in link.commands():
                match command:
                    case Recenter():
                        told[0] += 1
                        link.say(Recentred(time.monotonic_ns(), T_NEW_FROM_OLD))
                    case ShowAvatar():
                        told[1] += 1
                    case Stop():
                        return self.figures(shown, time.monotonic() - begin)
            self.frame(shown)
            shown += 1
            now = time.monotonic_ns()
            link.put_state(replace(state, transl=told, time_ns=now, source=(Source.HEADSET,) * 5))
            so_far = frame_figures(shown, time.monotonic() - begin)
            link.say(HeadsetStatus("focused", "Scripted 1.0", "tiny", so_far, 0.75, 1))
        return self.figures(shown, time.monotonic() - begin)

    def frame(self, number: int) -> None:
        pass

    def figures(self, frames: int, seconds: float) -> HeadsetFigures:
        return HeadsetFigures(
            *("Scripted 1.0", "a headset of cardboard", self.plan.scene, "tiny", "egl", "cpu", (100, 120)),
            frame_figures(frames, seconds),
            *((RungChange(0.0, 0.75, 1),), ("IDLE", "READY", "EXITING"), 0, 0.0),
        )


class RecordedHeadset(ScriptedHeadset):
    """Hands over every frame as the real one does; its states' `transl[1]` counts them. The signs it was told to show
    are its figures' `states`."""

    def run(self, link, go):
        self.signs: list[str] = []
        begin, shown = time.monotonic(), 0
        state = BodyState.rest(self.body.num_betas, self.body.num_expression)
        T_play_from_head = np.eye(4)
        eyes = tuple(EyeView(T_play_from_head, -0.8, 0.7, 0.6, -0.9, 100, 120) for _ in range(2))
        while True:
            time.sleep(0.01)
            for command in link.commands():
                match command:
                    case Stop():
                        figures = self.figures(shown, time.monotonic() - begin)
                        return replace(figures, states=tuple(self.signs))
                    case ShowSign(text):
                        self.signs.append(text)
                    case Recenter():
                        link.say(Recentred(time.monotonic_ns(), T_NEW_FROM_OLD))
            shown += 1
            now = time.monotonic_ns()
            T_play_from_head[1, 3] = 1.0 + 0.001 * shown
            worn = replace(state, transl=np.float32([0, shown, -1]), time_ns=now, source=(Source.HEADSET,) * 5)
            link.put_state(worn)
            link.tap.posed(HeadsetPose(now, T_play_from_head.copy(), T_play_from_right_grip=np.eye(4)), worn)
            link.tap.drawn(eyes)
            link.tap.submitted(FrameRecord(now, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0, 1.0, 0), 100.0)
            link.say(HeadsetStatus("focused", "Scripted 1.0", "tiny", frame_figures(shown, 1.0), 0.75, 1))


class LeavingHeadset(ScriptedHeadset):
    """The wearer leaves after twenty frames."""

    frames = 20


class CrashingHeadset(ScriptedHeadset):
    """A runtime's library that takes the process along, once; it goes well after that."""

    def frame(self, number):
        if number == 10 and not self.plan.patient:
            os.write(2, b"libopenxr: double free\n")
            os.kill(os.getpid(), signal.SIGSEGV)


class HopelessHeadset(ScriptedHeadset):
    """A bug in every first frame."""

    def frame(self, number):
        raise ZeroDivisionError("a bug in the frame loop")


class StuckHeadset(ScriptedHeadset):
    """A runtime that does not return from its teardown."""

    def run(self, link, go):
        link.wait_command()
        time.sleep(600)


def no_runtime(plan: HeadsetPlan, tracked: Mailbox | None):
    raise DeviceError("no OpenXR runtime is installed", "install one")


class MailboxHeadset(ScriptedHeadset):
    """Ends when ten different frames of the camera were seen in the tracking mailbox."""

    def run(self, link, go):
        seen, count = 0, 0
        begin = time.monotonic()
        while seen < 10 and time.monotonic() - begin < 20:
            taken = self.tracked.take(after=count)
            if taken is not None:
                count, seen = taken[0], seen + 1
            time.sleep(0.001)
        return self.figures(seen, time.monotonic() - begin)


class GuidedHeadset(ScriptedHeadset):
    """A wearer who follows the calibration: in T-pose two metres before the webcam, 1.6 m from floor to eyes."""

    def run(self, link, go):
        for prompt in ("Look straight ahead.", "Hold both arms out to your sides."):
            link.say(HeadsetStatus("focused", "Scripted 1.0", notice=prompt))
            time.sleep(0.2)
        while self.tracked.count == 0:  # of a person, or of nobody
            time.sleep(0.001)
        link.say(CalibrationSeen(self.samples()))
        return self.figures(40, 0.4)

    def samples(self) -> tuple[CalibrationSample, ...]:
        """Twenty times the same moment."""
        camera = replace(
            BodyState.rest(self.body.num_betas, self.body.num_expression),
            transl=np.array([0.0, 0.0, -2.0], np.float32),
            source=(Source.CAMERA,) * 5,
        )
        T_play_from_head = np.eye(4)
        T_play_from_head[1, 3] = 1.6
        return (CalibrationSample(camera, HeadsetPose(0, T_play_from_head)),) * 20


class ImpatientHeadset(GuidedHeadset):
    """A wearer who leaves before the end, once the webcam has seen them."""

    def run(self, link, go):
        while self.tracked.count == 0:
            time.sleep(0.001)
        return self.figures(3, 0.1)


class SlackHeadset(GuidedHeadset):
    """A wearer of whom the webcam saw next to nothing."""

    def samples(self):
        return super().samples()[:3]
