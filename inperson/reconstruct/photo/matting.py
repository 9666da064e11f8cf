"""From a segmenter's probabilities to opacities and clean colours at the outline.

Sampled matting (after Wang and Cohen, "Optimized color sampling for robust matting", 2007, and Gastal and Oliveira,
"Shared sampling for real-time alpha matting", 2010): around the outline, each undecided pixel is explained as a mix
of a colour that is surely the person's and one that is surely the background's, both found nearby, where a good
explanation exists; elsewhere the segmenter's word stands. `matting_reference.py` states it in plain numpy.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from numba import njit

SURE = 0.95
"""Probability from which a pixel is surely the person (and 1 - SURE: surely not)."""
DIRECTIONS, STEPS, STEP = 8, 14, 0.75
"""Rays along which colours are looked for, steps along each, and their length in segmenter pixels."""
_UNDECIDED = 6.0
"""How far from sure ground a pixel may be to be thought about, in segmenter pixels."""
RESIDUAL, REACH, DISBELIEF = 0.03, 8.0, 1.0
"""What costs one unit: colour distance left over, segmenter pixels to the two samples, departure in opacity."""
SOFTNESS = 0.5
"""Explanations that cost this much more than the best count e times less."""
TELLING, LEFT_OVER = 0.05, 0.06
"""Squared colour distance between the samples from which their mix is quite believed; colour left over at which the
belief has fallen to 1/e."""

_SOLID, _HARDLY = 0.92, 0.4
"""Opacity from which a pixel's own colour is the person's, and below which it is not asked."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Undecided pixels, explained. N of them."""

    rows: np.ndarray
    columns: np.ndarray
    alpha: Float[np.ndarray, " N"]
    foreground: Float[np.ndarray, "N 3"]
    background: Float[np.ndarray, "N 3"]
    belief: Float[np.ndarray, " N"]
    """0 (no explanation) to 1."""


def cut(
    image: UInt8[np.ndarray, "H W 3"], probability: Float[np.ndarray, "H W"], pixel: float
) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W 3"]]:
    """Opacity, and the person's colours (sRGB 0 to 1, continued outwards beyond the outline), float32.

    Args:
        image: RGB.
        probability: of the person.
        pixel: size of one of the segmenter's pixels, image pixels.
    """
    colors = image.astype(np.float32) * np.float32(1 / 255)
    probability = _decided(probability, pixel)
    inside, outside = sure_ground(probability, pixel)
    mix = explain(colors, probability, inside, outside, pixel)
    alpha = np.where(inside, np.float32(1), np.where(outside, np.float32(0), probability)).astype(np.float32)
    at = mix.rows, mix.columns
    alpha[at] = mix.belief * mix.alpha + (1 - mix.belief) * probability[at]
    clean = colors.copy()
    clean[at] += (1 - alpha[at])[:, None] * (mix.foreground - mix.background)
    return np.clip(alpha, 0, 1), _continued(np.clip(clean, 0, 1), alpha)


def _decided(probability: Float[np.ndarray, "H W"], pixel: float) -> Float[np.ndarray, "H W"]:
    """All or nothing away from the outline: a segmenter that cannot tell is no pane of glass."""
    person = (probability > 0.5).astype(np.uint8)
    far_in = cv2.distanceTransform(person, cv2.DIST_L2, 3) > _UNDECIDED * pixel
    far_out = cv2.distanceTransform(1 - person, cv2.DIST_L2, 3) > _UNDECIDED * pixel
    return np.where(far_in, np.float32(1), np.where(far_out, np.float32(0), probability))


