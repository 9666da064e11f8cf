"""The windowed forward pass: the live step, frame after frame on its own outputs, as training runs it."""

from collections.abc import Sequence
from typing import Protocol

from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.network.batch import ConditionsBatch
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.warp import carried_batch


class StepModel(Protocol):
    """`LiveShader`, or what is called as it is."""

    config: ShaderConfig

    def __call__(
        self,
        color: Tensor,
        photo: Tensor,
        dense: Tensor,
        previous: Tensor,
        hidden: Tensor,
        switch: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """See `LiveShader.forward`."""
        ...


def unroll(model: StepModel, moments: Sequence[ConditionsBatch]) -> list[Float[Tensor, "B E 4 H W"]]:
    """The refined pictures of every frame of a window, differentiable through time.

    Args:
        moments: in order of time; a frame whose P is 0 begins anew.
    """
    outputs: list[Tensor] = []
    output: Tensor | None = None
    hidden: Tensor | None = None
    for now in moments:
        people, eyes = now.color.shape[:2]
        previous, hidden = carried_batch(output, hidden, now, model.config.hidden_channels)
        color, photo, dense, known = (x.flatten(0, 1) for x in (now.color, now.photo, now.dense, previous))
        shaded, hidden = model(color, photo, dense, known, hidden, now.switch.flatten(0, 1))
        output = shaded.unflatten(0, (people, eyes))
        outputs.append(output)
    return outputs
