"""The person's outline: MediaPipe's selfie segmenter, asked for when the fit wants more than landmarks."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from inperson.tracking.landmarkers_litert import ImageNetwork


class SilhouetteSegmenter:
    """Which pixels are people. One thread at a time."""

    def __init__(self, model: Path) -> None:
        self._network = ImageNetwork(model.read_bytes())

    def segment(self, image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "n n"]:
        """Probability (0..255) of a person, at the network's own size, covering the whole image."""
        size = self._network.size
        (mask,) = self._network.run(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))
        return np.rint(mask.reshape(size, size) * 255).astype(np.uint8)
