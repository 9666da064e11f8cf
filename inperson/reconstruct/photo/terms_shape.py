"""What is known of shapes and faces before a photo is looked at."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.reconstruct.photo.differentiable_body import CarriedPoints, DifferentiableBody, FitPose, Frames
from inperson.reconstruct.photo.equations import Rows
from inperson.tracking.fit.observe import landmark_trust
from inperson.tracking.observation import Observation

_JOINT = {name: k for k, name in enumerate(JOINT_NAMES)}
_RELIEF_SIGMA = 0.001
"""Root mean square metres of relief on the chest that cost one unit."""
_TRUNK_JOINTS = [_JOINT[n] for n in ("spine1", "spine2", "spine3", "left_collar", "right_collar")]
_CHEST_HALF, _CHEST_FROM, _CHEST_TO, _FRONT = 0.75, 0.35, 0.95, 0.04
"""The chest: half its width in half shoulder widths, its heights from the pelvis (0) to the shoulders (1), and how
far before the spine it begins, metres."""
BONES = np.array([(11, 13), (13, 15), (12, 14), (14, 16), (11, 12), (23, 25), (25, 27), (24, 26), (26, 28)])
"""Between pose landmarks: upper arms, forearms, shoulders, thighs, shins."""
_BONE_TRUST, _BONE_SIGMA, _BONE_HUBER = 0.6, 0.12, 1.5
_RANGE_SIGMA = 0.03
"""Of a named expression outside 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearPrior:
    """Linear functions of the coefficients with known means: A c - mean, divided by sigma."""

    body: DifferentiableBody
    matrix: Float[np.ndarray, "M C"]
    """Divided by sigma."""
    mean: Float[np.ndarray, " M"]
    """Divided by sigma."""

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        residual = self.matrix @ pose.coefficients - self.mean
        huber = np.full(len(residual), np.inf)
        if not want_jacobian:
            return Rows(residual, huber)
        J = np.zeros((len(residual), self.body.num_columns))
        J[:, self.body.first_coefficient :] = self.matrix
        return Rows(residual, huber, J)


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionRange:
    """Named expressions stay between 0 and 1."""

    body: DifferentiableBody

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        e = pose.coefficients[self.body.num_betas :]
        over = np.where(e > 1.0, e - 1.0, np.minimum(e, 0.0))
        huber = np.full(len(e), np.inf)
        if not want_jacobian:
            return Rows(over / _RANGE_SIGMA, huber)
        J = np.zeros((len(e), self.body.num_columns))
        first = self.body.first_coefficient + self.body.num_betas
        J[np.arange(len(e)), first + np.arange(len(e))] = (over != 0.0) / _RANGE_SIGMA
        return Rows(over / _RANGE_SIGMA, huber, J)


class BoneTerm:
    """Lengths of bones as the pose model's metric landmarks have them: log ratios.

    Args:
        body: the body.
        landmarks: the fit points of `inperson.tracking.fit.landmarks`.
        observation: with a body.
    """

    def __init__(self, body: DifferentiableBody, landmarks: CarriedPoints, observation: Observation) -> None:
        assert observation.body_world is not None
        seen = BONES[landmark_trust(observation)[BONES].min(axis=1) > _BONE_TRUST]
        bones = observation.body_world[seen[:, 1]] - observation.body_world[seen[:, 0]]
        self._length = np.log(np.linalg.norm(bones, axis=1))
        self._rest = landmarks.rest[seen[:, 1]] - landmarks.rest[seen[:, 0]]
        self._dirs = landmarks.dirs[seen[:, 1]] - landmarks.dirs[seen[:, 0]]
        self._body = body

    def rows(self, pose: FitPose, frames: Frames, want_jacobian: bool) -> Rows:
        bone = self._rest + self._dirs @ pose.coefficients
        squared = (bone**2).sum(axis=1)
        residual = (0.5 * np.log(squared) - self._length) / _BONE_SIGMA
        huber = np.full(len(residual), _BONE_HUBER)
        if not want_jacobian:
            return Rows(residual, huber)
        J = np.zeros((len(residual), self._body.num_columns))
        along = np.einsum("nx,nxc->nc", bone, self._dirs) / squared[:, None]
        J[:, self._body.first_coefficient :] = along / _BONE_SIGMA
        return Rows(residual, huber, J)


def shape_prior(body: DifferentiableBody, sigma: float) -> LinearPrior:
    """Betas about zero, and a chest without a relief of its own."""
    B, C = body.num_betas, body.num_coefficients
    relief = chest_relief(body.body) / _RELIEF_SIGMA
    matrix = np.zeros((B + len(relief), C))
    matrix[:B, :B], matrix[B:, :B] = np.eye(B) / sigma, relief
    return LinearPrior(body, matrix, np.zeros(len(matrix)))


def expression_prior(body: DifferentiableBody, expected: Float[np.ndarray, " E"], sigma: float) -> LinearPrior:
    """Expressions about what the face's scores say."""
    B, C = body.num_betas, body.num_coefficients
    return LinearPrior(body, np.eye(C)[B:] / sigma, expected / sigma)


def chest_relief(body: BodyModel) -> Float[np.ndarray, "K B"]:
    """How the betas raise and hollow the chest: K uncorrelated patterns of depth, root mean square metres.

    A view from the front says nothing of it, while the betas that widen a body also give it breasts. Of the betas'
    motion along z over the front of the trunk between shoulders and waist, what is a quadratic in x and y (deeper,
    rounder, leaning bodies) is left free; the rest is relief.
    """
    joints = body.J_regressor @ body.v_template.astype(np.float64)
    shoulder, pelvis = joints[_JOINT["left_shoulder"]], joints[_JOINT["pelvis"]]
    v = body.v_template.astype(np.float64)
    x, y = v[:, 0] / shoulder[0], (v[:, 1] - pelvis[1]) / (shoulder[1] - pelvis[1])
    trunk = np.isin(body.weights.argmax(axis=1), _TRUNK_JOINTS) & (v[:, 2] > joints[_JOINT["spine3"], 2] + _FRONT)
    patch = trunk & (np.abs(x) < _CHEST_HALF) & (y > _CHEST_FROM) & (y < _CHEST_TO)
    x, y = x[patch], y[patch]
    smooth = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    depth = body.shapedirs[patch, 2].astype(np.float64)
    relief = depth - smooth @ np.linalg.lstsq(smooth, depth, rcond=None)[0]
    _, size, patterns = np.linalg.svd(relief / np.sqrt(patch.sum()), full_matrices=False)
    return size[:, None] * patterns
