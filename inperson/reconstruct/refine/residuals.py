"""Learning what pose and expression change about Gaussians beyond what the body does to them.

VASA-3D's split (Xu et al. 2025): the body deforms the Gaussians, residuals add what it cannot do. Here the residuals
are low-rank and linear in how body, jaw and face stand (`PoseResiduals`): which directions of the pose count is found
by principal components over the clip, what each adds to every Gaussian is learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inperson.avatar.binding import SurfaceMotion
from inperson.avatar.gaussians import PoseResiduals
from inperson.avatar.residuals import MAX_COMPONENTS, NUM_POSE_FEATURES, pose_features
from inperson.avatar.state import BodyState
from inperson.reconstruct.canonical import CanonicalGaussians, TorchGaussians

_JOINT_SCALE, _EXPRESSION_SCALE = 0.3, 0.3
"""Radians and coefficients that count as one unit of movement when components are sought."""
_KEPT = 0.95
"""Share of the clip's movement that the components must tell apart."""
_LIMIT = 1.2
"""Coefficients go this many times as far as they went in the clip, and no further."""
_LEAST_DEVIATION = 0.1
"""Units of movement below which a component is the tracker's noise."""

RESIDUAL_NAMES = ("residual_shift", "residual_colors")


@dataclass(frozen=True, slots=True, eq=False)
class PoseBasis:
    """Which K directions of pose and expression have residuals, and how far each went."""

    weights: Float[np.ndarray, "K P"]
    mean: Float[np.ndarray, " P"]
    low: Float[np.ndarray, " K"]
    high: Float[np.ndarray, " K"]

    @staticmethod
    def of(states: Sequence[BodyState], num_expression: int, most: int = MAX_COMPONENTS) -> "PoseBasis":
        """Principal components of what the states do; each coefficient has unit variance over them.

        Args:
            states: of the frames that are learned from.
            num_expression: of the body.
            most: components at most.
        """
        features = np.stack([pose_features(state, num_expression) for state in states])
        unit = np.full(features.shape[1], _EXPRESSION_SCALE)
        unit[: features.shape[1] - num_expression] = _JOINT_SCALE
        mean = features.mean(axis=0)
        scaled = (features - mean) / unit
        _, length, directions = np.linalg.svd(scaled, full_matrices=False)
        deviation = length / np.sqrt(len(states))
        explained = np.cumsum(length**2) / max(float((length**2).sum()), 1e-12)
        kept = min(int(np.searchsorted(explained, _KEPT)) + 1, most, int((deviation > _LEAST_DEVIATION).sum()))
        weights = directions[:kept] / unit / deviation[:kept, None]
        raw = (features - mean) @ weights.T
        return PoseBasis(weights, mean, _LIMIT * raw.min(axis=0), _LIMIT * raw.max(axis=0))

    def __len__(self) -> int:
        return len(self.weights)

    def coefficients(self, state: BodyState) -> Float[np.ndarray, " K"]:
        """How often each component counts in a state."""
        features = pose_features(state, len(self.mean) - NUM_POSE_FEATURES)
        return np.clip(self.weights @ (features - self.mean), self.low, self.high)


@dataclass(frozen=True, slots=True, eq=False)
class LearnedResiduals:
    """What each component adds to every Gaussian; on the Gaussians' device."""

    basis: PoseBasis
    shift: Float[Tensor, "N 3K"]
    """Added to `CanonicalGaussians.shift` (units of spacing, T-pose axes); component k in columns 3k to 3k + 2."""
    colors: Float[Tensor, "N 3K"]

    @staticmethod
    def none(gaussians: CanonicalGaussians, basis: PoseBasis) -> "LearnedResiduals":
        """Nothing yet, for these Gaussians."""
        shape = (len(gaussians), 3 * len(basis))
        zeros = [torch.zeros(shape, device=gaussians.device, requires_grad=True) for _ in RESIDUAL_NAMES]
        return LearnedResiduals(basis, *zeros)

    def learned(self) -> dict[str, Tensor]:
        """The parameters by name."""
        return {} if not len(self.basis) else dict(zip(RESIDUAL_NAMES, (self.shift, self.colors), strict=True))

    def posed(self, gaussians: CanonicalGaussians, motion: SurfaceMotion, state: BodyState) -> TorchGaussians:
        """The Gaussians with what the state adds; differentiable.

        Args:
            motion: of the frame, corrected as it may be.
            state: as tracked: what the avatar will be driven by.
        """
        if not len(self.basis):
            return gaussians.posed(motion)
        factors = torch.from_numpy(self.basis.coefficients(state).astype(np.float32))
        blend = torch.kron(factors[:, None], torch.eye(3)).to(gaussians.device)
        moved = replace(gaussians, shift=gaussians.shift + self.shift @ blend)
        posed = moved.posed(motion)
        return replace(posed, colors=(posed.colors + self.colors @ blend).clamp_min(0.0))

    def to_pose_residuals(
        self, gaussians: CanonicalGaussians, frames: Float[np.ndarray, "N 3 3"]
    ) -> PoseResiduals | None:
        """As an avatar keeps them; None where there are none.

        Args:
            gaussians: what they belong to.
            frames: of the Gaussians' faces in the T-pose.
        """
        if not len(self.basis):
            return None
        parts = (gaussians.spacing[:, None] * self.shift, self.colors)
        shift, colors = (p.detach().cpu().numpy().reshape(-1, len(self.basis), 3).transpose(1, 0, 2) for p in parts)
        if not shift.any() and not colors.any():
            return None
        return PoseResiduals(
            weights=self.basis.weights.astype(np.float32),
            mean=self.basis.mean.astype(np.float32),
            low=self.basis.low.astype(np.float32),
            high=self.basis.high.astype(np.float32),
            offsets=np.einsum("nji,knj->kni", frames, shift).astype(np.float32),
            colors=np.ascontiguousarray(colors, np.float32),
        )
