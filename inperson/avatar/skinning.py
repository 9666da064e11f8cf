"""Live posing of a body: shape, expression, pose correctives and linear blend skinning in one numba pass.

Same function as the `smplx` package's forward (Pavlakos et al. 2019, eqs. 1-5), to 1e-5 m; the plain numpy
twin is `skinning_reference.pose_reference`. What makes it fast: the shape is fixed per poser, expressions,
correctives and weights are sparse, and joints at rest cost nothing.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.avatar.body import NUM_JOINTS, BodyModel
from inperson.avatar.state import BodyState
from inperson.errors import BadInputError


@dataclass(frozen=True, slots=True)
class PosedBody:
    """A body in the world, metres, float32."""

    vertices: Float[np.ndarray, "V 3"]
    joints: Float[np.ndarray, "55 3"]
    T_posed_from_rest: Float[np.ndarray, "55 3 4"]
    """Per joint, takes points of the shaped T-pose (before skinning) to the world, `transl` included."""


class BodyPoser:
    """Poses one body in one shape. Keeps scratch memory: use one poser per thread.

    Args:
        body: the body.
        betas: (B,) or fewer shape coefficients.
    """

    def __init__(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> None:
        self.body = body
        self._shaped = np.ascontiguousarray(body.shaped(betas), np.float32)
        self._rest_joints = (body.J_regressor @ self._shaped.astype(np.float64)).reshape(NUM_JOINTS, 3)
        fixed = _fixed_parts(body)
        self._joint_exprdirs, self._expression, self._weights = fixed.joint_exprdirs, fixed.expression, fixed.weights
        self._parents = body.parents.astype(np.int64)
        self._unposed = np.empty_like(self._shaped)

    @property
    def rest_joints(self) -> Float[np.ndarray, "55 3"]:
        """Joints of the shaped T-pose with no expression, metres."""
        return self._rest_joints.astype(np.float32)

    @property
    def shaped_vertices(self) -> Float[np.ndarray, "V 3"]:
        """The shaped T-pose mesh with no expression, metres."""
        return self._shaped

    def joint_transforms(
        self, state: BodyState
    ) -> tuple[Float[np.ndarray, "55 3 4"], Float[np.ndarray, "55 3"], Float[np.ndarray, "54 9"]]:
        """`T_posed_from_rest`, posed joints and pose features (R - I) of a state, without touching vertices."""
        rest = self._rest_joints + self._joint_exprdirs @ self._expression_of(state).astype(np.float64)
        return _joint_transforms(
            state.full_pose.astype(np.float64), rest, self._parents, state.transl.astype(np.float64)
        )

    def unposed_vertices(self, state: BodyState) -> Float[np.ndarray, "V 3"]:
        """Shaped T-pose mesh with the state's expression and pose correctives: what skinning moves."""
        _, _, features = self.joint_transforms(state)
        return self._unpose(state, features).copy()

    def pose(self, state: BodyState) -> PosedBody:
        """The body of `state`. The state's own `betas` are not read: the shape is the poser's.

        Raises:
            BadInputError: more expression coefficients than the body has.
        """
        transforms, joints, features = self.joint_transforms(state)
        unposed = self._unpose(state, features)
        vertices = np.empty_like(unposed)
        w = self._weights
        _skin(unposed, w.pointer, w.index, w.value, transforms, vertices)
        return PosedBody(vertices, joints, transforms)

    def _expression_of(self, state: BodyState) -> Float[np.ndarray, " E"]:
        given, n = state.expression, self.body.num_expression
        if len(given) > n:
            raise BadInputError(
                f"body '{self.body.name}' has {n} expression coefficients, not {len(given)}",
                "use the body this motion was made for",
            )
        out = np.zeros(n, np.float32)
        out[: len(given)] = given
        return out

    def _unpose(self, state: BodyState, features: Float[np.ndarray, "54 9"]) -> Float[np.ndarray, "V 3"]:
        out = self._unposed
        out[:] = self._shaped
        e = self._expression
        _add_columns(e.pointer, e.index, e.value, self._expression_of(state), out.reshape(-1))
        c = self.body.pose_correctives
        _add_correctives(c.pointer, c.joint, c.blocks, features, out)
        return out


@dataclass(frozen=True, slots=True)
class _SparseColumns:
    """Columns of a matrix (CSC): entries `pointer[c] : pointer[c + 1]` belong to column c."""

    pointer: np.ndarray
    index: np.ndarray
    value: np.ndarray

    @staticmethod
    def from_dense(matrix: Float[np.ndarray, "R C"]) -> "_SparseColumns":
        columns, rows = np.nonzero(matrix.T)
        pointer = np.zeros(matrix.shape[1] + 1, np.int32)
        pointer[1:] = np.cumsum(np.bincount(columns, minlength=matrix.shape[1]))
        return _SparseColumns(pointer, rows.astype(np.int32), matrix[rows, columns].astype(np.float32))


