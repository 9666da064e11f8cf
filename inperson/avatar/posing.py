"""Posing a Gaussian avatar: canonical Gaussians and a `BodyState` in, Gaussians in the world out.

One numba pass over the body's vertices and one over the Gaussians. The plain numpy twin is
`posing_reference.pose_reference`.
"""

import numpy as np
from jaxtyping import Float
from numba import njit
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import color_towards, diffuse_color
from inperson.avatar.binding import SurfaceBinding, interpolate, multiply, quats_of, rotate
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.residuals import ResidualPoser
from inperson.avatar.state import BodyState
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.errors import BadInputError
from inperson.workers import Workers


class AvatarPoser:
    """Poses one avatar. Keeps scratch memory: use one poser per thread.

    Args:
        avatar: the canonical Gaussians.
        body: the body the avatar was made for.
        threads: that share the work; live leaves a core to tracking.

    Raises:
        BadInputError: another body than the avatar's, an avatar that points past the body's faces, or residuals of
            another number of pose features.
    """

    def __init__(self, avatar: GaussianAvatar, body: BodyModel, threads: int = 1) -> None:
        if avatar.body_sha256 != body.sha256:
            raise BadInputError(
                f"avatar '{avatar.name}' was made for another body ('{avatar.body_name}') than '{body.name}'",
                f"pose it with --body {avatar.body_name}, or make the avatar again for this body",
            )
        if int(avatar.face_index.max()) >= len(body.faces) or int(avatar.face_index.min()) < 0:
            raise BadInputError(
                f"avatar '{avatar.name}' points past the {len(body.faces)} faces of body '{body.name}'",
                "make the avatar again, or copy the file again",
            )
        self.avatar, self.body = avatar, body
        self._workers = Workers(threads)
        self.binding = SurfaceBinding(body, avatar.betas, avatar.face_index, avatar.barycentric, self._workers)
        frames = self.binding.frames
        turned = frames @ Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats)).as_matrix()
        self._offsets = np.einsum("nij,nj->ni", frames, avatar.offsets).astype(np.float32)
        self._quats = quats_of(turned)
        self._normals = outward_normals(turned, avatar.scales, frames[:, :, 2])
        self._scales = np.ascontiguousarray(avatar.scales, np.float32)
        self._opacities = _frozen(avatar.opacities)
        self._diffuse = _frozen(diffuse_color(avatar.sh))
        self._features = _frozen(avatar.features)
        self._residuals = None
        if avatar.residuals is not None:
            self._residuals = ResidualPoser(avatar.residuals, frames, body.num_expression, self._workers)

    def pose(self, state: BodyState, eye_position: Float[np.ndarray, "3"] | None = None) -> PosedGaussians:
        """The avatar in `state`, whose own `betas` are not read.

        Args:
            eye_position: world; where view-dependent colour (K > 1) is looked at from. Without it the colour
                is the part that every direction sees.

        Raises:
            BadInputError: more expression coefficients than the body has.
        """
        v, n = self.binding.vertex_motion(state), len(self._scales)
        means, quats, scales, normals = (np.empty((n, width), np.float32) for width in (3, 4, 3, 3))
        corners, barycentric = self.binding.corners, self.binding.barycentric
        offsets = self._offsets if self._residuals is None else self._residuals.offsets(state, self._offsets)
        canonical = (offsets, self._quats, self._scales, self._normals)
        motion = (corners, barycentric, v.points, v.quats, v.stretch)
        self._workers.run_ranges(_pose, n, *motion, *canonical, means, quats, scales, normals)
        colors = self._diffuse
        if eye_position is not None and self.avatar.sh.shape[1] > 1:
            colors = color_towards(self.avatar.sh, self._directions(means, quats, eye_position))
        if self._residuals is not None:
            colors = self._residuals.colors(state, colors)
        return PosedGaussians(means, quats, scales, self._opacities, colors, normals, self._features)

    def close(self) -> None:
        """End the threads."""
        self._workers.close()

    def _directions(
        self, means: Float[np.ndarray, "N 3"], quats: Float[np.ndarray, "N 4"], eye: Float[np.ndarray, "3"]
    ) -> Float[np.ndarray, "N 3"]:
        """Unit directions from the eye to each Gaussian, in its face's frame."""
        ray = means - np.asarray(eye, np.float32)
        ray /= np.maximum(np.linalg.norm(ray, axis=1, keepdims=True), 1e-9)
        in_gaussian = Rotation.from_quat(quat_xyzw_from_wxyz(quats)).apply(ray, inverse=True)
        return Rotation.from_quat(quat_xyzw_from_wxyz(self.avatar.quats)).apply(in_gaussian)


def outward_normals(
    rotations: Float[np.ndarray, "N 3 3"], scales: Float[np.ndarray, "N 3"], outward: Float[np.ndarray, "N 3"]
) -> Float[np.ndarray, "N 3"]:
    """The thinnest axis of each Gaussian, on the side that `outward` (its face's normal) points to. float32."""
    axis = np.take_along_axis(rotations, scales.argmin(axis=1)[:, None, None], axis=2)[:, :, 0]
    side = np.where((axis * outward).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    return np.ascontiguousarray(axis * side, np.float32)


def _frozen(x: np.ndarray) -> np.ndarray:
    """A float32 copy that every posed frame can share because nobody can write to it."""
    out = np.array(x, np.float32, order="C")
    out.flags.writeable = False
    return out


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _pose(
    start,
    stop,
    corners,
    barycentric,
    points,
    turns,
    stretch,
    offsets,
    quats,
    scales,
    normals,
    out_means,
    out_quats,
    out_scales,
    out_normals,
):
    """Interpolate the surface's motion at Gaussians [start, stop), hang each Gaussian on it."""
    for n in range(start, stop):
        px, py, pz, w, x, y, z, s = interpolate(
            corners[n, 0],
            corners[n, 1],
            corners[n, 2],
            barycentric[n, 0],
            barycentric[n, 1],
            barycentric[n, 2],
            points,
            turns,
            stretch,
        )
        ox, oy, oz = rotate(w, x, y, z, offsets[n, 0], offsets[n, 1], offsets[n, 2])
        out_means[n, 0], out_means[n, 1], out_means[n, 2] = px + ox, py + oy, pz + oz
        qw, qx, qy, qz = multiply(w, x, y, z, quats[n, 0], quats[n, 1], quats[n, 2], quats[n, 3])
        out_quats[n, 0], out_quats[n, 1], out_quats[n, 2], out_quats[n, 3] = qw, qx, qy, qz
        out_scales[n, 0], out_scales[n, 1], out_scales[n, 2] = s * scales[n, 0], s * scales[n, 1], s * scales[n, 2]
        nx, ny, nz = rotate(w, x, y, z, normals[n, 0], normals[n, 1], normals[n, 2])
        out_normals[n, 0], out_normals[n, 1], out_normals[n, 2] = nx, ny, nz
