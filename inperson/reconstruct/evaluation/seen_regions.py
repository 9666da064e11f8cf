"""Which pixels of another view show what the input picture showed."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from inperson.avatar.state import BodyState
from inperson.reconstruct.stages import DressedSurface, Matte, PhotoFit
from inperson.reconstruct.surface.mesh_picture import draw_mesh, project
from inperson.reconstruct.surface.posing import SurfacePoser, posed_vertices
from inperson.render.views import EyeView

FACING = 0.1
"""Cosine between a surface's normal and the line of sight from which the picture shows it."""
BEHIND = 0.012
"""Metres that a place may lie behind the picture's nearest surface and still be it."""


def seen_vertices(surface: DressedSurface, fit: PhotoFit, matte: Matte) -> Bool[np.ndarray, " V"]:
    """Vertices of a dressed body that face a picture's camera unhidden, inside the matte."""
    posed = SurfacePoser(surface).pose(fit.state)
    picture = draw_mesh(posed.vertices, surface.body.faces, fit.view)
    pixels, depth = project(posed.vertices, fit.view)
    height, width = picture.depth.shape
    column, row = (np.floor(pixels[:, i]).astype(int) for i in (0, 1))
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
    towards = fit.view.T_world_from_eye[:3, 3] - posed.vertices
    length = np.linalg.norm(posed.normals, axis=1) * np.linalg.norm(towards, axis=1)
    facing = np.einsum("vc,vc->v", posed.normals, towards) / np.maximum(length, 1e-9)
    nearest = picture.depth[row, column]
    unhidden = (nearest > 0) & (depth < nearest + BEHIND)
    return inside & unhidden & (facing > FACING) & matte.inside[row, column]


def seen_pixels(
    surface: DressedSurface, seen: Bool[np.ndarray, " V"], state: BodyState, view: EyeView
) -> Bool[np.ndarray, "H W"]:
    """Pixels of a view in which the surface shows what was seen; beside the surface, what is nearest to them.

    Args:
        surface: a dressed body.
        seen: which of its vertices were seen.
        state: how it stands now.
        view: who looks.
    """
    faces = surface.body.faces
    picture = draw_mesh(posed_vertices(surface, state), faces, view)
    hit = picture.face_index >= 0
    if not hit.any():
        return np.zeros(hit.shape, bool)
    share = (picture.barycentric * seen[faces[picture.face_index]]).sum(axis=2)
    nearest = distance_transform_edt(~hit, return_distances=False, return_indices=True)
    beside: Float[np.ndarray, "H W"] = share[tuple(nearest)]
    return beside > 0.5
