"""Steps by torch: on a CPU as it is, on a GPU as one CUDA graph a shape."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from inperson.shader_model.interface import NetworkInputs
from inperson.shader_model.network.model import LiveShader
from inperson.shader_model.runtime.engine import in_order

_WARM_UP = 3
_KEPT_GRAPHS = 4
"""Shapes whose graphs are kept: the people of a room may come in as many sizes in every frame."""


class TorchEngine:
    """Convolutions in `dtype`, weights with the channels last, where CPUs and tensor cores want them.

    On a CPU it uses as many threads as torch is set to.
    """

    def __init__(self, model: LiveShader, dtype: torch.dtype, device: torch.device) -> None:
        self.name = f"torch-{'bf16' if dtype is torch.bfloat16 else 'fp32'}"
        self.hidden_channels = model.config.hidden_channels
        self._model = copy.deepcopy(model).requires_grad_(False).eval().to(device=device, dtype=dtype)
        for parameter in self._model.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self._graphs: dict[tuple[torch.Size, ...], _Graph] = {}

    def step(self, inputs: NetworkInputs) -> tuple[Tensor, Tensor]:
        """See `Engine`."""
        given = in_order(inputs)
        with torch.inference_mode():
            if not inputs.color.is_cuda:
                output, hidden = self._model(*given)
                return output.contiguous(), hidden.contiguous()
            shapes = tuple(x.shape for x in given)
            graph = self._graphs.pop(shapes, None)
            while graph is None and len(self._graphs) >= _KEPT_GRAPHS:
                del self._graphs[next(iter(self._graphs))]  # the memory of what was not used for longest goes back
            self._graphs[shapes] = graph or _captured(self._model, given)
            return self._graphs[shapes].replay(given)


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """A captured step: kernels with fixed addresses, launched at once."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, Tensor]

    def replay(self, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        for own, new in zip(self.inputs, given, strict=True):
            own.copy_(new)
        self.graph.replay()
        return self.outputs[0].clone(), self.outputs[1].clone()


def _captured(model: LiveShader, like: tuple[Tensor, ...]) -> _Graph:
    inputs = tuple(x.clone() for x in like)
    # on a side stream, as capturing asks: cuDNN chooses its kernels before anything is recorded
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP):
            model(*inputs)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output, hidden = model(*inputs)
    return _Graph(graph, inputs, (output, hidden))
