"""How a mesh follows a body: as part of it (`BodySurface`) or bound to it (`BoundSurface`)."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial import cKDTree

from inperson.avatar.skinning import BodyPoser, PosedBody
from inperson.avatar.state import BodyState
from inperson.synthetic.binding import BoundMesh

JOINTS_PER_VERTEX = 8


@dataclass(frozen=True, slots=True, eq=False)
class BodyPose:
    """One instant of a body, with what bound meshes need to follow it."""

    body: PosedBody
    expression: Float[np.ndarray, " E"]
    correctives: Float[np.ndarray, "V 3"]
    """Pose-corrective displacement of each body vertex in the T-pose, metres."""

    @staticmethod
    def of(poser: BodyPoser, state: BodyState) -> "BodyPose":
        """Poses the body."""
        still = replace(state, expression=np.zeros_like(state.expression))
        correctives = poser.unposed_vertices(still) - poser.shaped_vertices
        return BodyPose(poser.pose(state), state.expression, correctives)


class Surface(Protocol):
    """N vertices that follow a body."""

    def vertices(self, pose: BodyPose) -> Float[np.ndarray, "N 3"]:
        """World positions, metres, float32."""
        ...


@dataclass(frozen=True, slots=True)
class BodySurface:
    """The body's own vertices, all of them."""

    def vertices(self, pose: BodyPose) -> Float[np.ndarray, "V 3"]:
        return pose.body.vertices


@dataclass(frozen=True, slots=True, eq=False)
class BoundSurface:
    """A bound mesh in one person's shape; borrows the pose correctives of the skin beneath it."""

    shaped: Float[np.ndarray, "N 3"]
    """T-pose, metres."""
    moving: Int[np.ndarray, " X"]
    """The vertices that expressions move."""
    exprdirs: Float[np.ndarray, "X 3 E"]
    joints: Int[np.ndarray, "N K"]
    joint_weights: Float[np.ndarray, "N K"]
    skin: Int[np.ndarray, "N M"]
    """Body vertices beneath each vertex."""
    skin_weights: Float[np.ndarray, "N M"]

    @staticmethod
    def of(bound: BoundMesh, betas: Float[np.ndarray, " B"], shaped_body: Float[np.ndarray, "V 3"]) -> "BoundSurface":
        """Fixes the shape and keeps only what posing needs."""
        shaped = (bound.template + bound.shapedirs[..., : len(betas)] @ betas).astype(np.float32)
        moving = np.flatnonzero(np.abs(bound.exprdirs).max(axis=(1, 2)) > 1e-6)
        joints = np.argsort(-bound.weights, axis=1, kind="stable")[:, :JOINTS_PER_VERTEX]
        weights = np.take_along_axis(bound.weights, joints, axis=1)
        weights /= weights.sum(axis=1, keepdims=True)
        skin, skin_weights = _skin_beneath(shaped, shaped_body)
        return BoundSurface(
            shaped,
            moving.astype(np.int32),
            bound.exprdirs[moving].astype(np.float32),
            joints.astype(np.int32),
            weights.astype(np.float32),
            skin,
            skin_weights,
        )

    def vertices(self, pose: BodyPose) -> Float[np.ndarray, "N 3"]:
        """Expression, borrowed correctives, then linear blend skinning."""
        v = self.shaped.copy()
        if len(self.moving):
            v[self.moving] += self.exprdirs[..., : len(pose.expression)] @ pose.expression
        transforms = pose.body.T_posed_from_rest
        _follow(v, self.skin, self.skin_weights, pose.correctives, self.joints, self.joint_weights, transforms)
        return v


def _skin_beneath(
    points: Float[np.ndarray, "N 3"], body: Float[np.ndarray, "V 3"], reach: float = 0.04, count: int = 4
) -> tuple[Int[np.ndarray, "N M"], Float[np.ndarray, "N M"]]:
    """Inverse-distance weights over the nearest body vertices; they fade to zero `reach` metres off the skin."""
    distance, index = cKDTree(body).query(points, k=count)
    weights = 1.0 / (distance + 1e-4)
    fade = np.clip(2.0 - 2.0 * distance[:, :1] / reach, 0.0, 1.0)
    return index.astype(np.int32), (fade * weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@njit(cache=True, nogil=True, fastmath=True)
def _follow(v, skin, skin_weights, correctives, joints, joint_weights, transforms):
    """Moves T-pose vertices `v` (N, 3) into the world, in place."""
    for n in range(len(v)):
        x, y, z = v[n, 0], v[n, 1], v[n, 2]
        for k in range(skin.shape[1]):
            c, w = skin[n, k], skin_weights[n, k]
            x += w * correctives[c, 0]
            y += w * correctives[c, 1]
            z += w * correctives[c, 2]
        px = py = pz = np.float32(0.0)
        for k in range(joints.shape[1]):
            w = joint_weights[n, k]
            if w == 0.0:
                continue
            T = transforms[joints[n, k]]
            px += w * (T[0, 0] * x + T[0, 1] * y + T[0, 2] * z + T[0, 3])
            py += w * (T[1, 0] * x + T[1, 1] * y + T[1, 2] * z + T[1, 3])
            pz += w * (T[2, 0] * x + T[2, 1] * y + T[2, 2] * z + T[2, 3])
        v[n, 0], v[n, 1], v[n, 2] = px, py, pz
