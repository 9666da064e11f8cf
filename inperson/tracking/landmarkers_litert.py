"""Runs one tflite network on the CPU with LiteRT, without MediaPipe's own search and smoothing around it."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from jaxtyping import Float, UInt8


class ImageNetwork:
    """A network of one square RGB input in 0..1. Not for use from two threads at once.

    `run` releases Python's global lock, so networks on different threads run side by side.
    """

    def __init__(self, tflite: bytes, threads: int = 1) -> None:
        self._interpreter = Interpreter(model_content=tflite, num_threads=threads)
        self._interpreter.allocate_tensors()
        (network_input,) = self._interpreter.get_input_details()
        self._input = network_input["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]
        self.size = int(network_input["shape"][1])
        """Side of the input, pixels."""

    def run(self, image: UInt8[np.ndarray, "n n 3"]) -> list[Float[np.ndarray, "..."]]:
        """The network's outputs, in its own order, for an image of the input's size."""
        self._interpreter.set_tensor(self._input, np.multiply(image, 1 / 255, dtype=np.float32)[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]
