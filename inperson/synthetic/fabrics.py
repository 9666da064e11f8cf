"""Dyeing and printing garments, so that eleven outfits become many.

A garment's texture falls into islands (charts of its uv map). Islands above the hips are the top, the others the
trousers. Prints are functions of the T-pose position, baked through the uv map, so stripes meet at the seams.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numba import njit
from scipy.ndimage import uniform_filter
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from inperson.conventions import linear_from_srgb, srgb_from_linear
from inperson.synthetic.drawables import RenderMesh, Texture
from inperson.synthetic.textures import LUMA, as_texture

Pattern = Literal[
    "plain", "stripes", "pinstripes", "check", "dots", "diagonal", "blotches", "sleeves", "yoke", "badge"
]
"""The first six repeat; blotches do without repeating; sleeves, yoke and badge are drawn once, a period in size."""


@dataclass(frozen=True, slots=True)
class Dye:
    """A colour and a print. Colours are sRGB-encoded, 0..1."""

    color: tuple[float, float, float]
    pattern: Pattern = "plain"
    accent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    period: float = 0.06
    """Metres from one stripe, check or dot to the next."""


def dye_garment(
    rgba: Float[np.ndarray, "h w 4"],
    mesh: RenderMesh,
    tpose: Float[np.ndarray, "N 3"],
    hip_height: float,
    top: Dye | None,
    bottom: Dye | None,
) -> Texture:
    """The garment's texture with its top and its trousers dyed; None leaves that half as it is.

    The cloth's own folds and weave (its brightness against its surroundings) are kept; logos fade with the colour.
    """
    out = rgba.copy()
    if top is None and bottom is None:
        return as_texture(out)
    size = len(rgba)
    island = uv_islands(mesh)
    height = tpose[mesh.faces].mean(axis=(1, 2), where=[False, True, False])
    mean_height = np.bincount(island, height) / np.bincount(island)
    is_top = (mean_height > hip_height)[island]
    texel_face, positions = bake_positions(mesh, tpose, size)
    covered = texel_face >= 0
    detail = _relief(rgba, covered)
    for half, dye in ((is_top, top), (~is_top, bottom)):
        if dye is None:
            continue
        texels = covered & half[np.maximum(texel_face, 0)]
        if not texels.any():
            continue  # a skirt's islands may all be above the hips
        texels = _grown(texels, covered, 3)
        linear = linear_from_srgb(np.array(dye.color, np.float32))
        accent = linear_from_srgb(np.array(dye.accent, np.float32))
        mix = pattern_coverage(dye.pattern, positions[texels] / dye.period)[:, None]
        folds = np.where(_is_print(rgba[texels, :3]), 1.0, detail[texels])
        albedo = (linear + mix * (accent - linear)) * folds[:, None]
        out[texels, :3] = srgb_from_linear(albedo)
    return as_texture(out)


def pattern_coverage(name: Pattern, p: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """How much of the accent colour shows at T-pose positions `p`, counted in periods."""
    x, y = p[:, 0], p[:, 1]
    if name == "plain":
        return np.zeros(len(p), np.float32)
    if name == "stripes":
        return _band(y, 0.42)
    if name == "pinstripes":
        return _band(x, 0.12)
    if name == "check":
        return 0.5 * (_band(x, 0.5) + _band(y, 0.5))
    if name == "diagonal":
        return _band(x + y, 0.5)
    if name == "blotches":
        return _blotches(p)
    if name == "sleeves":
        return _above(np.abs(x), 1.0)
    if name == "yoke":
        return _above(y, 0.0)
    if name == "badge":
        return _above(1.0 - np.hypot(x, y), 0.0) * _above(p[:, 2], 0.0)
    row = np.floor(y)
    dx, dy = (x + 0.5 * (row % 2)) % 1.0 - 0.5, y % 1.0 - 0.5
    return np.clip((0.24 - np.hypot(dx, dy)) / 0.06, 0.0, 1.0)


def _band(t: Float[np.ndarray, " n"], width: float) -> Float[np.ndarray, " n"]:
    """1 inside stripes of `width` periods, with soft edges."""
    return np.clip((0.5 * width - np.abs(t % 1.0 - 0.5)) / 0.05 + 0.5, 0.0, 1.0)


def _above(t: Float[np.ndarray, " n"], edge: float) -> Float[np.ndarray, " n"]:
    """1 beyond the edge, soft over a tenth of a period."""
    return np.clip((t - edge) / 0.1 + 0.5, 0.0, 1.0)


_WAVES = np.random.default_rng(7).normal(0.0, 2.6, (9, 3)), np.random.default_rng(8).uniform(0.0, 2 * np.pi, 9)
"""Directions and phases of the plane waves whose sum makes blotches."""


def _blotches(p: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """Camouflage: where a sum of plane waves in random directions is positive."""
    directions, phases = _WAVES
    height = np.sin(p @ directions.T.astype(np.float32) + phases.astype(np.float32)).sum(axis=1)
    return np.clip(0.5 + height, 0.0, 1.0).astype(np.float32)


def _is_print(rgb: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
    """Texels whose hue is not the cloth's own (its median): logos and piping, which are dyed over."""
    chroma = rgb - (rgb @ LUMA)[:, None]
    return np.abs(chroma - np.median(chroma, axis=0)).max(axis=1) > 0.12


