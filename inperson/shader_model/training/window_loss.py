"""What a rolled-out window costs, part by part."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.reconstruct.perceptual import Perceptual
from inperson.shader_model.network.same_places import Difference, SamePlaces, difference
from inperson.shader_model.teacher.distillation import TrajectoryLoss
from inperson.shader_model.teacher.draws import Lot
from inperson.shader_model.training import losses
from inperson.shader_model.training.critic import made_loss, pulled, true_loss
from inperson.shader_model.training.groups import WindowGroup
from inperson.shader_model.training.recipe import LossRecipe
from inperson.shader_model.training.roll_out import Verdicts


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    """A group's pictures over its backgrounds."""

    made: Float[Tensor, "T B E 3 H W"]
    true: Float[Tensor, "T B E 3 H W"]
    region: Float[Tensor, "T B E 1 H W"]


class WindowLoss:
    """The loss of the live model.

    Args:
        weights: of its parts.
        perceptual: the network that sees as people do; None where its weight is 0.
        trajectory: the teacher's opinion; None where its weight is 0.
        seed: of what is drawn by lot.
    """

    def __init__(
        self,
        weights: LossRecipe,
        perceptual: Perceptual | None,
        trajectory: TrajectoryLoss | None = None,
        seed: int = 0,
    ) -> None:
        self._weights, self._perceptual = weights, perceptual
        self._trajectory, self._seed = trajectory, seed

    def of(
        self, group: WindowGroup, shown: Float[Tensor, "T B E 4 H W"], verdicts: Verdicts | None
    ) -> dict[str, Float[Tensor, " B"]]:
        """The parts, already weighted, of each window; their sum is the loss.

        Args:
            group: what was told, and the truth.
            shown: what the live model made of it.
            verdicts: of the critic, where there is one.
        """
        w, shape = self._weights, shown.shape[:3]
        region = losses.region_of(group.render.flatten(0, 2), group.truth.flatten(0, 2))
        p = _Pictures(
            losses.composited(shown, group.background),
            losses.composited(group.truth, group.background),
            region.unflatten(0, shape),
        )
        made, true = p.made.flatten(0, 2), p.true.flatten(0, 2)
        wrong, alpha = made - true, (shown - group.truth)[:, :, :, 3:].flatten(0, 2)
        each = {
            "color": w.color * losses.mean_inside(wrong.abs(), region),
            "color_squared": w.color_squared * losses.mean_inside(wrong.square(), region),
            "ssim": w.ssim * losses.dissimilarity(made, true, region),
            "edges": w.edges * losses.edge_loss(wrong, region),
            "alpha": w.alpha * losses.mean_inside(alpha.abs(), region),
            "hold": w.hold * losses.hold_loss(wrong, region),
        }
        if verdicts is not None:
            each |= {
                "adversarial": w.adversarial * pulled(shown, verdicts.pull),
                "critic": true_loss(verdicts.true) + made_loss(verdicts.made),
            }
        parts = {name: values.unflatten(0, shape).mean(dim=(0, 2)) for name, values in each.items()}
        parts["temporal"] = w.temporal * self._steadiness(group, p, other=False)
        if w.eyes > 0:
            parts["eyes"] = w.eyes * self._steadiness(group, p, other=True)
        if self._perceptual is not None:
            parts["perceptual"] = w.perceptual * self._distances(self._perceptual, group, p)
        if self._trajectory is not None:
            lots = [Lot(self._seed, number) for number in group.numbers]
            parts["trajectory"] = w.trajectory * self._trajectory.of(group, shown, lots)
        return parts

    def _steadiness(self, group: WindowGroup, p: _Pictures, *, other: bool) -> Float[Tensor, " B"]:
        """Change from an eye's last picture, or from the other one's, against the truth's."""
        if len(p.true) == 1 or (other and p.true.shape[2] == 1):
            return p.true.new_zeros(group.windows)
        change, true_change = along_motion(group, p.made, other=other), along_motion(group, p.true, other=other)
        each = [
            losses.mean_inside((now.change - true.change).abs(), now.seen)
            for now, true in zip(change, true_change, strict=True)
        ]
        return torch.stack(each).unflatten(1, (group.windows, -1)).mean(dim=(0, 2))

    def _distances(self, perceptual: Perceptual, group: WindowGroup, p: _Pictures) -> Float[Tensor, " B"]:
        """Perceptual distances of each window's chosen frames."""
        windows = torch.arange(group.windows, device=p.made.device)[:, None]
        made, true, region = (x[group.looked_at, windows].flatten(0, 2) for x in (p.made, p.true, p.region))
        with torch.no_grad():
            features = perceptual.features(true)
        distances = perceptual.between(perceptual.features(made), features, region)
        return distances.view(group.windows, -1).mean(dim=1)


def along_motion(
    group: WindowGroup, pictures: Float[Tensor, "T B E 3 H W"], *, other: bool = False
) -> Iterator[Difference]:
    """How every frame but the first differs from the last one; N pictures are (B * E).

    Args:
        other: from what the other of two eyes saw before, and not the same one.
    """
    for last, now, moment in zip(pictures[:-1], pictures[1:], group.moments[1:], strict=True):
        here = torch.arange(moment.color.shape[1], device=now.device)
        there = here.flip(0) if other else here
        same = SamePlaces(
            moment.before[:, here, there].flatten(0, 1), moment.seen_before[:, here, there].flatten(0, 1)
        )
        yield difference(now.flatten(0, 1), last[:, there].flatten(0, 1), same)
