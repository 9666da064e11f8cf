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
    add_scaled_row,
    bits,
    copy_row,
    exp2,
    floor,
    fma,
    lane_numbers,
    load,
    load_planes,
    lowest_bit,
    maximum,
    minimum,
    select,
    splat,
    store,
    store_planes,
    take_next,
    transpose_quarters,
)

BATCH = 128
"""Gaussians of a tile that are unpacked at a time: small enough to stay in the first-level cache."""
FOUR = (np.float32(0),) * 4
SHAPE_FIELDS = (np.float32(0),) * SHAPE
ALL_BLOCKS = (1 << BLOCKS) - 1


@helper
def quarter_coordinates():
    """Column and row of each lane in a 4x4 square."""
    lanes = lane_numbers()
    row = floor(lanes * (1.0 / BLOCK))
    return lanes - row * BLOCK, row


@helper
def touched_blocks(records, at, tile_x, tile_y):
    """Which of a tile's 16 blocks have a pixel where the Gaussian's opacity may reach 1/255, as bits.

    The quadratic form is concave, so over a block's box it is largest at the centre if that is inside, and
    otherwise on one of the two sides that face the centre.
    """
    column, row = quarter_coordinates()
    xx, xy, yy = records[at + XX], records[at + XY], records[at + YY]
    left = fma(column, BLOCK, tile_x - records[at + X])
    top = fma(row, BLOCK, tile_y - records[at + Y])
    right, bottom = left + (BLOCK - 1), top + (BLOCK - 1)
    near_x = maximum(left, minimum(right, 0.0))
    near_y = maximum(top, minimum(bottom, 0.0))
    best_y = maximum(top, minimum(bottom, near_x * (-0.5 * xy / yy)))
    best_x = maximum(left, minimum(right, near_y * (-0.5 * xy / xx)))
    on_column = fma(near_x, fma(near_x, xx, best_y * xy), best_y * best_y * yy)
    on_row = fma(near_y, fma(near_y, yy, best_x * xy), best_x * best_x * xx)
    return bits(maximum(on_column, on_row) >= MIN_LOG_ALPHA - records[at + LOG_OPACITY])


@helper
def pixels_inside(width, height):
    """1 in the lanes of a block that has `width` x `height` pixels inside the image, 0 in the others."""
    column, row = quarter_coordinates()
    return select((column < width) & (row < height), 1.0, 0.0)


