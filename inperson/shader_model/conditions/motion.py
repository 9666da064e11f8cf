"""Where everything that is seen now was in the previous frame, from the Gaussians' own motion and the cameras.

A pixel's surface point is its ray at the drawn depth; less the drawn displacement it is where that point was; the
previous camera says in which pixel. Whether it was visible there is told by the previous depth, as shadow maps tell
light from shadow: compared with each of the four pixels around the place, then averaged (Reeves et al. 1987).

`previous_places` is the plain twin of `previous_places_fast`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numba import njit

from inperson.conventions import T_GL_FROM_CV
from inperson.render.views import EyeView
from inperson.shader_model.conditions.channels import DensePlanes
from inperson.shader_model.interface import INNER

LEAST_ALPHA = 0.02
"""Of inner pixels that have a surface."""
SPREAD = 3
"""Inner pixels beyond the outline to which its motion is continued: what is sampled between a pixel inside and one
outside must not be drawn to nowhere, and what the shader adds outside the render's outline moves with it."""
TOLERANCE = 0.012
"""Metres between a point's depth and the previous picture's, beyond what the slope explains, at which it begins to
count as another surface; at twice as many it is one."""
SLOPES = 1.5
"""Inner pixels by which a place may be off, in units of the depth's change from pixel to pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What is kept of the previous frame: its P eyes, and how deep they saw."""

    views: tuple[EyeView, ...]
    alpha: Float[np.ndarray, "P h w"]
    depth: Float[np.ndarray, "P h w"]
    """Metres; 0 where alpha is 0."""
    slope: Float[np.ndarray, "P h w"]
    """By how much depth changes from one pixel of a surface to the next, metres."""

    @staticmethod
    def of(planes: DensePlanes, views: Sequence[EyeView]) -> "Past":
        """This frame, for the next one."""
        slope = np.empty_like(planes.depth)
        _slopes(planes.depth, slope)
        return Past(tuple(views), np.ascontiguousarray(planes.alpha), planes.depth, slope)


def surface_slope(depth: Float[np.ndarray, "P h w"]) -> Float[np.ndarray, "P h w"]:
    """Change of depth from pixel to pixel: in each direction the lesser of both sides, so that a step from one
    surface to another does not count. `_slopes` is its compiled twin."""
    total = np.zeros_like(depth)
    for axis in (1, 2):
        step = np.abs(np.diff(depth, axis=axis))
        width = [(0, 0), (0, 0), (0, 0)]
        before, after = list(width), list(width)
        before[axis], after[axis] = (1, 0), (0, 1)
        total += np.minimum(np.pad(step, before, constant_values=np.inf), np.pad(step, after, constant_values=np.inf))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _slopes(depth, slope):
    endless = np.float32(np.inf)
    eyes, height, width = depth.shape
    for e in range(eyes):
        for r in range(height):
            for c in range(width):
                here = depth[e, r, c]
                left = abs(here - depth[e, r, c - 1]) if c > 0 else endless
                right = abs(here - depth[e, r, c + 1]) if c < width - 1 else endless
                upper = abs(here - depth[e, r - 1, c]) if r > 0 else endless
                lower = abs(here - depth[e, r + 1, c]) if r < height - 1 else endless
                slope[e, r, c] = min(left, right) + min(upper, lower)


def previous_places(
    planes: DensePlanes, views: Sequence[EyeView], past: Past
) -> tuple[Float[np.ndarray, "E P 2 h w"], Float[np.ndarray, "E P h w"]]:
    """`Conditions.before` and `Conditions.seen_before`, plainly.

    Args:
        planes: what the dense pass drew of the E eyes of this frame.
        views: theirs, in full-size pixels.
        past: the previous frame.
    """
    eyes, height, width = planes.alpha.shape
    before = np.zeros((eyes, len(past.views), 2, height, width))
    seen = np.zeros((eyes, len(past.views), height, width))
    rows, columns = np.mgrid[:height, :width] + 0.5
    own = INNER * np.stack([columns, rows])
    for e, view in enumerate(views):
        solid = planes.alpha[e] > LEAST_ALPHA
        alpha = np.where(solid, planes.alpha[e], 1.0)
        K, T = view.intrinsics, view.T_world_from_eye
        ray = np.stack([(own[0] - K.cx) / K.fx, -(own[1] - K.cy) / K.fy, np.full_like(own[0], -1.0)], axis=-1)
        now = (ray * planes.depth[e][..., None]) @ T[:3, :3].T + T[:3, 3]
        then = now - planes.displacement[e] / alpha[..., None]
        for p, old in enumerate(past.views):
            place, z = _projected(then, old)
            flow = np.where(solid & (z > old.near), place - own, 0.0)
            known = _visible(place, z, past, p) / alpha
            inside = (place >= 0).all(axis=0) & (place[0] < old.width) & (place[1] < old.height) & (z > old.near)
            seen[e, p] = np.where(solid & inside, np.minimum(known, 1.0), 0.0)
            flow, seen[e, p] = _continued(flow, seen[e, p], solid)
            before[e, p] = own + flow
    return before.astype(np.float32), seen.astype(np.float32)


