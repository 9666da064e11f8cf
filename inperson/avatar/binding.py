"""Points bound to a body's surface, and the motion each of them inherits from the posed mesh.

A bound point sits at barycentric coordinates on a face. A pose moves it to `points`, turns what hangs on it
by `quats`, and stretches the surface around it by `stretch`. All three are interpolated between the face's
vertices, so that neighbouring points move alike. A vertex turns as its joints do (the weighted mean of
their quaternions), and then by the smallest rotation that takes its turned rest normal onto the normal of
the posed mesh: that part carries what skinning weights do not know, a closing eyelid or a bulging cheek.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt32
from numba import njit
from scipy.spatial.transform import Rotation

from inperson.avatar.body import BodyModel
from inperson.avatar.skinning import BodyPoser
from inperson.avatar.state import BodyState
from inperson.conventions import quat_wxyz_from_xyzw
from inperson.workers import Workers

STRETCH_LIMITS = (0.5, 2.0)
"""Surfaces fold up (an open eye's lid); Gaussians on them neither vanish nor swell beyond these factors."""


@dataclass(frozen=True, slots=True)
class VertexMotion:
    """Every vertex of a posed body. float32, world."""

    points: Float[np.ndarray, "V 3"]
    quats: Float[np.ndarray, "V 4"]
    """wxyz, unit length: turns directions of the shaped T-pose into the world."""
    stretch: Float[np.ndarray, " V"]
    """Square root of the surrounding area over its area in the T-pose."""


@dataclass(frozen=True, slots=True)
class SurfaceMotion:
    """N bound points of a posed body; fields as in `VertexMotion`."""

    points: Float[np.ndarray, "N 3"]
    quats: Float[np.ndarray, "N 4"]
    stretch: Float[np.ndarray, " N"]


def face_frames(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "F 3 3"]:
    """Frame of each face: columns are the tangent (along the first edge), the bitangent and the normal.

    Faces without area get a frame that is still a rotation.
    """
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    tangent = _unit(b - a, (1.0, 0.0, 0.0))
    normal = np.cross(tangent, c - a)
    least = np.eye(3)[np.abs(tangent).argmin(axis=1)]
    flat = np.linalg.norm(normal, axis=1, keepdims=True) < 1e-12
    normal = _unit(np.where(flat, np.cross(tangent, least), normal), (0.0, 0.0, 1.0))
    return np.stack([tangent, np.cross(normal, tangent), normal], axis=2)


def quats_of(rotations: Float[np.ndarray, "N 3 3"]) -> Float[np.ndarray, "N 4"]:
    """wxyz quaternions of rotation matrices, float32."""
    return quat_wxyz_from_xyzw(Rotation.from_matrix(rotations).as_quat()).astype(np.float32)


def _unit(x: Float[np.ndarray, "N 3"], otherwise: tuple[float, float, float]) -> Float[np.ndarray, "N 3"]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.where(length > 1e-12, x / np.maximum(length, 1e-12), otherwise)


class SurfaceBinding:
    """N points on the surface of one body in one shape. Keeps scratch memory: one per thread.

    Args:
        body, betas: the body and its shape.
        face_index: (N,) face of each point.
        barycentric: (N, 3) where on the face.
        workers: threads that share the work; stay the caller's to close. None for the calling thread alone.
    """

    def __init__(
        self,
        body: BodyModel,
        betas: Float[np.ndarray, " B"],
        face_index: Int[np.ndarray, " N"],
        barycentric: Float[np.ndarray, "N 3"],
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers(1)
        self._poser = BodyPoser(body, betas)
        # unsigned: numba then needs no check for indices counted from the end
        self._faces = np.ascontiguousarray(body.faces, np.uint32)
        self.corners: UInt32[np.ndarray, "N 3"] = np.ascontiguousarray(self._faces[face_index])
        self.barycentric: Float[np.ndarray, "N 3"] = np.ascontiguousarray(barycentric, np.float32)
        rest = np.ascontiguousarray(self._poser.shaped_vertices, np.float32)
        self.rest_points: Float[np.ndarray, "N 3"] = np.einsum("nk,nkc->nc", self.barycentric, rest[self.corners])
        self.frames: Float[np.ndarray, "N 3 3"] = face_frames(rest, self._faces[face_index])
        """Of the T-pose, float64."""
        self._joints, self._weights = _heaviest_joints(body)
        self._rest_normals, self._rest_areas = np.empty_like(rest), np.empty(len(rest), np.float32)
        surface_of(rest, self._faces, self._rest_normals, self._rest_areas)

    def vertex_motion(self, state: BodyState) -> VertexMotion:
        """How `state` moves the body's vertices."""
        posed = self._poser.pose(state)
        normals, areas = np.empty_like(posed.vertices), np.empty(len(posed.vertices), np.float32)
        surface_of(posed.vertices, self._faces, normals, areas)
        quats, stretch = np.empty((len(normals), 4), np.float32), np.empty(len(normals), np.float32)
        rest = (self._joints, self._weights, self._rest_normals, self._rest_areas)
        joint_quats = quats_of_transforms(posed.T_posed_from_rest)
        self._workers.run_ranges(turn_vertices, len(normals), joint_quats, *rest, normals, areas, quats, stretch)
        return VertexMotion(posed.vertices, quats, stretch)

    def motion(self, state: BodyState) -> SurfaceMotion:
        """How `state` moves the bound points."""
        v = self.vertex_motion(state)
        n = len(self.corners)
        out = SurfaceMotion(np.empty((n, 3), np.float32), np.empty((n, 4), np.float32), np.empty(n, np.float32))
        _interpolate_all(
            self.corners, self.barycentric, v.points, v.quats, v.stretch, out.points, out.quats, out.stretch
        )
        return out


MAX_JOINTS = 8
"""Joints that turn a vertex; the lightest are left out (the posed points themselves use all weights)."""


@lru_cache(maxsize=8)
def _heaviest_joints(body: BodyModel) -> tuple[Int[np.ndarray, "V 8"], Float[np.ndarray, "V 8"]]:
    """The joints that matter most to each vertex, heaviest first, and their weights; once per loaded body."""
    order = np.argsort(-body.weights, axis=1, kind="stable")[:, :MAX_JOINTS]
    return order.astype(np.int32), np.take_along_axis(body.weights, order, axis=1).astype(np.float32)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def surface_of(points, faces, normals, areas):
    """Unit normal (area-weighted) and surrounding area (a third of each face's, times six) of every vertex."""
    normals[:] = 0.0
    areas[:] = 0.0
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        area = np.sqrt(nx * nx + ny * ny + nz * nz)
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
            areas[i] += area
    for i in range(len(normals)):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            normals[i, 0], normals[i, 1], normals[i, 2] = x / length, y / length, z / length


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def turn_vertices(
    start, stop, joint_quats, joints, weights, rest_normals, rest_areas, normals, areas, out, out_stretch
):
    """Quaternion and stretch of vertices [start, stop): blended joints, then the swing of the normal."""
    least, most = np.float32(STRETCH_LIMITS[0]), np.float32(STRETCH_LIMITS[1])
    for v in range(start, stop):
        stretch = np.sqrt(areas[v] / max(rest_areas[v], np.float32(1e-12)))
        out_stretch[v] = min(max(stretch, least), most)
        first = joint_quats[joints[v, 0]]
        w = x = y = z = np.float32(0.0)
        for k in range(joints.shape[1]):
            weight = weights[v, k]
            if weight == 0.0:
                break
            q = joint_quats[joints[v, k]]
            if q[0] * first[0] + q[1] * first[1] + q[2] * first[2] + q[3] * first[3] < 0.0:
                weight = -weight
            w += weight * q[0]
            x += weight * q[1]
            y += weight * q[2]
            z += weight * q[3]
        scale = np.float32(1.0) / np.sqrt(w * w + x * x + y * y + z * z)
        w, x, y, z = w * scale, x * scale, y * scale, z * scale
        n = rest_normals[v]
        ax, ay, az = rotate(w, x, y, z, n[0], n[1], n[2])
        bx, by, bz = normals[v, 0], normals[v, 1], normals[v, 2]
        sw = np.float32(1.0) + ax * bx + ay * by + az * bz
        if sw > 0.05:  # a normal turned over says nothing about the axis: keep the joints' turn
            sx, sy, sz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
            w, x, y, z = multiply(sw, sx, sy, sz, w, x, y, z)
            scale = np.float32(1.0) / np.sqrt(w * w + x * x + y * y + z * z)
            w, x, y, z = w * scale, x * scale, y * scale, z * scale
        out[v, 0], out[v, 1], out[v, 2], out[v, 3] = w, x, y, z


@njit(cache=True, nogil=True)
def quats_of_transforms(transforms):
    """wxyz quaternions (J, 4) of the rotations in (J, 3, 4), float32: from the largest component (Shepperd 1978)."""
    out = np.empty((len(transforms), 4), np.float32)
    for j in range(len(transforms)):
        R = transforms[j]
        trace = R[0, 0] + R[1, 1] + R[2, 2]
        i = 0
        for k in range(1, 3):
            if R[k, k] > R[i, i]:
                i = k
        if trace > R[i, i]:
            q = (1.0 + trace, R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1])
        elif i == 0:
            q = (R[2, 1] - R[1, 2], 1.0 + 2.0 * R[0, 0] - trace, R[0, 1] + R[1, 0], R[0, 2] + R[2, 0])
        elif i == 1:
            q = (R[0, 2] - R[2, 0], R[0, 1] + R[1, 0], 1.0 + 2.0 * R[1, 1] - trace, R[1, 2] + R[2, 1])
        else:
            q = (R[1, 0] - R[0, 1], R[0, 2] + R[2, 0], R[1, 2] + R[2, 1], 1.0 + 2.0 * R[2, 2] - trace)
        length = np.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
        out[j, 0], out[j, 1], out[j, 2], out[j, 3] = q[0] / length, q[1] / length, q[2] / length, q[3] / length
    return out


@njit(inline="always")
def rotate(w, x, y, z, vx, vy, vz):
    """The vector v turned by the unit quaternion wxyz: v + 2 u x (u x v + w v)."""
    tx, ty, tz = y * vz - z * vy + w * vx, z * vx - x * vz + w * vy, x * vy - y * vx + w * vz
    tx, ty, tz = tx + tx, ty + ty, tz + tz  # an integer 2 would promote float32 to float64
    return vx + (y * tz - z * ty), vy + (z * tx - x * tz), vz + (x * ty - y * tx)


@njit(inline="always")
def multiply(aw, ax, ay, az, bw, bx, by, bz):
    """Hamilton product a b (first b, then a)."""
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


@njit(inline="always")
def interpolate(i, j, k, a, b, c, points, quats, stretch):
    """Motion at barycentric (a, b, c) between vertices i, j, k: point, quaternion, stretch."""
    px = a * points[i, 0] + b * points[j, 0] + c * points[k, 0]
    py = a * points[i, 1] + b * points[j, 1] + c * points[k, 1]
    pz = a * points[i, 2] + b * points[j, 2] + c * points[k, 2]
    s = a * stretch[i] + b * stretch[j] + c * stretch[k]
    w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
    if w * quats[j, 0] + x * quats[j, 1] + y * quats[j, 2] + z * quats[j, 3] < 0.0:
        b = -b
    if w * quats[k, 0] + x * quats[k, 1] + y * quats[k, 2] + z * quats[k, 3] < 0.0:
        c = -c
    w = a * w + b * quats[j, 0] + c * quats[k, 0]
    x = a * x + b * quats[j, 1] + c * quats[k, 1]
    y = a * y + b * quats[j, 2] + c * quats[k, 2]
    z = a * z + b * quats[j, 3] + c * quats[k, 3]
    scale = np.float32(1.0) / np.sqrt(w * w + x * x + y * y + z * z)
    return px, py, pz, w * scale, x * scale, y * scale, z * scale, s


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _interpolate_all(corners, barycentric, points, quats, stretch, out_points, out_quats, out_stretch):
    for n in range(len(corners)):
        px, py, pz, w, x, y, z, s = interpolate(
            corners[n, 0],
            corners[n, 1],
            corners[n, 2],
            barycentric[n, 0],
            barycentric[n, 1],
            barycentric[n, 2],
            points,
            quats,
            stretch,
        )
        out_points[n, 0], out_points[n, 1], out_points[n, 2] = px, py, pz
        out_quats[n, 0], out_quats[n, 1], out_quats[n, 2], out_quats[n, 3] = w, x, y, z
        out_stretch[n] = s
