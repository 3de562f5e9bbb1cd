"""Bit operations on memory and counting of bits (include/asm-generic/bitops, gcc's builtins)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc.ctypes import CType
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Value
from ptlint.sim.primitives.exchange import modify
from ptlint.sim.primitives.registry import runs
from ptlint.sim.types import size_of
from ptlint.sim.values import Scalar, Unknown, arithmetic, compare, narrow

if TYPE_CHECKING:
    from ptlint.sim.machine import Machine

_FORMS = r"(?:arch_|__|raw_|arch___)*"


def _word(machine: Machine, number: Scalar, address: Scalar) -> tuple[Scalar, Scalar, int]:
    """Return the address of the long that holds a bit, the bit's mask in it, and the long's size in bytes."""
    size = machine.memory.pointer_size
    bits = 8 * size
    word = arithmetic("*", arithmetic("/", number, bits, 8, False), size, 8, False)
    mask = arithmetic("<<", 1, arithmetic("%", number, bits, 8, False), size, False)
    return arithmetic("+", address, word, size, False), mask, size


def _operands(frame: Frame, values: Sequence[Value]) -> tuple[Scalar, Scalar, int]:
    return _word(frame.machine, narrow(scalar(values[0]), 8, False), scalar(values[1]))


@runs(rf"/{_FORMS}(?:set|clear|change)_bit(?:_unlock)?/", returns="void")
def change_bit(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """set_bit(nr, p), clear_bit(nr, p): one step. The ``__`` forms are plain and are two."""
    address, mask, size = _operands(frame, values)
    clear, set_ = (mask, 0) if "clear" in name else (0, mask)
    if "change" in name:
        raise CannotExecute(f"{name}()")
    if name.startswith("__") or "___" in name:
        old = frame.machine.load(address, size, False)
        frame.machine.store(address, size, _replaced(old, clear, set_, size))
    else:
        modify(frame.machine, address, size, clear, set_)
    return None


@runs(rf"/{_FORMS}test_and_(?:set|clear)_bit(?:_lock)?/", returns="_Bool")
def test_and_change_bit(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """test_and_clear_bit(nr, p): one step that returns the old bit. The ``__`` forms are plain and are two."""
    address, mask, size = _operands(frame, values)
    clear, set_ = (mask, 0) if "clear" in name else (0, mask)
    if name.startswith("__") or "___" in name:
        old = frame.machine.load(address, size, False)
        frame.machine.store(address, size, _replaced(old, clear, set_, size))
    else:
        old = modify(frame.machine, address, size, clear, set_)
    return compare("!=", arithmetic("&", old, mask, size, False), 0)


def _replaced(old: Scalar, clear: Scalar, set_: Scalar, size: int) -> Scalar:
    kept = arithmetic("&", old, arithmetic("^", clear, (1 << 8 * size) - 1, size, False), size, False)
    return arithmetic("|", kept, set_, size, False)


@runs(rf"/{_FORMS}(?:const_)?test_bit(?:_acquire)?/", returns="_Bool")
def test_bit(frame: Frame, values: Sequence[Value], _types: Sequence[CType], _name: str) -> Value:
    """test_bit(nr, p): one load."""
    address, mask, size = _operands(frame, values)
    word = frame.machine.load(address, size, False)
    return compare("!=", arithmetic("&", word, mask, size, False), 0)


def _each(value: Scalar, apply: object) -> Scalar:
    assert callable(apply)
    if isinstance(value, int):
        return int(apply(value))
    if isinstance(value, Unknown):
        raise CannotExecute("counts bits of an unknown value")
    distinct, inverse = np.unique(value, return_inverse=True)
    return np.array([apply(int(v)) for v in distinct], dtype=np.int64)[inverse]


@runs(
    "/__builtin_(?:ctz|clz|ffs|popcount|parity)(?:l|ll)?/",
    "__ffs",
    "__fls",
    "ffs",
    "fls",
    "fls64",
    "ffz",
    returns="int",
)
def count_bits(frame: Frame, values: Sequence[Value], types: Sequence[CType], name: str) -> Value:
    """Positions and numbers of set bits."""
    size = size_of(types[0])
    if name.startswith("__builtin"):
        size = frame.machine.memory.pointer_size if name.endswith("l") else 4
        size = 8 if name.endswith("ll") else size
    value, bits = narrow(scalar(values[0]), size, False), 8 * size

    def one(v: int) -> int:
        if "ctz" in name or name == "__ffs":
            return (v & -v).bit_length() - 1 if v else bits
        if "clz" in name:
            return bits - v.bit_length()
        if "popcount" in name or "parity" in name:
            return v.bit_count() & 1 if "parity" in name else v.bit_count()
        if "fls" in name:
            return v.bit_length() - (1 if name.startswith("__") else 0)
        return (v & -v).bit_length()

    if name == "ffz":
        value = arithmetic("^", value, (1 << bits) - 1, size, False)
        return _each(value, lambda v: (v & -v).bit_length() - 1)
    return _each(value, one)


_SWAPS = r"/(?:__)?(?:arch_)?(?:__)?(?:builtin_bswap|f?swab|arch_swab|const_swab|constant_swab){}/"


@runs(_SWAPS.format(16), "/(?:__)?(?:arch__)?f?swab16/", returns="unsigned short")
@runs(_SWAPS.format(32), "/(?:__)?(?:arch__)?f?swab32/", returns="unsigned int")
@runs(_SWAPS.format(64), "/(?:__)?(?:arch__)?f?swab64/", returns="unsigned long long")
def swap_bytes(_frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """Reverse the bytes of a 16, 32 or 64 bit integer."""
    size = int(name[-2:]) // 8
    value = narrow(scalar(values[0]), size, False)
    if isinstance(value, int):
        return int.from_bytes(value.to_bytes(size, "little"), "big")
    if isinstance(value, Unknown):
        return Unknown(("swab", value.key))
    swapped = np.ascontiguousarray(value.view(np.uint64)).byteswap()
    return swapped if size == 8 else swapped >> np.uint64(64 - 8 * size)
