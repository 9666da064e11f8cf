"""`FrameFitter`: one fit a frame, each starting from the last, afresh when that is lost or goes badly."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.initialise import starting_pose
from inperson.tracking.fit.observe import PersonModel, build_problem
from inperson.tracking.fit.problem import FitProblem, TemporalPrior, no_past
from inperson.tracking.fit.skeleton import place_points
from inperson.tracking.fit.solver import FitResult, fit
from inperson.tracking.observation import Observation
from inperson.tracking.parts import Part, per_joint

_ITERATIONS, _ITERATIONS_FIRST = 4, 30
_LOST_NS = 500_000_000
"""Without a body for this long, the next one is fitted afresh."""
_COST_JUMP = 4.0
"""A fit this many times costlier than usual is tried again from a fresh start."""
_SPEED = per_joint(trunk=3.0, arms=10.0, legs=6.0, fingers=15.0)
"""Radians per second: the temporal prior's standard deviation per second of frame time."""
_TRANSL_SPEED = np.array([1.5, 1.5, 0.6])
"""Metres per second across (x, y) and along the view (z)."""
_DEPTH_SPEED = 0.7
"""Metres per second along the view of the arms' landmarks, as far as the temporal prior knows."""


@dataclass(frozen=True, slots=True)
class FittedFrame:
    """One frame's solution."""

    problem: FitProblem
    result: FitResult
    without_past: bool
    """There was no last frame to start from."""


class FrameFitter:
    """Fits frame after frame of one person."""

    def __init__(self) -> None:
        self._last: FitResult | None = None
        self._last_ns = 0
        self._usual_cost = np.inf

    def fit(
        self,
        obs: Observation,
        person: PersonModel,
        moving: Bool[np.ndarray, "55"],
        held: Float[np.ndarray, "55 3 3"],
        dt: float,
    ) -> FittedFrame:
        """The solution for one observation with a body.

        Args:
            obs: what was seen.
            person: the person's shape.
            moving: joints that are seen; the others keep their rotation of `held`.
            held: local rotations as shown in the last frame.
            dt: seconds since the last observation.
        """
        tracked = None
        if self._last is not None and obs.time_ns - self._last_ns <= _LOST_NS:
            tracked = _fit_on(self._last, obs, person, moving, held, dt)
        without_past = tracked is None
        if tracked is None or tracked[1].cost > _COST_JUMP * self._usual_cost:
            fresh = _fit_afresh(obs, person, moving, held)
            if tracked is None or fresh[1].cost < tracked[1].cost:
                tracked = fresh
        problem, result = tracked
        share = 0.05 if np.isfinite(self._usual_cost) else 1.0
        self._usual_cost = result.cost if share == 1.0 else (1.0 - share) * self._usual_cost + share * result.cost
        self._last, self._last_ns = result, obs.time_ns
        return FittedFrame(problem, result, without_past)


def _fit_on(
    last: FitResult,
    obs: Observation,
    person: PersonModel,
    moving: Bool[np.ndarray, "55"],
    held: Float[np.ndarray, "55 3 3"],
    dt: float,
) -> tuple[FitProblem, FitResult]:
    """From the last frame's solution, which is also the temporal prior."""
    rotations = np.where(moving[:, None, None], last.rotations, held)
    temporal = _temporal_prior(person, rotations, last.transl, moving, dt)
    problem = build_problem(obs, person, temporal, moving)
    return problem, fit(problem, rotations, last.transl, _ITERATIONS)


def _fit_afresh(
    obs: Observation, person: PersonModel, moving: Bool[np.ndarray, "55"], held: Float[np.ndarray, "55 3 3"]
) -> tuple[FitProblem, FitResult]:
    """From the landmarks alone, without a past."""
    rotations, transl = starting_pose(obs, person.skeleton, held)
    rotations = np.where(moving[:, None, None], rotations, held)
    problem = build_problem(obs, person, no_past(rotations, transl), moving)
    return problem, fit(problem, rotations, transl, _ITERATIONS_FIRST)


def _temporal_prior(
    person: PersonModel, rotations: np.ndarray, transl: np.ndarray, moving: Bool[np.ndarray, "55"], dt: float
) -> TemporalPrior:
    arms = zip((Part.LEFT_ARM, Part.RIGHT_ARM), lm.STEADIED_ARM_POINTS, strict=True)
    steadied = [points for part, points in arms if moving[part.value[0]]]
    points = np.concatenate([np.zeros(0, np.int64), *steadied])
    return TemporalPrior(
        rotations=rotations,
        inv_sigma=1.0 / (_SPEED * dt),
        transl=transl,
        inv_sigma_transl=1.0 / (_TRANSL_SPEED * dt),
        point=points,
        depth=place_points(person.skeleton, rotations, transl, points)[:, 2],
        inv_sigma_depth=1.0 / (_DEPTH_SPEED * dt),
    )
