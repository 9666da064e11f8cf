"""Posing of Gaussians written out plainly in float64 numpy: what `posing.AvatarPoser` must agree with."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inperson.avatar.appearance import diffuse_color
from inperson.avatar.binding import STRETCH_LIMITS, face_frames, quats_of
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar, PosedGaussians
from inperson.avatar.posing import outward_normals
from inperson.avatar.skinning_reference import pose_reference as pose_body_reference
from inperson.avatar.state import BodyState
from inperson.conventions import quat_xyzw_from_wxyz


def pose_reference(avatar: GaussianAvatar, body: BodyModel, state: BodyState) -> PosedGaussians:
    """Every Gaussian hung on the triangle that the reference body poses, one step after the other (slow)."""
    rest = body.shaped(avatar.betas).astype(np.float64)
    posed = pose_body_reference(body, avatar.betas, state)
    rest_normals, rest_areas = vertex_normals_and_areas(rest, body.faces)
    normals, areas = vertex_normals_and_areas(posed.vertices.astype(np.float64), body.faces)

    joint_quats = Rotation.from_matrix(posed.T_posed_from_rest[:, :, :3]).as_quat()
    turned = Rotation.from_quat(
        np.stack([weighted_mean_quat(joint_quats, w, int(np.argmax(w))) for w in body.weights.astype(np.float64)])
    )
    swings = Rotation.from_quat(
        np.stack([swing_quat(a, b) for a, b in zip(turned.apply(rest_normals), normals, strict=True)])
    )
    vertex_quats = (swings * turned).as_quat()
    vertex_stretch = np.clip(np.sqrt(areas / rest_areas), *STRETCH_LIMITS)

    corners, b = body.faces[avatar.face_index], avatar.barycentric.astype(np.float64)
    points = np.einsum("nk,nkc->nc", b, posed.vertices[corners])
    motion = Rotation.from_quat(
        np.stack([weighted_mean_quat(q, w, 0) for q, w in zip(vertex_quats[corners], b, strict=True)])
    )
    stretch = np.einsum("nk,nk->n", b, vertex_stretch[corners])

    frames = face_frames(rest, body.faces)[avatar.face_index]
    offsets, colors = avatar.offsets.astype(np.float64), diffuse_color(avatar.sh)
    if (residuals := avatar.residuals) is not None:
        expression = np.zeros(body.num_expression)
        expression[: len(state.expression)] = state.expression
        phi = np.concatenate([state.body_pose.ravel(), state.jaw_pose, expression])
        factors = np.clip(residuals.weights @ (phi - residuals.mean), residuals.low, residuals.high)
        offsets = offsets + np.einsum("k,knc->nc", factors, residuals.offsets)
        colors = np.maximum(colors + np.einsum("k,knc->nc", factors, residuals.colors), 0.0).astype(np.float32)
    canonical = frames @ Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats)).as_matrix()
    return PosedGaussians(
        means=(points + motion.apply(np.einsum("nij,nj->ni", frames, offsets))).astype(np.float32),
        quats=quats_of(motion.as_matrix() @ canonical),
        scales=(avatar.scales * stretch[:, None]).astype(np.float32),
        opacities=avatar.opacities,
        colors=colors,
        normals=motion.apply(outward_normals(canonical, avatar.scales, frames[:, :, 2])).astype(np.float32),
        features=avatar.features,
    )


def vertex_normals_and_areas(
    vertices: Float[np.ndarray, "V 3"], faces: np.ndarray
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, " V"]]:
    """Area-weighted unit normals, and the areas of the faces around each vertex (times two)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals, areas = np.zeros_like(vertices), np.zeros(len(vertices))
    for k in range(3):
        np.add.at(normals, faces[:, k], cross)
        np.add.at(areas, faces[:, k], np.linalg.norm(cross, axis=1))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20), areas


def weighted_mean_quat(
    quats: Float[np.ndarray, "K 4"], weights: Float[np.ndarray, " K"], leader: int
) -> Float[np.ndarray, "4"]:
    """Normalised weighted sum, each quaternion taken in the sign that agrees with the leader's."""
    sign = np.where(quats @ quats[leader] < 0, -1.0, 1.0)
    mean = (weights * sign) @ quats
    return mean / np.linalg.norm(mean)


def swing_quat(a: Float[np.ndarray, "3"], b: Float[np.ndarray, "3"]) -> Float[np.ndarray, "4"]:
    """xyzw of the smallest rotation from unit a to unit b; none where they are nearly opposite."""
    w = 1.0 + a @ b
    if w <= 0.05:
        return np.array([0.0, 0.0, 0.0, 1.0])
    q = np.append(np.cross(a, b), w)
    return q / np.linalg.norm(q)
