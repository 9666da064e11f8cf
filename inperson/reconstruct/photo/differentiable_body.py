"""Points of a body and their exact derivatives by pose, shape and expression.

The unknowns are a tangent vector, as in `inperson.tracking.fit`: translation (3), three per moving joint
(R_j <- R_j exp(delta_j)), then the coefficients: betas and expression. A point X = sum_k w_k (G_k x + t_k) that
joints carry by linear blend skinning (G_k the joints' world rotations, t_k = P_k - G_k p_k with p_k at rest and P_k
posed) moves with joint j through every joint k below it:

    dX = -[Y_j - W_j P_j]x G_j delta_j,   Y_j = sum_{k below j} w_k (G_k x + t_k),   W_j = sum_{k below j} w_k
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from inperson.avatar.body import NUM_JOINTS, BodyModel
from inperson.avatar.state import BodyState
from inperson.reconstruct.photo.carried_rows import blend, chain, fill_along
from inperson.tracking.fit.problem import num_unknowns, unknown_columns
from inperson.tracking.fit.so3 import exp_all, log_all


@dataclass(frozen=True, slots=True, eq=False)
class FitPose:
    """Where a fit stands. float64."""

    rotations: Float[np.ndarray, "55 3 3"]
    """Local, of every joint."""
    transl: Float[np.ndarray, "3"]
    coefficients: Float[np.ndarray, " C"]
    """Betas, then expression."""


@dataclass(frozen=True, slots=True, eq=False)
class CarriedPoints:
    """N points fixed to a body's skin or joints."""

    rest: Float[np.ndarray, "N 3"]
    """In the T-pose with all coefficients zero, metres."""
    dirs: Float[np.ndarray, "N 3 C"]
    """By the coefficients."""
    weights: Float[np.ndarray, "N 55"]
    """Of the joints that carry them; rows add up to 1."""

    def __len__(self) -> int:
        return len(self.rest)

    def subset(self, which: np.ndarray) -> "CarriedPoints":
        """Some of them."""
        return CarriedPoints(self.rest[which], self.dirs[which], self.weights[which])


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """All joints of one `FitPose`."""

    coefficients: Float[np.ndarray, " C"]
    G: Float[np.ndarray, "55 3 3"]
    """World rotations."""
    P: Float[np.ndarray, "55 3"]
    """World positions."""
    t: Float[np.ndarray, "55 3"]
    """Takes a rest point x to G x + t."""
    t_dirs: Float[np.ndarray, "55 3 C"]
    """Of `t` by the coefficients."""