def _projected(
    points: Float[np.ndarray, "h w 3"], view: EyeView
) -> tuple[Float[np.ndarray, "2 h w"], Float[np.ndarray, "h w"]]:
    """Full-size pixels, and depth."""
    K, T = view.intrinsics, view.T_cv_from_world
    x, y, z = np.moveaxis(points @ T[:3, :3].T + T[:3, 3], -1, 0)
    ahead = np.maximum(z, view.near)
    return np.stack([K.fx * x / ahead + K.cx, K.fy * y / ahead + K.cy]), z


def _visible(
    place: Float[np.ndarray, "2 h w"], z: Float[np.ndarray, "h w"], past: Past, p: int
) -> Float[np.ndarray, "h w"]:
    """Alpha that the previous picture has at a place of a surface at this depth, bilinear over its pixels."""
    height, width = past.alpha.shape[1:]
    x, y = place / INNER - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    total = np.zeros_like(z)
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - right - (x - left)) * np.abs(1 - down - (y - top))
            r, c = np.clip(top + down, 0, height - 1), np.clip(left + right, 0, width - 1)
            allowed = TOLERANCE + SLOPES * past.slope[p, r, c]
            near = np.clip(2.0 - np.abs(z - past.depth[p, r, c]) / allowed, 0.0, 1.0)
            total += weight * past.alpha[p, r, c] * near
    return total


def _continued(
    flow: Float[np.ndarray, "2 h w"], seen: Float[np.ndarray, "h w"], solid: np.ndarray
) -> tuple[Float[np.ndarray, "2 h w"], Float[np.ndarray, "h w"]]:
    """Beyond the outline the mean of the neighbours that are known, ring by ring."""
    values, known = np.concatenate([flow, seen[None]]), solid
    for _ in range(SPREAD):
        padded = np.pad(np.where(known, values, 0.0), [(0, 0), (1, 1), (1, 1)])
        count = np.pad(known.astype(float), 1)
        total, number = np.zeros_like(values), np.zeros(known.shape)
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                total += padded[:, dy : dy + known.shape[0], dx : dx + known.shape[1]]
                number += count[dy : dy + known.shape[0], dx : dx + known.shape[1]]
        ring = ~known & (number > 0)
        values = np.where(ring, total / np.maximum(number, 1.0), values)
        known = known | ring
    return np.where(known, values[:2], 0.0), np.where(known, values[2], 0.0)


def previous_places_fast(
    planes: DensePlanes, views: Sequence[EyeView], past: Past
) -> tuple[Float[np.ndarray, "E P 2 h w"], Float[np.ndarray, "E P h w"]]:
    """`previous_places`, compiled."""
    eyes, height, width = planes.alpha.shape
    before = np.empty((eyes, len(past.views), 2, height, width), np.float32)
    seen = np.empty((eyes, len(past.views), height, width), np.float32)
    known = np.empty((height, width), np.uint8)
    for e, view in enumerate(views):
        for p, old in enumerate(past.views):
            _places_of_pair(
                *(planes.alpha[e], planes.depth[e], planes.displacement[e]),
                *(lens(view), lens(old), carrying(view, old), old.T_cv_from_world[:3, :3].astype(np.float32)),
                *(past.alpha[p], past.depth[p], past.slope[p]),
                *(before[e, p], seen[e, p], known),
            )
    return before, seen


def lens(view: EyeView) -> Float[np.ndarray, "7"]:
    """fx, fy, cx, cy, width, height (full-size pixels), near."""
    K = view.intrinsics
    return np.array([K.fx, K.fy, K.cx, K.cy, view.width, view.height, view.near], np.float32)


