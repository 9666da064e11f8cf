"""Which face of the body each point of a dressed person should ride on.

The nearest face in the T-pose is often the wrong one: a sleeve hangs near the torso, lower teeth touch the
upper lip, a lock of hair lies on the chest. Here a face is chosen by what it does: among faces that are near
and whose joints are alike, the one that best predicts where the point really goes in a few probe poses.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial import cKDTree

from inperson.avatar.binding import SurfaceBinding, interpolate, rotate
from inperson.avatar.body import BodyModel
from inperson.avatar.state import BodyState

CANDIDATES = 24
WEIGHT_METRES = 0.25
"""How many metres of distance a complete difference in skinning weights counts for, when candidates are found."""
OFFSET_COST = 0.05
"""Metres of prediction error that a metre of offset is worth: of equal faces the nearest wins."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """N points on a body's surface."""

    face_index: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    error: Float[np.ndarray, " N"]
    """Root-mean-square distance between the predicted and the true point over the probes, metres."""


def attach(
    body: BodyModel,
    betas: Float[np.ndarray, " B"],
    points: Float[np.ndarray, "N 3"],
    weights: Float[np.ndarray, "N 55"],
    probes: list[BodyState],
    probe_points: Float[np.ndarray, "P N 3"],
) -> Attachment:
    """Choose a face and the nearest point on it for every point.

    Args:
        points: in the shaped T-pose, metres.
        weights: skinning weights of each point, as far as they are known.
        probes: P states, and `probe_points`: where the points are in each.
    """
    rest = body.shaped(betas)
    centroids = rest[body.faces].mean(axis=1)
    face_weights = body.weights[body.faces].mean(axis=1)
    tree = cKDTree(np.hstack([centroids, WEIGHT_METRES * face_weights]))
    _, candidates = tree.query(np.hstack([points, WEIGHT_METRES * weights]), k=CANDIDATES)

    everywhere = SurfaceBinding(body, betas, np.zeros(1, np.int32), np.full((1, 3), 1 / 3))
    motions = [everywhere.vertex_motion(state) for state in probes]
    n = len(points)
    face, barycentric, error = np.empty(n, np.int32), np.empty((n, 3), np.float32), np.empty(n, np.float32)
    _choose(
        points.astype(np.float32),
        candidates,
        body.faces.astype(np.int32),
        rest.astype(np.float32),
        np.stack([m.points for m in motions]),
        np.stack([m.quats for m in motions]),
        np.stack([m.stretch for m in motions]),
        np.asarray(probe_points, np.float32),
        face,
        barycentric,
        error,
    )
    return Attachment(face, barycentric, error)


@njit(cache=True, nogil=True, error_model="numpy")
def _choose(points, candidates, faces, rest, moved, quats, stretch, truth, out_face, out_barycentric, out_error):
    """The candidate with the least mean squared prediction error, offsets taxed."""
    for n in range(len(points)):
        best = np.inf
        p = points[n]
        for c in candidates[n]:
            i, j, k = faces[c, 0], faces[c, 1], faces[c, 2]
            u, v, w = nearest_on_triangle(p, rest[i], rest[j], rest[k])
            ox = p[0] - (u * rest[i, 0] + v * rest[j, 0] + w * rest[k, 0])
            oy = p[1] - (u * rest[i, 1] + v * rest[j, 1] + w * rest[k, 1])
            oz = p[2] - (u * rest[i, 2] + v * rest[j, 2] + w * rest[k, 2])
            cost = 0.0
            for s in range(len(moved)):
                x, y, z, qw, qx, qy, qz, _ = interpolate(i, j, k, u, v, w, moved[s], quats[s], stretch[s])
                dx, dy, dz = rotate(qw, qx, qy, qz, ox, oy, oz)
                t = truth[s, n]
                cost += (x + dx - t[0]) ** 2 + (y + dy - t[1]) ** 2 + (z + dz - t[2]) ** 2
            cost /= len(moved)
            taxed = cost + OFFSET_COST**2 * (ox * ox + oy * oy + oz * oz)
            if taxed < best:
                best = taxed
                out_face[n] = c
                out_barycentric[n, 0], out_barycentric[n, 1], out_barycentric[n, 2] = u, v, w
                out_error[n] = np.sqrt(cost)


@njit(cache=True, nogil=True, error_model="numpy")
def nearest_on_triangle(p, a, b, c):
    """Barycentric coordinates of the point of triangle abc nearest to p (Ericson 2005, section 5.1.5)."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = np.dot(ab, ap), np.dot(ac, ap)
    if d1 <= 0.0 and d2 <= 0.0:
        return 1.0, 0.0, 0.0
    bp = p - b
    d3, d4 = np.dot(ab, bp), np.dot(ac, bp)
    if d3 >= 0.0 and d4 <= d3:
        return 0.0, 1.0, 0.0
    vc = d1 * d4 - d3 * d2
    if vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0 and d1 > d3:
        v = d1 / (d1 - d3)
        return 1.0 - v, v, 0.0
    cp = p - c
    d5, d6 = np.dot(ab, cp), np.dot(ac, cp)
    if d6 >= 0.0 and d5 <= d6:
        return 0.0, 0.0, 1.0
    vb = d5 * d2 - d1 * d6
    if vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0 and d2 > d6:
        w = d2 / (d2 - d6)
        return 1.0 - w, 0.0, w
    va = d3 * d6 - d5 * d4
    if va <= 0.0 and d4 >= d3 and d5 >= d6 and d4 - d3 + d5 - d6 > 0.0:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        return 0.0, 1.0 - w, w
    total = va + vb + vc
    if total <= 0.0:
        return 1.0, 0.0, 0.0
    return va / total, vb / total, vc / total
