"""Tiles, front to back: each block of 4x4 pixels is one vector and keeps its channels in registers."""

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import (
    BLOCK,
    BLOCKS,
    DEPTH,
    LOG_OPACITY,
    MAX_ALPHA,
    MIN_LOG_ALPHA,
    MIN_TRANSMITTANCE,
    RECORD,
    SHAPE,
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
    add_scaled_row,
    bits,
    copy_row,
    exp2,
    floor,
    fma,
    item,
    lane_numbers,
    load,
    load_planes,
    lowest_bit,
    maximum,
    minimum,
    prefetch,
    select,
    set_bit,
    store,
    store_planes,
    take_next,
    transpose_quarters,
)

BATCH = 64
"""Gaussians of a tile that are unpacked at a time: the bits of an int64."""
PREFETCH = 8
"""How many Gaussians ahead their records are asked for."""
FOUR = (np.float32(0),) * 4
SHAPE_FIELDS = (np.float32(0),) * SHAPE


@helper
def quarter_coordinates():
    """Column and row of each lane in a 4x4 square."""
    lanes = lane_numbers()
    row = floor(lanes * (1.0 / BLOCK))
    return lanes - row * BLOCK, row


@helper
def touched_blocks(records, at, tile_x, tile_y):
    """Which of a tile's 16 blocks have a pixel where the Gaussian's opacity may reach 1/255, as a mask.

    The quadratic form is concave, so over a block's box it is largest at the centre if that is inside, and
    otherwise on one of the two sides that face the centre.
    """
    column, row = quarter_coordinates()
    xx, xy, yy = item(records, at + XX), item(records, at + XY), item(records, at + YY)
    left = fma(column, BLOCK, tile_x - item(records, at + X))
    top = fma(row, BLOCK, tile_y - item(records, at + Y))
    right, bottom = left + (BLOCK - 1), top + (BLOCK - 1)
    near_x = maximum(left, minimum(right, 0.0))
    near_y = maximum(top, minimum(bottom, 0.0))
    best_y = maximum(top, minimum(bottom, near_x * (-0.5 * xy / yy)))
    best_x = maximum(left, minimum(right, near_y * (-0.5 * xy / xx)))
    on_column = fma(near_x, fma(near_x, xx, best_y * xy), best_y * best_y * yy)
    on_row = fma(near_y, fma(near_y, yy, best_x * xy), best_x * best_x * xx)
    return maximum(on_column, on_row) >= MIN_LOG_ALPHA - item(records, at + LOG_OPACITY)


@helper
def pixels_inside(width, height):
    """1 in the lanes of a block that has `width` x `height` pixels inside the image, -1 in the others."""
    column, row = quarter_coordinates()
    return select((column < width) & (row < height), 1.0, -1.0)


