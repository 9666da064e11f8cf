"""The first layers of a shipped TFLite network as a torch module: features to compare pictures by.

LiteRT runs a network forward only. Here the part of its graph that leads to chosen layers is read out of the
file (weights, strides, padding, activations) and laid out again in torch, where gradients flow back to the picture.
Batch normalisation is folded into the weights already. Only what MobileNets are made of is understood.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from mediapipe.tasks.metadata import schema_py_generated as tflite
from torch import Tensor, nn
from torch.nn import functional as F

_OPERATORS = tflite.BuiltinOperator
_DTYPES = {
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.INT32: np.int32,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One operator: the activations it reads, the one it writes, and what it does."""

    inputs: tuple[int, ...]
    output: int
    kind: str
    """`convolution`, `pad` or `add`."""
    weight: Float[Tensor, "O I kh kw"] | None = None
    bias: Float[Tensor, " O"] | None = None
    stride: int = 1
    groups: int = 1
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, right, top, bottom, as `torch.nn.functional.pad` takes them; zeros."""
    relu6: bool = False


class NetworkPrefix(nn.Module):
    """The layers of a TFLite network up to the last of `taps`, frozen. Fully convolutional: any size of picture.

    Args:
        network: the file's bytes.
        taps: indices of the tensors (of the file) to give back.

    Raises:
        ValueError: a tap depends on an operator that is not understood.
    """

    def __init__(self, network: bytes, taps: Sequence[int]) -> None:
        super().__init__()
        graph = _Graph(network)
        self.taps = tuple(taps)
        self._input = graph.input
        self._steps = graph.steps_to(self.taps)
        self._last_use = {name: n for n, step in enumerate(self._steps) for name in step.inputs}
        for n, step in enumerate(self._steps):
            if step.weight is not None:
                self.register_buffer(f"weight{n}", step.weight, persistent=False)
                self.register_buffer(f"bias{n}", step.bias, persistent=False)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B C h w"]]:
        """The activations at the taps, in their order."""
        live = {self._input: images}
        found: dict[int, Tensor] = {}
        for n, step in enumerate(self._steps):
            live[step.output] = self._run(n, step, [live[name] for name in step.inputs])
            if step.output in self.taps:
                found[step.output] = live[step.output]
            for name in step.inputs:
                if self._last_use[name] == n:
                    live.pop(name, None)
        return [found[tap] for tap in self.taps]

    def _run(self, n: int, step: Step, inputs: list[Tensor]) -> Tensor:
        if step.kind == "pad":
            return F.pad(inputs[0], step.padding)
        if step.kind == "add":
            out = inputs[0] + inputs[1]
        else:
            x = F.pad(inputs[0], step.padding) if any(step.padding) else inputs[0]
            weight, bias = getattr(self, f"weight{n}"), getattr(self, f"bias{n}")
            out = F.conv2d(x, weight, bias, stride=step.stride, groups=step.groups)
        return F.hardtanh(out, 0.0, 6.0) if step.relu6 else out


class _Graph:
    """Reads operators and constants of a TFLite file's main graph."""

    def __init__(self, network: bytes) -> None:
        self._model = tflite.ModelT.InitFromPackedBuf(network, 0)
        self._graph = self._model.subgraphs[0]
        self._maker = {int(out): op for op in self._graph.operators for out in op.outputs}
        (self.input,) = (int(i) for i in self._graph.inputs)

    def steps_to(self, taps: tuple[int, ...]) -> list[Step]:
        """What computes the taps, in the file's order."""
        needed: dict[int, Step] = {}
        waiting = list(taps)
        while waiting:
            name = waiting.pop()
            if name == self.input or name in needed:
                continue
            needed[name] = self._step(name)
            waiting += needed[name].inputs
        order = {int(op.outputs[0]): n for n, op in enumerate(self._graph.operators)}
        return sorted(needed.values(), key=lambda step: order[step.output])

    def _step(self, output: int) -> Step:
        op = self._maker[output]
        code = self._model.operatorCodes[op.opcodeIndex].builtinCode
        first = int(op.inputs[0])
        if code == _OPERATORS.PAD:
            (_, _), top_bottom, left_right, (_, _) = self._constant(int(op.inputs[1])).tolist()
            return Step((first,), output, "pad", padding=(*left_right, *top_bottom))
        if code == _OPERATORS.ADD:
            relu6 = _is_relu6(op.builtinOptions.fusedActivationFunction)
            return Step((first, int(op.inputs[1])), output, "add", relu6=relu6)
        if code in (_OPERATORS.CONV_2D, _OPERATORS.DEPTHWISE_CONV_2D):
            return self._convolution(op, first, output, depthwise=code == _OPERATORS.DEPTHWISE_CONV_2D)
        raise ValueError(f"tensor {output} is made by operator {code}, which is neither convolution, pad nor add")

    def _convolution(self, op: tflite.OperatorT, source: int, output: int, depthwise: bool) -> Step:
        weight = self._constant(int(op.inputs[1])).astype(np.float32)
        options = op.builtinOptions
        if options.strideW != options.strideH or (options.padding == tflite.Padding.SAME and options.strideW != 1):
            raise ValueError(f"tensor {output}: strides and padding of this convolution are not understood")
        # TFLite: (1, kh, kw, C) for depthwise, (O, kh, kw, I) otherwise; torch: (O, I / groups, kh, kw)
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        half = (weight.shape[2] // 2,) * 2 + (weight.shape[1] // 2,) * 2
        return Step(
            inputs=(source,),
            output=output,
            kind="convolution",
            weight=torch.from_numpy(np.ascontiguousarray(weight.transpose(order))),
            bias=torch.from_numpy(self._constant(int(op.inputs[2])).astype(np.float32)),
            stride=options.strideW,
            groups=weight.shape[3] if depthwise else 1,
            padding=half if options.padding == tflite.Padding.SAME else (0, 0, 0, 0),
            relu6=_is_relu6(options.fusedActivationFunction),
        )

    def _constant(self, tensor: int) -> np.ndarray:
        """A constant of the file; half-precision weights stand behind an operator that widens them."""
        if tensor in self._maker:
            tensor = int(self._maker[tensor].inputs[0])
        stored = self._graph.tensors[tensor]
        return np.frombuffer(self._model.buffers[stored.buffer].data.tobytes(), _DTYPES[stored.type]).reshape(
            stored.shape
        )


def _is_relu6(activation: int) -> bool:
    if activation not in (tflite.ActivationFunctionType.NONE, tflite.ActivationFunctionType.RELU6):
        raise ValueError(f"activation {activation} is neither none nor relu6")
    return bool(activation == tflite.ActivationFunctionType.RELU6)
