"""Sampled matting written out plainly in numpy: what `matting._mix_along_rays` must agree with."""

import numpy as np
from jaxtyping import Float, Int

from inperson.reconstruct.photo import matting as m


def mix_along_rays(
    colors: Float[np.ndarray, "H W 3"],
    probability: Float[np.ndarray, "H W"],
    ground: Int[np.ndarray, "H W"],
    rows: Int[np.ndarray, " N"],
    columns: Int[np.ndarray, " N"],
    offsets: Int[np.ndarray, "D K 2"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Opacity (N,), the person's and the background's colour (N, 3 each) and the belief in them (N,).

    Args:
        colors: of the picture, 0 to 1.
        probability: of the person.
        ground: 1 where it surely shows the person, -1 surely not, 0 undecided.
        rows, columns: the undecided pixels.
        offsets: steps along the rays, nearest first.
    """
    alpha, belief = np.zeros(len(rows)), np.zeros(len(rows))
    fore, back = np.zeros((len(rows), 3)), np.zeros((len(rows), 3))
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        pixel = colors[row, column].astype(np.float64)
        people = _samples(colors, ground == 1, row, column, offsets)
        places = _samples(colors, ground == -1, row, column, offsets)
        pairs = [(F, B, f + b) for F, f in people for B, b in places]
        if not pairs:
            continue
        F, B = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
        way = m.STEP * np.array([p[2] for p in pairs])
        apart = ((F - B) ** 2).sum(axis=1) + 1e-4
        a = np.clip(((pixel - B) * (F - B)).sum(axis=1) / apart, 0.0, 1.0)
        left = np.linalg.norm(pixel - B - a[:, None] * (F - B), axis=1)
        cost = left / m.RESIDUAL + way / m.REACH + np.abs(a - probability[row, column]) / m.DISBELIEF
        w = np.exp((cost.min() - cost) / m.SOFTNESS)
        w /= w.sum()
        ok = np.minimum(apart / m.TELLING, 1.0) * np.exp(-((left / m.LEFT_OVER) ** 2))
        alpha[i], belief[i], fore[i], back[i] = w @ a, w @ ok, w @ F, w @ B
    return alpha, fore, back, belief


def _samples(
    colors: np.ndarray, wanted: np.ndarray, row: int, column: int, offsets: np.ndarray
) -> list[tuple[np.ndarray, int]]:
    """The colour where each ray first meets wanted ground, and after how many steps."""
    height, width = wanted.shape
    found = []
    for ray in offsets:
        for k, (dy, dx) in enumerate(ray, start=1):
            y, x = row + dy, column + dx
            if not (0 <= y < height and 0 <= x < width):
                break
            if wanted[y, x]:
                found.append((colors[y, x].astype(np.float64), k))
                break
    return found
