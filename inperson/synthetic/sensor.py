"""What a webcam adds to a clean picture: softness, vignetting, shot and read noise, coarser noise in colour."""

import cv2
import numpy as np
from jaxtyping import UInt8


def webcam_picture(
    rgb: UInt8[np.ndarray, "H W 3"], rng: np.random.Generator, noise: float = 1.0, softness: float = 0.55
) -> UInt8[np.ndarray, "H W 3"]:
    """The picture as a cheap camera gives it.

    Args:
        noise: 1 is a lit room, 3 a dim one.
        softness: standard deviation of the lens's blur, pixels.
    """
    h, w = rgb.shape[:2]
    image = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), softness) if softness > 0 else rgb.astype(np.float32)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    radius = ((x - w / 2) ** 2 + (y - h / 2) ** 2) / (w * w / 4 + h * h / 4)
    image *= (1.0 - 0.10 * radius)[..., None]
    luma = rng.standard_normal((h, w, 1), dtype=np.float32)
    chroma = cv2.resize(rng.standard_normal((h // 2, w // 2, 3), dtype=np.float32), (w, h))
    strength = noise * (0.8 + 0.012 * np.sqrt(np.maximum(image, 0.0)) * 16.0 / 2.0)
    image += strength * (0.9 * luma + 0.9 * chroma)
    return np.clip(image + 0.5, 0.0, 255.0).astype(np.uint8)
