"""Tuples of vectors: one vector a channel. The tuple's length is part of its type.

`like` is any tuple of the right length; only its length counts.
"""

from typing import Any

from numba.core import types

from inperson.render.cpu.simd.llvm import (
    F32,
    LANES,
    VF,
    broadcast,
    build_fma,
    constant,
    element_pointer,
    f32x16,
    intrinsic,
    lane_sums,
    offset,
    pack,
    unpack,
    vectors_type,
)


@intrinsic
def zeros_like(typing_context, like):
    """len(like) vectors of zeros."""

    def build(context, builder, sig, args):
        return pack(builder, [constant(0.0)] * like.count)

    return vectors_type(like.count)(like), build


@intrinsic
def load_planes(typing_context, array, index, stride, like):
    """len(like) vectors, from `array[index]`, `array[index + stride]`, ... on."""

    def build(context, builder, sig, args):
        offsets = [offset(builder, args[1], c, args[2]) for c in range(like.count)]
        pointers = [element_pointer(context, builder, array, args[0], offset, VF) for offset in offsets]
        return pack(builder, [builder.load(pointer, align=4) for pointer in pointers])

    return vectors_type(like.count)(array, types.intp, types.intp, like), build


@intrinsic
def store_planes(typing_context, array, index, stride, vectors):
    """Each vector into `array`, from `index`, `index + stride`, ... on."""

    def build(context, builder, sig, args):
        for c, vector in enumerate(unpack(builder, args[3])):
            pointer = element_pointer(context, builder, array, args[0], offset(builder, args[1], c, args[2]), VF)
            builder.store(vector, pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp, vectors), build


def _scalars(context: Any, builder: Any, array_type: types.Array, array: Any, index: Any, count: int) -> list[Any]:
    """Consecutive floats of an array, each broadcast."""
    pointers = [
        element_pointer(context, builder, array_type, array, offset(builder, index, c), F32) for c in range(count)
    ]
    return [broadcast(builder, builder.load(pointer)) for pointer in pointers]


@intrinsic
def add_scaled_row(typing_context, vectors, weight, array, index):
    """`vectors[c] + weight * array[index + c]` for every channel c."""

    def build(context, builder, sig, args):
        sums = unpack(builder, args[0])
        row = _scalars(context, builder, array, args[2], args[3], vectors.count)
        return pack(builder, [build_fma(builder, args[1], x, total) for x, total in zip(row, sums, strict=True)])

    return vectors(vectors, f32x16, array, types.intp), build


@intrinsic
def add_scaled(typing_context, vectors, weight, others):
    """`vectors[c] + weight * others[c]` for every channel c."""

    def build(context, builder, sig, args):
        pairs = zip(unpack(builder, args[0]), unpack(builder, args[2]), strict=True)
        return pack(builder, [build_fma(builder, args[1], x, total) for total, x in pairs])

    return vectors(vectors, f32x16, others), build


@intrinsic
def dot_row(typing_context, start, vectors, array, index):
    """start + the sum over channels of `vectors[c] * array[index + c]`."""

    def build(context, builder, sig, args):
        total = args[0]
        row = _scalars(context, builder, array, args[2], args[3], vectors.count)
        for vector, x in zip(unpack(builder, args[1]), row, strict=True):
            total = build_fma(builder, vector, x, total)
        return total

    return f32x16(f32x16, vectors, array, types.intp), build


@intrinsic
def store_lane_sums(typing_context, array, index, vectors):
    """The sum over the lanes of each vector, into `array` from `index` on; fills whole groups of 16 floats."""

    def build(context, builder, sig, args):
        values = unpack(builder, args[2])
        for first in range(0, vectors.count, LANES):
            pointer = element_pointer(context, builder, array, args[0], offset(builder, args[1], first), VF)
            builder.store(lane_sums(builder, values[first : first + LANES]), pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors), build