@helper
def clear_tile(state, channels, width, height):
    """Transmittance (plane 0) 1 inside the image and -1 outside, all channels 0.

    Negative transmittance marks pixels that are finished. Returns the blocks inside, as bits.
    """
    state[TILE_PIXELS : (channels + 1) * TILE_PIXELS] = np.float32(0)
    inside = 0
    for block in range(BLOCKS):
        x, y = BLOCK * (block % BLOCK), BLOCK * (block // BLOCK)
        store(state, block * LANES, pixels_inside(np.float32(width - x), np.float32(height - y)))
        if x < width and y < height:
            inside |= 1 << block
    return inside


@helper
def unpack_batch(entries, first, end, records, colors, tile_x, tile_y, live, packed, members, color_like):
    """Copy the Gaussians that touch a live block into `packed`, and note which blocks each of them touches.

    Bit k of `members[b]` (k < 32) or `members[16 + b]` says that the k-th one in `packed` touches block b.
    """
    channels = len(color_like)
    stride = SHAPE + channels + 1
    members[:] = 0
    k = 0
    for e in range(first, end):
        g = np.int64(item(entries, e))
        ahead = np.int64(item(entries, min(e + PREFETCH, end - 1)))
        prefetch(records, ahead * RECORD)
        prefetch(colors, ahead * channels)
        touched = touched_blocks(records, g * RECORD, np.float32(tile_x), np.float32(tile_y))
        if bits(touched) & live == 0:
            continue
        p = k * stride
        copy_row(packed, p, records, g * RECORD, SHAPE_FIELDS)
        copy_row(packed, p + SHAPE, colors, g * channels, color_like)
        packed[p + stride - 1] = item(records, g * RECORD + DEPTH)
        set_bit(members, BLOCKS * (k >> 5), touched, k & 31)
        k += 1


@helper
def blend_block(block, tile_x, tile_y, packed, listed, state, channel_like):
    """Blend the Gaussians in the set `listed` into a block's planes of `state`.

    Returns whether any pixel still lets light through.
    """
    at = block * LANES
    stride = SHAPE + len(channel_like)
    column, row = quarter_coordinates()
    x = column + np.float32(tile_x + BLOCK * (block % BLOCK))
    y = row + np.float32(tile_y + BLOCK * (block // BLOCK))
    signed = load(state, at)
    transmittance, unfinished = absolute(signed), signed > 0.0
    sums = load_planes(state, at + TILE_PIXELS, TILE_PIXELS, channel_like)
    going_on = bits(unfinished)
    while listed and going_on:
        p = lowest_bit(listed) * stride
        listed &= listed - 1
        dx, dy = x - item(packed, p + X), y - item(packed, p + Y)
        cross = fma(item(packed, p + XX), dx, dy * item(packed, p + XY))
        power = fma(cross, dx, fma(dy * item(packed, p + YY), dy, item(packed, p + LOG_OPACITY)))
        alpha = select(power >= MIN_LOG_ALPHA, minimum(exp2(power), MAX_ALPHA), 0.0)
        weight = alpha * transmittance
        after = transmittance - weight
        unfinished = unfinished & (after > MIN_TRANSMITTANCE)
        transmittance = select(unfinished, after, transmittance)
        sums = add_scaled_row(sums, select(unfinished, weight, 0.0), packed, p + SHAPE)
        going_on = bits(unfinished)
    store(state, at, select(unfinished, transmittance, -transmittance))
    store_planes(state, at + TILE_PIXELS, TILE_PIXELS, sums)
    return going_on != 0


@helper
def transmittance_to_alpha(state):
    """Plane 0 of a finished tile."""
    for at in range(0, TILE_PIXELS, LANES):
        store(state, at, 1.0 - absolute(load(state, at)))


@helper
def write_tile(state, plane, tile_x, tile_y, out, at, width, height, row_buffer):
    """Copy a plane of `state` into the image that starts at `out[at]`."""
    columns = min(TILE, width - tile_x)
    for band in range(0, min(TILE, height - tile_y), BLOCK):
        blocks = load_planes(state, plane * TILE_PIXELS + band * TILE, LANES, FOUR)
        store_planes(row_buffer, 0, LANES, transpose_quarters(blocks))
        for row in range(min(BLOCK, height - tile_y - band)):
            to = at + (tile_y + band + row) * width + tile_x
            if columns == TILE:
                store(out, to, load(row_buffer, row * LANES))
            else:
                for column in range(columns):
                    out[to + column] = row_buffer[row * LANES + column]


@helper
def draw_tile(
    entries, first, end, records, colors, tile_x, tile_y, live, state, packed, members, color_like, channel_like
):
    """Blend all of a tile's Gaussians into `state`, as long as one of the blocks `live` lets light through."""
    while first < end and live:
        stop = min(end, first + BATCH)
        unpack_batch(
            entries,
            first,
            stop,
            records,
            colors,
            tile_x,
            tile_y,
            live,
            packed,
            members,
            color_like,
        )
        for block in range(BLOCKS):
            listed = np.int64(members[block]) | np.int64(members[BLOCKS + block]) << 32
            if live >> block & 1 and not blend_block(block, tile_x, tile_y, packed, listed, state, channel_like):
                live &= ~(1 << block)
        first = stop


@kernel
def composite(
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
    color_like,
    channel_like,
):
    """Draw every view into `out`, (V, D, H, W) flat; one job a row of tiles.

    `scratch` has a row of `scratch_floats(C)` for each thread. `color_like` is any tuple of C floats and
    `channel_like` one of C + 1 (with depth): their lengths choose the compiled version.
    """
    channels = len(channel_like)
    own = scratch[thread]
    state, packed = own[: (channels + 1) * TILE_PIXELS], own[(channels + 1) * TILE_PIXELS :]
    row_buffer = np.empty(4 * LANES, np.float32)
    members = np.empty(2 * BLOCKS, np.uint32)
    tiles_down = (starts.shape[1] - 1) // tiles_across
    job = take_next(counter)
    while job < starts.shape[0] * tiles_down:
        view, tile_row = job // tiles_down, job % tiles_down
        tile_y = TILE * tile_row
        seen = records[view].reshape(-1)
        image = view * (channels + 1) * height * width
        for plane in range(channels + 1):
            band = image + (plane * height + tile_y) * width
            out[band : band + min(TILE, height - tile_y) * width] = np.float32(0)
        for column in range(tiles_across):
            tile, tile_x = tile_row * tiles_across + column, TILE * column
            first, end = np.int64(starts[view, tile]), np.int64(starts[view, tile + 1])
            if first == end:
                continue
            live = clear_tile(state, channels, width - tile_x, height - tile_y)
            draw_tile(
                entries[view],
                first,
                end,
                seen,
                colors,
                tile_x,
                tile_y,
                live,
                state,
                packed,
                members,
                color_like,
                channel_like,
            )
            transmittance_to_alpha(state)
            alpha = image + channels * height * width
            write_tile(state, 0, tile_x, tile_y, out, alpha, width, height, row_buffer)
            for c in range(channels):
                at = image + c * height * width
                write_tile(state, c + 1, tile_x, tile_y, out, at, width, height, row_buffer)
        job = take_next(counter)


def scratch_floats(colors: int) -> int:
    """Floats of working memory a thread of `composite` needs for C = `colors`, in whole vectors."""
    channels = colors + 1
    packed = BATCH * (SHAPE + channels)
    return (channels + 1) * TILE_PIXELS + -(-packed // LANES) * LANES
