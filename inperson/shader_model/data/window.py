"""`Window`: consecutive frames of one person, what the shader is told of each and what it should show. Data only."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from inperson.shader_model.interface import Conditions


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """T frames of E eyes. The first follows a reset: its `before` is of no previous eye."""

    name: str
    conditions: tuple[Conditions, ...]
    truth: Float[Tensor, "T E 4 H W"]
    """Premultiplied colour and alpha, 0 to 1."""

    @property
    def eyes(self) -> int:
        """E."""
        return self.truth.shape[1]
