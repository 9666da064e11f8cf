"""What a photo shows of places on the dressed surface: colours, and how far each can be trusted."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float
from scipy.ndimage import distance_transform_edt, map_coordinates, maximum_filter, minimum_filter

from inperson.reconstruct.stages import DressedSurface, Matte, MeshPicture, PhotoFit, SeenSites, Sites
from inperson.reconstruct.surface.mesh_picture import project
from inperson.reconstruct.surface.places import at_places
from inperson.reconstruct.surface.posing import SurfacePoser

FACING = (0.08, 0.45)
"""Cosines between normal and line of sight at which confidence begins and is full."""
EDGE_METRES = 0.010
"""How far the fitted surface may stand beside the real one: that near to an edge of something in front, or to the
person's outline, colours are not sure."""
MIN_EDGE_PIXELS = 1.5
DEPTH_TOLERANCE = 0.006
"""Metres a site may lie behind the mesh picture and still count as seen."""
STEP_METRES = 0.025
"""A jump in depth between neighbouring pixels that separates one part of the body from another."""
SHARPNESS = 0.5
"""Share of its spacing that a site's colour is the average of: its disc blurs it once more."""
_MAX_LEVELS = 6


def see(sites: Sites, surface: DressedSurface, fit: PhotoFit, picture: MeshPicture, matte: Matte) -> SeenSites:
    """Look every site up in the photo.

    Args:
        sites: on `surface`.
        fit: pose and camera.
        picture: `draw_mesh` of the surface in that pose, at the photo's size.
        matte: the person's colours.
    """
    posed = SurfacePoser(surface).pose(fit.state)
    faces = surface.body.faces
    points = at_places(posed.vertices, faces, sites.face_index, sites.barycentric)
    normals = at_places(posed.normals, faces, sites.face_index, sites.barycentric)
    pixels, depth = project(points, fit.view)
    towards = fit.view.T_world_from_eye[:3, 3] - points
    facing = np.einsum("nc,nc->n", normals, towards)
    facing /= np.maximum(np.linalg.norm(normals, axis=1) * np.linalg.norm(towards, axis=1), 1e-9)

    focal = fit.view.intrinsics.fx
    middle = float(np.median(picture.depth[picture.depth > 0])) if (picture.depth > 0).any() else 1.0
    margin = max(MIN_EDGE_PIXELS, EDGE_METRES * focal / middle)
    edges = _Edges.of(picture, matte, margin)
    height, width = picture.depth.shape
    inside = (depth > fit.view.near) & (pixels >= 0).all(axis=1) & (pixels < [width, height]).all(axis=1)
    column = np.clip(np.floor(pixels[:, 0]), 0, width - 1).astype(int)
    row = np.clip(np.floor(pixels[:, 1]), 0, height - 1).astype(int)

    slope = np.sqrt(np.maximum(1.0 - facing**2, 0.0)) / np.maximum(facing, 0.05) * depth / focal
    here, around = edges.depth[row, column], edges.nearest[row, column]
    visible = (here > 0) & (depth - here < DEPTH_TOLERANCE + 1.5 * slope)
    clear = depth - around < STEP_METRES + (margin + 1.0) * slope
    sure = np.clip(edges.inwards[row, column] / margin, 0.0, 1.0)
    confidence = inside * visible * clear * sure * _smoothstep((facing - FACING[0]) / (FACING[1] - FACING[0]))

    footprint = SHARPNESS * sites.spacing * focal / np.maximum(depth, fit.view.near)
    color = _sample(matte, pixels, footprint)
    return SeenSites(pixels.astype(np.float32), color, confidence.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    depth: Float[np.ndarray, "H W"]
    nearest: Float[np.ndarray, "H W"]
    """Least depth within the margin, metres."""
    inwards: Float[np.ndarray, "H W"]
    """Pixels to the person's outline or to a jump in depth."""

    @staticmethod
    def of(picture: MeshPicture, matte: Matte, margin: float) -> "_Edges":
        drawn = picture.depth > 0
        far = np.where(drawn, picture.depth, np.inf)
        reach = 2 * int(np.ceil(margin)) + 1
        nearest = minimum_filter(far, size=reach, mode="nearest")
        jump = (maximum_filter(np.where(drawn, picture.depth, 0.0), 3) - minimum_filter(far, 3)) > STEP_METRES
        inwards = distance_transform_edt(_padded(matte.inside & ~jump))[1:-1, 1:-1]
        return _Edges(picture.depth, nearest, inwards)


def _padded(inside: np.ndarray) -> np.ndarray:
    """Continued by a pixel: the picture's border is no outline."""
    return np.pad(inside, 1, mode="edge")


def _sample(
    matte: Matte, pixels: Float[np.ndarray, "N 2"], footprint: Float[np.ndarray, " N"]
) -> Float[np.ndarray, "N 3"]:
    """The matte's colours at pixels, each averaged over about its footprint (pixels): trilinear in a pyramid."""
    level = np.clip(np.log2(np.maximum(footprint, 1.0)), 0.0, _MAX_LEVELS)
    weight = np.clip(matte.alpha, 1e-3, 1.0)[..., None].astype(np.float32)
    layer = np.concatenate([matte.foreground * weight, weight], axis=2).astype(np.float32)
    total = np.zeros((len(pixels), 4))
    for k in range(int(np.ceil(level.max(initial=0.0))) + 1):
        if k > 0:
            layer = np.asarray(cv2.pyrDown(layer))
        share = np.maximum(1.0 - np.abs(level - k), 0.0)
        used = np.flatnonzero(share > 0)
        where = pixels[used].T[::-1] / 2.0**k - 0.5
        for channel in range(4):
            value = map_coordinates(layer[..., channel], where, order=1, mode="nearest", prefilter=False)
            total[used, channel] += share[used] * value
    return (total[:, :3] / total[:, 3:]).astype(np.float32)


def _smoothstep(x: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
