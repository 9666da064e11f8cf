"""How alike two pictures are inside a region: PSNR, SSIM, overlap of outlines.

Pictures are sRGB-encoded, 0 to 1, peak 1.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float

from inperson.reconstruct.image_loss import C1, C2, SIGMA, WINDOW

LEAST_ERROR = 1e-10
"""Mean square error at which PSNR ends (100 dB): equal pictures get a number too."""


def psnr_inside(image: Float[np.ndarray, "H W 3"], truth: Float[np.ndarray, "H W 3"], region: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over the pixels of a region; NaN where it is empty."""
    if not region.any():
        return float("nan")
    error = np.mean((image[region].astype(np.float64) - truth[region]) ** 2)
    return float(-10.0 * np.log10(max(error, LEAST_ERROR)))


def ssim_map(image: Float[np.ndarray, "H W 3"], truth: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W"]:
    """Structural similarity around each pixel (Wang et al. 2004), mean of the channels.

    The customary window: Gaussian, 11 pixels wide, standard deviation 1.5, the picture mirrored at its border.
    """
    x, y = image.astype(np.float64), truth.astype(np.float64)

    def blur(plane: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(plane, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)

    mx, my = blur(x), blur(y)
    vx, vy, cross = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    similarity = (2 * mx * my + C1) * (2 * cross + C2) / ((mx * mx + my * my + C1) * (vx + vy + C2))
    return similarity.mean(axis=2)


def overlap(a: Bool[np.ndarray, "H W"], b: Bool[np.ndarray, "H W"]) -> float:
    """Intersection over union; 1 for two empty masks."""
    union = int((a | b).sum())
    return 1.0 if union == 0 else float((a & b).sum() / union)
