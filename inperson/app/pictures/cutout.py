"""A person cut out: colours that are not premultiplied, with their alpha. For whoever lays them over something."""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from inperson.render.gbuffer import ColorBuffer, GBuffer

REACH = 9
"""Pixels that the person's colours are carried on beyond the outline: further than a video codec's blocks bleed."""
LEAST_ALPHA = 1.0 / 512.0
"""Below this alpha is rounded to nothing, and what the colour was is not known well."""


def cutout_picture(drawn: ColorBuffer | GBuffer, *, reflect: bool = True) -> UInt8[np.ndarray, "H VW 4"]:
    """Views side by side, sRGB-encoded RGB with alpha. Laid over a background it is `mirror_picture`'s, to rounding.

    Where nothing is, the colours beside it are carried on: scaling and video compression mix neighbours, and would
    otherwise put a dark edge around the person.

    Args:
        reflect: the columns run backwards, as in a mirror.
    """
    views = [_straight(rgb, alpha) for rgb, alpha in zip(drawn.rgb, drawn.alpha, strict=True)]
    picture = np.concatenate(views, axis=1)
    rounded = (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return rounded[:, ::-1] if reflect else rounded


def _straight(rgb: Float[np.ndarray, "H W 3"], alpha: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W 4"]:
    premultiplied = np.ascontiguousarray(np.concatenate([rgb, alpha[..., None]], axis=-1), np.float32)
    around = cv2.blur(premultiplied, (2 * REACH + 1, 2 * REACH + 1), borderType=cv2.BORDER_REPLICATE)
    source = np.where(alpha[..., None] >= LEAST_ALPHA, premultiplied, around)
    color = source[..., :3] / np.maximum(source[..., 3:], 1e-6)
    return np.concatenate([color, alpha[..., None]], axis=-1)
