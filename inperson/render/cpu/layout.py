"""How the kernels lay out what they pass to each other. All arrays are float32 unless said otherwise.

`records` (V, N, RECORD): one row a projected Gaussian. `rects` (V, N, 4) int16: its first and last tile
(left, top, right, bottom); right < left where the Gaussian is not drawn. `entries` (V, M) int32: the Gaussians
of every tile, nearest first; tile t of view v has `starts[v, t]` to `starts[v, t + 1]`. Images are planes
(V, D, H, W) of D = C + 2: the colour channels, depth, alpha.
"""

import numpy as np

from inperson.render import reference
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

GRADIENT = 6
"""Fields before the channels in a row of `rows`: sums over a tile's pixels of v, v dx, v dy, v dx^2, v dx dy and
v dy^2, where v is the loss's derivative by the natural logarithm of the Gaussian's opacity at the pixel."""


def row_stride(channels: int) -> int:
    """Floats in a row of gradients of `channels` channels (colour and depth), in whole vectors."""
    return -(-(GRADIENT + channels) // LANES) * LANES
