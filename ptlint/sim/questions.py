"""What unknown code is asked: a question for each call, and what it may be given."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from ptlint.csrc.ctypes import CInt, CPointer, CType
from ptlint.sim.blob import Blob
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Value
from ptlint.sim.machine import Machine
from ptlint.sim.opaque import member_path, pointed_at
from ptlint.sim.types import is_bool, is_integer, is_pointer, is_signed, is_void, size_or_none
from ptlint.sim.values import Mask, Unknown, every, of_mask, some

MAX_QUESTIONS = 64
"""Different arguments with which one call of unknown code is asked, over all lanes."""


def ask(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType], returns: CType) -> Value:
    """Return what unknown code answers: the same for the same arguments in a run, either way between scenarios."""
    if is_void(returns):
        return None
    if not can_ask(returns):
        raise CannotExecute(f"{name}() is not known and returns {returns}", machine.pos, machine.function)
    varying = [v for v in values if isinstance(v, np.ndarray) and not every(v == v[0])]
    if not varying and not any(isinstance(v, Blob) for v in values):
        key = _question(machine, name, values, types)
        if is_bool(returns):
            return of_mask(machine.ask(key), signed=False)
        unknown = Unknown(key)
        if isinstance(returns, CPointer):
            return pointed_at(machine, unknown, returns.to)
        return unknown
    if not (is_bool(returns) or (isinstance(returns, CInt) and returns.size == 4)):
        raise CannotExecute(
            f"{name}() is not known and its arguments differ between scenarios", machine.pos, machine.function
        )
    return of_mask(_ask_each(machine, name, values, types), signed=is_signed(returns))


def _ask_each(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> Mask:
    """Ask once for each different tuple of arguments among the current lanes, in the order of the tuples."""
    here = np.flatnonzero(machine.mask)
    columns = [_column(value, machine.lanes)[here] for value in values]
    firsts, groups = _distinct(columns, len(here))
    if len(firsts) > MAX_QUESTIONS:
        raise CannotExecute(f"{name}() is not known and asked with too many arguments", machine.pos, machine.function)
    answer = np.zeros(machine.lanes, dtype=bool)
    for number, first in enumerate(firsts):
        key = _question(machine, name, [int(column[first]) for column in columns], types)
        asking = np.zeros(machine.lanes, dtype=bool)
        asking[here[groups == number]] = True
        with machine.narrowed(asking):
            answer |= machine.ask(key) & asking
    return answer


def _distinct(
    columns: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.uint64]]], size: int
) -> tuple[list[int], np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return the place of each different row of *columns*, in the order of the rows, and for every row its number."""
    groups = np.zeros(size, dtype=np.int64)
    firsts = [0] if size else []
    for column in columns:
        if not size or bool((column == column[0]).all()):
            continue
        values, codes = np.unique(column, return_inverse=True)
        _, places, groups = np.unique(groups * len(values) + codes, return_index=True, return_inverse=True)
        firsts = places.tolist()
    return firsts, groups


def _column(value: Value, lanes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    if isinstance(value, Blob):
        value = value.load(0, value.size, False) if value.size in (1, 2, 4, 8) else None
    if value is None or isinstance(value, Unknown):
        raise CannotExecute("unknown code gets a structure")
    if isinstance(value, int):
        return np.full(lanes, value & 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)
    return value.view(np.uint64)


def _question(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> Hashable:
    shown = [_shown(machine, value, type) for value, type in zip(values, types, strict=False)]
    return f"{name}({', '.join(shown)})"


def _shown(machine: Machine, value: Value, type: CType) -> str:
    """Return an argument as a reader would write it: an object by name, anything else by value."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, np.ndarray):
        value = int(value[0])
    if not isinstance(value, int):
        return "…"
    if is_pointer(type):
        obj, offset = machine.memory.find(value)
        if obj is not None:
            return obj.name + _offset_in(obj.type, offset)
        return "NULL" if value == 0 else f"{value:#x}"
    return str(value) if -4096 < value < 4096 else f"{value & 0xFFFF_FFFF_FFFF_FFFF:#x}"


def _offset_in(type: CType | None, offset: int) -> str:
    if not offset:
        return ""
    size = size_or_none(type) if type is not None else None
    if size and offset % size == 0:
        return f" + {offset // size}"
    return member_path(type, offset)


def can_ask(returns: CType) -> bool:
    """Return whether an answer of this type can be left open."""
    return is_void(returns) or is_integer(returns) or isinstance(returns, CPointer)


def refuse_reach(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> None:
    """Raise CannotExecute when unknown code gets a pointer into a table or a variable, which it may change."""
    for value, type in zip(values, types, strict=False):
        reached = reaches(machine, value, type)
        if reached:
            raise CannotExecute(f"{name}() is not known and gets a pointer to {reached}", machine.pos, machine.function)


def reaches(machine: Machine, value: Value, type: CType) -> str:
    """Return the name of the table or variable that an argument points into, empty for opaque and no objects."""
    if not is_pointer(type) or value is None or isinstance(value, (Blob, Unknown)):
        return ""
    for obj, _offset, mask in machine.memory.split(value, machine.mask):
        if obj is None or obj.function or not some(mask):
            continue
        if obj.live or machine.memory.named(obj.name) is not obj:
            return obj.name
    return ""
