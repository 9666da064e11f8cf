"""Steps by onnxruntime: on CPUs, and on NVIDIA GPUs by CUDA or TensorRT without passing through host memory."""

import onnxruntime
import torch
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import in_order
from inperson.shader_model.runtime.onnx_export import INPUTS, OUTPUTS, export_onnx

PROVIDERS = {
    "onnxruntime-cpu": "CPUExecutionProvider",
    "onnxruntime-cuda": "CUDAExecutionProvider",
    "onnxruntime-tensorrt": "TensorrtExecutionProvider",
}
"""onnxruntime's name for each engine's provider."""


class OnnxEngine:
    """One session for each number of people and eyes; any height and width.

    Args:
        name: one of `PROVIDERS`.
        threads: of the CPU provider.
    """

    def __init__(self, model: LiveShader, name: str, threads: int) -> None:
        self.name = name
        self.hidden_channels = model.config.hidden_channels
        self._model = model
        self._threads = threads
        self._sessions: dict[tuple[int, int], onnxruntime.InferenceSession] = {}
        onnxruntime.disable_telemetry_events()

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        given = tuple(x.contiguous() for x in in_order(inputs))
        people = len(inputs.hidden)
        key = (people, len(inputs.color) // people)
        if key not in self._sessions:
            self._sessions[key] = self._session(*key)
        if inputs.color.is_cuda:
            return _bound(self._sessions[key], given)
        arrays = {name: x.numpy() for name, x in zip(INPUTS, given, strict=True)}
        output, hidden = self._sessions[key].run(OUTPUTS, arrays)
        return torch.from_numpy(output), torch.from_numpy(hidden)

    def _session(self, people: int, eyes: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        graph = export_onnx(self._model, people, eyes)
        return onnxruntime.InferenceSession(graph, options, providers=[PROVIDERS[self.name]])


def _bound(session: onnxruntime.InferenceSession, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """One run that reads and writes torch's own memory on the GPU."""
    output, hidden = torch.empty_like(given[0]), torch.empty_like(given[4])
    device = given[0].device
    binding = session.io_binding()
    for name, tensor in zip(INPUTS, given, strict=True):
        binding.bind_input(name, "cuda", device.index or 0, "float32", list(tensor.shape), tensor.data_ptr())
    for name, tensor in zip(OUTPUTS, (output, hidden), strict=True):
        binding.bind_output(name, "cuda", device.index or 0, "float32", list(tensor.shape), tensor.data_ptr())
    torch.cuda.current_stream().synchronize()  # onnxruntime's stream is its own
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    return output, hidden
