"""Raw loads and stores, bit counts, and the one decorator that compiles every kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.extending import intrinsic

from textrep.sparse.machine_code import MachineCode

U64 = np.uint64
_MASK = (1 << 64) - 1


def _compiler(**options: Any) -> Callable[..., Any]:
    """A decorator like numba's, that keeps machine code on disk where there is a folder to write
    to, and does without where there is none.
    """

    def compile_kernel(function: Callable[..., Any]) -> Any:
        try:
            compiled = njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:  # "no locator available": a read-only system without a home
            return njit(nogil=True, **options)(function)
        if hasattr(compiled, "_cache"):  # not with JIT off
            compiled._cache.__class__ = MachineCode  # another one would look for its folder again
        return compiled

    return compile_kernel


kernel = _compiler(boundscheck=False, error_model="numpy")
"""Decorator of all kernels: cached on disk, GIL released, divisions as in numpy."""

inline = _compiler(boundscheck=False, inline="never")
always_inline = _compiler(inline="always")

if config.DISABLE_JIT:  # the kernels then run as plain Python, which a test uses

    def load_u8(address: int) -> int:
        return ctypes.c_uint8.from_address(int(address)).value

    def load_u64(address: int) -> np.uint64:
        return np.uint64(ctypes.c_uint64.from_address(int(address)).value)

    def store_u64(address: int, value: np.uint64) -> None:
        ctypes.c_uint64.from_address(int(address)).value = int(value)

    def store_u8(address: int, value: int) -> None:
        ctypes.c_uint8.from_address(int(address)).value = int(value) & 255

    def trailing_zeros(value: np.uint64) -> int:
        number = int(value)
        return (number & -number).bit_length() - 1 if number else 64

    def popcount(value: np.uint64) -> int:
        return int(value).bit_count()

    def multiply(a: np.uint64, b: np.uint64) -> np.uint64:
        return np.uint64((int(a) * int(b)) & _MASK)

    def add(a: np.uint64, b: np.uint64) -> np.uint64:
        return np.uint64((int(a) + int(b)) & _MASK)

    def prefetch(address: int) -> None:
        pass

    def address_of(array: np.ndarray) -> int:
        return int(array.ctypes.data)

else:

    @intrinsic
    def load_u8(typingctx, address):
        """Byte at an address, as int64."""

        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
            return builder.zext(builder.load(pointer), ir.IntType(64))

        return types.int64(types.int64), codegen

    @intrinsic
    def load_u64(typingctx, address):
        """Eight bytes at an address, little end first, of any alignment."""

        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
            return builder.load(pointer, align=1)

        return types.uint64(types.int64), codegen

    @intrinsic
    def store_u64(typingctx, address, value):
        """Write eight bytes at an address of any alignment."""

        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
            builder.store(args[1], pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.uint64), codegen

    @intrinsic
    def store_u8(typingctx, address, value):
        """Write the lowest byte of a value at an address."""

        def codegen(context, builder, signature, args):
            pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
            builder.store(builder.trunc(args[1], ir.IntType(8)), pointer)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), codegen

    @intrinsic
    def trailing_zeros(typingctx, value):
        """Number of zero bits below the lowest set bit; 64 for zero."""

        def codegen(context, builder, signature, args):
            return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

        return types.int64(types.uint64), codegen

    @intrinsic
    def popcount(typingctx, value):
        """Number of set bits."""

        def codegen(context, builder, signature, args):
            return builder.ctpop(args[0])

        return types.int64(types.uint64), codegen

    @intrinsic
    def prefetch(typingctx, address):
        """Ask for the cache line at an address, which need not be readable."""

        def codegen(context, builder, signature, args):
            number = ir.IntType(32)
            pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
            function = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
            builder.call(function, [pointer, number(0), number(3), number(1)])
            return context.get_dummy_value()

        return types.void(types.int64), codegen

    @always_inline
    def multiply(a, b):
        """Product modulo 2**64."""
        return a * b

    @always_inline
    def add(a, b):
        """Sum modulo 2**64."""
        return a + b

    @intrinsic
    def _data_pointer(typingctx, array):
        def codegen(context, builder, signature, args):
            made = context.make_array(signature.args[0])(context, builder, args[0])
            return builder.ptrtoint(made.data, ir.IntType(64))

        return types.int64(array), codegen

    @always_inline
    def address_of(array):
        """Address of an array's first element.

        Numba frees a local array behind the last line that names it, whatever addresses are still
        about. So ask
        inside the loop that uses the address: the array then lives until the loop ends.
        """
        return _data_pointer(array)
