"""The way back through the tiles: the same Gaussians front to back again, so transmittance is what it was.

What lies behind a Gaussian is the pixel's final colour, known from the forward pass, minus what has been drawn so
far. Each (Gaussian, tile) pair writes one row of its own, so nothing is shared and repeats are bit-identical.
"""

import numpy as np

from inperson.render.cpu.compositing import FOUR, PREFETCH, clear_tile, quarter_coordinates, touched_blocks
from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import (
    BLOCK,
    DEPTH,
    LOG_OPACITY,
    MAX_ALPHA,
    MIN_LOG_ALPHA,
    MIN_TRANSMITTANCE,
    RECORD,
    TILE,
    TILE_PIXELS,
    XX,
    XY,
    YY,
    X,
    Y,
)
from inperson.render.cpu.simd import (
    LANES,
    absolute,
    add_scaled,
    bits,
    copy_row,
    dot_row,
    exp2,
    fma,
    item,
    load,
    load_planes,
    lowest_bit,
    minimum,
    prefetch,
    select,
    splat,
    store,
    store_lane_sums,
    store_planes,
    take_next,
    transpose_quarters,
    zeros_like,
)

BEHIND, ALPHA_GRADIENT, CHANNEL_GRADIENTS = 1, 2, 3
"""Planes of a tile's state after transmittance (as in `compositing`): gradient times colour of what is yet to be
drawn; the derivative by alpha; those by depth and by the colours."""


@helper
def read_tile(image, at, tile_x, tile_y, width, height, row_buffer, state, plane):
    """A plane of `state` from the image that starts at `image[at]`; 0 outside the image."""
    columns = min(TILE, width - tile_x)
    for band in range(0, TILE, BLOCK):
        row_buffer[:] = np.float32(0)
        for row in range(min(BLOCK, height - tile_y - band)):
            source = at + (tile_y + band + row) * width + tile_x
            if columns == TILE:
                store(row_buffer, row * LANES, load(image, source))
            else:
                for column in range(columns):
                    row_buffer[row * LANES + column] = image[source + column]
        rows = load_planes(row_buffer, 0, LANES, FOUR)
        store_planes(state, plane * TILE_PIXELS + band * TILE, LANES, transpose_quarters(rows))


@helper
def add_product(state, plane, image_plane):
    """Add the product of two planes of `state` to what is behind the first Gaussian."""
    for at in range(0, TILE_PIXELS, LANES):
        behind = load(state, BEHIND * TILE_PIXELS + at)
        product = load(state, plane * TILE_PIXELS + at) * load(state, image_plane * TILE_PIXELS + at)
        store(state, BEHIND * TILE_PIXELS + at, behind + product)


@helper
def start_tile(out, grad, at, tile_x, tile_y, width, height, channels, row_buffer, state):
    """Read a tile's gradients and final channels into `state`; returns the blocks inside the image."""
    live = clear_tile(state, BEHIND, width - tile_x, height - tile_y)
    spare = CHANNEL_GRADIENTS + channels
    for plane in range(channels + 1):  # alpha and depth are the image's last planes and the state's first
        source = at + (channels - plane) * height * width
        if plane > 1:
            source = at + (plane - 2) * height * width
        read_tile(grad, source, tile_x, tile_y, width, height, row_buffer, state, ALPHA_GRADIENT + plane)
        read_tile(out, source, tile_x, tile_y, width, height, row_buffer, state, spare)
        add_product(state, ALPHA_GRADIENT + plane, spare)
    return live


