"""Steps by onnxruntime: on CPUs, and on NVIDIA GPUs by CUDA or TensorRT without passing through host memory."""

import os

import torch
from torch import Tensor

from inperson.errors import DeviceError
from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import in_order
from inperson.shader_model.runtime.onnx_export import INPUTS, OUTPUTS, export_onnx

# it reports usage to Microsoft; only this stops it, before it is imported (`disable_telemetry_events` does not)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime

_PROVIDERS = {
    "cpu": {"onnxruntime-cpu": ["CPUExecutionProvider"]},
    "cuda": {
        "onnxruntime-cuda": ["CUDAExecutionProvider"],
        "onnxruntime-tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider"],
    },
}


def names_for(device: torch.device) -> list[str]:
    """The engines that this onnxruntime was built with, for a device."""
    there = set(onnxruntime.get_available_providers())
    return [name for name, providers in _PROVIDERS.get(device.type, {}).items() if providers[0] in there]


class OnnxEngine:
    """One session for each number of people and eyes; any height and width.

    Args:
        name: one of `names_for`.
        threads: of the CPU provider.
    """

    def __init__(self, model: LiveShader, name: str, threads: int) -> None:
        self.name = name
        self.hidden_channels = model.config.hidden_channels
        self._model = model
        self._providers = next(names[name] for names in _PROVIDERS.values() if name in names)
        self._threads = threads
        self._sessions: dict[tuple[int, int], onnxruntime.InferenceSession] = {}

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        """See `Engine`.

        Raises:
            DeviceError: the GPU's libraries cannot be loaded.
        """
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
        options.log_severity_level = 3  # errors
        graph = export_onnx(self._model, people, eyes)
        session = onnxruntime.InferenceSession(graph, options, providers=self._providers)
        if session.get_providers()[0] != self._providers[0]:  # onnxruntime goes to the CPU without a word
            raise DeviceError(f"onnxruntime cannot load its {self._providers[0]}", "choose another shader engine")
        return session


def _bound(session: onnxruntime.InferenceSession, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """One run that reads and writes torch's own memory on the GPU."""
    color, hidden = given[INPUTS.index("color")], given[INPUTS.index("hidden")]
    results = torch.empty_like(color), torch.empty_like(hidden)
    number = color.device.index or 0
    binding = session.io_binding()
    for name, tensor in zip(INPUTS, given, strict=True):
        binding.bind_input(name, "cuda", number, "float32", list(tensor.shape), tensor.data_ptr())
    for name, tensor in zip(OUTPUTS, results, strict=True):
        binding.bind_output(name, "cuda", number, "float32", list(tensor.shape), tensor.data_ptr())
    torch.cuda.current_stream(color.device).synchronize()  # onnxruntime's stream is its own
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    return results
