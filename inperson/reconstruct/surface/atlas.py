"""The body's uv map as a grid of texels: which face lies under each, and which texel is its mirror image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt

from inperson.avatar.body import BodyModel
from inperson.reconstruct.stages import DressedSurface, Sites
from inperson.reconstruct.surface.mesh_picture import rasterize_triangles
from inperson.reconstruct.surface.places import at_places, mirrored_places, texture_of, uv_at
from inperson.reconstruct.surface.posing import dressed_rest


@dataclass(frozen=True, slots=True, eq=False)
class UvAtlas:
    """S x S texels over the body's uv map, row 0 at v = 1 (as pictures lie)."""

    face_index: Int[np.ndarray, "S S"]
    """-1 where no face covers the texel's centre."""
    barycentric: Float[np.ndarray, "S S 3"]
    mirror: Int[np.ndarray, "S S"]
    """Flat index of the texel on the body's other side, left for right; of texels outside, their own."""
    nearest: Int[np.ndarray, "S S"]
    """Flat index of the nearest texel that a face covers: pads islands so that interpolation finds no seams."""

    @staticmethod
    def of(body: BodyModel, size: int) -> "UvAtlas":
        """Lay out `size` x `size` texels.

        Raises:
            BadInputError: the body has no texture coordinates.
        """
        vt, ft = texture_of(body)
        flat = np.stack([vt[:, 0], 1.0 - vt[:, 1]], axis=1).astype(np.float64) * size
        every = np.ones(len(ft), np.bool_)
        face_index, barycentric, _ = rasterize_triangles(flat, np.ones(len(flat)), ft, every, size, size)
        inside = np.flatnonzero(face_index.ravel() >= 0)
        mirror = np.arange(size * size)
        mirror[inside] = inside[mirrored_places(body, face_index.ravel()[inside], barycentric.reshape(-1, 3)[inside])]
        rows, columns = distance_transform_edt(face_index < 0, return_distances=False, return_indices=True)
        shape = (size, size)
        return UvAtlas(face_index, barycentric, mirror.reshape(shape), (rows * size + columns).astype(np.int64))

    @property
    def size(self) -> int:
        return len(self.face_index)

    @property
    def inside(self) -> Bool[np.ndarray, "S S"]:
        """Texels that a face covers; `texel_sites` lists them row by row."""
        return self.face_index >= 0


def texel_sites(atlas: UvAtlas, surface: DressedSurface) -> Sites:
    """A site under the centre of every texel that a face covers, in the order of `atlas.inside` (row by row)."""
    face_index = atlas.face_index[atlas.inside]
    barycentric = atlas.barycentric[atlas.inside]
    return Sites(
        face_index=face_index,
        barycentric=barycentric,
        uv=uv_at(surface.body, face_index, barycentric),
        base_offsets=at_places(surface.displacement, surface.body.faces, face_index, barycentric),
        spacing=_metres_per_texel(atlas.size, surface)[face_index],
    )


def _metres_per_texel(size: int, surface: DressedSurface) -> Float[np.ndarray, " F"]:
    """Square root of each face's area in the dressed T-pose over its area in texels."""
    body = surface.body
    vertices = dressed_rest(surface).astype(np.float64)[body.faces]
    area = 0.5 * np.linalg.norm(np.cross(vertices[:, 1] - vertices[:, 0], vertices[:, 2] - vertices[:, 0]), axis=1)
    vt, ft = texture_of(body)
    uv = vt[ft].astype(np.float64) * size
    e1, e2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    texels = 0.5 * np.abs(e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0])
    return np.sqrt(area / np.maximum(texels, 1e-9)).astype(np.float32)
