"""Between a finished avatar and its learnable Gaussians, there and back. Rows keep their order."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from inperson.avatar.appearance import diffuse_color, sh_from_rgb
from inperson.avatar.binding import SurfaceBinding, quats_of
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.reconstruct.canonical import CPU, CanonicalGaussians

_NEIGHBOURS = 3
_OPACITY_LIMITS = (1e-3, 0.98)
"""An opacity of exactly 0 or 1 has no logit to learn, and one near 1 takes long to leave it."""
_SPACING_LIMITS = (5e-4, 5e-2)
"""Metres: two Gaussians in one place, or one alone, still have a unit to move in."""
_SCALE_SHARE = 0.5
"""Least spacing as a share of a Gaussian's longest axis, so that the limits on scales let it stay as it is."""


def canonical_from_avatar(avatar: GaussianAvatar, body: BodyModel) -> CanonicalGaussians:
    """The learnable Gaussians of an avatar, without its residuals; view-dependent colour keeps its mean only.

    Args:
        body: the one the avatar was made for.
    """
    binding = SurfaceBinding(body, avatar.betas, avatar.face_index, avatar.barycentric)
    offsets = np.einsum("nij,nj->ni", binding.frames, avatar.offsets)
    turned = binding.frames @ Rotation.from_quat(quat_xyzw_from_wxyz(avatar.quats)).as_matrix()
    opacities = np.clip(avatar.opacities.astype(np.float64), *_OPACITY_LIMITS)
    return CanonicalGaussians(
        face_index=avatar.face_index,
        barycentric=avatar.barycentric,
        base_offsets=_constant(offsets),
        spacing=_constant(
            np.maximum(spacing_of(binding.rest_points + offsets), _SCALE_SHARE * avatar.scales.max(axis=1))
        ),
        shift=torch.zeros(len(offsets), 3, requires_grad=True),
        quats=_learnable(quats_of(turned)),
        log_scales=_learnable(np.log(avatar.scales)),
        logits=_learnable(np.log(opacities / (1.0 - opacities))),
        colors=_learnable(diffuse_color(avatar.sh)),
        features=_constant(avatar.features),
    )


def avatar_from_canonical(
    gaussians: CanonicalGaussians, avatar: GaussianAvatar, body: BodyModel, betas: Float[np.ndarray, " B"]
) -> GaussianAvatar:
    """The avatar with learned Gaussians in its own rows' places: what was not learned (view-dependent colour,
    features, name, papers) stays `avatar`'s; residuals are left out.

    Args:
        gaussians: from `canonical_from_avatar(avatar, body)`.
        betas: the shape they were learned in.
    """
    gaussians = gaussians.to(CPU)
    frames = gaussians.binding(body, betas).frames
    to_face = frames.transpose(0, 2, 1)
    offsets = (gaussians.base_offsets + gaussians.spacing[:, None] * gaussians.shift).detach().numpy()
    canonical = Rotation.from_quat(quat_xyzw_from_wxyz(gaussians.quats.detach().numpy())).as_matrix()
    sh = np.concatenate([sh_from_rgb(gaussians.colors.detach().numpy()), avatar.sh[:, 1:]], axis=1)
    return replace(
        avatar,
        offsets=np.einsum("nij,nj->ni", to_face, offsets).astype(np.float32),
        quats=quats_of(to_face @ canonical),
        scales=np.exp(gaussians.log_scales.detach().numpy()),
        opacities=torch.sigmoid(gaussians.logits).detach().numpy(),
        sh=sh.astype(np.float32),
        betas=np.asarray(betas, np.float32),
        residuals=None,
    )


def spacing_of(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, " N"]:
    """Mean distance of each point to its nearest neighbours, metres, within `_SPACING_LIMITS`."""
    distances, _ = cKDTree(points).query(points, k=min(_NEIGHBOURS + 1, len(points)))
    return np.clip(np.atleast_2d(distances)[:, 1:].mean(axis=1), *_SPACING_LIMITS)


def _constant(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(x, np.float32, order="C"))


def _learnable(x: np.ndarray) -> Tensor:
    return _constant(x).requires_grad_(True)
