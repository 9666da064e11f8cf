"""Nearest first, then into tiles: a radix sort of the visible Gaussians, and a counting sort by tile."""

import numpy as np

from inperson.render.cpu.kernels import helper, kernel
from inperson.render.cpu.layout import unpack_rect
from inperson.render.cpu.simd import item, prefetch, take_next

DIGIT = 8
"""Bits a pass of the radix sort looks at: few enough that the ends of all buckets stay in the first-level cache."""
PASSES = 3
BUCKETS = 1 << DIGIT
PREFETCH = 16
"""How many Gaussians ahead their rects are asked for."""
LOW_HALF = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


@helper
def bits_needed(x):
    n = 0
    while x:
        n += 1
        x >>= 1
    return n


@helper
def key_range(tickets, chunk, seen_counts):
    """Smallest and largest key over all chunks."""
    low, high = LOW_HALF, np.uint64(0)
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            key = tickets[j] >> HALF
            low, high = min(low, key), max(high, key)
    return low, high


@helper
def counts_to_starts(counts):
    """Replace each count by the sum of those before it."""
    total = np.uint32(0)
    for bucket in range(BUCKETS):
        count = counts[bucket]
        counts[bucket] = total
        total += count


@helper
def sort_pass(source, target, num, digit, ends):
    """Move the tickets to where `ends` says that those of their digit go next."""
    shift = np.uint64(32 + DIGIT * digit)
    for j in range(num):
        ticket = source[j]
        bucket = (ticket >> shift) & np.uint64(BUCKETS - 1)
        to = ends[bucket]
        ends[bucket] = to + np.uint32(1)
        target[to] = ticket


@helper
def sort_by_depth(tickets, spare, chunk, seen_counts):
    """Sort tickets (key in the upper half, Gaussian in the lower) by key, stably, into `spare`.

    The chunks, each `seen_counts[c]` long, end up one after the other. Keys are taken from the nearest on and
    cut to 24 bits, which is all that is sorted: for a person 2 m deep they tell micrometres. Returns how many
    there are.
    """
    low, high = key_range(tickets, chunk, seen_counts)
    if high < low:
        return 0  # nothing is seen
    shift = np.uint64(max(0, bits_needed(np.int64(high - low)) - PASSES * DIGIT))
    ends = np.zeros((PASSES, BUCKETS), np.uint32)
    num = 0
    for c in range(seen_counts.size):
        for j in range(c * chunk, c * chunk + seen_counts[c]):
            key = ((tickets[j] >> HALF) - low) >> shift
            tickets[num] = key << HALF | (tickets[j] & LOW_HALF)
            num += 1
            for digit in range(PASSES):
                ends[digit, (key >> np.uint64(DIGIT * digit)) & np.uint64(BUCKETS - 1)] += np.uint32(1)
    for digit in range(PASSES):
        counts_to_starts(ends[digit])
    sort_pass(tickets, spare, num, 0, ends[0])
    sort_pass(spare, tickets, num, 1, ends[1])
    sort_pass(tickets, spare, num, 2, ends[2])
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
            for column in range(left, right + 1):
                tile = np.uint64(row * tiles_across + column)
                entries[cursor[tile]] = g
                cursor[tile] += np.uint32(1)
    else:
        # Where some of the four are the same tile, what is written last counts: each is written once more by the
        # one before it. All are read first, so that none waits for another's write.
        first, beside = np.uint64(top * tiles_across + left), np.uint64(top * tiles_across + right)
        below, across = np.uint64(bottom * tiles_across + left), np.uint64(bottom * tiles_across + right)
        wide, high = np.uint32(right - left), np.uint32(bottom - top)
        to_first, to_beside, to_below, to_across = cursor[first], cursor[beside], cursor[below], cursor[across]
        entries[to_across], cursor[across] = g, to_across + (wide & high)
        entries[to_below], cursor[below] = g, to_below + high
        entries[to_beside], cursor[beside] = g, to_beside + wide
        entries[to_first], cursor[first] = g, to_first + np.uint32(1)


@kernel
def sort_and_bin(
    counter, thread, chunk, tiles_across, rects, tickets, spare, seen_counts, tile_counts, starts, entries
):
    """Fill `starts` and `entries` from what `project_and_cull` left; one job a view."""
    view = take_next(counter)
    while view < seen_counts.shape[0]:
        order, rect, own = spare[view], rects[view], entries[view]
        num = sort_by_depth(tickets[view], order, chunk, seen_counts[view])
        tile_starts(tile_counts[view], starts[view])
        cursor = starts[view].copy()
        for j in range(num):
            prefetch(rect, np.int64(item(order, min(j + PREFETCH, num - 1)) & LOW_HALF))
            g = order[j] & LOW_HALF
            enter(np.uint32(g), rect[g], tiles_across, own, cursor)
        view = take_next(counter)
