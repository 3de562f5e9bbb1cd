"""Structures that only pass through: nobody gave them a content, so each field is an unknown with a name.

The same field is the same unknown throughout a run; a pointer found in one leads to another opaque structure.
"""

from __future__ import annotations

from ptlint.csrc.ctypes import CArray, CRecord, CType, Field
from ptlint.sim.blob import Blob
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.types import size_or_none
from ptlint.sim.values import Scalar, Unknown

UNSIZED = 1 << 15
"""Bytes given to an opaque object: laying out its type would cost more than all that is read of it."""


def opaque(machine: Machine, name: str, type: CType | None) -> Object:
    """Return the opaque object called *name*, made on first use."""
    found = machine.memory.named(name)
    if found is not None:
        return found

    def fill(offset: int, width: int) -> Scalar:
        return Unknown(f"{name}{member_path(type, offset)}" + (f":{width}" if _odd(type, offset, width) else ""))

    blob = Blob(UNSIZED, machine.memory.big_endian, fill)
    return machine.memory.share(name, machine.memory.add(name, blob, type))


def pointed_at(machine: Machine, pointer: Unknown, type: CType) -> int:
    """Return the address of the opaque object that an unknown pointer stands for."""
    return opaque(machine, str(pointer), type).base


def member_path(type: CType | None, offset: int) -> str:
    """Return how C would write the member at *offset* of an object reached by a pointer: ``->vm_mm``, ``->a.b[1]``."""
    parts: list[str] = []
    while True:
        if isinstance(type, CRecord):
            field = _field_at(type, offset)
            if field is None:
                break
            if field.name:
                parts.append(("." if parts else "->") + field.name)
            offset -= field.offset
            type = field.type
        elif isinstance(type, CArray):
            size = size_or_none(type.of) or 1
            parts.append(f"[{offset // size}]")
            offset %= size
            type = type.of
        else:
            break
    return "".join(parts) + (f"+{offset}" if offset else "") or "->*"


def _odd(type: CType | None, offset: int, width: int) -> bool:
    """Return whether a read is not of exactly one whole member (then its width is part of its identity)."""
    while isinstance(type, (CRecord, CArray)):
        if isinstance(type, CArray):
            size = size_or_none(type.of) or 1
            offset %= size
            type = type.of
            continue
        field = _field_at(type, offset)
        if field is None:
            return True
        offset -= field.offset
        type = field.type
    return type is None or bool(offset) or size_or_none(type) != width


def _field_at(record: CRecord, offset: int) -> Field | None:
    if not record.is_complete():
        return None
    return next((f for f in record.fields if f.offset <= offset < f.offset + (size_or_none(f.type) or 1)), None)
