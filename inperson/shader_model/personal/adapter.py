"""The personal change of a live model: low-rank (LoRA, Hu et al. 2021) on the 1x1 convolutions of its way up.

Merged into the weights it costs nothing at run time: any engine runs the merged model as it runs the plain one.
"""

import copy
import hashlib
import json
from collections.abc import Collection, Iterator
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from inperson.avatar.gaussians import PersonalShader
from inperson.errors import BadInputError
from inperson.shader_model.interface import INNER
from inperson.shader_model.network.config import ShaderConfig
from inperson.shader_model.network.model import LiveShader

CHANGED = ("from_sixteenth", "up_eighth", "from_eighth", "up_quarter", "head")
"""Parts of the model whose 1x1 convolutions change: what it draws, not what it sees and remembers."""
RANK = 4


class AdaptedShader(nn.Module):
    """A live model that stands still, and its change, which learns. Untrained it is the plain model.

    Args:
        base: shared, never written to.
    """

    def __init__(self, base: LiveShader) -> None:
        super().__init__()
        self.config: ShaderConfig = base.config
        self._base = (base,)  # in a tuple: no parameter of this module
        self.changes = nn.ModuleList(Change(conv, _pixels(name)) for name, conv in _convolutions(base))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """As `LiveShader.forward`."""
        shaded: tuple[Tensor, Tensor] = functional_call(self._base[0], self._weights(), inputs)
        return shaded

    def _weights(self) -> dict[str, Tensor]:
        changed: dict[str, Tensor] = {}
        for change, (name, conv) in zip(self.changes, _convolutions(self._base[0]), strict=True):
            assert isinstance(change, Change)
            assert conv.bias is not None
            changed[f"{name}.weight"] = conv.weight + change.weight[..., None, None]
            changed[f"{name}.bias"] = conv.bias + change.bias.repeat_interleave(change.pixels)
        return changed

    @torch.no_grad()
    def merged(self) -> LiveShader:
        """A plain live model with the change in its weights, ready for inference."""
        model = copy.deepcopy(self._base[0])
        model.load_state_dict(self._weights(), strict=False)
        return model.requires_grad_(False).eval()

    def values(self) -> Float[np.ndarray, " A"]:
        """All parameters of the change in a row."""
        return torch.cat([p.detach().flatten() for p in self.changes.parameters()]).cpu().numpy().astype(np.float32)

    @torch.no_grad()
    def fill(self, values: Float[np.ndarray, " A"]) -> None:
        """The inverse of `values`.

        Raises:
            ValueError: too few numbers, or too many.
        """
        parameters = list(self.changes.parameters())
        ends = np.cumsum([0, *(p.numel() for p in parameters)])
        if len(values) != ends[-1]:
            raise ValueError(f"{len(values)} numbers where {ends[-1]} are right")
        for parameter, (start, end) in zip(parameters, pairwise(ends), strict=True):
            parameter.copy_(torch.from_numpy(values[start:end]).view_as(parameter))


class Change(nn.Module):
    """Of one convolution: up @ down is added to its matrix, and something to its bias. Nothing at first.

    Args:
        conv: what it is of.
        pixels: how many outputs in a row become the pixels of one square. All get the same, or a few seconds of one
            person would be learned as a grid.
    """

    def __init__(self, conv: nn.Conv2d, pixels: int) -> None:
        super().__init__()
        out, channels = conv.weight.shape[:2]
        self.pixels = pixels
        self.up = nn.Parameter(torch.zeros(out // pixels, RANK))
        self.down = nn.Parameter(torch.randn(RANK, channels) / channels**0.5)
        self.bias = nn.Parameter(torch.zeros(out // pixels))

    @property
    def weight(self) -> Float[Tensor, "O C"]:
        """What is added to the matrix."""
        return (self.up @ self.down).repeat_interleave(self.pixels, dim=0)


def _convolutions(model: LiveShader) -> Iterator[tuple[str, nn.Conv2d]]:
    """Those that change, in the order in which their changes are stored."""
    for part in CHANGED:
        for name, module in model.get_submodule(part).named_modules(prefix=part):
            if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
                yield name, module


def _pixels(name: str) -> int:
    """Into how many pixels (`pixel_shuffle`) the outputs of a convolution go."""
    if name.startswith("head."):
        return INNER**2
    return 4 if name.endswith(".project") else 1


def fingerprint(model: LiveShader, leaving_out: Collection[str] = ()) -> str:
    """The sha256 of a model's shape and weights, at the half precision in which they are stored.

    Args:
        leaving_out: parts whose weights make no difference.
    """
    digest = hashlib.sha256(json.dumps(model.config.to_dict(), sort_keys=True).encode())
    for name, value in sorted(model.state_dict().items()):
        if name.partition(".")[0] not in leaving_out:
            digest.update(name.encode() + value.detach().cpu().half().numpy().tobytes())
    return digest.hexdigest()


def personal_of(adapted: AdaptedShader, base: LiveShader) -> PersonalShader:
    """The change as an avatar keeps it."""
    return PersonalShader(fingerprint(base), adapted.values())


def personalised(base: LiveShader, personal: PersonalShader) -> LiveShader:
    """The model as it is for one person.

    Raises:
        BadInputError: the change belongs to other weights.
    """
    adapted = AdaptedShader(base)
    known = fingerprint(base)
    try:
        if known != personal.weights_sha256:
            raise ValueError(f"{personal.weights_sha256[:12]}, not {known[:12]}")
        adapted.fill(personal.values)
    except ValueError as error:
        what = f"the avatar's personal shader belongs to other weights ({error})"
        raise BadInputError(what, "refine the avatar again with this shader") from error
    return adapted.merged()