@helper
def clear_tile(state, planes, width, height):
    """Transmittance 1 (plane 0) inside the image, all other planes 0; returns the blocks inside, as bits."""
    state[TILE_PIXELS : (planes + 1) * TILE_PIXELS] = np.float32(0)
    inside = 0
    for block in range(BLOCKS):
        x, y = BLOCK * (block % BLOCK), BLOCK * (block // BLOCK)
        store(state, block * LANES, pixels_inside(np.float32(width - x), np.float32(height - y)))
        if x < width and y < height:
            inside |= 1 << block
    return inside


@helper
def unpack_batch(entries, first, end, records, colors, tile_x, tile_y, live, packed, lists, lengths, color_like):
    """Copy the Gaussians that touch a live block into `packed`, and list them (by offset) for every block."""
    stride = SHAPE + len(color_like) + 2
    lengths[:] = 0
    offset = np.int32(0)
    for e in range(first, end):
        g = np.int64(entries[e])
        touched = touched_blocks(records, g * RECORD, tile_x, tile_y) & live
        if touched == 0:
            continue
        copy_row(packed, offset, records, g * RECORD, SHAPE_FIELDS)
        copy_row(packed, offset + SHAPE, colors, g * len(color_like), color_like)
        packed[offset + stride - 2] = records[g * RECORD + DEPTH]
        packed[offset + stride - 1] = np.float32(1)
        while touched:
            block = lowest_bit(touched)
            touched &= touched - 1
            length = lengths[block]
            lists[block * BATCH + length] = offset
            lengths[block] = length + 1
        offset += stride


@helper
def blend_block(block, tile_x, tile_y, packed, lists, length, state, channel_like):
    """Blend a block's list into its planes of `state`; returns whether any pixel still lets light through."""
    at = block * LANES
    column, row = quarter_coordinates()
    x = column + np.float32(tile_x + BLOCK * (block % BLOCK))
    y = row + np.float32(tile_y + BLOCK * (block // BLOCK))
    transmittance = load(state, at)
    sums = load_planes(state, at + TILE_PIXELS, TILE_PIXELS, channel_like)
    open_pixels = 1
    for j in range(block * BATCH, block * BATCH + length):
        p = np.int64(lists[j])
        dx, dy = x - packed[p + X], y - packed[p + Y]
        cross = fma(packed[p + XX], dx, packed[p + XY] * dy)
        power = fma(cross, dx, fma(packed[p + YY] * dy, dy, packed[p + LOG_OPACITY]))
        alpha = select(power >= MIN_LOG_ALPHA, minimum(exp2(power), MAX_ALPHA), 0.0)
        weight = alpha * transmittance
        after = transmittance - weight
        lit = after > MIN_TRANSMITTANCE
        transmittance = select(lit, after, 0.0)
        sums = add_scaled_row(sums, select(lit, weight, 0.0), packed, p + SHAPE)
        open_pixels = bits(lit)
        if open_pixels == 0:
            break
    store(state, at, transmittance)
    store_planes(state, at + TILE_PIXELS, TILE_PIXELS, sums)
    return open_pixels != 0


@helper
def write_tile(state, planes, tile_x, tile_y, out, at, width, height, row_buffer):
    """Copy the channel planes of `state` into the image planes `out` from offset `at` on."""
    columns = min(TILE, width - tile_x)
    for plane in range(planes):
        for band in range(0, min(TILE, height - tile_y), BLOCK):
            source = (plane + 1) * TILE_PIXELS + band * TILE
            store_planes(row_buffer, 0, LANES, transpose_quarters(load_planes(state, source, LANES, FOUR)))
            for row in range(min(BLOCK, height - tile_y - band)):
                to = at + (plane * height + tile_y + band + row) * width + tile_x
                if columns == TILE:
                    store(out, to, load(row_buffer, row * LANES))
                else:
                    for column in range(columns):
                        out[to + column] = row_buffer[row * LANES + column]


@helper
def clear_pixels(planes, tile_x, tile_y, out, at, width, height):
    """Zeros where no Gaussian is."""
    columns = min(TILE, width - tile_x)
    for plane in range(planes):
        for row in range(min(TILE, height - tile_y)):
            to = at + (plane * height + tile_y + row) * width + tile_x
            if columns == TILE:
                store(out, to, splat(0.0))
            else:
                out[to : to + columns] = np.float32(0)


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
    """Draw every tile of every view into `out`, (V, D, H, W) flat.

    `scratch` has a row of `scratch_floats(D)` for each thread; `color_like` is any tuple of C floats and
    `channel_like` one of D = C + 2: their lengths choose the compiled version.
    """
    planes = len(channel_like)
    own = scratch[thread]
    state, packed = own[: (planes + 1) * TILE_PIXELS], own[(planes + 1) * TILE_PIXELS :]
    row_buffer = np.empty(4 * LANES, np.float32)
    lists, lengths = np.empty(BLOCKS * BATCH, np.int32), np.empty(BLOCKS, np.int64)
    num_views, num_tiles = starts.shape[0], starts.shape[1] - 1
    job = take_next(counter)
    while job < num_views * num_tiles:
        view, tile = job // num_tiles, job % num_tiles
        tile_x, tile_y = TILE * (tile % tiles_across), TILE * (tile // tiles_across)
        first, end = starts[view, tile], starts[view, tile + 1]
        at = view * planes * height * width
        job = take_next(counter)
        if first == end:
            clear_pixels(planes, tile_x, tile_y, out, at, width, height)
            continue
        live = clear_tile(state, planes, width - tile_x, height - tile_y)
        seen = records[view].reshape(-1)
        while first < end and live:
            stop = min(end, first + BATCH)
            unpack_batch(
                entries[view],
                first,
                stop,
                seen,
                colors,
                np.float32(tile_x),
                np.float32(tile_y),
                live,
                packed,
                lists,
                lengths,
                color_like,
            )
            for block in range(BLOCKS):
                if lengths[block] and not blend_block(
                    block, tile_x, tile_y, packed, lists, lengths[block], state, channel_like
                ):
                    live &= ~(1 << block)
            first = stop
        write_tile(state, planes, tile_x, tile_y, out, at, width, height, row_buffer)


def scratch_floats(planes: int) -> int:
    """Floats of working memory a thread of `composite` needs, in whole vectors, for D = `planes`."""
    packed = BATCH * (SHAPE + planes)
    return (planes + 1) * TILE_PIXELS + -(-packed // LANES) * LANES
