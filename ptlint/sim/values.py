"""Values over lanes: C integers as one Python int where all lanes agree, else a numpy array with one element a lane.

An integer is held as its mathematical value: a Python int, or an array of shape (lanes,) and dtype int64 for a signed
C type, uint64 for an unsigned one. ``narrow`` brings a result back into the range of its C type (two's complement), so
the kernel's wrap-around (``-fwrapv``) is exact for 8, 16, 32 and 64 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.errors import CannotExecute

Array: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An integer that nobody knows: a field of a structure that only passes through, the answer of unknown code.

    It can be moved, stored and combined; asking whether it is true explores both answers. Equal keys are equal values.
    """

    key: Hashable

    def __str__(self) -> str:
        return _show_key(self.key)


def _show_key(key: Hashable) -> str:
    if isinstance(key, tuple) and len(key) == 3 and isinstance(key[0], str):
        return f"{_show_key(key[1])} {key[0]} {_show_key(key[2])}"
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str):
        return f"{key[0]}{_show_key(key[1])}"
    return str(key)


@dataclass(frozen=True, slots=True)
class Differing:
    """What the key of an unknown does not spell out, by a digest: the values of all lanes, a long calculation."""

    digest: str

    def __str__(self) -> str:
        return "…"


def depends_on_lanes(key: Hashable) -> bool:
    """Return whether the key of an unknown holds a digest: then it is another unknown where other lanes run."""
    pending = [key]
    while pending:
        one = pending.pop()
        if isinstance(one, Differing):
            return True
        if isinstance(one, tuple):
            pending.extend(one)
    return False


Scalar: TypeAlias = "int | Array | Unknown"

_SIGNED, _UNSIGNED = np.dtype(np.int64), np.dtype(np.uint64)

_MASKS = {size: (1 << (8 * size)) - 1 for size in (1, 2, 4, 8)}


def narrow(value: Scalar, size: int, signed: bool) -> Scalar:
    """Return *value* converted to an integer of *size* bytes, wrapped as two's complement."""
    if isinstance(value, int):
        value &= _MASKS[size]
        return value - (1 << 8 * size) if signed and value >> (8 * size - 1) else value
    if isinstance(value, Unknown):
        return value
    if size == 8:
        wanted = _SIGNED if signed else _UNSIGNED
        return value if value.dtype is wanted else value.view(wanted)
    if not signed:
        return value.view(np.uint64) & np.uint64(_MASKS[size])
    shift = np.int64(64 - 8 * size)
    widened: Array = (value.view(np.int64) << shift) >> shift
    return widened


def to_bool(value: Scalar) -> Scalar:
    """Return 1 where *value* is not 0, else 0 (the conversion to ``_Bool``)."""
    if isinstance(value, int):
        return 1 if value else 0
    if isinstance(value, Unknown):
        truth = isinstance(value.key, tuple) and value.key[0] in ("==", "<", "!")
        return value if truth else Unknown(("!", ("!", value.key)))
    answer: Array = (value != 0).astype(np.uint64)
    return answer


def some(mask: Mask) -> bool:
    """Return whether any lane is in *mask* (several times faster than ``mask.any()``, and asked at every step)."""
    return bool(mask.item(mask.argmax()))


def every(mask: Mask) -> bool:
    """Return whether all lanes are in *mask*."""
    return bool(mask.item(mask.argmin()))


def distinct(values: Array) -> Array:
    """Return the different numbers of a flat array, sorted (``np.unique`` loads masked arrays for that)."""
    ordered = np.sort(values)
    if len(ordered) < 2:
        return ordered
    fresh = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    found: Array = ordered[fresh]
    return found


