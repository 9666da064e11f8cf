"""A 16-lane float32 vector for numba: LLVM's <16 x float>, which it maps to AVX-512, AVX, SSE or NEON.

numba's auto-vectoriser leaves the rasteriser's loops scalar, so kernels say what they mean: `f32x16` has
+ - * / and comparisons (giving a `mask16`, with & and ~), scalars are broadcast by implicit casts, and
tuples of vectors stand for one vector per channel. The length of such a tuple is part of its type, so numba
compiles one kernel per channel count with all channels in registers.

Everything here is callable from compiled code only. Arrays are addressed flat: C-contiguous, one dimension.
"""

from inperson.render.cpu.simd.arithmetic import absolute, ceil, exp2, floor, fma, log2, maximum, minimum, select, sqrt
from inperson.render.cpu.simd.channels import (
    add_scaled,
    add_scaled_row,
    dot_row,
    load_planes,
    store_lane_sums,
    store_planes,
    zeros_like,
)
from inperson.render.cpu.simd.lanes import bits, lane_numbers, lowest_bit, splat, transpose_quarters
from inperson.render.cpu.simd.llvm import LANES, F32x16, Mask16
from inperson.render.cpu.simd.memory import (
    copy_row,
    item,
    load,
    load_interleaved,
    prefetch,
    set_bit,
    store,
    store_int32,
    store_interleaved,
    take_next,
)

__all__ = [
    "LANES",
    "F32x16",
    "Mask16",
    "absolute",
    "add_scaled",
    "add_scaled_row",
    "bits",
    "ceil",
    "copy_row",
    "dot_row",
    "exp2",
    "floor",
    "fma",
    "item",
    "lane_numbers",
    "load",
    "load_interleaved",
    "load_planes",
    "log2",
    "lowest_bit",
    "maximum",
    "minimum",
    "prefetch",
    "select",
    "set_bit",
    "splat",
    "sqrt",
    "store",
    "store_int32",
    "store_interleaved",
    "store_lane_sums",
    "store_planes",
    "take_next",
    "transpose_quarters",
    "zeros_like",
]
