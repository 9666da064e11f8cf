"""Lane by lane: operators, comparisons and elementary functions."""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import lower_builtin, lower_cast

from inperson.render.cpu.simd.llvm import (
    LANES,
    RELAXED,
    VF,
    VI,
    F32x16,
    Mask16,
    broadcast,
    build_fma,
    build_polynomial,
    call_intrinsic,
    constant,
    f32x16,
    intrinsic,
    mask16,
)


@lower_cast(types.Float, F32x16)
@lower_cast(types.Integer, F32x16)
def _broadcast_scalar(context: Any, builder: Any, from_type: types.Type, to_type: types.Type, value: Any) -> Any:
    return broadcast(builder, context.cast(builder, value, from_type, types.float32))


def _define_operator(op: Callable, result: types.Type, build: Callable) -> None:
    """Teach numba `op` for two vectors, or a vector and a scalar."""

    @infer_global(op)
    class _Template(AbstractTemplate):
        def generic(self, args: tuple[types.Type, ...], kws: Any) -> Any:
            vector_or_scalar = (F32x16, types.Float, types.Integer)
            if len(args) == 2 and f32x16 in args and all(isinstance(a, vector_or_scalar) for a in args):
                return signature(result, f32x16, f32x16)
            return None

    @lower_builtin(op, F32x16, F32x16)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return build(builder, *args)


_define_operator(operator.add, f32x16, lambda b, x, y: b.fadd(x, y, flags=RELAXED))
_define_operator(operator.sub, f32x16, lambda b, x, y: b.fsub(x, y, flags=RELAXED))
_define_operator(operator.mul, f32x16, lambda b, x, y: b.fmul(x, y, flags=RELAXED))
_define_operator(operator.truediv, f32x16, lambda b, x, y: b.fdiv(x, y, flags=RELAXED))
_define_operator(operator.gt, mask16, lambda b, x, y: b.fcmp_ordered(">", x, y))
_define_operator(operator.ge, mask16, lambda b, x, y: b.fcmp_ordered(">=", x, y))
_define_operator(operator.lt, mask16, lambda b, x, y: b.fcmp_ordered("<", x, y))
_define_operator(operator.le, mask16, lambda b, x, y: b.fcmp_ordered("<=", x, y))


@infer_global(operator.neg)
class _NegTemplate(AbstractTemplate):
    def generic(self, args: tuple[types.Type, ...], kws: Any) -> Any:
        return signature(f32x16, f32x16) if args == (f32x16,) else None


@lower_builtin(operator.neg, F32x16)
def _lower_neg(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.fneg(args[0])


@infer_global(operator.and_)
class _AndTemplate(AbstractTemplate):
    def generic(self, args: tuple[types.Type, ...], kws: Any) -> Any:
        return signature(mask16, mask16, mask16) if args == (mask16, mask16) else None


@lower_builtin(operator.and_, Mask16, Mask16)
def _lower_and(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.and_(*args)


@infer_global(operator.invert)
class _InvertTemplate(AbstractTemplate):
    def generic(self, args: tuple[types.Type, ...], kws: Any) -> Any:
        return signature(mask16, mask16) if args == (mask16,) else None


@lower_builtin(operator.invert, Mask16)
def _lower_invert(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.not_(args[0])


@intrinsic
def fma(typing_context, a, b, c):
    """a * b + c, rounded once."""
    return f32x16(f32x16, f32x16, f32x16), lambda context, builder, sig, args: build_fma(builder, *args)


@intrinsic
def minimum(typing_context, a, b):
    """The smaller of each lane; b where one is NaN."""

    def build(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return f32x16(f32x16, f32x16), build


@intrinsic
def maximum(typing_context, a, b):
    """The larger of each lane; b where one is NaN."""

    def build(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return f32x16(f32x16, f32x16), build


@intrinsic
def select(typing_context, mask, a, b):
    """a where the mask is set, b elsewhere."""
    return f32x16(mask16, f32x16, f32x16), lambda context, builder, sig, args: builder.select(*args)


def _unary(name: str) -> Any:
    @intrinsic
    def function(typing_context, x):
        return f32x16(f32x16), lambda context, builder, sig, args: call_intrinsic(builder, name, args[0])

    return function


sqrt, floor, ceil, absolute = _unary("sqrt"), _unary("floor"), _unary("ceil"), _unary("fabs")

_EXP2 = (0.0013276472, 0.0096755415, 0.0555071328, 0.240221197, 0.693146967, 1.00000007)
"""Minimax polynomial of 2^x on [-1/2, 1/2], highest power first; relative error 8e-8."""


@intrinsic
def exp2(typing_context, x):
    """2^x for x in [-126, 126], relative error below 1e-6: a polynomial, then the exponent's bits."""

    def build(context, builder, sig, args):
        whole = call_intrinsic(builder, "rint", args[0])
        fraction = build_polynomial(builder, builder.fsub(args[0], whole), _EXP2)
        exponent = builder.shl(builder.fptosi(whole, VI), ir.Constant(VI, [23] * LANES))
        return builder.bitcast(builder.add(builder.bitcast(fraction, VI), exponent), VF)

    return f32x16(f32x16), build


_LOG2 = (-0.145744529, 0.236890456, -0.250069054, 0.286707446, -0.360087214, 0.480939445, -0.721357149, 1.44269477)
"""Minimax polynomial of log2(1 + t) / t on [sqrt(1/2) - 1, sqrt(2) - 1], highest power first; error 5e-8."""
_SQRT_HALF_BITS = 0x3F3504F3


@intrinsic
def log2(typing_context, x):
    """log2(x) for normal x > 0, error below 2e-7 (absolute, or relative near x = 1)."""

    def build(context, builder, sig, args):
        integers = lambda value: ir.Constant(VI, [value] * LANES)  # noqa: E731
        pattern = builder.bitcast(args[0], VI)
        exponent = builder.ashr(builder.sub(pattern, integers(_SQRT_HALF_BITS)), integers(23))
        mantissa = builder.bitcast(builder.sub(pattern, builder.shl(exponent, integers(23))), VF)
        t = builder.fsub(mantissa, constant(1.0))
        return build_fma(builder, t, build_polynomial(builder, t, _LOG2), builder.sitofp(exponent, VF))

    return f32x16(f32x16), build
