"""Pose- and expression-dependent residuals of an avatar: how much of each component a state calls for, and applying
them quickly. The plain twin is in `posing_reference`.

A low-rank linear model of the pose, as pose-space blend shapes are (Lewis et al. 2000; SMPL's pose correctives), with
limited coefficients.
"""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.avatar.gaussians import PoseResiduals
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError
from inperson.workers import Workers

NUM_POSE_FEATURES = 66
"""Axis-angle of the body's 21 joints and of the jaw; the expression follows."""
MAX_COMPONENTS = 16


def pose_features(state: BodyState, num_expression: int) -> Float[np.ndarray, " P"]:
    """phi: `body_pose` (63), `jaw_pose` (3) and `expression`, radians and coefficients, float64.

    Args:
        num_expression: of the body; a state that has fewer leaves the rest at zero.

    Raises:
        BadInputError: more expression coefficients than the body has.
    """
    if len(state.expression) > num_expression:
        raise BadInputError(
            f"a state has {len(state.expression)} expression coefficients, the body has {num_expression}",
            "use the body the state was made for",
        )
    phi = np.zeros(NUM_POSE_FEATURES + num_expression)
    phi[:63], phi[63:66] = state.body_pose.ravel(), state.jaw_pose
    phi[66 : 66 + len(state.expression)] = state.expression
    return phi


def coefficients(residuals: PoseResiduals, features: Float[np.ndarray, " P"]) -> Float[np.ndarray, " K"]:
    """How often each component counts. float64, so that no finite pose overflows."""
    raw = residuals.weights.astype(np.float64) @ (features - residuals.mean)
    return np.clip(raw, residuals.low, residuals.high)


class ResidualPoser:
    """Applies one avatar's residuals; offsets come in the axes of the T-pose. Keeps scratch memory.

    Args:
        residuals: of the avatar.
        frames: (N, 3, 3) of the Gaussians' faces in the T-pose.
        num_expression: of the body.
        workers: threads that share the work; stay the caller's to close.

    Raises:
        BadInputError: residuals learned for another number of coefficients.
    """

    def __init__(
        self, residuals: PoseResiduals, frames: Float[np.ndarray, "N 3 3"], num_expression: int, workers: Workers
    ) -> None:
        if len(residuals.mean) != NUM_POSE_FEATURES + num_expression:
            raise BadInputError(
                f"the avatar's residuals are of {len(residuals.mean)} pose features; the body has "
                f"{NUM_POSE_FEATURES} and {num_expression} of expression",
                "refine the avatar again, or copy the file again",
            )
        self._residuals, self._num_expression, self._workers = residuals, num_expression, workers
        count = len(residuals.offsets)
        self._offsets = np.empty((count, 3 * len(frames)), np.float32)
        for turned, offsets in zip(self._offsets, residuals.offsets, strict=True):  # one at a time: they are large
            turned[:] = np.einsum("nij,nj->ni", frames, offsets).ravel()
        self._colors = np.ascontiguousarray(residuals.colors, np.float32).reshape(count, -1)
        self._moved = np.empty((len(frames), 3), np.float32)

    def offsets(self, state: BodyState, base: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """`base` and what `state` adds, in the axes of the T-pose. Overwritten by the next call."""
        self._add(self._offsets, state, base, _NO_LIMIT, self._moved)
        return self._moved

    def colors(self, state: BodyState, base: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """`base` and what `state` adds, never negative. The caller's to keep."""
        out = np.empty_like(base)
        self._add(self._colors, state, base, np.float32(0.0), out)
        return out

    def _add(
        self, components: np.ndarray, state: BodyState, base: np.ndarray, least: np.float32, out: np.ndarray
    ) -> None:
        factors = coefficients(self._residuals, pose_features(state, self._num_expression)).astype(np.float32)
        self._workers.run_ranges(_add_up, base.size, base.ravel(), components, factors, least, out.ravel())


_NO_LIMIT = np.float32(-np.inf)
_BLOCK = 2048
"""Numbers summed at a time: they stay in the first cache while the components go by."""


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, error_model="numpy")
def _add_up(start, stop, base, components, factors, least, out):
    """out = max(base + factors @ components, least) over [start, stop)."""
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        block = out[first:last]  # slices, for the compiler to see that the loops run over neighbours
        block[:] = base[first:last]
        for k in range(len(factors)):
            factor = factors[k]
            if factor != 0.0:
                component = components[k, first:last]
                for i in range(len(block)):
                    block[i] += factor * component[i]
        for i in range(len(block)):
            block[i] = max(block[i], least)
