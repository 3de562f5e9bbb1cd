"""Filling and copying memory (include/linux/string.h), for sizes that are known."""

from __future__ import annotations

from collections.abc import Sequence

from ptlint.csrc.ctypes import CType
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Value
from ptlint.sim.machine import Machine
from ptlint.sim.primitives.registry import runs
from ptlint.sim.values import Scalar, Unknown

MOST_BYTES = 4096


@runs("memset", "__builtin_memset", "__memset", returns="void *")
def fill(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memset(p, byte, n)."""
    machine = frame.machine
    where, byte, size = (scalar(value) for value in values)
    count = _size(machine, size, name)
    if not isinstance(byte, int):
        raise CannotExecute(f"{name}() with a byte that is not known", machine.pos, machine.function)

    def filled(_offset: int, width: int) -> Scalar:
        return int.from_bytes(bytes([byte & 0xFF]) * width, "little")

    machine.store_blob(where, Blob(count, machine.memory.big_endian, filled))
    return where


@runs("memcpy", "__builtin_memcpy", "__memcpy", "memmove", "__builtin_memmove", returns="void *")
def copy(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """memcpy(to, from, n), memmove(to, from, n)."""
    machine = frame.machine
    to, origin, size = (scalar(value) for value in values)
    count = _size(machine, size, name)
    machine.store_blob(to, machine.load_blob(origin, count))
    return to


def _size(machine: Machine, size: Scalar, name: str) -> int:
    if isinstance(size, Unknown) or not isinstance(size, int) or not 0 < size <= MOST_BYTES:
        raise CannotExecute(f"{name}() of a size that is not known, or large", machine.pos, machine.function)
    return size