def _relief(rgba: Float[np.ndarray, "h w 4"], covered: np.ndarray) -> Float[np.ndarray, "h w"]:
    """Brightness of the cloth against its own surroundings, about 1."""
    luma = np.where(covered, rgba[..., :3] @ LUMA, 0.0)
    near = 29  # texels
    around = uniform_filter(luma, near) / np.maximum(uniform_filter(covered.astype(np.float32), near), 1e-3)
    return np.clip((luma + 0.08) / (around + 0.08), 0.78, 1.12).astype(np.float32)


def _grown(texels: np.ndarray, covered: np.ndarray, steps: int) -> np.ndarray:
    """Spreads a half by a few texels into the gaps between islands, against seams in filtered textures."""
    grown = texels.copy()
    for _ in range(steps):
        wider = grown.copy()
        for axis in (0, 1):
            for shift in (1, -1):
                wider |= np.roll(grown, shift, axis=axis)
        grown = texels | (wider & ~covered)
    return grown


def uv_islands(mesh: RenderMesh) -> Int[np.ndarray, " F"]:
    """The number of the uv chart that each triangle belongs to."""
    t = mesh.triangles
    rows, cols = np.concatenate([t[:, 0], t[:, 1]]), np.concatenate([t[:, 1], t[:, 2]])
    n = len(mesh.vertex)
    _, label = connected_components(coo_matrix((np.ones(len(rows), bool), (rows, cols)), (n, n)), directed=False)
    return np.unique(label[t[:, 0]], return_inverse=True)[1]


def bake_positions(
    mesh: RenderMesh, tpose: Float[np.ndarray, "N 3"], size: int
) -> tuple[Int[np.ndarray, "size size"], Float[np.ndarray, "size size 3"]]:
    """For each texel (rows from the top) the triangle over it, -1 for none, and its T-pose position."""
    face = np.full((size, size), -1, np.int32)
    position = np.zeros((size, size, 3), np.float32)
    corners = mesh.uvs[mesh.triangles].astype(np.float64) * size
    corners[..., 1] = size - corners[..., 1]
    _rasterise(corners, tpose[mesh.faces].astype(np.float32), face, position)
    return face, position


@njit(cache=True)
def _rasterise(corners, points, face, position):
    """Fills the texel centres under each (3, 2) triangle with its index and interpolated (3, 3) points."""
    size = face.shape[0]
    for f in range(len(corners)):
        a, b, c = corners[f, 0], corners[f, 1], corners[f, 2]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
        if area == 0.0:
            continue
        x0, x1 = min(a[0], b[0], c[0]), max(a[0], b[0], c[0])
        y0, y1 = min(a[1], b[1], c[1]), max(a[1], b[1], c[1])
        for row in range(max(int(y0 - 0.5), 0), min(int(y1 + 0.5) + 1, size)):
            for column in range(max(int(x0 - 0.5), 0), min(int(x1 + 0.5) + 1, size)):
                x, y = column + 0.5, row + 0.5
                wb = ((x - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (y - a[1])) / area
                wc = ((b[0] - a[0]) * (y - a[1]) - (x - a[0]) * (b[1] - a[1])) / area
                wa = 1.0 - wb - wc
                if min(wa, wb, wc) < -0.02:
                    continue
                face[row, column] = f
                for k in range(3):
                    position[row, column, k] = wa * points[f, 0, k] + wb * points[f, 1, k] + wc * points[f, 2, k]
