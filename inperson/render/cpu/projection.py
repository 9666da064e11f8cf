"""Gaussians to ellipses on the image, 16 at a time (the same rules as `inperson.render.reference.project`)."""

from typing import NamedTuple

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import (
    BLUR,
    CLAMP_MARGIN,
    DEPTH,
    LN_2,
    LOG2_E,
    MIN_LOG_ALPHA,
    NO_TILES,
    RECORD,
    TILE,
    pack_rect,
    unpack_rect,
)
from inperson.render.cpu.simd import (
    LANES,
    F32x16,
    bits,
    ceil,
    floor,
    fma,
    item,
    load,
    load_interleaved,
    log2,
    lowest_bit,
    maximum,
    minimum,
    splat,
    sqrt,
    store_int32,
    store_interleaved,
    take_next,
)

THREE = (np.float32(0),) * 3
FOUR = (np.float32(0),) * 4
Row = tuple[F32x16, F32x16, F32x16]


class Camera(NamedTuple):
    """One view as the kernels see it; lengths in pixels and metres."""

    fx: np.float32
    fy: np.float32
    cx: np.float32
    cy: np.float32
    near: np.float32
    far: np.float32
    width: np.float32
    height: np.float32
    rotation: tuple[Row, Row, Row]
    """Rows of the world's rotation into OpenCV camera space."""
    translation: Row


class Footprint(NamedTuple):
    """16 Gaussians on the image, and what the way back from there needs."""

    u: F32x16
    """Tangents of the direction to the mean: x / z and y / z in camera space."""
    v: F32x16
    u_clamped: F32x16
    """The tangents at which the Jacobian is taken: not far outside the image."""
    v_clamped: F32x16
    depth: F32x16
    inverse_depth: F32x16
    jacobian_x: Row
    """How far a metre along each world axis moves the projection, pixels, in x."""
    jacobian_y: Row
    quat: tuple[F32x16, F32x16, F32x16, F32x16]
    """Normalised wxyz."""
    inverse_norm: F32x16
    """1 / the length of the quaternion that was given."""
    axes: tuple[Row, Row, Row]
    """Rows of the rotation matrix."""
    scales: Row
    along_x: Row
    """How far a metre along each of the Gaussian's own axes moves the projection, pixels, in x."""
    along_y: Row
    variance_x: F32x16
    """px^2, with blur."""
    variance_y: F32x16
    conic: tuple[F32x16, F32x16, F32x16]
    """xx, xy, yy of the inverse covariance, 1/px^2."""


@helper
def camera_of(cameras, view):
    """Row `view` of `engine.pack_cameras`."""
    c = cameras[view]
    rotation = ((c[8], c[9], c[10]), (c[11], c[12], c[13]), (c[14], c[15], c[16]))
    return Camera(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], rotation, (c[17], c[18], c[19]))


@helper
def dot(a, b):
    return fma(a[0], b[0], fma(a[1], b[1], a[2] * b[2]))


@helper
def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


@helper
def times(a, b):
    """Element by element."""
    return (a[0] * b[0], a[1] * b[1], a[2] * b[2])


@helper
def combine(s, a, t, b):
    """s a + t b."""
    return (fma(s, a[0], t * b[0]), fma(s, a[1], t * b[1]), fma(s, a[2], t * b[2]))


@helper
def row_times_matrix(row, m):
    """row^T m, with m given by its rows."""
    return (
        fma(row[0], m[0][0], fma(row[1], m[1][0], row[2] * m[2][0])),
        fma(row[0], m[0][1], fma(row[1], m[1][1], row[2] * m[2][1])),
        fma(row[0], m[0][2], fma(row[1], m[1][2], row[2] * m[2][2])),
    )


@helper
def clamp(x, low, high):
    return minimum(maximum(x, low), high)


@helper
def matrix_from_quat(q):
    """Rows of the rotation matrix of a unit wxyz quaternion."""
    w, x, y, z = q
    return (
        (1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)),
        (2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)),
        (2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)),
    )


