"""What prediction to display time gains on tracked motion: `python -m tools.prediction_report CLIP...`

A clip is tracked as live does it, with the user known, and once more offline, smoothed over the future. Each live
state is carried forward as the display would, and judged by where the offline motion then is. A motion file (.npz)
is both at once. One row for all files given, for each time ahead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from inperson.avatar.body import JOINT_NAMES, BodyModel, load_body
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.tracking.clip import observe_clip
from inperson.tracking.extrapolate import DAMPING, LONG, Predictor
from inperson.tracking.fit.so3 import exp_all, log_all
from inperson.tracking.motion_file import MotionClip, load_motion
from inperson.tracking.offline import track_observations
from inperson.tracking.tracker import Tracker

JUDGED = [JOINT_NAMES.index(name) for name in ("head", "left_wrist", "right_wrist", "left_index1", "right_index1")]
AHEAD_S = (0.033, 0.066, 0.1, 0.133)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a display knows at one moment, and what comes after it."""

    past: tuple[BodyState, ...]
    """Oldest first; the last is the newest tracked."""
    truth: MotionClip


Method = Callable[[Sequence[BodyState], int], BodyState]
"""Predicts from past states, oldest first, to a time in nanoseconds."""


def held(past: Sequence[BodyState], t_ns: int) -> BodyState:
    """The newest state as it is."""
    return past[-1]


def damped(past: Sequence[BodyState], t_ns: int) -> BodyState:
    """The velocity of the last two states, dying out."""
    dt, ahead = (past[-1].time_ns - past[-2].time_ns) * 1e-9, (t_ns - past[-1].time_ns) * 1e-9
    gain = DAMPING * (1.0 - np.exp(-ahead / DAMPING)) / dt
    old, new = (exp_all(state.full_pose.astype(np.float64)) for state in past[-2:])
    return past[-1].with_full_pose(log_all(new @ exp_all(gain * log_all(np.swapaxes(old, 1, 2) @ new))))


def predicted(past: Sequence[BodyState], t_ns: int) -> BodyState:
    """As live does it."""
    predictor = Predictor()
    for state in past:
        predictor.add(state)
    return predictor.at(t_ns)


METHODS: dict[str, Method] = {"held": held, "damped": damped, "predicted": predicted}


def samples_of(path: Path, body: BodyModel, rate: float) -> list[Sample]:
    """Every moment of a file at which enough states are known, tracked at `rate` a second."""
    if path.suffix == ".npz":
        truth = load_motion(path)
        states = [truth.state(n) for n in range(len(truth))]
    else:
        seen = observe_clip(path)
        offline = track_observations(seen.observations, body, framerate=seen.fps)
        truth, tracker = offline.motion, Tracker(body, offline.profile)
        every = max(round(seen.fps / rate), 1)
        states = [tracker.update(observation).state for observation in seen.observations[::every]]
    if path.suffix == ".npz":
        states = states[:: max(round(truth.framerate / rate), 1)]
    return [Sample(tuple(states[n - LONG : n + 1]), truth) for n in range(LONG, len(states))]


def errors_mm(samples: Sequence[Sample], body: BodyModel, ahead_s: float, method: Method) -> Float[np.ndarray, " S"]:
    """Mean distance of head, wrists and hands from where they will be; the body's place left out."""
    poser, out = BodyPoser(body, np.zeros(0)), []

    def joints(state: BodyState) -> Float[np.ndarray, "J 3"]:
        points = poser.joint_transforms(state)[1]
        return points[JUDGED] - points[0]

    for sample in samples:
        t_ns = sample.past[-1].time_ns + round(ahead_s * 1e9)
        frame = round((t_ns - int(sample.truth.times_ns[0])) * 1e-9 * sample.truth.framerate)
        if frame < len(sample.truth):
            apart = joints(method(sample.past, t_ns)) - joints(sample.truth.state(frame))
            out.append(np.linalg.norm(apart, axis=1).mean() * 1e3)
    return np.array(out)


def main(
    files: tyro.conf.Positional[list[Path]], body: str = "neutral", rate: float = 30.0, width: int = 100
) -> None:
    """Compare holding, plain damping and what live does.

    Args:
        files: clips, or motion files.
        body: the body to fit.
        rate: of tracking, states a second.
        width: of the table, characters.
    """
    model = load_body(body)
    samples = [sample for path in files for sample in samples_of(path, model, rate)]
    table = Table("ahead", *(f"{name} mm" for name in METHODS), caption=f"{len(samples)} states at {rate:g} a second")
    for ahead in AHEAD_S:
        means = (errors_mm(samples, model, ahead, method).mean() for method in METHODS.values())
        table.add_row(f"{ahead * 1e3:.0f} ms", *(f"{mean:.1f}" for mean in means))
    Console(width=width).print(table)


if __name__ == "__main__":
    tyro.cli(main)
