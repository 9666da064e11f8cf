"""`ConditionsBatch`: the conditions of several people at one moment, in one tensor each."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions


@dataclass(frozen=True, slots=True, eq=False)
class ConditionsBatch:
    """`Conditions` of B people with E eyes each; all begin anew (P is 0) in the same frame."""

    color: Float[Tensor, "B E 4 H W"]
    photo: Float[Tensor, "B E 4 H W"]
    dense: Float[Tensor, "B E D h w"]
    before: Float[Tensor, "B E P 2 h w"]
    seen_before: Float[Tensor, "B E P h w"]
    switch: Float[Tensor, "B E 2"]

    @staticmethod
    def of(people: Sequence[Conditions]) -> "ConditionsBatch":
        """People of one size and as many eyes, now and before, beside each other."""
        names = [field.name for field in fields(ConditionsBatch)]
        return ConditionsBatch(**{name: torch.stack([getattr(one, name) for one in people]) for name in names})
