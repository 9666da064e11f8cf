"""Where Gaussians are needed: dropping transparent ones, splitting those that the captures keep pulling at.

The measure is that of Kerbl et al. 2023, section 5: the gradient of the loss by a Gaussian's position on the
image, in pixels, here summed over the steps since the last change, so that it weighs how often it is seen.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from inperson.avatar.binding import SurfaceMotion
from inperson.reconstruct.canonical import LEARNED, CanonicalGaussians, float_tensor
from inperson.render.reference import rotation_from_quat
from inperson.render.views import EyeView

SHRINK = 1.6
"""A split Gaussian's halves are this much shorter along the axis it is split on."""
APART = 0.5
"""They stand this many standard deviations from its middle."""


class PullMeter:
    """Sums each Gaussian's pull on the image, on the Gaussians' device.

    Args:
        gaussians: whose; `add` takes the same.
    """

    def __init__(self, gaussians: CanonicalGaussians) -> None:
        self._sum = torch.zeros_like(gaussians.spacing)

    @property
    def pull(self) -> Float[np.ndarray, " N"]:
        """The sums so far."""
        return self._sum.cpu().numpy()

    def add(self, gaussians: CanonicalGaussians, motion: SurfaceMotion, view: EyeView) -> None:
        """After a backward pass: the length of the position's gradient times a pixel's size there."""
        assert gaussians.shift.grad is not None
        to_eye = view.T_cv_from_world
        depth = np.maximum(motion.points @ to_eye[2, :3].astype(np.float32) + np.float32(to_eye[2, 3]), 0.0)
        length = gaussians.shift.grad.square().sum(dim=1).sqrt() / gaussians.spacing
        self._sum += length * float_tensor(depth).to(length) / float(np.float32(view.intrinsics.fx))


@dataclass(frozen=True, slots=True)
class Change:
    """Rearranged Gaussians, and where each came from."""

    gaussians: CanonicalGaussians
    source: Int[np.ndarray, " M"]
    is_new: Bool[np.ndarray, " M"]


def prune_and_split(
    gaussians: CanonicalGaussians, pull: Float[np.ndarray, " N"], target: int, min_opacity: float
) -> Change:
    """Drop what is transparent, then split the most pulled until there are `target` Gaussians."""
    kept = np.flatnonzero(torch.sigmoid(gaussians.logits.detach()).cpu().numpy() >= min_opacity)
    wanted = min(max(target - len(kept), 0), len(kept))
    split = kept[np.argsort(-pull[kept], kind="stable")[:wanted]]
    source = np.concatenate([kept, split])
    is_new = np.arange(len(source)) >= len(kept)
    side = np.where(is_new, -1.0, np.isin(source, split)).astype(np.float32)
    return Change(_split_along_longest(gaussians, source, side), source, is_new)


def _split_along_longest(
    gaussians: CanonicalGaussians, source: Int[np.ndarray, " M"], side: Float[np.ndarray, " M"]
) -> CanonicalGaussians:
    """Rows `source`; where `side` is +-1 the half on that side, where it is 0 the whole."""
    rows = torch.from_numpy(source).to(gaussians.shift.device)
    tensors = {
        name: getattr(gaussians, name).detach()[rows] for name in ("base_offsets", "spacing", "features", *LEARNED)
    }
    longest = tensors["log_scales"].argmax(dim=1, keepdim=True)
    length = tensors["log_scales"].gather(1, longest).exp()
    axis = rotation_from_quat(tensors["quats"]).gather(2, longest[:, None].expand(-1, 3, 1))[:, :, 0]
    moved = torch.from_numpy(side).to(rows.device)[:, None]
    halved = moved[:, 0] != 0
    offsets = tensors["base_offsets"] + tensors["spacing"][:, None] * tensors["shift"]
    tensors["base_offsets"] = torch.where(
        halved[:, None], offsets + moved * APART * length * axis, tensors["base_offsets"]
    )
    tensors["shift"] = torch.where(halved[:, None], 0.0, tensors["shift"])
    tensors["spacing"] = torch.where(halved, tensors["spacing"] / 2**0.5, tensors["spacing"])
    shrunk = tensors["log_scales"].scatter_add(1, longest, torch.full_like(length, -float(np.log(SHRINK))))
    tensors["log_scales"] = torch.where(halved[:, None], shrunk, tensors["log_scales"])
    for name in LEARNED:
        tensors[name].requires_grad_(True)
    return CanonicalGaussians(gaussians.face_index[source], gaussians.barycentric[source], **tensors)
