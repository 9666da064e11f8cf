"""The live model as an ONNX graph: streaming state as inputs and outputs, any height and width."""

import copy
import importlib.util
import io
import warnings

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inperson.errors import BadInputError
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, MULTIPLE
from inperson.shader_model.network.model import SWITCH, LiveShader
from inperson.shader_model.network.warp import HIDDEN

INPUTS = ("color", "photo", "dense", "previous", "hidden", "switch")
OUTPUTS = ("output", "next_hidden")
FOLDED_OUTPUTS = ("folded", "next_hidden")
OPSET = 17
_WHOLE, _INNER, _HIDDEN = {2: "H", 3: "W"}, {2: "h", 3: "w"}, {2: "hidden_h", 3: "hidden_w"}
_SIDES = dict.fromkeys(("color", "photo", "previous", "output"), _WHOLE) | {
    "dense": _INNER,
    "folded": _INNER,
    "hidden": _HIDDEN,
    "next_hidden": _HIDDEN,
}


def export_onnx(model: LiveShader, people: int, eyes: int) -> bytes:
    """The graph for so many people with so many eyes each; height and width are the caller's, multiples of MULTIPLE.

    Raises:
        BadInputError: the package `onnx` is not installed.
    """
    return _exported(_own(model), _example(model, people, eyes), OUTPUTS)


def export_folded_onnx(model: LiveShader, people: int, eyes: int) -> bytes:
    """Likewise of `LiveShader.folded`: the step without its last part, which `compose_folded_cpu` does.

    Raises:
        BadInputError: as `export_onnx`.
    """
    return _exported(_Folded(_own(model)), _example(model, people, eyes), FOLDED_OUTPUTS)


class _Folded(nn.Module):
    def __init__(self, model: LiveShader) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> tuple[Float[Tensor, "BE 96 h w"], Float[Tensor, "B C H/16 W/16"]]:
        return self.model.folded(*inputs)


def _own(model: LiveShader) -> LiveShader:
    return copy.deepcopy(model).requires_grad_(False).float().cpu().eval()


def _exported(graph: nn.Module, example: tuple[Tensor, ...], outputs: tuple[str, ...]) -> bytes:
    if importlib.util.find_spec("onnx") is None:
        raise BadInputError("the video shader cannot be exported without onnx", "pip install inperson[export]")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # that it is the older exporter (0.3 s against 7 s for the same graph), and that counts of eyes are constants
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            example,
            buffer,  # type: ignore[arg-type]  # as this exporter documents
            dynamo=False,
            input_names=list(INPUTS),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamic_axes={name: _SIDES[name] for name in (*INPUTS, *outputs) if name in _SIDES},
        )
    return buffer.getvalue()


def _example(model: LiveShader, people: int, eyes: int) -> tuple[Tensor, ...]:
    count, side = people * eyes, MULTIPLE
    return (
        torch.zeros(count, 4, side, side),
        torch.zeros(count, 4, side, side),
        torch.zeros(count, len(DENSE_CHANNELS), side // INNER, side // INNER),
        torch.zeros(count, 5, side, side),
        torch.zeros(people, model.config.hidden_channels, side // HIDDEN, side // HIDDEN),
        torch.zeros(count, SWITCH),
    )
