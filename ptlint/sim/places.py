"""Lvalues: variables in slots, members of structures in slots, and memory at an address."""

from __future__ import annotations

from collections.abc import Callable

from ptlint.csrc.ctypes import CInt, CPointer, CRecord, CType
from ptlint.sim.blob import Blob
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Place, Value
from ptlint.sim.opaque import pointed_at
from ptlint.sim.types import is_record, is_signed, size_of
from ptlint.sim.values import Scalar, Unknown, arithmetic, choose, narrow


def slot_place(type: CType, slot: int, name: str) -> Place:
    """Return the place of a variable that lives in a slot."""
    signed = is_signed(type)

    def load(frame: Frame, _address: Scalar | None) -> Value:
        value = frame.slots[slot]
        if value is None:
            raise CannotExecute(f"reads {name} before it is set")
        return value

    def store(frame: Frame, _address: Scalar | None, value: Value) -> None:
        frame.assign(slot, value, signed)

    return Place(type, _nowhere, load, store, addressable=False)


def _nowhere(_frame: Frame) -> None:
    return None


def memory_place(type: CType, locate: Callable[[Frame], Scalar]) -> Place:
    """Return the place of an object of *type* at the address that *locate* computes."""
    size, signed = size_of(type), is_signed(type)
    if is_record(type):

        def load_record(frame: Frame, address: Scalar | None) -> Value:
            assert address is not None
            return frame.machine.load_blob(address, size)

        def store_record(frame: Frame, address: Scalar | None, value: Value) -> None:
            assert address is not None
            assert isinstance(value, Blob)
            frame.machine.store_blob(address, value)

        return Place(type, locate, load_record, store_record, addressable=True)

    target = type.to if isinstance(type, CPointer) else None

    def load(frame: Frame, address: Scalar | None) -> Value:
        assert address is not None
        value = frame.machine.load(address, size, signed)
        if target is not None and isinstance(value, Unknown):
            value = pointed_at(frame.machine, value, target)
            frame.machine.store(address, size, value)
        return value

    def store(frame: Frame, address: Scalar | None, value: Value) -> None:
        assert address is not None
        assert value is not None
        assert not isinstance(value, Blob)
        frame.machine.store(address, size, value)

    return Place(type, locate, load, store, addressable=True)


def member_place(base: Place, offset: int, type: CType) -> Place:
    """Return the place of a member *offset* bytes into *base*."""
    if base.addressable:
        return memory_place(type, _shifted(base, offset))
    size, signed = size_of(type), is_signed(type)
    whole = is_record(type)

    def load(frame: Frame, address: Scalar | None) -> Value:
        blob = base.load(frame, address)
        assert isinstance(blob, Blob)
        value: Value = blob.sub(offset, size) if whole else blob.load(offset, size, signed)
        if isinstance(value, Unknown) and isinstance(type, CPointer):
            return pointed_at(frame.machine, value, type.to)
        return value

    def store(frame: Frame, address: Scalar | None, value: Value) -> None:
        blob = base.load(frame, address)
        assert isinstance(blob, Blob)
        mask = frame.machine.mask
        every = None if mask is frame.entry or bool((mask | ~frame.entry).all()) else mask
        if isinstance(value, Blob):
            blob.put(offset, value, every)
        else:
            assert value is not None
            blob.store(offset, size, value, every)

    return Place(type, base.locate, load, store, addressable=False)


def _shifted(base: Place, offset: int) -> Callable[[Frame], Scalar]:
    def locate(frame: Frame) -> Scalar:
        address = base.locate(frame)
        assert address is not None
        if isinstance(address, int):
            return address + offset
        return arithmetic("+", address, offset, frame.machine.memory.pointer_size, False)

    return locate


def bits_place(word: Place, shift: int, width: int, signed: bool) -> Place:
    """Return the place of a bit-field of *width* bits, *shift* bits up in *word*."""
    assert isinstance(word.type, CInt)
    size = word.type.size
    field = ((1 << width) - 1) << shift

    def load(frame: Frame, address: Scalar | None) -> Value:
        value = word.load(frame, address)
        assert value is not None
        assert not isinstance(value, Blob)
        if isinstance(value, Unknown):
            return Unknown(("bits", value.key, (shift, width)))
        raw = arithmetic("&", narrow(value, size, False), field, size, False)
        raw = arithmetic(">>", raw, shift, size, False)
        if not signed:
            return raw
        up = 8 * size - width
        return arithmetic(">>", arithmetic("<<", narrow(raw, size, True), up, size, True), up, size, True)

    def store(frame: Frame, address: Scalar | None, value: Value) -> None:
        assert value is not None
        assert not isinstance(value, Blob)
        old = word.load(frame, address)
        assert old is not None
        assert not isinstance(old, Blob)
        if isinstance(old, Unknown) or isinstance(value, Unknown):
            word.store(frame, address, Unknown(("bits of", str(old), str(value), shift)))
            return
        new = arithmetic("&", arithmetic("<<", narrow(value, size, False), shift, size, False), field, size, False)
        kept = arithmetic("&", narrow(old, size, False), ~field & ((1 << 8 * size) - 1), size, False)
        word.store(frame, address, arithmetic("|", kept, new, size, False))

    return Place(word.type, word.locate, load, store, word.addressable)


def merged(frame: Frame, new: Value, old: Value, signed: bool) -> Value:
    """Return *new* in the current lanes and *old* elsewhere."""
    if new is None or old is None:
        return new if old is None else old
    if isinstance(new, Blob):
        assert isinstance(old, Blob)
        result = old.copy()
        result.put(0, new, frame.machine.mask)
        return result
    assert not isinstance(old, Blob)
    return choose(frame.machine.mask, new, old, signed)


def record_of(type: CType) -> CRecord:
    """Return *type* as the record it must be. Raises CannotExecute for anything else."""
    if not isinstance(type, CRecord):
        raise CannotExecute(f"takes a member of {type}")
    return type
