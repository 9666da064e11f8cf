"""The live model going through windows as it will run, and the critic that looks on: what is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from inperson.shader_model.interface import DENSE_CHANNELS
from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.network.unroll import unroll
from inperson.shader_model.network.warp import carried_batch
from inperson.shader_model.training.critic import Critic, pull_of
from inperson.shader_model.training.groups import WindowGroup
from inperson.shader_model.training.losses import composited
from inperson.shader_model.training.recipe import RollOutRecipe

NORMALS = torch.tensor([name.startswith("normal") for name in DENSE_CHANNELS])


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """What the critic says of N pictures' patches."""

    pull: Float[Tensor, "T B E 4 H W"]
    """Where it would have each picture go, detached; for the live model."""
    made: Float[Tensor, "N 1 h w"]
    """Of made pictures; gradients flow to the critic alone."""
    true: Float[Tensor, "N 1 h w"]


class RollOut(nn.Module):
    """One module for everything that learns, so that processes share one backward pass.

    Args:
        shader: the live model.
        critic: None without an adversarial loss.
        how: ablations.
    """

    def __init__(self, shader: LiveShader, critic: Critic | None, how: RollOutRecipe) -> None:
        super().__init__()
        self.shader, self.critic = shader, critic
        self._how = how

    def forward(self, group: WindowGroup) -> tuple[Float[Tensor, "T B E 4 H W"], Verdicts | None]:
        """What the live model makes of a group's windows, and what the critic says of it."""
        shown = torch.stack(self._shown([told(moment, self._how) for moment in group.moments], group.truth))
        return shown, None if self.critic is None else self._verdicts(self.critic, group, shown)

    def _shown(self, moments: Sequence[ConditionsBatch], truth: Float[Tensor, "T B E 4 H W"]) -> list[Tensor]:
        if self._how.memory == "own":
            return unroll(self.shader, moments)
        if self._how.memory == "none":
            return [unroll(self.shader, [moment])[0] for moment in moments]
        return self._teacher_forced(moments, truth)

    def _teacher_forced(
        self, moments: Sequence[ConditionsBatch], truth: Float[Tensor, "T B E 4 H W"]
    ) -> list[Tensor]:
        """As `unroll`, but what is remembered of the last frame is the truth."""
        out: list[Tensor] = []
        hidden: Tensor | None = None
        for now, before in zip(moments, (None, *truth[:-1]), strict=True):
            previous, hidden = carried_batch(before, hidden, now, self.shader.config.hidden_channels)
            pictures = (x.flatten(0, 1) for x in (now.color, now.photo, now.dense, previous))
            shaded, hidden = self.shader(*pictures, hidden, now.switch.flatten(0, 1))
            out.append(shaded.unflatten(0, now.color.shape[:2]))
        return out

    def _verdicts(self, critic: Critic, group: WindowGroup, shown: Float[Tensor, "T B E 4 H W"]) -> Verdicts:
        def seen(rgba: Tensor) -> Float[Tensor, "N 8 H W"]:
            pairs = [
                x for each in (rgba, group.render) for x in (composited(each, group.background), each[..., 3:, :, :])
            ]
            return torch.cat(pairs, dim=-3).flatten(0, 2)

        frozen = {name: parameter.detach() for name, parameter in critic.named_parameters()}
        return Verdicts(
            pull=pull_of(lambda rgba: functional_call(critic, frozen, (seen(rgba),)), shown),
            made=critic(seen(shown.detach())),
            true=critic(seen(group.truth)),
        )


def told(moment: ConditionsBatch, how: RollOutRecipe) -> ConditionsBatch:
    """The conditions less what an ablation takes away."""
    if not how.switch:
        moment = replace(moment, switch=torch.zeros_like(moment.switch))
    if how.dense == "normals":
        kept = NORMALS.to(moment.dense.device)[:, None, None]
        moment = replace(moment, dense=moment.dense * kept, photo=torch.zeros_like(moment.photo))
    return moment