@dataclass(frozen=True, slots=True)
class _FixedParts:
    """What posing needs of a body whatever its shape."""

    joint_exprdirs: Float[np.ndarray, "55 3 E"]
    expression: _SparseColumns
    """(3 V, E)."""
    weights: _SparseColumns
    """(55, V)."""


@lru_cache(maxsize=8)
def _fixed_parts(body: BodyModel) -> _FixedParts:
    """Made once per loaded body: posers are made for every new shape."""
    joint_exprdirs = [body.J_regressor @ body.exprdirs[:, axis].astype(np.float64) for axis in range(3)]
    return _FixedParts(
        np.stack(joint_exprdirs, axis=1),
        _SparseColumns.from_dense(body.exprdirs.reshape(-1, body.num_expression)),
        _SparseColumns.from_dense(np.ascontiguousarray(body.weights.T)),
    )


@njit(cache=True, nogil=True)
def _joint_transforms(pose, rest, parents, transl):
    """Forward kinematics in float64: (55,3) axis-angle, (55,3) rest joints -> transforms, joints, features."""
    n = len(parents)
    world = np.empty((n, 3, 4))
    transforms = np.empty((n, 3, 4), np.float32)
    joints = np.empty((n, 3), np.float32)
    features = np.zeros((n - 1, 9), np.float32)
    R = np.empty((3, 3))
    for j in range(n):
        x, y, z = pose[j]
        angle = np.sqrt(x * x + y * y + z * z)
        if angle > 1e-8:
            s, c1 = np.sin(angle) / angle, (1.0 - np.cos(angle)) / (angle * angle)
        else:
            s, c1 = 1.0, 0.5
        R[0, 0], R[0, 1], R[0, 2] = 1 - c1 * (y * y + z * z), c1 * x * y - s * z, c1 * x * z + s * y
        R[1, 0], R[1, 1], R[1, 2] = c1 * x * y + s * z, 1 - c1 * (x * x + z * z), c1 * y * z - s * x
        R[2, 0], R[2, 1], R[2, 2] = c1 * x * z - s * y, c1 * y * z + s * x, 1 - c1 * (x * x + y * y)
        if j > 0:
            for r in range(3):
                for c in range(3):
                    features[j - 1, 3 * r + c] = R[r, c] - (1.0 if r == c else 0.0)
        p = parents[j]
        for r in range(3):
            if p < 0:
                world[j, r, :3] = R[r]
                world[j, r, 3] = rest[j, r] + transl[r]
            else:
                t = world[p, r, 3]
                for c in range(3):
                    world[j, r, c] = world[p, r, 0] * R[0, c] + world[p, r, 1] * R[1, c] + world[p, r, 2] * R[2, c]
                    t += world[p, r, c] * (rest[j, c] - rest[p, c])
                world[j, r, 3] = t
        for r in range(3):
            offset = world[j, r, 3]
            joints[j, r] = offset
            for c in range(3):
                transforms[j, r, c] = world[j, r, c]
                offset -= world[j, r, c] * rest[j, c]
            transforms[j, r, 3] = offset
    return transforms, joints, features


@njit(cache=True, nogil=True)
def _add_columns(pointer, index, value, coefficients, out):
    """out += columns @ coefficients, skipping coefficients at zero."""
    for c in range(len(coefficients)):
        k = coefficients[c]
        if k != 0.0:
            for i in range(pointer[c], pointer[c + 1]):
                out[index[i]] += k * value[i]


@njit(cache=True, nogil=True, fastmath=True)
def _add_correctives(pointer, joint, blocks, features, out):
    """out[v] += sum of blocks @ (R_joint - I), skipping joints at rest."""
    moved = np.zeros(len(features), np.bool_)
    for j in range(len(features)):
        for k in range(9):
            moved[j] |= features[j, k] != 0.0
    for v in range(len(out)):
        x = y = z = np.float32(0.0)
        for i in range(pointer[v], pointer[v + 1]):
            j = joint[i] - 1
            if moved[j]:
                for k in range(9):
                    f = features[j, k]
                    x += blocks[i, 0, k] * f
                    y += blocks[i, 1, k] * f
                    z += blocks[i, 2, k] * f
        out[v, 0] += x
        out[v, 1] += y
        out[v, 2] += z


@njit(cache=True, nogil=True, fastmath=True)
def _skin(points, pointer, joint, weight, transforms, out):
    """Linear blend skinning: out[v] = (sum_j w_vj T_j) points[v]."""
    for v in range(len(points)):
        px, py, pz = points[v, 0], points[v, 1], points[v, 2]
        x = y = z = np.float32(0.0)
        for i in range(pointer[v], pointer[v + 1]):
            w, T = weight[i], transforms[joint[i]]
            x += w * (T[0, 0] * px + T[0, 1] * py + T[0, 2] * pz + T[0, 3])
            y += w * (T[1, 0] * px + T[1, 1] * py + T[1, 2] * pz + T[1, 3])
            z += w * (T[2, 0] * px + T[2, 1] * py + T[2, 2] * pz + T[2, 3])
        out[v, 0], out[v, 1], out[v, 2] = x, y, z
