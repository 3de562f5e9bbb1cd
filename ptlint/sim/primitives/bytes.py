"""Operations on runs of bytes: memset(), memcpy(), memcmp() and their kin (lib/string.c; architectures have assembly).

On a live page table they take one step an entry, in the order of addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ptlint.csrc.ctypes import CType
from ptlint.sim.blob import WIDEST, Blob
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.frame import Frame, Value
from ptlint.sim.machine import Machine
from ptlint.sim.primitives.registry import runs
from ptlint.sim.types import size_or_none
from ptlint.sim.values import Scalar, arithmetic, compare, same_everywhere

MOST_BYTES = 1 << 16
"""Of one operation: a table of the largest pages."""

MOST_COMPARED = 256
"""Bytes of a comparison."""

_PREFIX = r"_{0,3}(?:builtin_|underlying_)?"


@runs(f"/{_PREFIX}memset/", returns="void *")
def fill(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memset(p, byte, n): n equal bytes; the value is p."""
    machine = frame.machine
    address, byte, size = scalar(values[0]), scalar(values[1]), _length(machine, values[2], name)
    _store(machine, address, _filled(machine, byte, 1, size))
    return address


@runs(f"/{_PREFIX}memset(?:16|32|64|_l)/", returns="void *")
def fill_words(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memset64(p, word, n): n equal words, memset_l() of ``unsigned long``."""
    machine = frame.machine
    width = {"16": 2, "32": 4, "64": 8}.get(name[-2:], machine.memory.pointer_size)
    address, word, size = scalar(values[0]), scalar(values[1]), width * _length(machine, values[2], name)
    _store(machine, address, _filled(machine, word, width, size))
    return address


@runs(f"/{_PREFIX}(?:memcpy|memmove)/", returns="void *")
def move(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memcpy(to, from, n), memmove(): the bytes are read before the first is stored; the value is *to*."""
    address, size = scalar(values[0]), _length(frame.machine, values[2], name)
    _store(frame.machine, address, frame.machine.load_blob(scalar(values[1]), size))
    return address


@runs(f"/{_PREFIX}(?:memcmp|bcmp)/", returns="int")
def differs(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memcmp(a, b, n): 0 where all bytes are equal, else 1; which is greater is not told."""
    size = _length(frame.machine, values[2], name)
    if size > MOST_COMPARED:
        raise CannotExecute(f"{name}() of {size} bytes", frame.machine.pos)
    first, second = (frame.machine.load_blob(scalar(value), size) for value in values[:2])
    pieces = [(at, WIDEST if at + WIDEST <= size else 1) for at in _starts(size)]
    unequal: Scalar = 0
    for at, width in pieces:
        other = compare("!=", first.load(at, width, False), second.load(at, width, False))
        unequal = arithmetic("|", unequal, other, 4, True)
    return unequal


def _starts(size: int) -> list[int]:
    whole = size - size % WIDEST
    return [*range(0, whole, WIDEST), *range(whole, size)]


def _length(machine: Machine, value: Value, name: str) -> int:
    """Return a count that all lanes agree on. Raises CannotExecute where they do not, OutOfBounds for too much."""
    count = scalar(value)
    if isinstance(count, np.ndarray):
        count = same_everywhere(count, machine.mask) or count
    if not isinstance(count, int):
        raise CannotExecute(f"{name}() of a length that is not known or differs between scenarios", machine.pos)
    if not 0 <= count <= MOST_BYTES:
        raise OutOfBounds(f"{name}() of more than {MOST_BYTES} bytes", machine.pos, machine.function)
    return count


def _filled(machine: Machine, value: Scalar, width: int, size: int) -> Blob:
    """Return *size* bytes of memory full of *value*, an integer of *width* bytes."""
    big_endian = machine.memory.big_endian
    if not isinstance(value, int):
        blob = Blob(size, big_endian)
        for at in range(0, size, width):
            blob.store(at, width, value)
        return blob
    order: Literal["big", "little"] = "big" if big_endian else "little"
    pattern = (value & ((1 << 8 * width) - 1)).to_bytes(width, order) * (2 * WIDEST // width)

    def read(offset: int, piece: int) -> Scalar:
        return int.from_bytes(pattern[offset % width : offset % width + piece], order)

    return Blob(size, big_endian, read)


def _store(machine: Machine, address: Scalar, whole: Blob) -> None:
    """Store *whole*, entry by entry where that is in a live table."""
    size, step = whole.size, _step(machine, address)
    machine.tick(1 + size // 512)
    if not step or size % step:
        machine.store_blob(address, whole)
        return
    for at in range(0, size, step):
        machine.store_blob(arithmetic("+", address, at, machine.memory.pointer_size, False), whole.sub(at, step))


def _step(machine: Machine, address: Scalar) -> int:
    """Return the size of an entry of the live table at *address*, 0 for other memory."""
    if not isinstance(address, (int, np.ndarray)):
        return 0
    live = [obj for obj, _, _ in machine.memory.split(address, machine.mask) if obj is not None and obj.live]
    return (size_or_none(live[0].type) or 0) if live and live[0].type is not None else 0
