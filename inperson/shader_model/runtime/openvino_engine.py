"""Steps by OpenVINO, on CPUs: bfloat16 convolutions where the processor has them."""

import sys
from typing import Any, Literal

import torch
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.compose_cpu import compose_folded_cpu
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import in_order
from inperson.shader_model.runtime.onnx_export import export_folded_onnx
from inperson.workers import Workers

# every import of openvino tells Google Analytics, unless its telemetry cannot be imported
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
import openvino  # noqa: E402

Precision = Literal["f32", "bf16", "int8"]


class OpenVinoEngine:
    """One compiled model for each number of people and eyes; any height and width.

    Height and width stay open: that costs 5% of a step, and a crop that changes its size costs half a step more.
    Compiled for fixed shapes it would cost a third of a second each time.

    The refined pictures are composed outside of the graph, in one pass over them: OpenVINO takes ten.

    Args:
        model: for "int8" one that `int8.rounded` made.
        precision: of what is inside; pictures stay float32. What "int8" does not round is bfloat16 where the
            processor has that.
    """

    def __init__(self, model: LiveShader, precision: Precision, threads: int) -> None:
        self.name = f"openvino-{precision}"
        self.hidden_channels = model.config.hidden_channels
        self._model = model
        self._core = openvino.Core()
        self._settings = {
            "INFERENCE_PRECISION_HINT": self._floating(precision),
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            # a thread bound to a core that tracking has just taken waits for it: half as many pictures a second live
            "ENABLE_CPU_PINNING": False,
        }
        self._workers = Workers(threads)
        self._requests: dict[tuple[int, int], Any] = {}

    def _floating(self, precision: Precision) -> str:
        """The precision of floating point."""
        if precision != "int8":
            return precision
        return "bf16" if "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        people = len(inputs.hidden)
        key = (people, len(inputs.color) // people)
        if key not in self._requests:
            graph = self._core.read_model(export_folded_onnx(self._model, *key))
            self._requests[key] = self._core.compile_model(graph, "CPU", self._settings).create_infer_request()
        request = self._requests[key]
        given = [x.contiguous().numpy() for x in in_order(inputs)]
        request.infer(given, share_inputs=True, share_outputs=True)
        folded, hidden = (request.get_output_tensor(k).data for k in range(2))
        color, photo, _, previous, *_ = given
        output = compose_folded_cpu(folded, color, photo, previous, self._workers)
        # a copy: the next step writes over it
        return torch.from_numpy(output), torch.from_numpy(hidden.copy())
