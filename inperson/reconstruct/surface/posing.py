"""The dressed surface in a pose: body points by skinning, displacements turned as Gaussians' offsets are.

A vertex' displacement is turned by `VertexMotion.quats`, the same rotation that `AvatarPoser` interpolates for a
Gaussian on its faces, and is not stretched: what is drawn as a mesh here is where the avatar's Gaussians will be.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from inperson.avatar.binding import SurfaceBinding, VertexMotion, surface_of
from inperson.avatar.state import BodyState
from inperson.reconstruct.stages import DressedSurface


@dataclass(frozen=True, slots=True, eq=False)
class PosedSurface:
    """A dressed surface in the world, metres, float32."""

    vertices: Float[np.ndarray, "V 3"]
    normals: Float[np.ndarray, "V 3"]
    """Of the dressed surface, unit length, outwards."""
    motion: VertexMotion
    """Of the body beneath."""


class SurfacePoser:
    """Poses one body in one shape with whatever it wears. Keeps scratch memory: one per thread."""

    def __init__(self, surface: DressedSurface) -> None:
        self._faces = surface.body.faces
        self._displacement = np.asarray(surface.displacement, np.float32)
        self._binding = SurfaceBinding(
            surface.body, surface.betas, np.zeros(1, np.int32), np.full((1, 3), 1 / 3, np.float32)
        )

    def pose(self, state: BodyState) -> PosedSurface:
        """The surface in `state`; the state's own betas are not read."""
        motion = self._binding.vertex_motion(state)
        vertices = motion.points + turned(motion.quats, self._displacement)
        return PosedSurface(vertices, normals_of(vertices, self._faces), motion)


def posed_vertices(surface: DressedSurface, state: BodyState) -> Float[np.ndarray, "V 3"]:
    """Vertices of the dressed surface in the world, metres. For many states keep a `SurfacePoser`."""
    return SurfacePoser(surface).pose(state).vertices


def dressed_rest(surface: DressedSurface) -> Float[np.ndarray, "V 3"]:
    """Vertices of the dressed surface in the T-pose, metres, float32."""
    return (surface.body.shaped(surface.betas) + surface.displacement).astype(np.float32)


def normals_of(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "V 3"]:
    """Unit normals of a mesh's vertices, area-weighted; zero where no face meets."""
    vertices = np.ascontiguousarray(vertices, np.float32)
    normals, areas = np.empty_like(vertices), np.empty(len(vertices), np.float32)
    surface_of(vertices, np.ascontiguousarray(faces, np.uint32), normals, areas)
    return normals


def turned(quats_wxyz: Float[np.ndarray, "N 4"], vectors: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Vectors turned by unit quaternions: v + 2 u x (u x v + w v)."""
    w, u = quats_wxyz[:, :1], quats_wxyz[:, 1:]
    return vectors + 2.0 * np.cross(u, np.cross(u, vectors) + w * vectors)


def turned_back(quats_wxyz: Float[np.ndarray, "N 4"], vectors: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """The inverse of `turned`."""
    return turned(quats_wxyz * np.array([1, -1, -1, -1], quats_wxyz.dtype), vectors)