@helper
def tangent_limits(camera):
    """How far the Jacobian follows a mean outside the image: low and high of u, then of v."""
    margin_u = CLAMP_MARGIN * camera.width / camera.fx
    margin_v = CLAMP_MARGIN * camera.height / camera.fy
    return (
        -camera.cx / camera.fx - margin_u,
        (camera.width - camera.cx) / camera.fx + margin_u,
        -camera.cy / camera.fy - margin_v,
        (camera.height - camera.cy) / camera.fy + margin_v,
    )


@helper
def project_sixteen(camera, means, quats, scales, i):
    """The `Footprint` of Gaussians i to i + 15. Arrays are flat; quaternions are normalised here."""
    mean = load_interleaved(means, 3 * i, THREE)
    x = dot(camera.rotation[0], mean) + camera.translation[0]
    y = dot(camera.rotation[1], mean) + camera.translation[1]
    z = dot(camera.rotation[2], mean) + camera.translation[2]
    inverse_depth = 1.0 / maximum(z, 1e-6)
    u, v = x * inverse_depth, y * inverse_depth
    u_low, u_high, v_low, v_high = tangent_limits(camera)
    u_clamped, v_clamped = clamp(u, u_low, u_high), clamp(v, v_low, v_high)

    right, down, forward = camera.rotation
    sx, sy = camera.fx * inverse_depth, camera.fy * inverse_depth
    jacobian_x = combine(sx, right, -(sx * u_clamped), forward)
    jacobian_y = combine(sy, down, -(sy * v_clamped), forward)

    w, a, b, c = load_interleaved(quats, 4 * i, FOUR)
    inverse_norm = 1.0 / maximum(sqrt(fma(w, w, fma(a, a, fma(b, b, c * c)))), 1e-12)
    quat = (w * inverse_norm, a * inverse_norm, b * inverse_norm, c * inverse_norm)
    axes = matrix_from_quat(quat)
    scale = load_interleaved(scales, 3 * i, THREE)
    along_x, along_y = row_times_matrix(jacobian_x, axes), row_times_matrix(jacobian_y, axes)
    half_x, half_y = times(along_x, scale), times(along_y, scale)
    sharp_xx, xy, sharp_yy = dot(half_x, half_x), dot(half_x, half_y), dot(half_y, half_y)
    xx, yy = sharp_xx + BLUR, sharp_yy + BLUR
    # xx yy - xy^2 by Lagrange's identity: for long thin ellipses the difference would cancel in float32
    normal = cross(half_x, half_y)
    inverse_det = 1.0 / (dot(normal, normal) + BLUR * (sharp_xx + yy))
    conic = (yy * inverse_det, -(xy * inverse_det), xx * inverse_det)
    return Footprint(
        u,
        v,
        u_clamped,
        v_clamped,
        z,
        inverse_depth,
        jacobian_x,
        jacobian_y,
        quat,
        inverse_norm,
        axes,
        scale,
        along_x,
        along_y,
        xx,
        yy,
        conic,
    )


@helper
def store_records(camera, footprint, opacities, i, records, at, bounds):
    """Write 16 records, their first and last tiles into `bounds` (4 x 16 int32); return which can be seen."""
    x = fma(footprint.u, camera.fx, camera.cx - 0.5)
    y = fma(footprint.v, camera.fy, camera.cy - 0.5)
    log_opacity = log2(maximum(load(opacities, i), 1e-9))
    squared_reach = (log_opacity - MIN_LOG_ALPHA) * (2.0 * LN_2)
    reach_x = sqrt(maximum(squared_reach, 0.0) * footprint.variance_x)
    reach_y = sqrt(maximum(squared_reach, 0.0) * footprint.variance_y)
    left, right = maximum(ceil(x - reach_x), 0.0), minimum(floor(x + reach_x), camera.width - 1.0)
    top, bottom = maximum(ceil(y - reach_y), 0.0), minimum(floor(y + reach_y), camera.height - 1.0)
    in_range = (footprint.depth > camera.near) & (footprint.depth < camera.far)
    seen = in_range & (squared_reach > 0.0) & (right >= left) & (bottom >= top)

    store_int32(bounds, 0, left * (1.0 / TILE))
    store_int32(bounds, LANES, top * (1.0 / TILE))
    store_int32(bounds, 2 * LANES, right * (1.0 / TILE))
    store_int32(bounds, 3 * LANES, bottom * (1.0 / TILE))
    a, b, c = footprint.conic
    shape = (x, y, a * (-0.5 * LOG2_E), b * -LOG2_E, c * (-0.5 * LOG2_E), log_opacity)
    store_interleaved(records, at, (*shape, footprint.depth, splat(0.0)))
    return bits(seen)


