"""Dart throwing on a mesh (Cook 1986): candidates are kept, in the order given, when nothing kept is too near.

Most candidates are refused, so only those kept are stored, close together: what is looked up stays in the cache.
"""

import numpy as np
from jaxtyping import Float, Int
from numba import njit

_BUCKETS = 1 << 18


def throw_darts(
    vertices: Float[np.ndarray, "V 3"],
    normals: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    face: Int[np.ndarray, " N"],
    barycentric: Float[np.ndarray, "N 3"],
    distance: Float[np.ndarray, " N"],
) -> Int[np.ndarray, " K"]:
    """Which of N places are kept: no place kept before lies within `distance` (metres) and faces the same way.

    The plain way is `throw_darts_reference`.
    """
    cell = 2.0 * float(np.median(distance))  # any size gives the same places; about this one is the fastest
    return _throw(vertices, normals, faces, face, barycentric, distance.astype(np.float32), cell)


def throw_darts_reference(
    points: Float[np.ndarray, "N 3"], normals: Float[np.ndarray, "N 3"], distance: Float[np.ndarray, " N"]
) -> Int[np.ndarray, " K"]:
    """The same for points with normals, each compared with all that were kept."""
    kept: list[int] = []
    for i in range(len(points)):
        near = ((points[kept] - points[i]) ** 2).sum(axis=1) < distance[i] ** 2
        if not (near & (normals[kept] @ normals[i] > 0.0)).any():
            kept.append(i)
    return np.array(kept)


@njit(cache=True, nogil=True)
def _throw(vertices, normals, faces, face, barycentric, distance, cell):
    n = len(face)
    first = np.full(_BUCKETS, -1, np.int32)
    following, kept = np.empty(n, np.int32), np.empty(n, np.int64)
    placed = np.empty((n, 6), np.float32)  # point and normal of those kept
    count = 0
    for i in range(n):
        corners, share = faces[face[i]], barycentric[i]
        place = placed[count]  # overwritten by the next one when this is not kept
        for c in range(3):
            point, normal = 0.0, 0.0
            for k in range(3):
                point += share[k] * vertices[corners[k], c]
                normal += share[k] * normals[corners[k], c]
            place[c], place[3 + c] = point, normal
        if _is_free(place, distance[i], cell, placed, first, following):
            b = _bucket(_cell(place[0], cell), _cell(place[1], cell), _cell(place[2], cell))
            following[count], first[b] = first[b], count
            kept[count] = i
            count += 1
    return kept[:count]


@njit(cache=True, nogil=True)
def _is_free(place, distance, cell, placed, first, following):
    """Whether nothing kept before is too near a place: only cells that the cube around it touches are asked."""
    for x in range(_cell(place[0] - distance, cell), _cell(place[0] + distance, cell) + 1):
        for y in range(_cell(place[1] - distance, cell), _cell(place[1] + distance, cell) + 1):
            for z in range(_cell(place[2] - distance, cell), _cell(place[2] + distance, cell) + 1):
                j = first[_bucket(x, y, z)]
                while j >= 0:
                    apart, alike = 0.0, 0.0
                    for c in range(3):
                        apart += (place[c] - placed[j, c]) ** 2
                        alike += place[3 + c] * placed[j, 3 + c]
                    if apart < distance * distance and alike > 0.0:
                        return False
                    j = following[j]
    return True


@njit(inline="always")
def _cell(x, cell):
    return int(np.floor(x / cell))


@njit(inline="always")
def _bucket(x, y, z):
    """Hash of a cell (Teschner et al. 2003)."""
    return ((x * 73856093) ^ (y * 19349663) ^ (z * 83492791)) & (_BUCKETS - 1)
