"""Runs one tflite network on the CPU with LiteRT, without MediaPipe's own search and smoothing around it."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from jaxtyping import Float, UInt8

from inperson.tracking.landmarkers_prune import with_outputs


class Network:
    """A network of one float32 input. Not for use from two threads at once.

    `run` releases Python's global lock, so networks on different threads run side by side.

    Args:
        tflite: the model file's content.
        outputs: which of its outputs are wanted, in this order; what only the others need is not computed. All by
            default.
        threads: how many threads one run may use.
    """

    def __init__(self, tflite: bytes, outputs: Sequence[int] | None = None, threads: int = 1) -> None:
        wanted = tflite if outputs is None else with_outputs(tflite, outputs)
        self._interpreter = Interpreter(model_content=wanted, num_threads=threads)
        self._interpreter.allocate_tensors()
        (network_input,) = self._interpreter.get_input_details()
        self._input = network_input["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        self.shape = tuple(int(n) for n in network_input["shape"])
        """Of the input, with the batch of one."""

    def run(self, values: Float[np.ndarray, "..."]) -> list[Float[np.ndarray, "..."]]:
        """The outputs for an input of `shape` (float32)."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


class ImageNetwork:
    """A network of one square RGB input. Not for use from two threads at once.

    Args:
        tflite, outputs, threads: as for `Network`.
        lowest: what black is to the network: 0 or -1. White is 1.
    """

    def __init__(
        self, tflite: bytes, outputs: Sequence[int] | None = None, threads: int = 1, lowest: float = 0.0
    ) -> None:
        self._network = Network(tflite, outputs, threads)
        self._scale, self._lowest = np.float32((1.0 - lowest) / 255), np.float32(lowest)
        self.size = self._network.shape[1]
        """Side of the input, pixels."""

    def run(self, image: UInt8[np.ndarray, "n n 3"]) -> list[Float[np.ndarray, "..."]]:
        """The network's outputs, without their batch of one, for an image of the input's size."""
        values = np.multiply(image, self._scale, dtype=np.float32)
        if self._lowest:
            values += self._lowest
        return [output[0] for output in self._network.run(values[None])]
