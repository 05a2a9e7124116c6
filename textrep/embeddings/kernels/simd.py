"""Vectors of 16 float32 for the kernels: the machine's widest registers, on any machine.

LLVM splits them where registers are narrower (two of AVX, four of SSE or NEON). A loop that numba
would have to vectorise by itself keeps sums in memory as soon as several rows are changed at once;
written with these, they stay in registers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 16
"""Numbers in a vector."""


def padded(dim: int) -> int:
    """Columns of a row of ``dim`` numbers: the next multiple of `LANES`.

    >>> padded(100)
    112
    """
    return -(-int(dim) // LANES) * LANES


if config.DISABLE_JIT:  # the kernels then run as plain Python, which a test uses

    def load(array: np.ndarray, index: int) -> np.ndarray:
        return array[index : index + LANES].copy()

    def store(array: np.ndarray, index: int, vector: np.ndarray) -> None:
        array[index : index + LANES] = vector

    def splat(value: float) -> np.ndarray:
        return np.full(LANES, value, dtype=np.float32)

    def fma(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return a * b + c

    def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a + b

    def sub(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a - b

    def mul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a * b

    def div(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a / b

    def sqrt(a: np.ndarray) -> np.ndarray:
        return np.sqrt(a)

    def minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.minimum(a, b)

    def maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.maximum(a, b)

    def total(vector: np.ndarray) -> np.float32:
        return np.float32(vector.sum())

    def scale_by_power_of_two(vector: np.ndarray, power: np.ndarray) -> np.ndarray:
        return np.ldexp(vector, power.astype(np.int32)).astype(np.float32)

    def nearest(vector: np.ndarray) -> np.ndarray:
        return np.rint(vector)

    def prefetch(array: np.ndarray, index: int) -> None:
        pass

else:

    class Float32x16Type(types.Type):
        """The numba type of a vector of 16 float32."""

        def __init__(self) -> None:
            super().__init__(name="Float32x16")

    float32x16 = Float32x16Type()
    _VECTOR = ir.VectorType(ir.FloatType(), LANES)
    _WHOLE = ir.VectorType(ir.IntType(32), LANES)

    @register_model(Float32x16Type)
    class _Float32x16Model(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, _VECTOR)

    def _pointer(context, builder, signature, args, to=_VECTOR):
        made = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.gep(made.data, [args[1]])
        return builder.bitcast(place, to.as_pointer())

    def _declared(builder, name, kind, n_args):
        function = ir.FunctionType(kind, [kind] * n_args)
        return cgutils.get_or_insert_function(builder.module, function, name)

    @intrinsic
    def load(typingctx, array, index):
        """Numbers ``index`` to ``index + 15`` of a float32 (n,) array."""

        def codegen(context, builder, signature, args):
            return builder.load(_pointer(context, builder, signature, args), align=4)

        return float32x16(array, types.intp), codegen

    @intrinsic
    def store(typingctx, array, index, vector):
        """Write a vector to numbers ``index`` to ``index + 15`` of a float32 (n,) array."""

        def codegen(context, builder, signature, args):
            builder.store(args[2], _pointer(context, builder, signature, args), align=4)
            return context.get_dummy_value()

        return types.void(array, types.intp, float32x16), codegen

    @intrinsic
    def splat(typingctx, value):
        """A vector of one number repeated."""

        def codegen(context, builder, signature, args):
            one = builder.insert_element(
                ir.Constant(_VECTOR, ir.Undefined), args[0], ir.IntType(32)(0)
            )
            mask = ir.Constant(_WHOLE, [0] * LANES)
            return builder.shuffle_vector(one, ir.Constant(_VECTOR, ir.Undefined), mask)

        return float32x16(types.float32), codegen

    def _operation(name):
        def codegen(context, builder, signature, args):
            return getattr(builder, name)(args[0], args[1])

        return float32x16(float32x16, float32x16), codegen

    @intrinsic
    def add(typingctx, a, b):
        """a + b"""
        return _operation("fadd")

    @intrinsic
    def sub(typingctx, a, b):
        """a - b"""
        return _operation("fsub")

    @intrinsic
    def mul(typingctx, a, b):
        """a * b"""
        return _operation("fmul")

    @intrinsic
    def div(typingctx, a, b):
        """a / b"""
        return _operation("fdiv")

    def _call(name, n_args):
        def codegen(context, builder, signature, args):
            function = _declared(builder, f"llvm.{name}.v16f32", _VECTOR, n_args)
            return builder.call(function, list(args))

        return float32x16(*[float32x16] * n_args), codegen

    @intrinsic
    def fma(typingctx, a, b, c):
        """a * b + c, rounded once."""
        return _call("fma", 3)

    @intrinsic
    def sqrt(typingctx, a):
        """The square roots."""
        return _call("sqrt", 1)

    @intrinsic
    def minimum(typingctx, a, b):
        """The smaller of each two."""
        return _call("minnum", 2)

    @intrinsic
    def maximum(typingctx, a, b):
        """The larger of each two."""
        return _call("maxnum", 2)

    @intrinsic
    def nearest(typingctx, a):
        """The nearest whole numbers, as float32."""
        return _call("rint", 1)

    @intrinsic
    def scale_by_power_of_two(typingctx, vector, power):
        """vector * 2 ** power for whole powers from -126 to 127."""

        def codegen(context, builder, signature, args):
            whole = builder.fptosi(args[1], _WHOLE)
            bits = builder.shl(
                builder.add(whole, ir.Constant(_WHOLE, [127] * LANES)),
                ir.Constant(_WHOLE, [23] * LANES),
            )
            return builder.fmul(args[0], builder.bitcast(bits, _VECTOR))

        return float32x16(float32x16, float32x16), codegen

    @intrinsic
    def total(typingctx, vector):
        """The sum of the 16 numbers, pairwise."""

        def codegen(context, builder, signature, args):
            value = args[0]
            width = LANES
            while width > 1:  # halves folded onto each other: the same order on every machine
                width //= 2
                half = ir.VectorType(ir.IntType(32), width)
                undefined = ir.Constant(value.type, ir.Undefined)
                low = builder.shuffle_vector(
                    value, undefined, ir.Constant(half, list(range(width)))
                )
                high = builder.shuffle_vector(
                    value, undefined, ir.Constant(half, list(range(width, 2 * width)))
                )
                value = builder.fadd(low, high)
            return builder.extract_element(value, ir.IntType(32)(0))

        return types.float32(float32x16), codegen

    @intrinsic
    def prefetch(typingctx, array, index):
        """Ask for the cache line of one number of an array, which is soon written."""

        def codegen(context, builder, signature, args):
            number = ir.IntType(32)
            pointer = _pointer(context, builder, signature, args, ir.IntType(8))
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
            function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
            builder.call(function, [pointer, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(array, types.intp), codegen
