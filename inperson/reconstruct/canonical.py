"""The Gaussians of one avatar as torch parameters, in the shaped T-pose, and posing them differentiably.

What a pose does to a Gaussian (`SurfaceMotion`) does not depend on the parameters: the point it rides on, the
turn and the stretch are constants of a state. Offsets, quaternions, scales, opacities and colours are learned.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation
from torch import Tensor

from inperson.avatar.appearance import sh_from_rgb
from inperson.avatar.binding import SurfaceBinding, SurfaceMotion, quats_of
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.conventions import quat_xyzw_from_wxyz
from inperson.reconstruct.hanging import hang

CPU = torch.device("cpu")
LEARNED = ("shift", "quats", "log_scales", "logits", "colors")


@dataclass(frozen=True, slots=True)
class TorchGaussians:
    """Posed Gaussians in the world, as `rasterize` takes them."""

    means: Float[Tensor, "N 3"]
    quats: Float[Tensor, "N 4"]
    scales: Float[Tensor, "N 3"]
    opacities: Float[Tensor, " N"]
    colors: Float[Tensor, "N 3"]


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalGaussians:
    """N learnable Gaussians riding on a body. Directions are the world's in T-pose. All tensors are on one device,
    where they are posed, drawn and learned; what they ride on stays with the CPU."""

    face_index: Int[np.ndarray, " N"]
    barycentric: Float[np.ndarray, "N 3"]
    base_offsets: Float[Tensor, "N 3"]
    """From the face to where the surface was sampled, metres."""
    spacing: Float[Tensor, " N"]
    """Distance to neighbours, metres: the unit of `shift` and of the limits on scales."""
    shift: Float[Tensor, "N 3"]
    """Learned; how far the mean has moved off the sampled surface, in units of `spacing`."""
    quats: Float[Tensor, "N 4"]
    """Learned; wxyz, any length."""
    log_scales: Float[Tensor, "N 3"]
    """Learned; natural logarithm of metres."""
    logits: Float[Tensor, " N"]
    """Learned; opacity before the sigmoid."""
    colors: Float[Tensor, "N 3"]
    """Learned; sRGB-encoded."""
    features: Float[Tensor, "N F"]
    """Constant; channels for the video shader, F may be 0."""

    def __len__(self) -> int:
        return len(self.face_index)

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.shift.device

    def to(self, device: torch.device) -> "CanonicalGaussians":
        """The same Gaussians as leaves on a device; these very ones where they are there already."""
        if self.device == device:
            return self
        constant = {name: getattr(self, name).to(device) for name in ("base_offsets", "spacing", "features")}
        learned = {name: p.detach().to(device).requires_grad_(True) for name, p in self.learned().items()}
        return CanonicalGaussians(self.face_index, self.barycentric, **constant, **learned)

    def learned(self) -> dict[str, Tensor]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in LEARNED}

    def binding(self, body: BodyModel, betas: Float[np.ndarray, " B"]) -> SurfaceBinding:
        """What turns a state into the motion of these Gaussians."""
        return SurfaceBinding(body, betas, self.face_index, self.barycentric)

    def posed(self, motion: SurfaceMotion) -> TorchGaussians:
        """Differentiable twin of `AvatarPoser.pose`: hung on the points, turned, stretched."""
        learned = (self.shift, self.quats, self.log_scales, self.logits)
        means, quats, scales, opacities = hang(self.base_offsets, self.spacing, *learned, motion)
        return TorchGaussians(means, quats, scales, opacities, self.colors)

    def to_avatar(
        self, body: BodyModel, betas: Float[np.ndarray, " B"], name: str, provenance: dict[str, str]
    ) -> GaussianAvatar:
        """The avatar these parameters describe, sorted by face so that posing reads memory in order."""
        here = self.to(CPU)
        order = np.argsort(self.face_index, kind="stable")
        frames = self.binding(body, betas).frames[order]
        offsets = (here.base_offsets + here.spacing[:, None] * here.shift).detach().numpy()[order]
        canonical = Rotation.from_quat(quat_xyzw_from_wxyz(here.quats.detach().numpy()[order])).as_matrix()
        to_face = frames.transpose(0, 2, 1)
        return GaussianAvatar(
            face_index=self.face_index[order].astype(np.int32),
            barycentric=self.barycentric[order].astype(np.float32),
            offsets=np.einsum("nij,nj->ni", to_face, offsets).astype(np.float32),
            quats=quats_of(to_face @ canonical),
            scales=np.exp(here.log_scales.detach().numpy()[order]),
            opacities=torch.sigmoid(here.logits).detach().numpy()[order],
            sh=sh_from_rgb(here.colors.detach().numpy()[order]),
            features=here.features.numpy()[order],
            betas=np.asarray(betas, np.float32),
            body_name=body.name,
            body_sha256=body.sha256,
            name=name,
            provenance=provenance,
        )


def float_tensor(x: np.ndarray) -> Float[Tensor, "..."]:
    """The same numbers as float32; the memory is shared where they are that already."""
    return torch.from_numpy(np.ascontiguousarray(x, np.float32))
