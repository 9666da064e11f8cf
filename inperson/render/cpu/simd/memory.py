"""Between vectors and flat arrays: contiguous, interleaved, and a counter that threads share."""

from llvmlite import ir
from numba.core import cgutils, types

from inperson.render.cpu.simd.llvm import (
    F32,
    I32,
    I64,
    LANES,
    VF,
    VI,
    element_pointer,
    f32x16,
    intrinsic,
    mask16,
    offset,
    pack,
    pick,
    unpack,
    vectors_type,
)


@intrinsic
def load(typing_context, array, index):
    """16 floats from `array[index]` on."""

    def build(context, builder, sig, args):
        return builder.load(element_pointer(context, builder, array, args[0], args[1], VF), align=4)

    return f32x16(array, types.intp), build


@intrinsic
def store(typing_context, array, index, vector):
    """16 floats into `array` from `index` on."""

    def build(context, builder, sig, args):
        builder.store(args[2], element_pointer(context, builder, array, args[0], args[1], VF), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, f32x16), build


@intrinsic
def store_int32(typing_context, array, index, vector):
    """16 lanes, truncated to integers, into an int32 array."""

    def build(context, builder, sig, args):
        whole = builder.fptosi(args[2], VI)
        builder.store(whole, element_pointer(context, builder, array, args[0], args[1], VI), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, f32x16), build


@intrinsic
def load_interleaved(typing_context, array, index, like):
    """16 rows of k = len(like) floats from `array[index]` on, as k vectors (one a column)."""
    k = like.count

    def build(context, builder, sig, args):
        pointers = [
            element_pointer(context, builder, array, args[0], offset(builder, args[1], LANES * j), VF)
            for j in range(k)
        ]
        sources = [builder.load(pointer, align=4) for pointer in pointers]
        columns = [[divmod(k * lane + column, LANES) for lane in range(LANES)] for column in range(k)]
        return pack(builder, [pick(builder, sources, picks) for picks in columns])

    return vectors_type(k)(array, types.intp, like), build


@intrinsic
def store_interleaved(typing_context, array, index, vectors):
    """k vectors as 16 rows of k floats, into `array` from `index` on."""
    k = vectors.count

    def build(context, builder, sig, args):
        columns = unpack(builder, args[2])
        for j in range(k):
            picks = [((LANES * j + lane) % k, (LANES * j + lane) // k) for lane in range(LANES)]
            pointer = element_pointer(context, builder, array, args[0], offset(builder, args[1], LANES * j), VF)
            builder.store(pick(builder, columns, picks), pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, vectors), build


@intrinsic
def item(typing_context, array, index):
    """`array[index]`, without Python's meaning of negative indices and what it costs."""
    element = array.dtype

    def build(context, builder, sig, args):
        data = context.make_array(array)(context, builder, args[0]).data
        return context.unpack_value(builder, element, builder.gep(data, [args[1]], inbounds=True))

    return element(array, types.intp), build


@intrinsic
def prefetch(typing_context, array, index):
    """Ask for the cache line of `array[index]`, which is about to be read."""

    def build(context, builder, sig, args):
        byte_pointer = ir.IntType(8).as_pointer()
        function_type = ir.FunctionType(ir.VoidType(), [byte_pointer, I32, I32, I32])
        function = cgutils.get_or_insert_function(builder.module, function_type, "llvm.prefetch.p0")
        data = context.make_array(array)(context, builder, args[0]).data
        address = builder.bitcast(builder.gep(data, [args[1]], inbounds=True), byte_pointer)
        read, keep_in_all_levels, data_cache = (ir.Constant(I32, x) for x in (0, 3, 1))
        builder.call(function, [address, read, keep_in_all_levels, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.intp), build


@intrinsic
def copy_row(typing_context, target, to, source, index, like):
    """len(like) floats from `source[index]` on, into `target` from `to` on."""

    def build(context, builder, sig, args):
        sources = [offset(builder, args[3], c) for c in range(like.count)]
        targets = [offset(builder, args[1], c) for c in range(like.count)]
        values = [builder.load(element_pointer(context, builder, source, args[2], o, F32)) for o in sources]
        for value, o in zip(values, targets, strict=True):
            builder.store(value, element_pointer(context, builder, target, args[0], o, F32))
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp, like), build


@intrinsic
def set_bit(typing_context, sets, index, mask, bit):
    """Put bit number `bit` into those of the 16 int32 sets from `sets[index]` on whose lane of the mask is set."""

    def build(context, builder, sig, args):
        pointer = element_pointer(context, builder, sets, args[0], args[1], VI)
        one = builder.shl(ir.Constant(I32, 1), builder.trunc(args[3], I32))
        first = builder.insert_element(ir.Constant(VI, ir.Undefined), one, ir.Constant(I32, 0))
        ones = builder.shuffle_vector(first, first, ir.Constant(VI, [0] * LANES))
        old = builder.load(pointer, align=4)
        builder.store(builder.select(args[2], builder.or_(old, ones), old), pointer, align=4)
        return context.get_dummy_value()

    return types.void(sets, types.intp, mask16, types.int64), build


@intrinsic
def take_next(typing_context, counter):
    """The value of a one-element int64 array, which goes up by one: how threads share out their jobs."""

    def build(context, builder, sig, args):
        pointer = element_pointer(context, builder, counter, args[0], ir.Constant(I64, 0), I64)
        return builder.atomic_rmw("add", pointer, ir.Constant(I64, 1), "monotonic")

    return types.int64(counter), build
