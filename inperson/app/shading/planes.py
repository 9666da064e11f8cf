"""Refined pictures as a rasteriser's: colours and alpha of the shader, depth of the render.

`refined_reference` is the plain twin of `refined`.
"""

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor

CLEAR = 1e-3
"""Alpha of the render below which it has no depth of its own."""


def refined(
    plain: Float[Tensor, "E 5 H W"], shaded: Float[Tensor, "E 4 H W"], ahead: Float[np.ndarray, " E"]
) -> Float[Tensor, "E 5 H W"]:
    """What was drawn, as the shader changed it: a `ColorBuffer`'s planes where the render's are.

    A pixel is as far away as the render has it; one that the shader put there beyond the render's outline is as far
    as the person's middle.

    Args:
        plain: the render of the E eyes' crops.
        shaded: premultiplied colour and alpha of the same pixels; brought to the render's device if it is elsewhere.
        ahead: of the person's middle in each eye, along the view axis, metres.
    """
    shaded = shaded.to(plain.device)
    if plain.device.type == "cpu":
        return _refined_here(plain, shaded, ahead)
    return _refined_there(plain, shaded, ahead)


def refined_reference(
    plain: Float[np.ndarray, "E 5 H W"], shaded: Float[np.ndarray, "E 4 H W"], ahead: Float[np.ndarray, " E"]
) -> Float[np.ndarray, "E 5 H W"]:
    """`refined`, plainly."""
    depth, alpha = plain[:, 3], plain[:, 4]
    far = np.where(alpha > CLEAR, depth / np.maximum(alpha, CLEAR), ahead[:, None, None])
    return np.concatenate([shaded[:, :3], (far * shaded[:, 3])[:, None], shaded[:, 3:]], axis=1)


def _refined_here(plain: Tensor, shaded: Tensor, ahead: Float[np.ndarray, " E"]) -> Tensor:
    drawn, changed = plain.numpy(), shaded.numpy()
    planes = np.empty_like(drawn)
    for eye in range(len(planes)):
        _refine(drawn[eye], changed[eye], np.float32(ahead[eye]), planes[eye])
    return torch.from_numpy(planes)


def _refined_there(plain: Tensor, shaded: Tensor, ahead: Float[np.ndarray, " E"]) -> Tensor:
    """Without waiting for the device: the distances go along as arguments of its kernels."""
    planes = torch.empty_like(plain)
    planes[:, :3], planes[:, 4] = shaded[:, :3], shaded[:, 3]
    for eye, far in enumerate(ahead.tolist()):
        depth, alpha = plain[eye, 3:].unbind(0)
        planes[eye, 3] = torch.where(alpha > CLEAR, depth / alpha, far) * shaded[eye, 3]
    return planes


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _refine(plain, shaded, ahead, out):
    """One eye's planes."""
    clear = np.float32(CLEAR)
    for y in range(out.shape[1]):
        depth, alpha, now = plain[3, y], plain[4, y], shaded[3, y]
        for x in range(out.shape[2]):
            # divided everywhere and then chosen: so it is done for many pixels at once
            far = depth[x] / max(alpha[x], clear)
            out[3, y, x] = (far if alpha[x] > clear else ahead) * now[x]
            out[4, y, x] = now[x]
        for c in range(3):
            for x in range(out.shape[2]):
                out[c, y, x] = shaded[c, y, x]
