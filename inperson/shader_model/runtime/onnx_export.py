"""The live model as an ONNX graph: streaming state as inputs and outputs, any height and width."""

import copy
import importlib.util
import io
import warnings

import torch

from inperson.errors import BadInputError
from inperson.shader_model.interface import DENSE_CHANNELS, INNER, MULTIPLE
from inperson.shader_model.network.model import SWITCH, LiveShader
from inperson.shader_model.network.warp import HIDDEN

INPUTS = ("color", "photo", "dense", "previous", "hidden", "switch")
OUTPUTS = ("output", "next_hidden")
OPSET = 17
_WHOLE, _INNER, _HIDDEN = {2: "H", 3: "W"}, {2: "h", 3: "w"}, {2: "hidden_h", 3: "hidden_w"}
_SIDES = dict.fromkeys(("color", "photo", "previous", "output"), _WHOLE) | {
    "dense": _INNER,
    "hidden": _HIDDEN,
    "next_hidden": _HIDDEN,
}


def export_onnx(model: LiveShader, people: int, eyes: int) -> bytes:
    """The graph for so many people with so many eyes each; height and width are the caller's, multiples of MULTIPLE.

    Raises:
        BadInputError: the package `onnx` is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        raise BadInputError("the video shader cannot be exported without onnx", "pip install inperson[export]")
    own = copy.deepcopy(model).requires_grad_(False).float().cpu().eval()
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # that it is the older exporter (0.3 s against 7 s for the same graph), and that counts of eyes are constants
        warnings.simplefilter("ignore")
        torch.onnx.export(
            own,
            _example(model, people, eyes),
            buffer,  # type: ignore[arg-type]  # as this exporter documents
            dynamo=False,
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            dynamic_axes=_SIDES,
        )
    return buffer.getvalue()


def _example(model: LiveShader, people: int, eyes: int) -> tuple[torch.Tensor, ...]:
    count, side = people * eyes, MULTIPLE
    return (
        torch.zeros(count, 4, side, side),
        torch.zeros(count, 4, side, side),
        torch.zeros(count, len(DENSE_CHANNELS), side // INNER, side // INNER),
        torch.zeros(count, 5, side, side),
        torch.zeros(people, model.config.hidden_channels, side // HIDDEN, side // HIDDEN),
        torch.zeros(count, SWITCH),
    )
