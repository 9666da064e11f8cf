"""Where the outline of a posed surface should move so that it becomes the matte's."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt, map_coordinates

from inperson.reconstruct.stages import MeshPicture
from inperson.reconstruct.surface.mesh_picture import project
from inperson.render.views import EyeView

STEP_PIXELS = 0.5
RIM_PIXELS = 2.5
"""A contour vertex belongs to the outline when it falls this near to it; contours inside the outline do not."""
MIN_SLANT = 0.35
"""Least share of a vertex' direction of travel that is across the outline."""


@dataclass(frozen=True, slots=True, eq=False)
class RimMoves:
    """R vertices on the outline and how far each should go along its direction."""

    vertex: Int[np.ndarray, " R"]
    metres: Float[np.ndarray, " R"]
    sure: Float[np.ndarray, " R"]
    """0 to 1."""


def rim_moves(
    vertices: Float[np.ndarray, "V 3"],
    directions: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    picture: MeshPicture,
    view: EyeView,
    alpha: Float[np.ndarray, "H W"],
    reach: tuple[float, float],
) -> RimMoves:
    """Look from each vertex of the outline along its direction of travel for the matte's outline.

    Args:
        vertices: of the posed surface, world.
        directions: unit vectors that vertices may travel along, outwards, world.
        picture: of the posed surface.
        view: the camera.
        alpha: the person's matte.
        reach: how far inwards and outwards to look, metres, both positive.
    """
    rim = _outline_vertices(vertices, faces, picture, view)
    at, depth = project(vertices[rim], view)
    ahead = project(vertices[rim] + 1e-3 * directions[rim], view)[0]
    pixels_per_metre = np.linalg.norm(ahead - at, axis=1) / 1e-3
    slant = pixels_per_metre * depth / view.intrinsics.fx
    usable = slant > MIN_SLANT
    rim, at, ahead, depth, slant = rim[usable], at[usable], ahead[usable], depth[usable], slant[usable]
    pixels_per_metre = pixels_per_metre[usable]
    if not len(rim):
        return RimMoves(rim, np.zeros(0), np.zeros(0))

    along = (ahead - at) / np.linalg.norm(ahead - at, axis=1, keepdims=True)
    inwards, outwards = (metres * view.intrinsics.fx / float(np.median(depth)) for metres in reach)
    steps = np.arange(-np.ceil(inwards / STEP_PIXELS), np.ceil(outwards / STEP_PIXELS) + 1) * STEP_PIXELS
    x = at[:, None, 0] + steps * along[:, None, 0]
    y = at[:, None, 1] + steps * along[:, None, 1]
    person = _look(alpha, x, y) > 0.5
    mesh = _look((picture.face_index >= 0).astype(np.float32), x, y) > 0.5
    known = (x > 1.0) & (y > 1.0) & (x < view.width - 1.0) & (y < view.height - 1.0)
    moved, sure = _gaps(steps, person, mesh, known)
    found = sure > 0
    return RimMoves(rim[found], moved[found] / pixels_per_metre[found], (sure * np.minimum(slant, 1.0))[found])


def _outline_vertices(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], picture: MeshPicture, view: EyeView
) -> Int[np.ndarray, " R"]:
    """Vertices where faces turn away from the eye, near the picture's outline."""
    corners = vertices[faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = ((view.T_world_from_eye[:3, 3] - corners[:, 0]) * normals).sum(axis=1) > 0
    seen_front, seen_back = np.zeros(len(vertices), np.bool_), np.zeros(len(vertices), np.bool_)
    seen_front[faces[front].ravel()] = True
    seen_back[faces[~front].ravel()] = True
    contour = np.flatnonzero(seen_front & seen_back)

    pixels, depth = project(vertices[contour], view)
    inside = (depth > view.near) & (pixels > 0).all(axis=1) & (pixels < [view.width, view.height]).all(axis=1)
    contour, pixels, depth = contour[inside], pixels[inside], depth[inside]
    drawn = picture.face_index >= 0
    to_outline = distance_transform_edt(np.pad(drawn, 1, mode="edge"))[1:-1, 1:-1]
    column, row = np.floor(pixels).astype(int).T
    outermost = to_outline[row, column] < RIM_PIXELS
    near = depth < picture.depth[row, column] + 0.03
    return contour[outermost & (near | ~drawn[row, column])]


def _gaps(
    steps: Float[np.ndarray, " K"],
    person: Bool[np.ndarray, "R K"],
    mesh: Bool[np.ndarray, "R K"],
    known: Bool[np.ndarray, "R K"],
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
    """Pixels from the mesh's edge to the person's along each line of sight, and how sure that is."""
    moved, sure = np.zeros(len(person)), np.zeros(len(person))
    start = int(np.searchsorted(steps, -RIM_PIXELS))
    count = len(steps)
    for r in range(len(person)):
        edge = start
        while edge < count and mesh[r, edge]:
            edge += 1
        if edge == count or steps[edge] > 2 * RIM_PIXELS or not known[r, edge]:
            continue
        k = edge
        if person[r, edge]:
            while k < count and known[r, k] and person[r, k] and not (mesh[r, k] and k > edge + 1):
                k += 1
            if k == count or not known[r, k]:
                continue
            touches = person[r, k]  # another part of the mesh stands there: both grow half the gap
            moved[r] = (steps[k] - steps[edge]) * (0.5 if touches else 1.0)
            sure[r] = 0.3 if touches else 1.0
        else:
            while k >= 0 and known[r, k] and not person[r, k]:
                k -= 1
            if k < 0 or not known[r, k]:
                continue
            moved[r], sure[r] = steps[k + 1] - steps[edge], 1.0
    return moved, sure


def _look(
    values: Float[np.ndarray, "H W"], x: Float[np.ndarray, "R K"], y: Float[np.ndarray, "R K"]
) -> Float[np.ndarray, "R K"]:
    return map_coordinates(values, [y - 0.5, x - 0.5], order=1, mode="nearest", prefilter=False)
