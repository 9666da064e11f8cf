"""How the kernels lay out what they pass to each other. All arrays are float32 unless said otherwise.

`records` (V, N, RECORD): one row a projected Gaussian. `rects` (V, N) int64: the tiles it touches, see `pack_rect`.
`entries` (V, M) uint32: the Gaussians of every tile, nearest first; tile t of view v has `starts[v, t]` to
`starts[v, t + 1]`. Images are planes (V, D, H, W) of D = C + 2: the colour channels, depth, alpha.
Indices that come out of arrays are unsigned or read with `item`: numba checks signed ones for being negative.
"""

import numpy as np

from inperson.render import reference
from inperson.render.cpu.kernels import helper
from inperson.render.cpu.simd import LANES

TILE = 16
"""Pixels along a tile's side; a tile is 4x4 blocks, a block 4x4 pixels: one vector."""
BLOCK = 4
BLOCKS = (TILE // BLOCK) ** 2
TILE_PIXELS = TILE * TILE
assert BLOCK * BLOCK == LANES == BLOCKS

RECORD = 8
X, Y = 0, 1
"""Centre in pixels from the *centre* of the top-left pixel."""
XX, XY, YY = 2, 3, 4
"""log2 of opacity at (dx, dy) from the centre is LOG_OPACITY + XX dx^2 + XY dx dy + YY dy^2."""
LOG_OPACITY = 5
DEPTH = 6
SHAPE = 6
"""The first fields, X to LOG_OPACITY, say what a Gaussian covers."""

LOG2_E = float(np.log2(np.e))
LN_2 = float(np.log(2.0))
BLUR = reference.BLUR
CLAMP_MARGIN = reference.CLAMP_MARGIN
MAX_ALPHA = reference.MAX_ALPHA
MIN_LOG_ALPHA = float(np.log2(reference.MIN_ALPHA))
MIN_TRANSMITTANCE = reference.MIN_TRANSMITTANCE

GRADIENT = 7
"""Fields before the colours in a row of gradients, each summed over a tile's pixels: v, v dx, v dy, v dx^2, v dx dy,
v dy^2, and the derivative by depth; v is the derivative by the natural logarithm of opacity at the pixel."""


def row_stride(colors: int) -> int:
    """Floats in a row of gradients of C = `colors` colour channels, in whole vectors."""
    return -(-(GRADIENT + colors) // LANES) * LANES


NO_TILES = 1
"""The rect of a Gaussian that is not drawn: its left is after its right."""


@helper
def pack_rect(left, top, right, bottom):
    """First and last tile of a Gaussian, each below 2^15, in one int64."""
    return np.int64(left) | np.int64(top) << 16 | np.int64(right) << 32 | np.int64(bottom) << 48


@helper
def unpack_rect(rect):
    """left, top, right, bottom."""
    return rect & 0xFFFF, (rect >> 16) & 0xFFFF, (rect >> 32) & 0xFFFF, rect >> 48
