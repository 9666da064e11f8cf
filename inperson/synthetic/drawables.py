"""What the stage draws: `Drawable`, a textured mesh of one person, and `PosedDrawable`, its vertices now."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numba import njit

from inperson.synthetic.surfaces import BodyPose, Surface


class Part(IntEnum):
    """Part ids of the stage's label images; 0 is background."""

    SKIN = 1
    EYE = 2
    MOUTH = 3
    CLOTH = 4
    HAIR = 5
    BROW = 6
    LASH = 7

    @property
    def is_strands(self) -> bool:
        """Parts drawn blended, after everything else."""
        return self >= Part.HAIR


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Texture:
    """An sRGB-encoded picture with alpha; row 0 is the top."""

    rgba: UInt8[np.ndarray, "h w 4"]


@dataclass(frozen=True, slots=True, eq=False)
class RenderMesh:
    """Topology with one entry per (vertex, texture coordinate) pair, as a GPU wants it."""

    vertex: Int[np.ndarray, " R"]
    """Surface vertex of each render vertex."""
    uvs: Float[np.ndarray, "R 2"]
    triangles: Int[np.ndarray, "F 3"]
    """Render vertices."""

    @staticmethod
    def from_faces(
        faces: Int[np.ndarray, "F 3"], face_uvs: Int[np.ndarray, "F 3"], uvs: Float[np.ndarray, "T 2"]
    ) -> "RenderMesh":
        """Splits vertices along the seams of the texture."""
        corners = np.stack([faces.ravel(), face_uvs.ravel()], axis=1)
        pairs, inverse = np.unique(corners, axis=0, return_inverse=True)
        return RenderMesh(
            pairs[:, 0].astype(np.int32), uvs[pairs[:, 1]].astype(np.float32), inverse.reshape(-1, 3).astype(np.int32)
        )

    def without(self, dropped: Bool[np.ndarray, " F"]) -> "RenderMesh":
        """The same, less some triangles."""
        return RenderMesh(self.vertex, self.uvs, self.triangles[~dropped])

    @property
    def faces(self) -> Int[np.ndarray, "F 3"]:
        """Triangles as surface vertices."""
        return self.vertex[self.triangles]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Drawable:
    """One mesh of a dressed person in that person's shape, ready to be posed again and again."""

    name: str
    part: Part
    surface: Surface
    mesh: RenderMesh
    texture: Texture
    occlusion: Float[np.ndarray, " N"]
    """Ambient light that reaches each surface vertex, 0 to 1."""

    def posed(self, pose: BodyPose) -> "PosedDrawable":
        """The mesh on the posed body."""
        vertices = self.surface.vertices(pose)
        return PosedDrawable(self, vertices, vertex_normals(vertices, self.mesh.faces))


@dataclass(frozen=True, slots=True, eq=False)
class PosedDrawable:
    """A drawable's vertices and unit normals in the world, metres."""

    drawable: Drawable
    vertices: Float[np.ndarray, "N 3"]
    normals: Float[np.ndarray, "N 3"]

    def interleaved(self) -> Float[np.ndarray, "R 9"]:
        """Render vertices for the GPU: position, normal, texture coordinate, occlusion."""
        mesh = self.drawable.mesh
        out = np.empty((len(mesh.vertex), 9), np.float32)
        out[:, :3] = self.vertices[mesh.vertex]
        out[:, 3:6] = self.normals[mesh.vertex]
        out[:, 6:8] = mesh.uvs
        out[:, 8] = self.drawable.occlusion[mesh.vertex]
        return out


@njit(cache=True, nogil=True)
def vertex_normals(vertices, faces):
    """(N, 3) unit normals, area-weighted over (F, 3) faces; zero where no face meets."""
    normals = np.zeros_like(vertices)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        wx, wy, wz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(len(normals)):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if length > 0:
            normals[i] /= length
    return normals
