"""Nearest first, then into tiles: a radix sort of the visible Gaussians, and a counting sort by tile."""

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.simd import take_next

DIGIT = 11
"""Bits per pass of the radix sort."""
BUCKETS = 1 << DIGIT


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
def sort_by_depth(keys, ids, spare_keys, spare_ids, chunk, seen_counts):
    """Sort `ids` by `keys` (the bit patterns of positive floats, which order as the floats do), stably.

    The chunks, each `seen_counts[c]` long, end up one after the other. Keys are taken from the nearest on and
    cut to 22 bits, so that two passes do: for a person 2 m deep that is less than a micrometre.
    Returns how many there are.
    """
    low, high = key_range(keys, chunk, seen_counts)
    shift = np.uint32(max(0, bits_needed(np.int64(high) - np.int64(low)) - 2 * DIGIT))
    histogram = np.zeros((2, BUCKETS), np.int32)
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            key = (keys[j] - low) >> shift
            keys[j] = key
            histogram[0, key & (BUCKETS - 1)] += 1
            histogram[1, key >> DIGIT] += 1
    below = np.zeros(2, np.int32)
    for bucket in range(BUCKETS):
        for digit in range(2):
            count = histogram[digit, bucket]
            histogram[digit, bucket] = below[digit]
            below[digit] += count
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            bucket = keys[j] & (BUCKETS - 1)
            to = histogram[0, bucket]
            histogram[0, bucket] = to + 1
            spare_keys[to], spare_ids[to] = keys[j], ids[j]
    for j in range(below[0]):
        bucket = spare_keys[j] >> DIGIT
        to = histogram[1, bucket]
        histogram[1, bucket] = to + 1
        ids[to] = spare_ids[j]
    return below[0]


@helper
def tile_starts(tile_counts, starts):
    """Where each tile's entries begin: running sums of the counts over all chunks."""
    total = np.int32(0)
    for tile in range(tile_counts.shape[1]):
        starts[tile] = total
        for c in range(tile_counts.shape[0]):
            total += tile_counts[c, tile]
    starts[tile_counts.shape[1]] = total


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
        order, rect, own = ids[view], rects[view], entries[view]
        num = sort_by_depth(keys[view], order, spare_keys[view], spare_ids[view], chunk, seen_counts[view])
        tile_starts(tile_counts[view], starts[view])
        cursor = starts[view].copy()
        for j in range(num):
            g = order[j]
            for row in range(rect[g, 1], rect[g, 3] + 1):
                for tile in range(row * tiles_across + rect[g, 0], row * tiles_across + rect[g, 2] + 1):
                    own[cursor[tile]] = g
                    cursor[tile] += 1
        view = take_next(counter)
