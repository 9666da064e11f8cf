"""How well an avatar reproduces the photo it was made from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

from inperson.avatar.body import BodyModel
from inperson.avatar.gaussians import GaussianAvatar
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.reconstruct.image_loss import C1, C2, SIGMA, WINDOW, psnr
from inperson.reconstruct.polish_target import PolishTarget
from inperson.render.cpu.rasterizer import CpuRasterizer

BACKGROUND = 0.5
"""Grey behind both pictures: the photo's own background would be scored with the person's rim."""


@dataclass(frozen=True, slots=True)
class InputScores:
    """At the photo's own view, over the pixels of the person's box."""

    iou: float
    """Of the outlines: where the avatar and where the matte covers more than half a pixel."""
    psnr: float
    """dB, over the pixels inside the matte."""
    ssim: float
    """Mean over the same pixels."""


def score_input_view(avatar: GaussianAvatar, body: BodyModel, state: BodyState, target: PolishTarget) -> InputScores:
    """Draw the avatar as it stands in the photo and compare."""
    posed = AvatarPoser(avatar, body).pose(state, target.view.T_world_from_eye[:3, 3])
    buffer = CpuRasterizer().render_color(posed, [target.view])
    return compare(buffer.rgb[0], buffer.alpha[0], target)


def compare(rgb: Float[np.ndarray, "H W 3"], alpha: Float[np.ndarray, "H W"], target: PolishTarget) -> InputScores:
    """Scores of a drawn picture, premultiplied, against the photo's cut-out."""
    truth = target.rgba.astype(np.float32) / 255
    inside, drawn = truth[..., 3] > 0.5, alpha > 0.5
    image = np.clip(rgb + (1 - alpha[..., None]) * np.float32(BACKGROUND), 0, 1)
    photo = truth[..., :3] + (1 - truth[..., 3:]) * np.float32(BACKGROUND)
    return InputScores(
        iou=float((inside & drawn).sum() / max((inside | drawn).sum(), 1)),
        psnr=psnr(image[inside], photo[inside]),
        ssim=masked_ssim(image, photo, inside),
    )


def masked_ssim(
    image: Float[np.ndarray, "H W 3"], truth: Float[np.ndarray, "H W 3"], mask: Bool[np.ndarray, "H W"]
) -> float:
    """Structural similarity (as `image_loss.ssim` defines it) averaged over the pixels of a mask."""

    def blur(plane: np.ndarray) -> np.ndarray:
        return gaussian_filter(plane, (SIGMA, SIGMA, 0), mode="constant", truncate=(WINDOW // 2) / SIGMA)

    x, y = image.astype(np.float64), truth.astype(np.float64)
    mx, my = blur(x), blur(y)
    variances = blur(x * x) - mx * mx + blur(y * y) - my * my
    similarity = (2 * mx * my + C1) * (2 * (blur(x * y) - mx * my) + C2)
    similarity /= (mx * mx + my * my + C1) * (variances + C2)
    return float(similarity[mask].mean())
