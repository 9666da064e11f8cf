"""The motion that bound points inherit from a posed body whose vertices' motion is already known."""

import numpy as np
from jaxtyping import Int

from inperson.avatar.binding import SurfaceMotion, VertexMotion


def motion_at(
    vertices: VertexMotion, faces: Int[np.ndarray, "F 3"], face_index: Int[np.ndarray, " N"], barycentric: np.ndarray
) -> SurfaceMotion:
    """What `SurfaceBinding.motion` gives at N places, from the vertices' motion alone.

    Args:
        barycentric: (N, 3) where on the face.
    """
    corners = faces[face_index]
    share = barycentric[..., None].astype(np.float32)
    quats = vertices.quats[corners]
    against = (quats * quats[:, :1]).sum(axis=2, keepdims=True) < 0
    quats = (share * np.where(against, -quats, quats)).sum(axis=1)
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    points = (share * vertices.points[corners]).sum(axis=1)
    stretch = (share[..., 0] * vertices.stretch[corners]).sum(axis=1)
    return SurfaceMotion(*(np.ascontiguousarray(a, np.float32) for a in (points, quats, stretch)))
