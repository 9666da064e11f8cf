"""Avatars with fewer Gaussians: any selection of them, and the avatar as its own wearer sees it, without a head."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from inperson.avatar.binding import face_frames
from inperson.avatar.body import JOINT_NAMES, BodyModel
from inperson.avatar.gaussians import GaussianAvatar, PoseResiduals, ReferencePhoto
from inperson.errors import BadInputError

HEAD_JOINTS = tuple(JOINT_NAMES.index(name) for name in ("head", "jaw", "left_eye", "right_eye"))
NECK_JOINT = JOINT_NAMES.index("neck")
HIDDEN_WEIGHT = 0.05
"""Share of a Gaussian's skin weights above which it goes with the head. Low, because the cut must lie below what eyes
can see of their own neck."""


def select(avatar: GaussianAvatar, keep: Bool[np.ndarray, " N"] | Int[np.ndarray, " M"]) -> GaussianAvatar:
    """The avatar with the chosen Gaussians only, by mask or by index, in that order.

    Raises:
        BadInputError: nothing is left.
    """
    residuals, photo = avatar.residuals, avatar.photo
    chosen = replace(
        avatar,
        face_index=avatar.face_index[keep],
        barycentric=avatar.barycentric[keep],
        offsets=avatar.offsets[keep],
        quats=avatar.quats[keep],
        scales=avatar.scales[keep],
        opacities=avatar.opacities[keep],
        sh=avatar.sh[keep],
        features=avatar.features[keep],
        residuals=None if residuals is None else _select_residuals(residuals, keep),
        photo=None if photo is None else _select_photo(photo, keep),
    )
    if len(chosen.face_index) == 0:
        raise BadInputError(f"no Gaussian of avatar '{avatar.name}' is left", "keep at least one")
    return chosen


def _select_residuals(
    residuals: PoseResiduals, keep: Bool[np.ndarray, " N"] | Int[np.ndarray, " M"]
) -> PoseResiduals:
    return replace(residuals, offsets=residuals.offsets[:, keep], colors=residuals.colors[:, keep])


def _select_photo(photo: ReferencePhoto, keep: Bool[np.ndarray, " N"] | Int[np.ndarray, " M"]) -> ReferencePhoto:
    return replace(photo, places=photo.places[keep], trust=photo.trust[keep])


def skin_weights(avatar: GaussianAvatar, body: BodyModel) -> Float[np.ndarray, "N 55"]:
    """The joints' weights at the point of the surface that each Gaussian is bound to."""
    corners = body.weights[body.faces[avatar.face_index]]
    return np.einsum("nk,nkj->nj", avatar.barycentric, corners)


def canonical_means(avatar: GaussianAvatar, body: BodyModel) -> Float[np.ndarray, "N 3"]:
    """Where the Gaussians are in the shaped T-pose, metres."""
    vertices = body.shaped(avatar.betas)
    frames = face_frames(vertices, body.faces)[avatar.face_index]
    bound = np.einsum("nk,nkc->nc", avatar.barycentric, vertices[body.faces[avatar.face_index]])
    return (bound + np.einsum("nij,nj->ni", frames, avatar.offsets)).astype(np.float32)


def without_head(avatar: GaussianAvatar, body: BodyModel) -> GaussianAvatar:
    """What a wearer sees of themselves: no head, no upper neck, and no hair on either.

    Hair is bound to whatever skin is nearest, so a knot at the nape may hang on the neck alone: what moves with
    the neck and lies above its joint goes too. Hair that falls on chest and shoulders stays.

    Raises:
        BadInputError: the avatar is nothing but a head.
    """
    weights = skin_weights(avatar, body)
    neck_height = float((body.J_regressor[NECK_JOINT] @ body.shaped(avatar.betas))[0, 1])
    on_head = weights[:, HEAD_JOINTS].sum(axis=1) > HIDDEN_WEIGHT
    above_neck = (weights[:, NECK_JOINT] > HIDDEN_WEIGHT) & (canonical_means(avatar, body)[:, 1] > neck_height)
    return select(avatar, ~(on_head | above_neck))
