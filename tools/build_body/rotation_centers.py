"""Optimised centres of rotation (Le and Hodgins 2016): the deformer that pose correctives are fitted to.

A vertex near a joint turns about its own fixed centre, a point on the limb's axis, by the blended rotation.
Unlike linear blending this neither pinches the inside of a bend nor wrings a twisted limb, and unlike dual
quaternions it does not bulge.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial.transform import Rotation

_SIGMA = 0.1
_FEW = 6
"""Largest number of joints of one vertex that the similarity looks at."""


@dataclass(frozen=True)
class CenterDeformer:
    """Skinning with optimised centres of rotation on one T-posed mesh."""

    vertices: Float[np.ndarray, "V 3"]
    weights: Float[np.ndarray, "V 55"]
    centers: Float[np.ndarray, "V 3"]
    """The vertex itself where one joint carries it alone."""

    def deform(
        self,
        rotations: Float[np.ndarray, "55 3 3"],
        translations: Float[np.ndarray, "55 3"],
        rows: Int[np.ndarray, " r"],
    ) -> Float[np.ndarray, "r 3"]:
        """Vertices `rows` under per-joint transforms x -> R x + t."""
        w = self.weights[rows]
        blended = _blend_quaternions(w, Rotation.from_matrix(rotations).as_quat())
        center = self.centers[rows]
        moved = np.einsum("vj,jrc,vc->vr", w, rotations, center, optimize=True) + w @ translations
        return np.einsum("vrc,vc->vr", blended, self.vertices[rows] - center) + moved


def center_deformer(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], weights: Float[np.ndarray, "V 55"]
) -> CenterDeformer:
    """Find the centres (eq. 1 of the paper, the integral summed over triangles)."""
    area = 0.5 * np.linalg.norm(
        np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]), axis=1
    )
    joints, values = _largest(weights)
    face_weights = weights[faces].mean(1)
    centers = _centers(vertices, joints, values, vertices[faces].mean(1), face_weights, area)
    return CenterDeformer(vertices, weights, centers)


def _largest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    joints = np.argsort(-weights, axis=1)[:, :_FEW]
    return joints, np.take_along_axis(weights, joints, axis=1)


@njit(cache=True)
def _centers(vertices, joints, values, face_centers, face_weights, area):
    out = vertices.copy()
    for v in range(len(vertices)):
        total = 0.0
        x = y = z = 0.0
        for f in range(len(area)):
            similarity = 0.0
            for a in range(_FEW):
                wa = values[v, a]
                fa = face_weights[f, joints[v, a]]
                if wa < 1e-4 or fa < 1e-4:
                    continue
                for b in range(_FEW):
                    wb = values[v, b]
                    fb = face_weights[f, joints[v, b]]
                    if a != b and wb >= 1e-4 and fb >= 1e-4:
                        difference = wa * fb - wb * fa
                        similarity += wa * wb * fa * fb * np.exp(-(difference * difference) / (_SIGMA * _SIGMA))
            if similarity > 0.0:
                s = similarity * area[f]
                total += s
                x += s * face_centers[f, 0]
                y += s * face_centers[f, 1]
                z += s * face_centers[f, 2]
        if total > 0.0:
            out[v, 0], out[v, 1], out[v, 2] = x / total, y / total, z / total
    return out


def _blend_quaternions(weights: np.ndarray, quats: np.ndarray) -> np.ndarray:
    """Normalised linear blend, each quaternion on the side of the vertex's strongest joint."""
    strongest = quats[weights.argmax(1)]
    sign = np.where(strongest @ quats.T < 0, -1.0, 1.0)
    return Rotation.from_quat((weights * sign) @ quats).as_matrix()