@helper
def count_tiles(rect, tiles_across, counts):
    """Add one to each tile of `rect`: without branches for up to 2x2 tiles, which nearly all have."""
    left, top, right, bottom = unpack_rect(rect)
    if right - left > 1 or bottom - top > 1:
        for row in range(top, bottom + 1):
            for tile in range(row * tiles_across + left, row * tiles_across + right + 1):
                counts[tile] += np.uint32(1)
    else:  # where some of the four are the same tile, what is written last counts (see `binning.enter`)
        first, beside = np.uint64(top * tiles_across + left), np.uint64(top * tiles_across + right)
        below, across = np.uint64(bottom * tiles_across + left), np.uint64(bottom * tiles_across + right)
        wide, high = np.uint32(right - left), np.uint32(bottom - top)
        in_first, in_beside, in_below, in_across = counts[first], counts[beside], counts[below], counts[across]
        counts[across] = in_across + (wide & high)
        counts[below] = in_below + high
        counts[beside] = in_beside + wide
        counts[first] = in_first + np.uint32(1)


@helper
def list_seen(seen, first, bounds, records, rects, tickets, count, tile_counts, tiles_across):
    """Append those of Gaussians `first` to `first + 15` whose bit in `seen` is set; returns the new count.

    A ticket is the bit pattern of the depth (for positive floats, patterns are ordered as the floats are), then
    the Gaussian's number.
    """
    patterns = records.view(np.uint32)
    while seen:
        lane = lowest_bit(seen)
        seen &= seen - 1
        g = first + lane
        rect = pack_rect(
            item(bounds, lane),
            item(bounds, LANES + lane),
            item(bounds, 2 * LANES + lane),
            item(bounds, 3 * LANES + lane),
        )
        rects[np.uint64(g)] = rect
        key = np.uint64(item(patterns, g * RECORD + DEPTH))
        tickets[np.uint64(count)] = key << np.uint64(32) | np.uint64(g)
        count += 1
        count_tiles(rect, tiles_across, tile_counts)
    return count


@kernel
def project_and_cull(
    counter,
    thread,
    cameras,
    means,
    quats,
    scales,
    opacities,
    chunk,
    tiles_across,
    records,
    rects,
    tickets,
    seen_counts,
    tile_counts,
):
    """Project all Gaussians into all views, `chunk` (a multiple of 16) at a time.

    Chunk c of view v leaves its `seen_counts[v, c]` visible Gaussians in `tickets` (V, N) uint64
    from `c * chunk` on, and adds to `tile_counts[v, c]`.
    """
    num_views, num_chunks = seen_counts.shape
    num = opacities.size
    bounds = np.empty(4 * LANES, np.int32)
    job = take_next(counter)
    while job < num_views * num_chunks:
        view, c = job // num_chunks, job % num_chunks
        camera = camera_of(cameras, view)
        flat, rect, queue, counts = records[view].reshape(-1), rects[view], tickets[view], tile_counts[view, c]
        first, end = c * chunk, min(num, (c + 1) * chunk)
        rect[first:end] = NO_TILES
        count = first
        for i in range(first, end, LANES):
            start = min(i, num - LANES)  # the last sixteen overlap those before
            footprint = project_sixteen(camera, means, quats, scales, start)
            seen = store_records(camera, footprint, opacities, start, flat, RECORD * start, bounds)
            seen = (seen >> (i - start)) << (i - start)
            count = list_seen(seen, start, bounds, flat, rect, queue, count, counts, tiles_across)
        seen_counts[view, c] = count - first
        job = take_next(counter)
