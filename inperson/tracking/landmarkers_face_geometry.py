"""Where a head is in space, from its mesh in the picture and the face that MediaPipe holds for everybody's.

What MediaPipe's `geometry_pipeline.cc` does for landmarks: the mesh's relative depth gives a first scale, with which
the picture is undone as that of a pinhole camera; both are done twice.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from inperson.tracking.models_protobuf import floats, messages, varint

_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"
CANONICAL_FOV = np.deg2rad(63.0)
"""Vertical field of view of the camera that MediaPipe's facial transformation assumes."""
_VERTEX_FLOATS = 5
"""A vertex is a position (centimetres) and a texture coordinate."""


@dataclass(frozen=True, slots=True)
class CanonicalFace:
    """The points of the mesh that follow the skull, and how much each counts."""

    indices: tuple[int, ...]
    points: Float[np.ndarray, "n 3"]
    """Centimetres, OpenGL axes (y up, out of the face +z)."""
    weights: Float[np.ndarray, " n"]
    vertices: int
    """How many of the mesh's landmarks are vertices of the face; the others are the irises'."""

    @classmethod
    def load(cls, bundle: Path) -> "CanonicalFace":
        """From a `face_landmarker.task` bundle (`geometry_pipeline_metadata.proto`)."""
        with zipfile.ZipFile(bundle) as members:
            metadata = members.read(_MEMBER)
        (mesh,) = messages(metadata, 1)
        basis = messages(metadata, 2)
        vertices = floats(mesh, 3).reshape(-1, _VERTEX_FLOATS)[:, :3]
        indices = tuple(varint(landmark, 1) for landmark in basis)
        weights = np.concatenate([floats(landmark, 2) for landmark in basis])
        return cls(indices, vertices[list(indices)], weights, len(vertices))

    def transformation(self, mesh: Float[np.ndarray, "478 3"]) -> Float[np.ndarray, "4 4"]:
        """MediaPipe's facial transformation: head to camera, centimetres, OpenGL axes.

        Args:
            mesh: in a square picture of a camera with 63 degrees of view, 0..1 from its top-left corner, depth in
                the same unit.
        """
        side = 2.0 * np.tan(0.5 * CANONICAL_FOV)  # of the picture at distance 1
        on_plane = (mesh * (1.0, -1.0, 1.0) + (-0.5, 0.5, 0.0)) * side
        on_plane[:, 2] -= on_plane[: self.vertices, 2].mean()
        points = on_plane[list(self.indices)]
        scale = self._scale(points * (1.0, 1.0, -1.0))
        scale *= self._scale(_unprojected(points, scale))
        return weighted_similarity(self.points, _unprojected(points, scale), self.weights)

    def _scale(self, points: Float[np.ndarray, "n 3"]) -> float:
        return float(np.linalg.norm(weighted_similarity(self.points, points, self.weights)[:3, 0]))


def _unprojected(on_plane: Float[np.ndarray, "n 3"], scale: float) -> Float[np.ndarray, "n 3"]:
    """Points of the plane at distance 1, with depths about it, put at those depths divided by `scale`."""
    depth = (on_plane[:, 2] + 1.0) / scale
    return np.column_stack([on_plane[:, :2] * depth[:, None], -depth])


def weighted_similarity(
    source: Float[np.ndarray, "n 3"], target: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "4 4"]:
    """The rotation, scale and translation that take `source` closest to `target`, squares weighted (Umeyama 1991)."""
    total = weights.sum()
    from_center, to_center = weights @ source / total, weights @ target / total
    centred = source - from_center
    U, _, Vt = np.linalg.svd((target - to_center).T @ (centred * weights[:, None]))
    U[:, 2] *= np.sign(np.linalg.det(U) * np.linalg.det(Vt))
    R = U @ Vt
    scale = (weights[:, None] * (centred @ R.T) * (target - to_center)).sum() / (weights @ (centred**2).sum(axis=1))
    T = np.eye(4)
    T[:3, :3] = scale * R
    T[:3, 3] = to_center - T[:3, :3] @ from_center
    return T
