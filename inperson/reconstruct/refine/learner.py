"""What is being learned of one avatar: Gaussians and residuals, their optimisers, and how to draw them."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inperson.avatar.binding import SurfaceBinding, SurfaceMotion
from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.state import BodyState
from inperson.reconstruct.adam import Adam
from inperson.reconstruct.canonical import CanonicalGaussians, TorchGaussians
from inperson.reconstruct.fit_captures import limit_scales
from inperson.reconstruct.refine.canonical import avatar_from_canonical
from inperson.reconstruct.refine.residuals import RESIDUAL_NAMES, LearnedResiduals
from inperson.reconstruct.refine.settings import OptimiseSettings
from inperson.render.differentiable import rasterize
from inperson.render.views import EyeView

Values = dict[str, np.ndarray]
"""Learned parameters by name."""


class Learner:
    """One avatar while it is refined.

    Args:
        gaussians, residuals: the start; changed in place, on the device they are on.
        body, betas: what they ride on.
        settings: rates, pulls and limits.
    """

    def __init__(
        self,
        gaussians: CanonicalGaussians,
        residuals: LearnedResiduals,
        body: BodyModel,
        betas: Float[np.ndarray, " B"],
        settings: OptimiseSettings,
    ) -> None:
        self.gaussians, self.residuals, self.body, self.betas = gaussians, residuals, body, betas
        self.binding = SurfaceBinding(body, betas, gaussians.face_index, gaussians.barycentric)
        self._settings = settings
        self._start = {name: p.detach().clone() for name, p in self.parameters().items()}
        self._adams = {name: Adam({name: p}, {}) for name, p in self.parameters().items()}
        self._frozen = torch.zeros(len(gaussians), dtype=torch.bool, device=gaussians.device)

    def parameters(self) -> dict[str, Tensor]:
        """Everything that is learned, by name."""
        return self.gaussians.learned() | self.residuals.learned()

    def freeze(self, rows: Bool[np.ndarray, " N"]) -> None:
        """Gaussians that stay as they are."""
        self._frozen = torch.from_numpy(rows).to(self.gaussians.device)

    def posed(self, motion: SurfaceMotion, state: BodyState, with_residuals: bool = True) -> TorchGaussians:
        """The Gaussians of a frame; differentiable.

        Args:
            motion: of the frame, corrected as it may be.
            state: as tracked: what the residuals depend on.
        """
        if not with_residuals:
            return self.gaussians.posed(motion)
        return self.residuals.posed(self.gaussians, motion, state)

    def draw(self, posed: TorchGaussians, view: EyeView) -> Float[Tensor, "5 H W"]:
        """Premultiplied colour, depth times alpha, alpha."""
        return rasterize(posed.means, posed.quats, posed.scales, posed.opacities, posed.colors, [view])[0]

    def step(self, rates: dict[str, float]) -> None:
        """Move what has a gradient; nothing else. Colours and scales stay within what can be."""
        for name, parameter in self.parameters().items():
            if parameter.grad is None:
                continue
            away = parameter.detach() - self._start[name]
            parameter.grad.add_(away, alpha=self._settings.hold[name])
            parameter.grad[self._frozen] = 0.0
            self._adams[name].step({name: parameter}, rates)
        limit_scales(self.gaussians, self._settings.limits)
        with torch.no_grad():
            self.gaussians.colors[~self._frozen] = self.gaussians.colors[~self._frozen].clamp(0.0, 1.0)

    def move(self, displacement: Float[np.ndarray, "N 3"]) -> None:
        """Displace all Gaussians, T-pose axes, metres, also those that are not learned."""
        self.gaussians.base_offsets.add_(torch.from_numpy(displacement).to(self.gaussians.device))

    def values(self) -> Values:
        """A copy of everything that is learned, and of where the Gaussians were moved; the same for all devices."""
        kept = self.parameters() | {"base_offsets": self.gaussians.base_offsets}
        return {name: x.detach().cpu().numpy().copy() for name, x in kept.items()}

    def base_values(self) -> Values:
        """`values` with the residuals at nothing."""
        return {name: np.zeros_like(x) if name in RESIDUAL_NAMES else x for name, x in self.values().items()}

    def restore(self, values: Values) -> None:
        """Go back to `values`."""
        for name, x in (self.parameters() | {"base_offsets": self.gaussians.base_offsets}).items():
            x.detach().copy_(torch.tensor(values[name]))

    def snapshot(self) -> Values:
        """Everything that changes while learning: to go on from (`resume`)."""
        moments = {f"adam.{name}.{k}": x for name, adam in self._adams.items() for k, x in adam.snapshot().items()}
        return self.values() | moments | {"frozen": self._frozen.cpu().numpy().copy()}

    def resume(self, snapshot: Values) -> None:
        """Go on where `snapshot` was taken of a learner that started from the same avatar, on whatever device."""
        self.restore(snapshot)
        self.freeze(snapshot["frozen"].astype(bool))
        for name, adam in self._adams.items():
            prefix = f"adam.{name}."
            adam.resume({key.removeprefix(prefix): x for key, x in snapshot.items() if key.startswith(prefix)})

    def to_avatar(self, avatar: GaussianAvatar) -> GaussianAvatar:
        """The refined avatar: `avatar` with what was learned in its place."""
        refined = avatar_from_canonical(self.gaussians, avatar, self.body, self.betas)
        return replace(refined, residuals=self.residuals.to_pose_residuals(self.gaussians, self.binding.frames))
