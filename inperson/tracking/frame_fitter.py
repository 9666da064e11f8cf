"""`FrameFitter`: one fit a frame, each starting from the last, afresh when that is lost or goes badly."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from inperson.tracking.anchors_follow import AnchorFollower
from inperson.tracking.fit import landmarks as lm
from inperson.tracking.fit.initialise import starting_pose
from inperson.tracking.fit.observe import PersonModel, build_problem, person_pixels
from inperson.tracking.fit.problem import Anchors, FitProblem, TemporalPrior, no_past
from inperson.tracking.fit.skeleton import place_points
from inperson.tracking.fit.so3 import exp_all
from inperson.tracking.fit.solver import FitResult, fit
from inperson.tracking.observation import Observation
from inperson.tracking.parts import Part, per_joint
from inperson.tracking.rims import RimFinder

_ITERATIONS, _ITERATIONS_FIRST = 4, 30
_LOOKS_FIRST = 3
"""Times the anchors are looked for in a first frame, each from the pose that the last look gave."""
_OUTLINE_ROUNDS, _OUTLINE_ITERATIONS = 2, 2
"""Times the fit is drawn to the person's outline, whose rows are found from the pose so far; iterations of each."""
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
    """Fits frame after frame of one person.

    Args:
        follower: of the person's anchors, if a reference picture of them is known.
        rims: of the person's dressed surface, if it is known; they count in frames whose silhouette is seen.
    """

    def __init__(self, follower: AnchorFollower | None = None, rims: RimFinder | None = None) -> None:
        self._follower, self._rims = follower, rims
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
        image: UInt8[np.ndarray, "H W 3"] | None = None,
    ) -> FittedFrame:
        """The solution for one observation with a body.

        Args:
            obs: what was seen.
            person: the person's shape.
            moving: joints that are seen; the others keep their rotation of `held`.
            held: local rotations as shown in the last frame.
            dt: seconds since the last observation.
            image: the picture `obs` was seen in, where anchors are looked for.
        """
        frame = _Frame(obs, person, moving, held)
        tracked, anchors = None, None
        if self._last is not None and obs.time_ns - self._last_ns <= _LOST_NS:
            rotations = frame.with_held(self._last.rotations)
            anchors = self._look(frame, image, rotations, self._last.transl)
            tracked = frame.fit_on(rotations, self._last.transl, dt, anchors)
        without_past = tracked is None
        if tracked is None or tracked[1].cost > _COST_JUMP * self._usual_cost:
            fresh = frame.fit_afresh(anchors) if anchors is not None else self._recognise(frame, image)
            if tracked is None or fresh[1].cost < tracked[1].cost:
                tracked = fresh
        problem, result = tracked
        share = 0.05 if np.isfinite(self._usual_cost) else 1.0
        self._usual_cost = result.cost if share == 1.0 else (1.0 - share) * self._usual_cost + share * result.cost
        problem, result = self._drawn_to_outline(problem, result, obs)
        self._last, self._last_ns = result, obs.time_ns
        return FittedFrame(problem, result, without_past)

    def _drawn_to_outline(
        self, problem: FitProblem, result: FitResult, obs: Observation
    ) -> tuple[FitProblem, FitResult]:
        """The solution that also follows the silhouette, where there is one."""
        if self._rims is None or obs.silhouette is None:
            return problem, result
        outline, size = self._rims.outline(obs.silhouette, obs.intrinsics), person_pixels(obs)
        for _ in range(_OUTLINE_ROUNDS):
            rims = self._rims.find(outline, result.rotations, result.transl, obs.intrinsics, size)
            problem = problem._replace(rims=rims)
            result = fit(problem, result.rotations, result.transl, _OUTLINE_ITERATIONS)
        return problem, result

    def _look(
        self, frame: "_Frame", image: np.ndarray | None, rotations: np.ndarray, transl: np.ndarray
    ) -> Anchors | None:
        if self._follower is None or image is None:
            return None
        return self._follower.look(image, rotations, transl, frame.obs.intrinsics)

    def _recognise(self, frame: "_Frame", image: np.ndarray | None) -> tuple[FitProblem, FitResult]:
        """From the landmarks alone, then with the anchors that are found from there, or from where the person stood
        in the reference picture: whoever made an avatar a moment ago has not moved much."""
        fresh = frame.fit_afresh(None)
        if self._follower is None or image is None:
            return fresh
        reference = self._follower.anchors.state
        there = frame.with_held(exp_all(reference.full_pose.astype(np.float64))), reference.transl.astype(np.float64)
        here = fresh[1].rotations, fresh[1].transl
        answers = [self._recognised_from(frame, image, *start) for start in (there, here)]
        found = [count for count, _ in answers]
        best = int(np.argmax(found))
        if best == 0:  # the follower goes on from the better one
            self._recognised_from(frame, image, *there)
        return answers[best][1] if found[best] else fresh

    def _recognised_from(
        self, frame: "_Frame", image: np.ndarray, rotations: np.ndarray, transl: np.ndarray
    ) -> tuple[int, tuple[FitProblem, FitResult]]:
        """How many anchors are found from a pose, and the fit they give."""
        assert self._follower is not None
        self._follower.forget()
        for _ in range(_LOOKS_FIRST):
            problem, result = frame.fit_from(rotations, transl, self._look(frame, image, rotations, transl))
            rotations, transl = result.rotations, result.transl
        return int(self._follower.seen.sum()), (problem, result)


@dataclass(frozen=True, slots=True)
class _Frame:
    """One observation of a person, and the ways to fit it."""

    obs: Observation
    person: PersonModel
    moving: Bool[np.ndarray, "55"]
    held: Float[np.ndarray, "55 3 3"]

    def with_held(self, rotations: Float[np.ndarray, "55 3 3"]) -> Float[np.ndarray, "55 3 3"]:
        """A pose in which what is not seen stays as it was shown."""
        return np.where(self.moving[:, None, None], rotations, self.held)

    def fit_on(
        self, rotations: np.ndarray, transl: np.ndarray, dt: float, anchors: Anchors | None
    ) -> tuple[FitProblem, FitResult]:
        """From the last frame's solution, which is also the temporal prior."""
        temporal = _temporal_prior(self.person, rotations, transl, self.moving, dt)
        problem = build_problem(self.obs, self.person, temporal, self.moving, anchors)
        return problem, fit(problem, rotations, transl, _ITERATIONS)

    def fit_afresh(self, anchors: Anchors | None) -> tuple[FitProblem, FitResult]:
        """From the landmarks alone, without a past."""
        rotations, transl = starting_pose(self.obs, self.person.skeleton, self.held)
        return self.fit_from(self.with_held(rotations), transl, anchors)

    def fit_from(
        self, rotations: np.ndarray, transl: np.ndarray, anchors: Anchors | None
    ) -> tuple[FitProblem, FitResult]:
        """From a pose that says nothing about this one, without a past."""
        problem = build_problem(self.obs, self.person, no_past(rotations, transl), self.moving, anchors)
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
