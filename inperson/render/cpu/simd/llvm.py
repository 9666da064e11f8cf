"""The vector types as numba and LLVM see them, and the LLVM building blocks of the functions on them."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.extending import models, register_model

LANES = 16

F32, I32, I64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
BIT, BITS = ir.IntType(1), ir.IntType(LANES)
VF, VI, VM = (ir.VectorType(t, LANES) for t in (F32, I32, BIT))
RELAXED = ("contract", "nsz", "arcp")
"""Fused multiply-adds and reciprocals are welcome; NaN, infinities and the order of sums are kept."""


class F32x16(types.Type):
    """numba's type of a vector of 16 float32."""

    def __init__(self) -> None:
        super().__init__(name="f32x16")


class Mask16(types.Type):
    """numba's type of 16 truth values."""

    def __init__(self) -> None:
        super().__init__(name="mask16")


f32x16, mask16 = F32x16(), Mask16()


@register_model(F32x16)
class _F32x16Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: types.Type) -> None:
        super().__init__(manager, fe_type, VF)


@register_model(Mask16)
class _Mask16Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: types.Type) -> None:
        super().__init__(manager, fe_type, VM)


def intrinsic(function: Callable[..., Any]) -> Any:
    """numba's `intrinsic`: `function` takes types and returns a signature and a function that builds LLVM code."""
    return extending.intrinsic(function)


def constant(value: float) -> ir.Constant:
    return ir.Constant(VF, [value] * LANES)


def undefined() -> ir.Constant:
    return ir.Constant(VF, ir.Undefined)


def shuffle(builder: Any, a: Any, b: Any, lanes: Sequence[int]) -> Any:
    """Lane l of the result is lane `lanes[l]` of a and b laid end to end."""
    return builder.shuffle_vector(a, b, ir.Constant(VI, list(lanes)))


def broadcast(builder: Any, scalar: Any) -> Any:
    first = builder.insert_element(undefined(), scalar, ir.Constant(I32, 0))
    return shuffle(builder, first, undefined(), [0] * LANES)


def call_intrinsic(builder: Any, name: str, *args: Any) -> Any:
    function_type = ir.FunctionType(VF, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.v16f32"), args)


def build_fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return call_intrinsic(builder, "fma", a, b, c)


def build_polynomial(builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """Horner's scheme, highest power first."""
    value = constant(coefficients[0])
    for coefficient in coefficients[1:]:
        value = build_fma(builder, value, x, constant(coefficient))
    return value


def element_pointer(
    context: Any, builder: Any, array_type: types.Array, array: Any, index: Any, element: ir.Type
) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index], inbounds=True), element.as_pointer())


def offset(builder: Any, index: Any, by: int, stride: Any | None = None) -> Any:
    step = ir.Constant(I64, by) if stride is None else builder.mul(ir.Constant(I64, by), stride)
    return builder.add(index, step)


def pick(builder: Any, sources: Sequence[Any], picks: Sequence[tuple[int, int]]) -> Any:
    """Lane l of the result is lane `picks[l][1]` of source `picks[l][0]`."""
    result = undefined()
    for number, source in enumerate(sources):
        lanes = [LANES + lane if which == number else here for here, (which, lane) in enumerate(picks)]
        if lanes != list(range(LANES)):
            result = shuffle(builder, result, source, lanes)
    return result


def vectors_type(count: int) -> types.UniTuple:
    return types.UniTuple(f32x16, count)


def unpack(builder: Any, value: Any) -> list[Any]:
    return cgutils.unpack_tuple(builder, value)


def pack(builder: Any, values: Sequence[Any]) -> Any:
    return cgutils.pack_array(builder, values)


def lane_sums(builder: Any, values: Sequence[Any]) -> Any:
    """The sums over all lanes of up to 16 vectors: sum n in lane n, 0 in the lanes after the last."""
    level = [*values, *[None] * (LANES - len(values))]
    half = LANES // 2
    while half:  # lanes whose `half` bit is clear go on with the first of a pair, the others with the second
        level = [_fold(builder, a, b, half) for a, b in zip(level[:half], level[half:], strict=True)]
        half //= 2
    return level[0]


def _fold(builder: Any, a: Any, b: Any, half: int) -> Any:
    """One step of `lane_sums` on a pair; None stands for a vector of zeros."""
    if a is None:
        return None
    second = constant(0.0) if b is None else b
    own = shuffle(builder, a, second, [lane + LANES * bool(lane & half) for lane in range(LANES)])
    other = shuffle(builder, a, second, [(lane ^ half) + LANES * bool(lane & half) for lane in range(LANES)])
    return builder.fadd(own, other)