def carrying(view: EyeView, old: EyeView) -> Float[np.ndarray, "3 4"]:
    """From an eye's OpenCV space now to that of another eye then."""
    return (old.T_cv_from_world @ view.T_world_from_eye @ T_GL_FROM_CV)[:3].astype(np.float32)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _places_of_pair(
    alpha,
    depth,
    displacement,
    lens,
    old_lens,
    T,
    turn,
    old_alpha,
    old_depth,
    old_slope,
    before,
    seen,
    known,
):
    """One eye now and one eye then."""
    height, width = alpha.shape
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    size, least = np.float32(INNER), np.float32(LEAST_ALPHA)
    fx, fy, cx, cy = lens[0], lens[1], lens[2], lens[3]
    old_fx, old_fy, old_cx, old_cy, old_width, old_height, near = old_lens
    for r in range(height):
        for c in range(width):
            own_x, own_y = size * (np.float32(c) + half), size * (np.float32(r) + half)
            a = alpha[r, c]
            before[0, r, c], before[1, r, c], seen[r, c] = own_x, own_y, zero
            known[r, c] = 0
            if a <= least:
                continue
            known[r, c] = 1
            z = depth[r, c]
            x, y = (own_x - cx) / fx * z, (own_y - cy) / fy * z
            share = one / a
            dx, dy, dz = displacement[r, c, 0] * share, displacement[r, c, 1] * share, displacement[r, c, 2] * share
            px = T[0, 0] * x + T[0, 1] * y + T[0, 2] * z + T[0, 3]
            py = T[1, 0] * x + T[1, 1] * y + T[1, 2] * z + T[1, 3]
            pz = T[2, 0] * x + T[2, 1] * y + T[2, 2] * z + T[2, 3]
            px -= turn[0, 0] * dx + turn[0, 1] * dy + turn[0, 2] * dz
            py -= turn[1, 0] * dx + turn[1, 1] * dy + turn[1, 2] * dz
            pz -= turn[2, 0] * dx + turn[2, 1] * dy + turn[2, 2] * dz
            if pz <= near:
                continue
            place_x, place_y = old_fx * px / pz + old_cx, old_fy * py / pz + old_cy
            before[0, r, c], before[1, r, c] = place_x, place_y
            if zero <= place_x < old_width and zero <= place_y < old_height:
                seen[r, c] = min(
                    _alpha_seen(place_x / size - half, place_y / size - half, pz, old_alpha, old_depth, old_slope)
                    * share,
                    one,
                )
    for ring in range(1, SPREAD + 1):
        _continue_by_a_ring(before, seen, known, np.uint8(ring))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _alpha_seen(x, y, z, alpha, depth, slope):
    """`_visible` at one place, in inner pixels from the centre of the first."""
    height, width = alpha.shape
    left, top = int(np.floor(x)), int(np.floor(y))
    right_share, lower_share = x - np.float32(left), y - np.float32(top)
    total = np.float32(0.0)
    for down in range(2):
        r = min(max(top + down, 0), height - 1)
        wy = lower_share if down == 1 else np.float32(1.0) - lower_share
        for right in range(2):
            c = min(max(left + right, 0), width - 1)
            wx = right_share if right == 1 else np.float32(1.0) - right_share
            allowed = np.float32(TOLERANCE) + np.float32(SLOPES) * slope[r, c]
            off = np.float32(2.0) - abs(z - depth[r, c]) / allowed
            total += wx * wy * alpha[r, c] * min(max(off, np.float32(0.0)), np.float32(1.0))
    return total


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _continue_by_a_ring(before, seen, known, ring):
    """Give pixels beside known ones their mean motion; `known` becomes ring + 1 there."""
    height, width = known.shape
    size, half = np.float32(INNER), np.float32(0.5)
    # of each column, whether it is known in one of three rows: found for many at once, and most are far from any
    near = np.zeros(width + 2, np.bool_)
    for r in range(height):
        above, own, below = known[max(r - 1, 0)], known[r], known[min(r + 1, height - 1)]
        for c in range(width):
            near[c + 1] = 0 < above[c] <= ring or 0 < own[c] <= ring or 0 < below[c] <= ring
        for c in range(width):
            if own[c] != 0 or not (near[c] | near[c + 1] | near[c + 2]):
                continue
            number, flow_x, flow_y, total = 0, np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for rr in range(max(r - 1, 0), min(r + 2, height)):
                for cc in range(max(c - 1, 0), min(c + 2, width)):
                    if 0 < known[rr, cc] <= ring:
                        number += 1
                        flow_x += before[0, rr, cc] - size * (np.float32(cc) + half)
                        flow_y += before[1, rr, cc] - size * (np.float32(rr) + half)
                        total += seen[rr, cc]
            share = np.float32(1.0) / np.float32(number)
            before[0, r, c] = size * (np.float32(c) + half) + flow_x * share
            before[1, r, c] = size * (np.float32(r) + half) + flow_y * share
            seen[r, c] = total * share
            known[r, c] = ring + 1