@helper
def gaussian_gradient(records, at, touched, tile_x, tile_y, live, color, state, row, rows, channel_like):
    """Write the row of one Gaussian in one tile; returns which blocks still let light through, as bits.

    `color` holds its depth and colours.
    """
    column, line = quarter_coordinates()
    center_x, center_y = item(records, at + X), item(records, at + Y)
    xx, xy, yy = item(records, at + XX), item(records, at + XY), item(records, at + YY)
    log_opacity = item(records, at + LOG_OPACITY)
    v_sum, v_x, v_y = splat(0.0), splat(0.0), splat(0.0)
    v_xx, v_xy, v_yy = splat(0.0), splat(0.0), splat(0.0)
    channel_sums = zeros_like(channel_like)
    while touched:
        block = lowest_bit(touched)
        touched &= touched - 1
        p = block * LANES
        signed = load(state, p)
        transmittance, unfinished = absolute(signed), signed > 0.0
        dx = column + np.float32(tile_x + BLOCK * (block % BLOCK)) - center_x
        dy = line + np.float32(tile_y + BLOCK * (block // BLOCK)) - center_y
        power = fma(fma(xx, dx, dy * xy), dx, fma(dy * yy, dy, log_opacity))
        opacity = exp2(power)
        alpha = select(power >= MIN_LOG_ALPHA, minimum(opacity, MAX_ALPHA), 0.0)
        weight = alpha * transmittance
        after = transmittance - weight
        unfinished = unfinished & (after > MIN_TRANSMITTANCE)
        store(state, p, select(unfinished, after, -transmittance))
        if bits(unfinished) == 0:
            live &= ~(1 << block)

        weight = select(unfinished, weight, 0.0)
        gradients = load_planes(state, p + CHANNEL_GRADIENTS * TILE_PIXELS, TILE_PIXELS, channel_like)
        along = dot_row(load(state, p + ALPHA_GRADIENT * TILE_PIXELS), gradients, color, 0)
        channel_sums = add_scaled(channel_sums, weight, gradients)
        behind = load(state, p + BEHIND * TILE_PIXELS) - weight * along
        store(state, p + BEHIND * TILE_PIXELS, behind)
        # d/d ln alpha of weight * along + behind, where all that is behind has the factor 1 - alpha
        v = weight * along - alpha / (1.0 - alpha) * behind
        v = select(unfinished & (opacity <= MAX_ALPHA), v, 0.0)
        v_dx, v_dy = v * dx, v * dy
        v_sum, v_x, v_y = v_sum + v, v_x + v_dx, v_y + v_dy
        v_xx, v_xy, v_yy = fma(v_dx, dx, v_xx), fma(v_dx, dy, v_xy), fma(v_dy, dy, v_yy)
    store_lane_sums(rows, row, (v_sum, v_x, v_y, v_xx, v_xy, v_yy, *channel_sums))
    return live


@helper
def tile_rows(
    entries,
    first,
    end,
    records,
    colors,
    tile_x,
    tile_y,
    live,
    color,
    state,
    rows,
    stride,
    row_owners,
    color_like,
    channel_like,
):
    """Write the rows of a tile from number `first` on, and whose they are; returns how many."""
    row = first
    for e in range(first, end):
        if live == 0:
            break
        g = np.int64(item(entries, e))
        ahead = np.int64(item(entries, min(e + PREFETCH, end - 1)))
        prefetch(records, ahead * RECORD)
        prefetch(colors, ahead * len(color_like))
        touched = bits(touched_blocks(records, g * RECORD, np.float32(tile_x), np.float32(tile_y))) & live
        if touched == 0:
            continue
        color[0] = item(records, g * RECORD + DEPTH)
        copy_row(color, 1, colors, g * len(color_like), color_like)
        live = gaussian_gradient(
            records, g * RECORD, touched, tile_x, tile_y, live, color, state, row * stride, rows, channel_like
        )
        row_owners[row] = g
        row += 1
    return row - first


@kernel
def tile_gradients(
    counter,
    thread,
    scratch,
    tiles_across,
    records,
    colors,
    entries,
    starts,
    height,
    width,
    out,
    grad,
    rows,
    row_owners,
    row_counts,
    color_like,
    channel_like,
):
    """From the gradient by the image, `grad` (V, D, H, W) flat, to rows of gradients; one job a row of tiles.

    Tile t of view v leaves its `row_counts[v, t]` rows in `rows` (V, M, stride) from `starts[v, t]` on, and the
    Gaussians they belong to in `row_owners` (V, M). `scratch` has a row of `scratch_floats(C)` for each thread;
    `color_like` and `channel_like` are as in `compositing.composite`.
    """
    channels = len(channel_like)
    state, color = scratch[thread], np.empty(channels, np.float32)
    row_buffer = np.empty(4 * LANES, np.float32)
    tiles_down = (starts.shape[1] - 1) // tiles_across
    job = take_next(counter)
    while job < starts.shape[0] * tiles_down:
        view, down = job // tiles_down, job % tiles_down
        at = view * (channels + 1) * height * width
        for across in range(tiles_across):
            tile = down * tiles_across + across
            first, end = np.int64(starts[view, tile]), np.int64(starts[view, tile + 1])
            row_counts[view, tile] = 0
            if first == end:
                continue
            x, y = TILE * across, TILE * down
            live = start_tile(out, grad, at, x, y, width, height, channels, row_buffer, state)
            row_counts[view, tile] = tile_rows(
                entries[view],
                first,
                end,
                records[view].reshape(-1),
                colors,
                x,
                y,
                live,
                color,
                state,
                rows[view].reshape(-1),
                rows.shape[2],
                row_owners[view],
                color_like,
                channel_like,
            )
        job = take_next(counter)


@kernel
def sum_rows(counter, thread, parts, starts, rows, row_owners, row_counts, totals):
    """Sum the rows of every Gaussian into `totals` (V, N, stride); one job a `parts`-th of one view's Gaussians."""
    num_views, num, stride = totals.shape
    job = take_next(counter)
    while job < num_views * parts:
        view, part = job // parts, job % parts
        low, high = part * num // parts, (part + 1) * num // parts
        totals[view, low:high] = np.float32(0)
        total, own_rows, owners = totals[view].reshape(-1), rows[view].reshape(-1), row_owners[view]
        for tile in range(row_counts.shape[1]):
            first = np.int64(starts[view, tile])
            for row in range(first, first + row_counts[view, tile]):
                g = np.int64(item(owners, row))
                if low <= g < high:
                    for field in range(0, stride, LANES):
                        at = g * stride + field
                        store(total, at, load(total, at) + load(own_rows, row * stride + field))
        job = take_next(counter)


def scratch_floats(colors: int) -> int:
    """Floats of working memory a thread of `tile_gradients` needs for C = `colors`."""
    return (CHANNEL_GRADIENTS + colors + 2) * TILE_PIXELS
