"""Prepared uv maps averaged down to fewer texels, for a quick first stage of training."""

import numpy as np
from jaxtyping import Float

from inperson.reconstruct.network.interface import TEXEL_CHANNELS

_SEEN = slice(0, 3)
_CONFIDENCE = TEXEL_CHANNELS.index("confidence")
_INSIDE = TEXEL_CHANNELS.index("inside")
_NORMALS = tuple(
    slice(TEXEL_CHANNELS.index(first), TEXEL_CHANNELS.index(first) + 3) for first in ("normal_x", "view_normal_x")
)


def coarser_texels(texels: Float[np.ndarray, "C S S"], factor: int) -> Float[np.ndarray, "C s s"]:
    """`NetInputs.texels` of one sample: means over the covered texels of each block, normals of unit length."""
    inside = texels[_INSIDE]
    out = coarser_mean(texels, inside, factor)
    out[_INSIDE] = blocks(inside, factor).max(axis=(-3, -1))
    for normal in _NORMALS:
        out[normal] /= np.maximum(np.linalg.norm(out[normal], axis=0, keepdims=True), 1e-6)
    out[_SEEN] = np.minimum(out[_SEEN], out[_CONFIDENCE])
    return out


def coarser_mean(
    values: Float[np.ndarray, "C S S"], weight: Float[np.ndarray, "S S"], factor: int
) -> Float[np.ndarray, "C s s"]:
    """Weighted means of blocks; 0 where a block weighs nothing."""
    total = blocks(values * weight, factor).sum(axis=(-3, -1))
    return (total / np.maximum(blocks(weight, factor).sum(axis=(-3, -1)), 1e-6)).astype(np.float32)


def coarser_labels(labels: np.ndarray, weight: Float[np.ndarray, "S S"], factor: int) -> np.ndarray:
    """(s, s): of each block the label of the texel with most weight."""
    size = len(labels) // factor
    together = blocks(labels, factor).transpose(0, 2, 1, 3).reshape(size, size, -1)
    heaviest = blocks(weight, factor).transpose(0, 2, 1, 3).reshape(size, size, -1).argmax(axis=-1)
    return np.take_along_axis(together, heaviest[..., None], axis=-1)[..., 0]


def blocks(values: np.ndarray, factor: int) -> np.ndarray:
    """(..., S, S) as (..., s, factor, s, factor)."""
    size = values.shape[-1] // factor
    return values.reshape(*values.shape[:-2], size, factor, size, factor)
