"""`warp.carry_pictures` and `warp.carry_hidden` on a CPU, for one person: where they are and nowhere else."""

from typing import Any

import numba
import numpy as np
from jaxtyping import Float

from inperson.shader_model.interface import INNER
from inperson.shader_model.network.warp import HIDDEN, UNSEEN
from inperson.workers import Workers

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "fastmath": True,  # a third faster
    "cache": True,
}


def carry_pictures_cpu(
    output: Float[np.ndarray, "P 4 G V"],
    before: Float[np.ndarray, "E P 2 h w"],
    seen: Float[np.ndarray, "E P h w"],
    workers: Workers,
) -> Float[np.ndarray, "E 5 H W"]:
    """As `warp.carry_pictures`, row by row on several threads. All float32, and so is what comes back."""
    eyes, eyes_before, height, width = seen.shape
    moved = np.empty((eyes, eyes_before, 3, height, width), np.float32)
    moved[:, :, 0] = (before[:, :, 0] - _centers(width)) * seen
    moved[:, :, 1] = (before[:, :, 1] - _centers(height)[:, None]) * seen
    moved[:, :, 2] = seen
    previous = np.empty((eyes, 5, INNER * height, INNER * width), np.float32)
    workers.run_ranges(_carry_rows, eyes * INNER * height, output, moved, previous)
    return previous


def carry_hidden_cpu(
    hidden: Float[np.ndarray, "C g v"], before: Float[np.ndarray, "2 h w"], seen: Float[np.ndarray, "h w"]
) -> Float[np.ndarray, "C H/16 W/16"]:
    """As `warp.carry_hidden`. All float32, and so is what comes back."""
    step = HIDDEN // INNER
    carried = np.empty((len(hidden), seen.shape[0] // step, seen.shape[1] // step), np.float32)
    _carry_cells(hidden, before, seen, carried)
    return carried


@numba.njit(**_OPTIONS)
def _carry_cells(hidden, before, seen, carried):
    channels, height, width = carried.shape
    last_x, last_y = hidden.shape[2] - 1, hidden.shape[1] - 1
    # of each cell: the four cells that it comes from, how much of each, and how visible it was
    places, weights = np.empty((height, width, 4), np.int32), np.empty((height, width, 4), np.float32)
    for row in range(height):
        for column in range(width):
            most, move_x, move_y = _motion_of_cell(before, seen, row, column)
            from_x = min(max(np.float32(column) + move_x, np.float32(0.0)), np.float32(last_x))
            from_y = min(max(np.float32(row) + move_y, np.float32(0.0)), np.float32(last_y))
            x0, y0 = int(from_x), int(from_y)
            x1, y1 = min(x0 + 1, last_x), min(y0 + 1, last_y)
            right, low = from_x - np.float32(x0), from_y - np.float32(y0)
            for k in range(4):
                places[row, column, k] = (y1 if k // 2 else y0) * (last_x + 1) + (x1 if k % 2 else x0)
                across, down = right if k % 2 else 1 - right, low if k // 2 else 1 - low
                weights[row, column, k] = most * across * down
    for c in range(channels):  # one after the other: each is small enough for the nearest cache
        source = hidden[c].reshape(-1)
        for row in range(height):
            for column in range(width):
                total = np.float32(0.0)
                for k in range(4):
                    total += weights[row, column, k] * source[places[row, column, k]]
                carried[c, row, column] = total


@numba.njit(**_OPTIONS)
def _motion_of_cell(before, seen, row, column):
    """How visible the most visible of a cell was, and the mean motion of what was seen of it, cells."""
    step, half, size = HIDDEN // INNER, np.float32(0.5), np.float32(INNER)
    most, total, move_x, move_y = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for y in range(step * row, step * row + step):
        for x in range(step * column, step * column + step):
            visible = seen[y, x]
            most, total = max(most, visible), total + visible
            move_x += visible * (before[0, y, x] - size * (np.float32(x) + half))
            move_y += visible * (before[1, y, x] - size * (np.float32(y) + half))
    share = np.float32(1.0) / (max(total, np.float32(UNSEEN * step * step)) * np.float32(HIDDEN))
    return most, move_x * share, move_y * share


def _centers(count: int) -> Float[np.ndarray, " N"]:
    """Of inner pixels, in pixels."""
    return INNER * np.arange(0.5, count, dtype=np.float32)


@numba.njit(**_OPTIONS)
def _carry_rows(start, stop, output, moved, previous):
    """Rows `start` to `stop` of all eyes' pictures."""
    height, width = moved.shape[3:]
    row = np.empty((3, width), np.float32)
    for number in range(start, stop):
        eye, y = divmod(number, INNER * height)
        target = previous[eye, :, y]
        target[:] = 0.0
        # the inner rows whose centres are the nearest above and below this row's
        place = (y + 0.5) / INNER - 0.5
        above, below = max(int(np.floor(place)), 0), min(int(np.floor(place)) + 1, height - 1)
        weight_below = np.float32(place - np.floor(place))
        weight_above = np.float32(1.0) - weight_below
        for p in range(len(output)):
            for field in range(3):
                upper, lower = moved[eye, p, field, above], moved[eye, p, field, below]
                for i in range(width):
                    row[field, i] = weight_above * upper[i] + weight_below * lower[i]
            _add_row(target, y, output[p], row)
        for x in range(INNER * width):
            if target[4, x] > 1.0:
                for c in range(4):
                    target[c, x] /= target[4, x]
                target[4, x] = 1.0


@numba.njit(**_OPTIONS)
def _add_row(target, y, picture, row):
    """Add one eye's last picture to a row, times how visible each place was to it.

    `row` has for each inner pixel: its motion's x and y, each times how visible it was; and that.
    """
    width, one = row.shape[1], np.float32(1.0)
    last_x, last_y = picture.shape[2] - 1, picture.shape[1] - 1
    for i in range(width):
        left, right = max(i - 1, 0), min(i + 1, width - 1)
        if row[2, left] == 0.0 and row[2, i] == 0.0 and row[2, right] == 0.0:
            continue
        for k in range(INNER):
            # this pixel's centre from the inner pixel's, in inner pixels
            away = np.float32((k + 0.5) / INNER - 0.5)
            other, beside = (left if away < 0.0 else right), abs(away)
            visible = (one - beside) * row[2, i] + beside * row[2, other]
            if visible <= UNSEEN:
                continue
            x = i * INNER + k
            from_x = np.float32(x) + ((one - beside) * row[0, i] + beside * row[0, other]) / visible
            from_y = np.float32(y) + ((one - beside) * row[1, i] + beside * row[1, other]) / visible
            from_x = min(max(from_x, np.float32(0.0)), np.float32(last_x))
            from_y = min(max(from_y, np.float32(0.0)), np.float32(last_y))
            x0, y0 = int(from_x), int(from_y)
            x1, y1 = min(x0 + 1, last_x), min(y0 + 1, last_y)
            right_part, low_part = from_x - np.float32(x0), from_y - np.float32(y0)
            upper, lower = visible * (one - low_part), visible * low_part
            for c in range(4):
                high = (one - right_part) * picture[c, y0, x0] + right_part * picture[c, y0, x1]
                low = (one - right_part) * picture[c, y1, x0] + right_part * picture[c, y1, x1]
                target[c, x] += upper * high + lower * low
            target[4, x] += visible