def sure_ground(
    probability: Float[np.ndarray, "H W"], pixel: float
) -> tuple[Bool[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Where the picture surely shows the person, and where surely not: at least a segmenter's pixel from doubt."""
    side = 2 * round(pixel) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    inside = cv2.erode((probability > SURE).astype(np.uint8), kernel)
    outside = cv2.erode((probability < 1 - SURE).astype(np.uint8), kernel)
    return inside > 0, outside > 0


def explain(
    colors: Float[np.ndarray, "H W 3"],
    probability: Float[np.ndarray, "H W"],
    inside: Bool[np.ndarray, "H W"],
    outside: Bool[np.ndarray, "H W"],
    pixel: float,
) -> Mix:
    """The undecided pixels near the person as mixes of what is sure."""
    far = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 3)
    rows, columns = np.nonzero(~inside & ~outside & (far < _UNDECIDED * pixel))
    ground = inside.astype(np.int8) - outside.astype(np.int8)
    mixed = _mix_along_rays(colors, probability, ground, rows, columns, ray_offsets(pixel))
    return Mix(rows, columns, *mixed)


def ray_offsets(pixel: float) -> np.ndarray:
    """(DIRECTIONS, STEPS, 2) rows and columns to add to a pixel's."""
    angles = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    distance = STEP * pixel * np.arange(1, STEPS + 1)
    directions = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return np.rint(distance[None, :, None] * directions[:, None]).astype(np.int64)


@njit(cache=True, nogil=True)
def _first_hit(ground, wanted, row, column, offsets):
    """The first step of a ray that lies on wanted ground; -1 where none does."""
    for k in range(len(offsets)):
        y, x = row + offsets[k, 0], column + offsets[k, 1]
        if y < 0 or x < 0 or y >= ground.shape[0] or x >= ground.shape[1]:
            return -1
        if ground[y, x] == wanted:
            return k
    return -1


@njit(cache=True, nogil=True)
def _mix_along_rays(colors, probability, ground, rows, columns, offsets):
    """See `matting_reference.mix_along_rays`, which says the same."""
    n, rays = len(rows), len(offsets)
    alpha, belief = np.zeros(n, np.float32), np.zeros(n, np.float32)
    fore, back = np.zeros((n, 3), np.float32), np.zeros((n, 3), np.float32)
    f_step, b_step = np.empty(rays, np.int64), np.empty(rays, np.int64)
    cost, a_of, ok_of = np.empty(rays * rays), np.empty(rays * rays), np.empty(rays * rays)
    for i in range(n):
        row, column = rows[i], columns[i]
        for d in range(rays):
            f_step[d] = _first_hit(ground, 1, row, column, offsets[d])
            b_step[d] = _first_hit(ground, -1, row, column, offsets[d])
        best = np.inf
        for f in range(rays):
            for b in range(rays):
                pair = f * rays + b
                cost[pair] = np.inf
                if f_step[f] < 0 or b_step[b] < 0:
                    continue
                F = colors[row + offsets[f, f_step[f], 0], column + offsets[f, f_step[f], 1]]
                B = colors[row + offsets[b, b_step[b], 0], column + offsets[b, b_step[b], 1]]
                apart, along = 1e-4, 0.0
                for c in range(3):
                    apart += (F[c] - B[c]) ** 2
                    along += (colors[row, column, c] - B[c]) * (F[c] - B[c])
                a = min(max(along / apart, 0.0), 1.0)
                left = 0.0
                for c in range(3):
                    left += (colors[row, column, c] - B[c] - a * (F[c] - B[c])) ** 2
                way = STEP * (f_step[f] + b_step[b] + 2)
                cost[pair] = np.sqrt(left) / RESIDUAL + way / REACH + abs(a - probability[row, column]) / DISBELIEF
                a_of[pair] = a
                ok_of[pair] = min(apart / TELLING, 1.0) * np.exp(-left / LEFT_OVER**2)
                best = min(best, cost[pair])
        total = 0.0
        if best == np.inf:
            continue
        for f in range(rays):
            for b in range(rays):
                pair = f * rays + b
                w = np.exp((best - cost[pair]) / SOFTNESS)
                if w < 1e-4:
                    continue
                total += w
                alpha[i] += w * a_of[pair]
                belief[i] += w * ok_of[pair]
                for c in range(3):
                    fore[i, c] += w * colors[row + offsets[f, f_step[f], 0], column + offsets[f, f_step[f], 1], c]
                    back[i, c] += w * colors[row + offsets[b, b_step[b], 0], column + offsets[b, b_step[b], 1], c]
        alpha[i] /= total
        belief[i] /= total
        for c in range(3):
            fore[i, c] /= total
            back[i, c] /= total
    return alpha, fore, back, belief


def _continued(colors: Float[np.ndarray, "H W 3"], alpha: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W 3"]:
    """Colours of the person also where there is nobody: those of the nearest pixel that is all theirs."""
    solid = alpha > _SOLID
    if not solid.any():
        return colors
    _, nearest = cv2.distanceTransformWithLabels(
        (~solid).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    color_of = np.zeros((int(nearest.max()) + 1, 3), np.float32)
    color_of[nearest[solid]] = colors[solid]
    beyond = cv2.blur(color_of[nearest], (5, 5))
    share = np.clip((alpha - _HARDLY) / (_SOLID - _HARDLY), 0, 1)[..., None]
    return share * colors + (1 - share) * beyond
