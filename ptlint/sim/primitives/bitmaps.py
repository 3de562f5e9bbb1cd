"""Comparisons of bitmaps, which lib/bitmap.c loops over word by word (include/linux/bitmap.h): nodes, CPUs, bits."""

from __future__ import annotations

from collections.abc import Sequence

from ptlint.csrc.ctypes import CType
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Value
from ptlint.sim.primitives.registry import runs
from ptlint.sim.values import Scalar, arithmetic, compare

MOST_BITS = 1 << 14


@runs("/__bitmap_(?:equal|subset|intersects)/", returns="_Bool")
def related(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """Whether two bitmaps of n bits are equal, the first has no bit the second lacks, or they have one in common."""
    machine, bits = frame.machine, _bits(frame, values[2], name)
    word = machine.memory.pointer_size
    mixed = {"__bitmap_equal": _unequal, "__bitmap_subset": _beyond, "__bitmap_intersects": _common}[name]
    some: Scalar = 0
    for at in range(0, -(-bits // 8), word):
        pair = [machine.load(arithmetic("+", scalar(v), at, word, False), word, False) for v in values[:2]]
        inside = _inside(bits, at, word)
        found = compare("!=", arithmetic("&", mixed(pair[0], pair[1], word), inside, word, False), 0)
        some = arithmetic("|", some, found, 4, True)
    return some if name == "__bitmap_intersects" else compare("==", some, 0)


def _bits(frame: Frame, length: Value, name: str) -> int:
    """Return how many bits a bitmap has. Raises CannotExecute when that is not known, or large."""
    bits = scalar(length)
    if not isinstance(bits, int) or not 0 <= bits <= MOST_BITS:
        raise CannotExecute(f"{name}() of {bits} bits", frame.machine.pos)
    return bits


def _inside(bits: int, at: int, word: int) -> int:
    """Return the mask of the bits of the bitmap in the word at byte *at*."""
    return (1 << min(8 * word, bits - 8 * at)) - 1


def _unequal(first: Scalar, second: Scalar, word: int) -> Scalar:
    return arithmetic("^", first, second, word, False)


def _beyond(first: Scalar, second: Scalar, word: int) -> Scalar:
    outside = arithmetic("^", second, (1 << 8 * word) - 1, word, False)
    return arithmetic("&", first, outside, word, False)


def _common(first: Scalar, second: Scalar, word: int) -> Scalar:
    return arithmetic("&", first, second, word, False)


@runs("/__bitmap_(?:and|or|xor|andnot)/", returns="_Bool")
def combined(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """The bitmap that two of n bits make together, put into the first; whether it has a bit."""
    machine, bits = frame.machine, _bits(frame, values[3], name)
    word = machine.memory.pointer_size
    some: Scalar = 0
    for at in range(0, -(-bits // 8), word):
        to, *pair = [arithmetic("+", scalar(v), at, word, False) for v in values[:3]]
        first, second = (machine.load(one, word, False) for one in pair)
        match name.removeprefix("__bitmap_"):
            case "and":
                made = _common(first, second, word)
            case "or":
                made = arithmetic("|", first, second, word, False)
            case "xor":
                made = _unequal(first, second, word)
            case _:
                made = _beyond(first, second, word)
        machine.store(to, word, made)
        inside = _inside(bits, at, word)
        some = arithmetic("|", some, compare("!=", arithmetic("&", made, inside, word, False), 0), 4, True)
    return some
