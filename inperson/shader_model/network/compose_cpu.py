"""`compose.compose` on a CPU, straight from the folded head: one pass over the pictures."""

from typing import Any

import numba
import numpy as np
from jaxtyping import Float

from inperson.shader_model.interface import INNER
from inperson.workers import Workers

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "boundscheck": False,
    "fastmath": True,
    "cache": True,
}
_ADDED = 4
"""Values of a pixel that are added; the two after them are shares."""
_TANH_END = np.float32(7.90531110763549805)
"""Beyond it tanh is 1 in float32."""


def compose_folded_cpu(
    folded: Float[np.ndarray, "BE 96 h w"],
    color: Float[np.ndarray, "BE 4 H W"],
    photo: Float[np.ndarray, "BE 4 H W"],
    previous: Float[np.ndarray, "BE 5 H W"],
    workers: Workers,
) -> Float[np.ndarray, "BE 4 H W"]:
    """As `compose` of `Head`'s corrections, row by row on several threads. All float32, and so is what comes back.

    Args:
        folded: `Head.folded`: of every square of INNER x INNER pixels what is added to the colour and to alpha, and
            before tanh the shares of the photo and of the last picture; each as `pixel_shuffle` takes it.
    """
    output = np.empty(color.shape, np.float32)
    eyes, _, height, _ = color.shape
    workers.run_ranges(_compose_rows, eyes * height, folded, color, photo, previous, output)
    return output


@numba.njit(**_OPTIONS)
def _compose_rows(start, stop, folded, color, photo, previous, output):
    """Rows `start` to `stop` of all eyes' pictures."""
    height, width = color.shape[2:]
    said = np.empty((folded.shape[1] // INNER**2, width), np.float32)
    for number in range(start, stop):
        eye, y = divmod(number, height)
        _unfold_row(folded[eye], y, said)
        _tanh(said[_ADDED])
        _tanh(said[_ADDED + 1])
        _mix_row(said, color[eye], photo[eye], previous[eye], output[eye], y)


@numba.njit(**_OPTIONS)
def _unfold_row(maps, y, row):
    """A row of `pixel_shuffle` by INNER, written out for its four: so the compiler interleaves many at once."""
    inner_y, first = y // INNER, INNER * (y % INNER)
    for n in range(len(row)):
        channel = first + INNER * INNER * n
        first_map, second, third, fourth = (
            maps[channel, inner_y],
            maps[channel + 1, inner_y],
            maps[channel + 2, inner_y],
            maps[channel + 3, inner_y],
        )
        pixels = row[n]
        for x in range(len(first_map)):
            pixels[4 * x] = first_map[x]
            pixels[4 * x + 1] = second[x]
            pixels[4 * x + 2] = third[x]
            pixels[4 * x + 3] = fourth[x]


@numba.njit(**_OPTIONS)
def _tanh(values):
    """In place, to a few units in the last place; many at once, as `math.tanh` is not.

    The rational minimax approximation of Eigen's `generic_fast_tanh_float` (MPL 2.0; also TensorFlow's).
    """
    for i in range(len(values)):
        x = min(max(values[i], -_TANH_END), _TANH_END)
        square = x * x
        over = np.float32(-2.76076847742355e-16)
        over = over * square + np.float32(2.00018790482477e-13)
        over = over * square + np.float32(-8.60467152213735e-11)
        over = over * square + np.float32(5.12229709037114e-08)
        over = over * square + np.float32(1.48572235717979e-05)
        over = over * square + np.float32(6.37261928875436e-04)
        over = over * square + np.float32(4.89352455891786e-03)
        under = np.float32(1.19825839466702e-06)
        under = under * square + np.float32(1.18534705686654e-04)
        under = under * square + np.float32(2.26843463243900e-03)
        under = under * square + np.float32(4.89352518554385e-03)
        values[i] = x * over / under


@numba.njit(**_OPTIONS)
def _mix_row(said, color, photo, previous, output, y):
    """`compose` of row y. The bounds come after the sums: together the compiler does not do many pixels at once."""
    to_photo, to_previous = said[_ADDED], said[_ADDED + 1]
    trust, known = photo[3, y], previous[4, y]
    for c in range(4):
        now, of_photo, of_previous, added, out = color[c, y], photo[c, y], previous[c, y], said[c], output[c, y]
        for x in range(len(out)):
            out[x] = (
                now[x]
                + added[x]
                + to_photo[x] * (of_photo[x] - trust[x] * now[x])
                + to_previous[x] * (of_previous[x] - known[x] * now[x])
            )
    zero, one, alpha = np.float32(0.0), np.float32(1.0), output[3, y]
    for x in range(len(alpha)):
        alpha[x] = min(max(alpha[x], zero), one)
    for c in range(3):
        out = output[c, y]
        for x in range(len(out)):
            out[x] = min(max(out[x], zero), alpha[x])
