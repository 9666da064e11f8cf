"""Which face of a mesh each pixel of a view sees: a z-buffer in numba.

Corners are snapped to a grid of 1/256 pixel, so that edge functions are exact integers (Pineda 1988): a pixel's
centre on an edge that two faces share is drawn by both and the nearer one stays, and no pixel between them is missed.
"""

import numpy as np
from jaxtyping import Float, Int
from numba import njit

from inperson.reconstruct.stages import MeshPicture
from inperson.render.views import EyeView

SUBPIXELS = 256
"""Steps of the grid that corners are snapped to, per pixel."""


def project(
    points: Float[np.ndarray, "N 3"], view: EyeView
) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
    """Pixels and depth along the view axis (metres) of points of the world, float64.

    Points behind the eye have a depth below zero and pixels without meaning.
    """
    T, K = view.T_cv_from_world, view.intrinsics
    p = points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]
    depth = p[:, 2]
    safe = np.where(np.abs(depth) > 1e-9, depth, 1e-9)
    return np.stack([K.fx * p[:, 0] / safe + K.cx, K.fy * p[:, 1] / safe + K.cy], axis=1), depth


def draw_mesh(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], view: EyeView) -> MeshPicture:
    """Draw a mesh of the world (metres), both sides of its faces.

    Faces that reach nearer than `view.near` are left out.
    """
    pixels, depth = project(vertices, view)
    in_front = (depth > view.near)[faces].all(axis=1)
    index, barycentric, inverse_depth = rasterize_triangles(
        pixels, 1.0 / np.where(depth > view.near, depth, 1.0), faces, in_front, view.height, view.width
    )
    drawn = index >= 0
    depth_picture = np.where(drawn, 1.0 / np.where(drawn, inverse_depth, 1.0), 0.0)
    return MeshPicture(index, barycentric, depth_picture.astype(np.float32))


def rasterize_triangles(
    pixels: Float[np.ndarray, "V 2"],
    inverse_depth: Float[np.ndarray, " V"],
    faces: Int[np.ndarray, "F 3"],
    drawn: np.ndarray,
    height: int,
    width: int,
) -> tuple[Int[np.ndarray, "H W"], Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W"]]:
    """The nearest face under each pixel's centre (-1 for none), perspective-correct barycentrics, 1 / depth.

    Args:
        pixels, inverse_depth: of the corners; all inverse depths 1 draw a flat map.
        drawn: (F,) bool, which faces to draw.
    """
    snapped = np.rint(np.clip(pixels, -1e6, 1e6) * SUBPIXELS).astype(np.int64)
    index = np.full((height, width), -1, np.int32)
    barycentric = np.zeros((height, width, 3), np.float32)
    nearest = np.zeros((height, width), np.float32)
    _draw(
        snapped,
        np.ascontiguousarray(inverse_depth, np.float64),
        np.ascontiguousarray(faces, np.int64),
        np.ascontiguousarray(drawn, np.bool_),
        index,
        barycentric,
        nearest,
    )
    return index, barycentric, nearest


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(snapped, inverse_depth, faces, drawn, index, barycentric, nearest):
    height, width = index.shape
    half = SUBPIXELS // 2
    for f in range(len(faces)):
        if not drawn[f]:
            continue
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, bx, by, cx, cy = (
            snapped[i, 0],
            snapped[i, 1],
            snapped[j, 0],
            snapped[j, 1],
            snapped[k, 0],
            snapped[k, 1],
        )
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        turn = 1 if area > 0 else -1
        x0 = max(0, (min(ax, bx, cx) - half + SUBPIXELS - 1) // SUBPIXELS)
        x1 = min(width - 1, (max(ax, bx, cx) - half) // SUBPIXELS)
        y0 = max(0, (min(ay, by, cy) - half + SUBPIXELS - 1) // SUBPIXELS)
        y1 = min(height - 1, (max(ay, by, cy) - half) // SUBPIXELS)
        qa, qb, qc = inverse_depth[i], inverse_depth[j], inverse_depth[k]
        for y in range(y0, y1 + 1):
            py = y * SUBPIXELS + half
            px = x0 * SUBPIXELS + half
            a = turn * ((cx - bx) * (py - by) - (cy - by) * (px - bx))
            b = turn * ((ax - cx) * (py - cy) - (ay - cy) * (px - cx))
            c = turn * ((bx - ax) * (py - ay) - (by - ay) * (px - ax))
            step_a, step_b, step_c = (
                turn * SUBPIXELS * (by - cy),
                turn * SUBPIXELS * (cy - ay),
                turn * SUBPIXELS * (ay - by),
            )
            for x in range(x0, x1 + 1):
                if a >= 0 and b >= 0 and c >= 0:
                    total = float(a + b + c)
                    wa, wb, wc = a * qa / total, b * qb / total, c * qc / total
                    q = wa + wb + wc
                    if q > nearest[y, x]:
                        nearest[y, x] = q
                        index[y, x] = f
                        barycentric[y, x, 0] = wa / q
                        barycentric[y, x, 1] = wb / q
                        barycentric[y, x, 2] = wc / q
                a += step_a
                b += step_b
                c += step_c


def draw_mesh_reference(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], view: EyeView
) -> MeshPicture:
    """The plain twin of `draw_mesh`: every pixel's ray against every face (Moeller and Trumbore 1997).

    For small pictures.

    Corners are not snapped: pixels within 1/256 of an edge may differ.
    """
    T, K = view.T_cv_from_world, view.intrinsics
    corners = (vertices.astype(np.float64) @ T[:3, :3].T + T[:3, 3])[faces]
    corners = np.where((corners[..., 2] > view.near).all(axis=1)[:, None, None], corners, np.nan)
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    index = np.full((view.height, view.width), -1, np.int32)
    barycentric = np.zeros((view.height, view.width, 3), np.float32)
    depth = np.zeros((view.height, view.width), np.float32)
    for y in range(view.height):
        for x in range(view.width):
            ray = np.array([(x + 0.5 - K.cx) / K.fx, (y + 0.5 - K.cy) / K.fy, 1.0])
            across = np.cross(ray, edge2)
            determinant = (edge1 * across).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                b = -(corners[:, 0] * across).sum(axis=1) / determinant
                along = np.cross(-corners[:, 0], edge1)
                c = (along @ ray) / determinant
                z = (edge2 * along).sum(axis=1) / determinant
            hit = (b >= 0) & (c >= 0) & (b + c <= 1) & (z > 0)
            if hit.any():
                face = int(np.flatnonzero(hit)[z[hit].argmin()])
                index[y, x], depth[y, x] = face, z[face]
                barycentric[y, x] = 1 - b[face] - c[face], b[face], c[face]
    return MeshPicture(index, barycentric, depth)
