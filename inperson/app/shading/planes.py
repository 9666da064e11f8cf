"""Refined pictures as a rasteriser's: colours and alpha of the shader, depth of the render.

`refined_reference` is the plain twin of `refined`.
"""

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.render.gbuffer import ColorBuffer

CLEAR = 1e-3
"""Alpha of the render below which it has no depth of its own."""


def refined(plain: ColorBuffer, shaded: Float[np.ndarray, "E 4 H W"], ahead: Float[np.ndarray, " E"]) -> ColorBuffer:
    """What was drawn, as the shader changed it.

    A pixel is as far away as the render has it; one that the shader put there beyond the render's outline is as far
    as the person's middle.

    Args:
        plain: the render of the E eyes' crops.
        shaded: premultiplied colour and alpha of the same pixels, float32.
        ahead: of the person's middle in each eye, along the view axis, metres, float32.
    """
    planes = np.empty_like(plain.planes)
    for eye in range(len(planes)):
        _refine(plain.planes[eye], shaded[eye], np.float32(ahead[eye]), planes[eye])
    return ColorBuffer(planes)


def refined_reference(
    plain: ColorBuffer, shaded: Float[np.ndarray, "E 4 H W"], ahead: Float[np.ndarray, " E"]
) -> ColorBuffer:
    """`refined`, plainly."""
    depth, alpha = plain.planes[:, 3], plain.planes[:, 4]
    far = np.where(alpha > CLEAR, depth / np.maximum(alpha, CLEAR), ahead[:, None, None])
    return ColorBuffer(np.concatenate([shaded[:, :3], (far * shaded[:, 3])[:, None], shaded[:, 3:]], axis=1))


@njit(cache=True, nogil=True, error_model="numpy")
def _refine(plain, shaded, ahead, out):
    """One eye's planes."""
    clear = np.float32(CLEAR)
    out[0], out[1], out[2], out[4] = shaded[0], shaded[1], shaded[2], shaded[3]
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            alpha = plain[4, y, x]
            far = plain[3, y, x] / alpha if alpha > clear else ahead
            out[3, y, x] = far * shaded[3, y, x]
