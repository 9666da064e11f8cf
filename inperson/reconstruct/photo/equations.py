"""Robust non-linear least squares over dense rows: Levenberg-Marquardt with Huber weights.

One matrix product a term goes to the BLAS, everything else stays on this thread: the BLAS wakes threads of its own
for each call, and on a busy machine waiting for them took ten times the work itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from inperson.reconstruct.photo.differentiable_body import DifferentiableBody, FitPose, Frames
from inperson.tracking.fit.solver import damped_step

_DAMPING_START, _DAMPING_DOWN, _DAMPING_UP = 1e-3, 0.3, 6.0
_TRIES = 4
_LONGEST_STEP = 0.5
"""Radians, metres or coefficients that one iteration may move any unknown."""
_CONVERGED = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """M residuals, each divided by its standard deviation."""

    residual: Float[np.ndarray, " M"]
    huber: Float[np.ndarray, " M"]
    """Where each turns from quadratic to linear; inf: never."""
    jacobian: Float[np.ndarray, "M U"] | None = None
    """None where it was not asked for."""


class Term(Protocol):
    """One kind of evidence or knowledge."""

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        """Its residuals at a pose."""
        ...


def minimise(body: DifferentiableBody, terms: Sequence[Term], pose: FitPose, iterations: int) -> FitPose:
    """The pose after at most that many linearisations; its cost never exceeds the start's."""
    damping = _DAMPING_START
    for _ in range(iterations):
        cost, H, g = _linearised(body, terms, pose)
        for _try in range(_TRIES):
            step = damped_step(H, g, damping)
            step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
            moved = body.moved(pose, step)
            new_cost = _cost(body, terms, moved)
            if new_cost < cost:
                break
            damping *= _DAMPING_UP
        else:
            return pose
        pose, damping = moved, damping * _DAMPING_DOWN
        if cost - new_cost < _CONVERGED * cost:
            return pose
    return pose


def huber_cost(rows: Rows) -> float:
    """Half the sum of Huber losses."""
    a = np.abs(rows.residual)
    h = np.minimum(rows.huber, 1e12)
    return float(np.where(a <= h, 0.5 * a * a, h * (a - 0.5 * h)).sum())


def _cost(body: DifferentiableBody, terms: Sequence[Term], pose: FitPose) -> float:
    frames = body.frames(pose)
    return sum(huber_cost(term.rows(pose, frames, False)) for term in terms)


def _linearised(
    body: DifferentiableBody, terms: Sequence[Term], pose: FitPose
) -> tuple[float, Float[np.ndarray, "U U"], Float[np.ndarray, " U"]]:
    """Cost, Gauss-Newton matrix and gradient."""
    frames = body.frames(pose)
    cost, H, g = 0.0, np.zeros((body.num_columns,) * 2), np.zeros(body.num_columns)
    for term in terms:
        rows = term.rows(pose, frames, True)
        assert rows.jacobian is not None
        cost += huber_cost(rows)
        root = np.sqrt(np.minimum(1.0, rows.huber / np.maximum(np.abs(rows.residual), 1e-12)))
        weighted = root[:, None] * rows.jacobian
        H += weighted.T @ weighted
        g += weighted.T @ (root * rows.residual)
    return cost, H, g