class DifferentiableBody:
    """One body, with a choice of joints that may move.

    Args:
        body: the body.
        moving: joints that are unknowns; the others stay where a pose has them.
    """

    def __init__(self, body: BodyModel, moving: Bool[np.ndarray, "55"]) -> None:
        self.body = body
        self.dof: Int[np.ndarray, 55] = unknown_columns(moving)
        self.num_betas = body.num_betas
        dirs = np.concatenate([body.shapedirs, body.exprdirs], axis=2)
        self.dirs: Float[np.ndarray, "V 3 C"] = dirs
        self._joints = body.J_regressor @ body.v_template.astype(np.float64)
        flat = body.J_regressor @ dirs.reshape(len(dirs), -1).astype(np.float64)
        self._joint_dirs = flat.reshape(NUM_JOINTS, 3, -1)
        self._below = _descendants(body.parents)

    @property
    def num_coefficients(self) -> int:
        return self.dirs.shape[2]

    @property
    def first_coefficient(self) -> int:
        """Column of the first beta."""
        return num_unknowns(self.dof)

    @property
    def num_columns(self) -> int:
        return self.first_coefficient + self.num_coefficients

    def joint_points(self) -> CarriedPoints:
        """The joints themselves."""
        return CarriedPoints(self._joints, self._joint_dirs, np.eye(NUM_JOINTS))

    def surface_points(
        self,
        face: Int[np.ndarray, " N"],
        barycentric: Float[np.ndarray, "N 3"],
        correctives: Float[np.ndarray, "V 3"] | None = None,
    ) -> CarriedPoints:
        """Points on faces. Their skinning weights are their corners' mean (exact where these agree).

        Args:
            face: which.
            barycentric: where on it.
            correctives: what the present pose adds to the T-pose mesh, metres; taken as constant.
        """
        corners = self.body.faces[face]
        b = barycentric.astype(np.float64)
        template = self.body.v_template.astype(np.float64)
        if correctives is not None:
            template = template + correctives
        return CarriedPoints(
            np.einsum("nk,nkx->nx", b, template[corners]),
            np.einsum("nk,nkxc->nxc", b, self.dirs[corners], optimize=True),
            np.einsum("nk,nkj->nj", b, self.body.weights[corners].astype(np.float64)),
        )

    def frames(self, pose: FitPose) -> Frames:
        """Forward kinematics, with derivatives by the coefficients."""
        rest = self._joints + self._joint_dirs @ pose.coefficients
        rotations = np.ascontiguousarray(pose.rotations)
        G, P, P_dirs = chain(self.body.parents, rotations, rest, self._joint_dirs, pose.transl)
        t = P - np.einsum("jab,jb->ja", G, rest)
        return Frames(pose.coefficients, G, P, t, P_dirs - G @ self._joint_dirs)

    def place(self, frames: Frames, points: CarriedPoints) -> Float[np.ndarray, "N 3"]:
        """World positions."""
        x = points.rest + points.dirs @ frames.coefficients
        return blend(x, points.weights, frames.G, frames.t)

    def jacobian(self, frames: Frames, points: CarriedPoints) -> Float[np.ndarray, "N 3 U"]:
        """Derivatives of `place` by all unknowns: the plain way, which `jacobian_along` is tested against."""
        n, first = len(points), self.first_coefficient
        out = np.zeros((n, 3, self.num_columns))
        out[:, :, :3] = np.eye(3)
        x = points.rest + points.dirs @ frames.coefficients
        carried = np.einsum("jab,nb->nja", frames.G, x) + frames.t
        below = self._below[self.dof >= 0].astype(np.float64)
        arm = below @ (points.weights[..., None] * carried)
        weight = points.weights @ below.T
        arm -= weight[..., None] * frames.P[self.dof >= 0]
        turn = _cross_matrix(arm) @ frames.G[self.dof >= 0]
        out[:, :, 3:first] = -turn.transpose(0, 2, 1, 3).reshape(n, 3, -1)
        blended = np.tensordot(points.weights, frames.G, 1)
        out[:, :, first:] = blended @ points.dirs
        carriers = csr_matrix(points.weights)  # a handful each
        out[:, :, first:] += (carriers @ frames.t_dirs.reshape(NUM_JOINTS, -1)).reshape(n, 3, -1)
        return out

    def jacobian_along(
        self, frames: Frames, points: CarriedPoints, across: Float[np.ndarray, "N R 3"]
    ) -> Float[np.ndarray, "N R U"]:
        """`across @ jacobian(frames, points)`, at once."""
        out = np.zeros((*across.shape[:2], self.num_columns))
        x = points.rest + points.dirs @ frames.coefficients
        joints = frames.G, frames.P, frames.t, frames.t_dirs, self.body.parents, self.dof
        fill_along(across, x, points.dirs, points.weights, *joints, self.first_coefficient, out)
        return out

    def moved(self, pose: FitPose, step: Float[np.ndarray, " U"]) -> FitPose:
        """The pose after a tangent step."""
        rotations = pose.rotations.copy()
        moving = self.dof >= 0
        first = self.first_coefficient
        rotations[moving] = rotations[moving] @ exp_all(np.ascontiguousarray(step[3:first]).reshape(-1, 3))
        return FitPose(rotations, pose.transl + step[:3], pose.coefficients + step[first:])

    def state(self, pose: FitPose) -> BodyState:
        """As SMPL-X parameters."""
        out = BodyState.rest(self.num_betas, self.num_coefficients - self.num_betas)
        out = out.with_full_pose(log_all(np.ascontiguousarray(pose.rotations)).astype(np.float32))
        return replace(
            out,
            betas=pose.coefficients[: self.num_betas].astype(np.float32),
            expression=pose.coefficients[self.num_betas :].astype(np.float32),
            transl=pose.transl.astype(np.float32),
        )


def _descendants(parents: Int[np.ndarray, "55"]) -> Bool[np.ndarray, "55 55"]:
    """Row j: the joints at and below j."""
    below = np.eye(NUM_JOINTS, dtype=bool)
    for j in range(NUM_JOINTS - 1, 0, -1):
        below[parents[j]] |= below[j]
    return below


def _cross_matrix(v: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    out = np.zeros((*v.shape, 3))
    out[..., 0, 1], out[..., 0, 2] = -v[..., 2], v[..., 1]
    out[..., 1, 0], out[..., 1, 2] = v[..., 2], -v[..., 0]
    out[..., 2, 0], out[..., 2, 1] = -v[..., 1], v[..., 0]
    return out
