"""What the MediaPipe Tasks have in common here: model options and images. Loading this loads MediaPipe."""

from pathlib import Path

import mediapipe as mp
import numpy as np
from jaxtyping import UInt8
from mediapipe.tasks.python import BaseOptions


def model_options(path: Path) -> BaseOptions:
    """Options that load a model file on the CPU."""
    return BaseOptions(model_asset_path=str(path), delegate=BaseOptions.Delegate.CPU)


def task_image(image: UInt8[np.ndarray, "H W 3"]) -> mp.Image:
    """An RGB array as the Tasks want it."""
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))
