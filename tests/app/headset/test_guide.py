"""The guided step: it counts down, recentres where the wearer looks ahead, and writes down only what it asked for."""

from dataclasses import replace

import numpy as np
import pytest

from inperson.app.headset.guide import COUNTDOWN_S, DONE, HOLD_STILL, LOOKING_S, PARTING_S, STEPS, CalibrationGuide
from inperson.app.motion.states import PredictedStates
from inperson.app.motion.tracked import STAGES, Tracked
from inperson.avatar.body import load_body
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.state import BodyState

BODY = load_body("neutral")
RATE, CAMERA_EVERY = 50, 2


class Wearer:
    """Fifty headset frames a second, and twenty-five of the camera, through one guide."""

    def __init__(self, *, seen: bool = True) -> None:
        self.frames = 0
        self.recentred_at: list[float] = []
        self._waiting: list[Tracked] = []
        self._confidence = np.full(5, float(seen), np.float32)
        states = PredictedStates(lambda: self._waiting.pop() if self._waiting else None)
        self.guide = CalibrationGuide(states, lambda: self.recentred_at.append(self.seconds))

    @property
    def seconds(self) -> float:
        return self.frames / RATE

    def frame(self, *, tracked_head: bool = True) -> None:
        time_ns = round(self.seconds * 1e9)
        if self.frames % CAMERA_EVERY == 0:
            state = BodyState.rest(BODY.num_betas, BODY.num_expression, time_ns)
            state = replace(state, confidence=self._confidence)
            preview = np.zeros((2, 2, 3), np.uint8)
            self._waiting = [Tracked(state, self.frames, 0, np.zeros(len(STAGES)), preview, {})]
        self.guide.see(HeadsetPose(time_ns, np.eye(4) if tracked_head else None))
        self.frames += 1

    def until_done(self) -> list[str]:
        """Every panel, in order."""
        panels: list[str] = []
        while not self.guide.done:
            if not panels or panels[-1] != self.guide.panel:
                panels.append(self.guide.panel)
            self.frame()
            assert self.frames < 10_000
        return panels


def test_it_counts_down_for_each_step_and_holds_still_for_the_last():
    wearer = Wearer()
    panels = wearer.until_done()
    expected = [f"{step.prompt}\n{left}" for step in STEPS for left in (3, 2, 1)]
    assert panels == [*expected, f"{STEPS[-1].prompt}\n{HOLD_STILL}", DONE]
    assert wearer.seconds == pytest.approx(len(STEPS) * COUNTDOWN_S + LOOKING_S + PARTING_S, abs=0.2)


def test_the_play_space_is_put_where_the_wearer_looks_ahead():
    wearer = Wearer()
    wearer.until_done()
    assert wearer.recentred_at == [pytest.approx(2 * COUNTDOWN_S, abs=0.1)]


def test_only_the_held_out_arms_are_written_down_once_a_camera_frame():
    wearer = Wearer()
    wearer.until_done()
    times = [sample.pose.time_ns / 1e9 for sample in wearer.guide.samples]
    assert len(times) == pytest.approx(LOOKING_S * RATE / CAMERA_EVERY, abs=2)
    assert min(times) >= 3 * COUNTDOWN_S - 0.1
    assert max(times) <= 3 * COUNTDOWN_S + LOOKING_S + 0.1
    assert all(sample.camera.time_ns == sample.pose.time_ns for sample in wearer.guide.samples)


def test_nobody_in_view_leaves_nothing_behind():
    wearer = Wearer(seen=False)
    wearer.until_done()
    assert wearer.guide.samples == []


def test_no_time_passes_while_nobody_wears_the_headset():
    wearer = Wearer()
    wearer.frame()
    panel = wearer.guide.panel
    for _ in range(10 * RATE):
        wearer.frame(tracked_head=False)
    assert wearer.guide.panel == panel
    wearer.frame()  # ten seconds later by the clock
    assert wearer.guide.panel == panel
