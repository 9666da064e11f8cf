"""Nearest first, then into tiles: a radix sort of the visible Gaussians, and a counting sort by tile."""

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import unpack_rect
from inperson.render.cpu.simd import take_next

DIGIT = 11
"""Bits per pass of the radix sort."""
BUCKETS = 1 << DIGIT
SHIFT = np.uint32(DIGIT)
LOW_DIGIT = np.uint32(BUCKETS - 1)
ONE = np.uint32(1)


@helper
def bits_needed(x):
    n = 0
    while x:
        n += 1
        x >>= 1
    return n


@helper
def key_range(keys, chunk, seen_counts):
    """Smallest and largest key over all chunks."""
    low, high = np.uint32(0xFFFFFFFF), np.uint32(0)
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            low, high = min(low, keys[j]), max(high, keys[j])
    return low, high


@helper
def counts_to_starts(counts):
    """Replace each count by the sum of those before it; returns the sum of all."""
    total = np.uint32(0)
    for bucket in range(BUCKETS):
        count = counts[bucket]
        counts[bucket] = total
        total += count
    return total


@helper
def sort_by_depth(keys, ids, spare_keys, spare_ids, chunk, seen_counts):
    """Sort `ids` by `keys` (the bit patterns of positive floats, which order as the floats do), stably.

    The chunks, each `seen_counts[c]` long, end up one after the other. Keys are taken from the nearest on and
    cut to 22 bits, so that two passes do: for a person 2 m deep that is less than a micrometre.
    Returns how many there are.
    """
    low, high = key_range(keys, chunk, seen_counts)
    if high < low:
        return np.uint32(0)  # nothing is seen
    shift = np.uint32(max(0, bits_needed(np.int64(high) - np.int64(low)) - 2 * DIGIT))
    low_digits, high_digits = np.zeros(BUCKETS, np.uint32), np.zeros(BUCKETS, np.uint32)
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            key = (keys[j] - low) >> shift
            keys[j] = key
            low_digits[key & LOW_DIGIT] += ONE
            high_digits[key >> SHIFT] += ONE
    num = counts_to_starts(low_digits)
    counts_to_starts(high_digits)
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            key = keys[j]
            to = low_digits[key & LOW_DIGIT]
            low_digits[key & LOW_DIGIT] = to + ONE
            spare_keys[to], spare_ids[to] = key, ids[j]
    for j in range(num):
        bucket = spare_keys[j] >> SHIFT
        to = high_digits[bucket]
        high_digits[bucket] = to + ONE
        ids[to] = spare_ids[j]
    return num


@helper
def tile_starts(tile_counts, starts):
    """Where each tile's entries begin: running sums of the counts over all chunks."""
    total = np.uint32(0)
    for tile in range(tile_counts.shape[1]):
        starts[tile] = total
        for c in range(tile_counts.shape[0]):
            total += tile_counts[c, tile]
    starts[tile_counts.shape[1]] = total


@helper
def enter(g, rect, tiles_across, entries, cursor):
    """Append Gaussian g to each tile of `rect`: without branches for up to 2x2 tiles, which nearly all have."""
    left, top, right, bottom = unpack_rect(rect)
    if right - left > 1 or bottom - top > 1:
        for row in range(top, bottom + 1):
            for tile in range(row * tiles_across + left, row * tiles_across + right + 1):
                append(g, np.uint64(tile), entries, cursor, np.uint32(1))
    else:
        # Where two of the four are the same tile only the last append counts: it writes over the others.
        wide, high = np.uint32(right - left), np.uint32(bottom - top)
        append(g, np.uint64(bottom * tiles_across + right), entries, cursor, wide & high)
        append(g, np.uint64(bottom * tiles_across + left), entries, cursor, high)
        append(g, np.uint64(top * tiles_across + right), entries, cursor, wide)
        append(g, np.uint64(top * tiles_across + left), entries, cursor, np.uint32(1))


@helper
def append(g, tile, entries, cursor, step):
    to = cursor[tile]
    entries[to] = g
    cursor[tile] = to + step


@kernel
def sort_and_bin(
    counter,
    thread,
    chunk,
    tiles_across,
    rects,
    keys,
    ids,
    spare_keys,
    spare_ids,
    seen_counts,
    tile_counts,
    starts,
    entries,
):
    """Fill `starts` and `entries` from what `project_and_cull` left; one job a view."""
    view = take_next(counter)
    while view < seen_counts.shape[0]:
        order, rect = ids[view], rects[view]
        num = sort_by_depth(keys[view], order, spare_keys[view], spare_ids[view], chunk, seen_counts[view])
        tile_starts(tile_counts[view], starts[view])
        cursor = starts[view].copy()
        for j in range(num):
            g = order[j]
            enter(g, rect[g], tiles_across, entries[view], cursor)
        view = take_next(counter)