def distinct_rows(table: Array) -> Array:
    """Return the different rows of a table of numbers, sorted by the first column, then by the next."""
    ordered = table[np.lexsort(table.T[::-1])]
    fresh = np.ones(len(ordered), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    found: Array = ordered[fresh]
    return found


def of_mask(mask: Mask, signed: bool = True) -> Array:
    """Return what a comparison gives, 1 where *mask*, else 0: an ``int``, or a ``_Bool`` when not *signed*."""
    return mask.astype(np.int64 if signed else np.uint64)


def _shift_left(left: Any, right: Any, bits: int) -> Any:
    if isinstance(right, int):
        return left << right if 0 <= right < bits else left & 0
    count = right.astype(np.uint64)
    inside = count < bits
    base = np.broadcast_to(np.asarray(_unsigned(left)), count.shape).astype(np.uint64)
    return np.where(inside, base << np.where(inside, count, 0).astype(np.uint64), np.uint64(0))


def _unsigned(value: Any) -> Any:
    return value & _MASKS[8] if isinstance(value, int) else value.view(np.uint64)


def _shift_right(left: Any, right: Any, bits: int, signed: bool) -> Any:
    if isinstance(right, int):
        inside = 0 <= right < bits
        return left >> (right if inside else bits - 1) if inside or signed else left & 0
    dtype = np.int64 if signed else np.uint64
    count = right.astype(np.uint64)
    base = np.broadcast_to(np.asarray(left, dtype=dtype), count.shape)
    shifted = np.right_shift(base, np.minimum(count, bits - 1).astype(dtype))
    return shifted if signed else np.where(count < bits, shifted, np.uint64(0))


def _divide(left: Any, right: Any) -> tuple[Any, Any]:
    """Return quotient and remainder with C's truncation. The caller has replaced zero divisors."""
    quotient: Any
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        quotient = -quotient if (left < 0) != (right < 0) else quotient
        return quotient, left - quotient * right
    dtype = right.dtype if isinstance(right, np.ndarray) else left.dtype
    a, b = np.asarray(left, dtype=dtype), np.asarray(right, dtype=dtype)
    with np.errstate(over="ignore"):  # the smallest number by -1 wraps
        quotient = np.floor_divide(a, b)
    remainder = a - quotient * b
    fix = (remainder != 0) & ((remainder < 0) != (a < 0)) if dtype == np.int64 else np.zeros(1, dtype=bool)
    quotient = quotient + fix.astype(dtype)
    return quotient, a - quotient * b


def arithmetic(op: str, left: Scalar, right: Scalar, size: int, signed: bool) -> Scalar:
    """Return ``left op right`` for operands already converted to one type of *size* bytes (for shifts: the left's).

    A shift by the width or more gives 0 or the sign, as most compilers do; division by zero is the caller's matter.
    """
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        if op in ("&", "*") and (_is_zero(left) or _is_zero(right)):
            return 0
        return combine(op, left, right)
    result: Any
    match op:
        case "+":
            result = left + right
        case "-":
            result = left - right
        case "*":
            result = left * right
        case "&":
            result = left & right
        case "|":
            result = left | right
        case "^":
            result = left ^ right
        case "<<":
            result = _shift_left(left, right, 8 * size)
        case ">>":
            return narrow(_shift_right(left, right, 8 * size, signed), size, signed)
        case "/":
            result = _divide(left, right)[0]
        case "%":
            result = _divide(left, right)[1]
        case _:
            raise CannotExecute(f"operator {op}")
    return narrow(result, size, signed)


def _is_zero(value: Scalar) -> bool:
    return isinstance(value, int) and value == 0


def compare(op: str, left: Scalar, right: Scalar) -> Scalar:
    """Return the C ``int`` of ``left op right`` for operands of one type."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return _compare_unknown(op, left, right)
    result: Any
    match op:
        case "==":
            result = left == right
        case "!=":
            result = left != right
        case "<":
            result = left < right
        case ">":
            result = left > right
        case "<=":
            result = left <= right
        case _:
            result = left >= right
    if isinstance(result, bool):
        return int(result)
    answer: Array = result.astype(np.int64)
    return answer


def _compare_unknown(op: str, left: Scalar, right: Scalar) -> Scalar:
    """Compare with an unknown, in one canonical form so that a test and its negation are one question."""
    if isinstance(left, Unknown) and isinstance(right, Unknown) and left.key == right.key:
        return int(op in ("==", "<=", ">="))
    match op:
        case "==" | "<":
            return combine(op, left, right)
        case "!=":
            return negate(combine("==", left, right))
        case ">":
            return combine("<", right, left)
        case "<=":
            return negate(combine("<", right, left))
        case _:
            return negate(combine("<", left, right))


def negate(value: Scalar) -> Scalar:
    """Return ``!value``."""
    if isinstance(value, int):
        return int(not value)
    if isinstance(value, Unknown):
        if isinstance(value.key, tuple) and value.key[0] == "!":
            inner = Unknown(value.key[1])
            return inner if isinstance(value.key[1], tuple) and value.key[1][0] in ("==", "<", "!") else to_bool(inner)
        return Unknown(("!", value.key))
    answer: Array = (value == 0).astype(np.int64)
    return answer


def combine(op: str, left: Scalar, right: Scalar) -> Unknown:
    """Return the unknown that ``left op right`` is. A side that differs between lanes is known by all it holds."""
    return Unknown((op, _key_of(left), _key_of(right)))


MAX_PARTS = 60
"""Parts of a key that are kept as they are; of more there is a digest. Each round of a loop may double a key."""


def _key_of(value: Scalar) -> Hashable:
    if isinstance(value, Unknown):
        return value.key if _is_short(value.key) else Differing(_digest(repr(value.key).encode()))
    if isinstance(value, int):
        return value
    if value.size and every(value == value[0]):
        return int(value[0])
    return Differing(_digest(value.tobytes()))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _is_short(key: Hashable) -> bool:
    pending, parts = [key], 0
    while pending:
        one = pending.pop()
        parts += 1
        if parts > MAX_PARTS:
            return False
        if isinstance(one, tuple):
            pending.extend(one)
    return True


def choose(mask: Mask, new: Scalar, old: Scalar, signed: bool) -> Scalar:
    """Return *new* in the lanes of *mask* and *old* elsewhere."""
    if isinstance(new, Unknown) or isinstance(old, Unknown):
        if isinstance(new, Unknown) and isinstance(old, Unknown) and new.key == old.key:
            return new
        return Unknown(("either", _label(new), _label(old)))
    if isinstance(new, int) and isinstance(old, int) and new == old:
        return new
    dtype = np.int64 if signed else np.uint64
    chosen: Array = np.where(mask, _typed(new, dtype), _typed(old, dtype))
    return chosen


def _typed(value: int | Array, dtype: Any) -> Any:
    if isinstance(value, int):
        return dtype(value) if dtype is np.int64 or value >= 0 else np.uint64(value & _MASKS[8])
    return value.view(dtype)


def _label(value: Scalar) -> Hashable:
    return _key_of(value)


def lane_of(value: Scalar, lane: int) -> int | None:
    """Return what one lane holds, None for an unknown."""
    if isinstance(value, int):
        return value
    return None if isinstance(value, Unknown) else int(value[lane])


def same_everywhere(value: Array, mask: Mask) -> int | None:
    """Return the one value that all lanes of *mask* hold, or None when they differ or there is none."""
    first = int(np.argmax(mask))
    if not mask[first]:
        return None
    wanted = value[first]
    return int(wanted) if every((value == wanted) | ~mask) else None
