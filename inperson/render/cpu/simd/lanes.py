"""Across lanes: broadcasts, masks as bits, sums, and the exchange of lanes between vectors."""

from llvmlite import ir
from numba.core import cgutils, types

from inperson.render.cpu.simd.llvm import (
    BIT,
    BITS,
    I64,
    LANES,
    VF,
    f32x16,
    intrinsic,
    mask16,
    pack,
    pick,
    unpack,
    vectors_type,
)


@intrinsic
def splat(typing_context, x):
    """The scalar x in every lane."""
    return f32x16(f32x16), lambda context, builder, sig, args: args[0]


@intrinsic
def lane_numbers(typing_context):
    """0, 1, ... 15."""
    return f32x16(), lambda context, builder, sig, args: ir.Constant(VF, [float(i) for i in range(LANES)])


@intrinsic
def bits(typing_context, mask):
    """The mask as an int64, lane 0 in the lowest bit."""

    def build(context, builder, sig, args):
        return builder.zext(builder.bitcast(args[0], BITS), I64)

    return types.int64(mask16), build


@intrinsic
def lowest_bit(typing_context, x):
    """The position of the lowest set bit of an int64 that is not 0."""

    def build(context, builder, sig, args):
        function_type = ir.FunctionType(I64, [I64, BIT])
        count_zeros = cgutils.get_or_insert_function(builder.module, function_type, "llvm.cttz.i64")
        return builder.call(count_zeros, [args[0], ir.Constant(BIT, 1)])

    return types.int64(types.int64), build


@intrinsic
def transpose_quarters(typing_context, vectors):
    """Four vectors seen as a 4x4 matrix of quarters (4 lanes each), transposed.

    Turns four 4x4-pixel blocks side by side into four rows of 16 pixels, and back.
    """

    def build(context, builder, sig, args):
        rows = unpack(builder, args[0])
        columns = [[(lane // 4, 4 * column + lane % 4) for lane in range(LANES)] for column in range(4)]
        return pack(builder, [pick(builder, rows, picks) for picks in columns])

    return vectors_type(4)(vectors), build
