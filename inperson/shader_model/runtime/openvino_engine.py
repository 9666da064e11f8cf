"""Steps by OpenVINO, on CPUs: bfloat16 convolutions where the processor has them."""

from typing import Any

import openvino
import torch
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import in_order
from inperson.shader_model.runtime.onnx_export import export_onnx

_KEPT = 4
"""Shapes whose compiled models are kept: a crop that grows often shrinks again."""


class OpenVinoEngine:
    """One compiled model a shape, made when the shape is first met.

    Args:
        precision: "bf16" or "f32", of what is inside; pictures stay float32.
    """

    def __init__(self, model: LiveShader, precision: str, threads: int) -> None:
        self.name = f"openvino-{precision}"
        self.hidden_channels = model.config.hidden_channels
        self._model = model
        self._core = openvino.Core()
        self._settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._graphs: dict[tuple[int, int], openvino.Model] = {}
        self._requests: dict[tuple[torch.Size, ...], Any] = {}

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        given = in_order(inputs)
        shapes = tuple(x.shape for x in given)
        request = self._requests.pop(shapes, None) or self._compiled(shapes)
        self._requests[shapes] = request  # the last used at the end
        if len(self._requests) > _KEPT:
            del self._requests[next(iter(self._requests))]
        request.infer([x.contiguous().numpy() for x in given], share_inputs=True, share_outputs=True)
        # copies: the next step writes over these
        output, hidden = (torch.from_numpy(request.get_output_tensor(k).data.copy()) for k in range(2))
        return output, hidden

    def _compiled(self, shapes: tuple[torch.Size, ...]) -> Any:
        pictures, people = shapes[0][0], shapes[4][0]
        key = (people, pictures // people)
        if key not in self._graphs:
            self._graphs[key] = self._core.read_model(export_onnx(self._model, *key))
        graph = self._graphs[key].clone()
        # fixed shapes: memory is planned once, and layouts are chosen for them
        graph.reshape({port.any_name: list(shape) for port, shape in zip(graph.inputs, shapes, strict=True)})
        return self._core.compile_model(graph, "CPU", self._settings).create_infer_request()
