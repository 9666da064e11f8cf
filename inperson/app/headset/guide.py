"""The guided step that finds the webcam in the play space: says what to do, counts down, and looks."""

from collections.abc import Callable
from dataclasses import dataclass

from inperson.app.motion.states import PredictedStates
from inperson.avatar.headset_pose import HeadsetPose
from inperson.tracking.play_calibration_solver import CalibrationSample

COUNTDOWN_S = 3.0
LOOKING_S = 2.5
PARTING_S = 1.5
LONGEST_FRAME_S = 0.1
"""What a frame counts at most: while nobody wears the headset, no time passes."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and what happens when the countdown is over."""

    prompt: str
    recenters: bool = False
    """The play space is put under the wearer, -z where they look."""
    looks_s: float = 0.0
    """Seconds for which both sides are written down."""


STEPS = (
    Step("Stand where the webcam sees you from the hips up."),
    Step("Look straight ahead.", recenters=True),
    Step("Hold both arms out to your sides.", looks_s=LOOKING_S),
)
HOLD_STILL = "Hold still."
DONE = "That was it. Thank you."


class CalibrationGuide:
    """Sees every frame of the headset and is asked after each what there is to do.

    Args:
        states: of the webcam.
        recenter: puts the play space under the wearer.
    """

    def __init__(self, states: PredictedStates, recenter: Callable[[], None]) -> None:
        self._states, self._recenter = states, recenter
        self._step = 0
        self._elapsed = 0.0
        self._last_ns: int | None = None
        self.samples: list[CalibrationSample] = []

    @property
    def done(self) -> bool:
        """Whether everything was said."""
        return self._step == len(STEPS) and self._elapsed > PARTING_S

    @property
    def prompt(self) -> str:
        """What the wearer should do now."""
        return STEPS[self._step].prompt if self._step < len(STEPS) else DONE

    @property
    def panel(self) -> str:
        """What hangs in the room: the prompt, with the seconds that are left for it."""
        if self._step == len(STEPS):
            return DONE
        left = COUNTDOWN_S - self._elapsed
        return f"{self.prompt}\n{-int(-left // 1)}" if left > 0.0 else f"{self.prompt}\n{HOLD_STILL}"

    def see(self, pose: HeadsetPose) -> None:
        """The next frame of the headset, as it will be seen."""
        is_new = self._states.take() is not None
        if pose.T_play_from_head is None:
            return
        if self._last_ns is not None:
            self._elapsed += min((pose.time_ns - self._last_ns) * 1e-9, LONGEST_FRAME_S)
        self._last_ns = pose.time_ns
        if self._step == len(STEPS) or self._elapsed < COUNTDOWN_S:
            return
        step = STEPS[self._step]
        camera = self._states.state_at(pose.time_ns)
        if step.looks_s and is_new and camera is not None:
            self.samples.append(CalibrationSample(camera, pose))
        if self._elapsed >= COUNTDOWN_S + step.looks_s:
            self._step, self._elapsed = self._step + 1, 0.0
            if step.recenters:
                self._recenter()
