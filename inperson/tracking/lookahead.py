"""Smoothing that looks both ways: for motions tracked offline."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float

from inperson.avatar.state import BodyState
from inperson.tracking.fit.so3 import exp_all, exp_so3, log_all, slerp_all
from inperson.tracking.parts import Part

LONGEST_GAP = 15
"""Frames over which a part that was lost and found again is bridged instead of held."""
_SIGMA_FRAMES = {"trunk": 0.8, "limbs": 0.5, "face": 0.7}
"""Standard deviation of the smoothing kernel, frames."""


def smooth_states(states: list[BodyState], seen: dict[Part, Bool[np.ndarray, " T"]]) -> list[BodyState]:
    """Bridges short gaps of each part along geodesics, then smooths with a Gaussian looking both ways.

    Args:
        states: in time order.
        seen: per part, in which frames it was seen.
    """
    if len(states) < 3:
        return states
    rotations = np.stack([exp_all(s.full_pose.astype(np.float64)) for s in states])
    transl = np.stack([s.transl for s in states]).astype(np.float64)
    for part in Part:
        joints = list(part.value)
        if part not in (Part.TRUNK, Part.FACE, Part.EYES):
            rotations[:, joints] = _bridge(rotations[:, joints], seen[part])
        sigma = _SIGMA_FRAMES[_kind(part)]
        rotations[:, joints] = _smooth_rotations(rotations[:, joints], sigma)
    transl = _smooth_vectors(transl, _SIGMA_FRAMES["trunk"])
    expression = _smooth_vectors(np.stack([s.expression for s in states]).astype(np.float64), _SIGMA_FRAMES["face"])
    return [
        replace(
            state.with_full_pose(log_all(rotations[t])),
            transl=transl[t].astype(np.float32),
            expression=expression[t].astype(np.float32),
        )
        for t, state in enumerate(states)
    ]


def _kind(part: Part) -> str:
    if part is Part.TRUNK:
        return "trunk"
    return "face" if part in (Part.FACE, Part.EYES) else "limbs"


def _bridge(rotations: Float[np.ndarray, "T N 3 3"], seen: Bool[np.ndarray, " T"]) -> Float[np.ndarray, "T N 3 3"]:
    """Interpolates over runs of unseen frames that have a seen frame on both sides and are short enough."""
    out = rotations.copy()
    found = np.flatnonzero(seen)
    for before, after in pairwise(found):
        if 1 < after - before <= LONGEST_GAP:
            for t in range(before + 1, after):
                share = np.full(rotations.shape[1], (t - before) / (after - before))
                out[t] = slerp_all(rotations[before], rotations[after], share)
    return out


def _kernel(sigma: float) -> Float[np.ndarray, " K"]:
    reach = int(np.ceil(2.5 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return weights / weights.sum()


def _neighbours(count: int, kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every frame the frames under the kernel (T, K), mirrored at the ends, and the weights (K,)."""
    reach = len(kernel) // 2
    index = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    index = np.abs(index)
    return np.clip(np.where(index >= count, 2 * (count - 1) - index, index), 0, count - 1), kernel


def _smooth_rotations(rotations: Float[np.ndarray, "T N 3 3"], sigma: float) -> Float[np.ndarray, "T N 3 3"]:
    """Weighted mean in the tangent space of each frame's own rotation."""
    index, weights = _neighbours(len(rotations), _kernel(sigma))
    out = np.empty_like(rotations)
    step = np.empty((3, 3))
    for t in range(len(rotations)):
        base = np.swapaxes(rotations[t], 1, 2)
        mean = np.zeros((rotations.shape[1], 3))
        for k, w in zip(index[t], weights, strict=True):
            mean += w * log_all(np.ascontiguousarray(base @ rotations[k]))
        for n in range(rotations.shape[1]):
            exp_so3(mean[n], step)
            out[t, n] = rotations[t, n] @ step
    return out


def _smooth_vectors(values: Float[np.ndarray, "T N"], sigma: float) -> Float[np.ndarray, "T N"]:
    index, weights = _neighbours(len(values), _kernel(sigma))
    return np.einsum("tkn,k->tn", values[index], weights)
