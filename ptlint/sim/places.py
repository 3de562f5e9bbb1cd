"""Lvalues: variables in slots, members of structures in slots, and memory at an address."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ptlint.csrc.ctypes import CFloat, CInt, CPointer, CRecord, CType
from ptlint.sim.blob import WIDEST, Blob, merge
from ptlint.sim.bounds import CELLS_OF_WORK
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, UnsetRead
from ptlint.sim.frame import Frame, Place, Run, Value
from ptlint.sim.opaque import pointed_at
from ptlint.sim.types import UCHAR, bit_field_type, is_bool, is_record, is_signed, size_of
from ptlint.sim.values import Mask, Scalar, Unknown, arithmetic, choose, narrow, of_mask


def slot_place(type: CType, slot: int, name: str) -> Place:
    """Return the place of a variable that lives in a slot."""
    signed = is_signed(type)

    def read(frame: Frame) -> Value:
        value = frame.slots[slot]
        if value is None:
            if frame.machine.stage is None or is_record(type):
                raise UnsetRead(f"reads {name} before it is set")
            return Unknown(f"{name} before it is set")  # callers hand on what is not used
        return value

    def load(frame: Frame, _address: Scalar | None) -> Value:
        return read(frame)

    def store(frame: Frame, _address: Scalar | None, value: Value) -> None:
        frame.assign(slot, value, signed)

    def store_bool(frame: Frame, _address: Scalar | None, value: Value) -> None:
        frame.assign(slot, settled(frame, slot, value), signed)

    chosen = store_bool if is_bool(type) else store
    return Place(type, _nowhere, load, chosen, addressable=False, read=read, slot=slot, variable=read)


def settled(frame: Frame, slot: int, value: Value) -> Value:
    """Return what a ``_Bool`` variable is set to in some lanes only; where that is open, or was, it is asked at once:
    of the two together nobody would know in which lanes it is which.
    """
    machine, old = frame.machine, frame.slots[slot]
    if old is None or frame.is_whole(machine.mask):
        return value
    if isinstance(old, Unknown) and not (isinstance(value, Unknown) and value.key == old.key):
        with machine.narrowed(frame.entry & ~machine.mask):
            frame.slots[slot] = of_mask(machine.ask(old.key), signed=False)
        old = None
    if isinstance(value, Unknown) and not isinstance(old, Unknown):
        return of_mask(machine.ask(value.key), signed=False)
    return value


def _nowhere(_frame: Frame) -> None:
    return None


def boxed_address(type: CType, slot: int, name: str) -> Callable[[Frame], Scalar]:
    """Return what finds the object of a variable in memory, made on first use; its address is kept in the slot."""
    size = size_of(type)

    def locate(frame: Frame) -> Scalar:
        address = frame.slots[slot]
        if address is None:
            memory = frame.machine.memory
            made = memory.add(name, Blob(size, memory.big_endian), type)
            made.lanes = frame.entry
            address = frame.slots[slot] = made.base
        assert not isinstance(address, Blob)
        return address

    return locate


def memory_place(type: CType, locate: Callable[[Frame], Scalar]) -> Place:
    """Return the place of an object of *type* at the address that *locate* computes."""
    size, signed = size_of(type), is_signed(type)
    if isinstance(type, (CInt, CFloat)) and size > WIDEST:
        raise CannotExecute(f"a variable of type {type}")
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
    assert base.slot is not None
    assert base.variable is not None
    return _part_of_slot(type, base.slot, base.offset + offset, base.variable)


def _part_of_slot(type: CType, slot: int, offset: int, variable: Run) -> Place:
    """Return the place of what is *offset* bytes into the structure in a slot, which *variable* reads.

    The structure in the slot may be that of another variable: a store replaces it.
    """
    size, signed, whole = size_of(type), is_signed(type), is_record(type)
    target = type.to if isinstance(type, CPointer) else None

    def read(frame: Frame) -> Value:
        blob = variable(frame)
        assert isinstance(blob, Blob)
        if whole:
            frame.machine.tick(len(blob.cells) // CELLS_OF_WORK)
            return blob.sub(offset, size)
        value = blob.load(offset, size, signed)
        if target is not None and isinstance(value, Unknown):
            return pointed_at(frame.machine, value, target)
        return value

    def load(frame: Frame, _address: Scalar | None) -> Value:
        return read(frame)

    def store(frame: Frame, _address: Scalar | None, value: Value) -> None:
        blob = variable(frame)
        assert isinstance(blob, Blob)
        changed, mask = blob.copy(), frame.machine.mask
        frame.machine.tick(len(blob.cells) // CELLS_OF_WORK)
        frame.slots[slot] = changed
        where = None if frame.is_whole(mask) else mask
        if isinstance(value, Blob):
            changed.put(offset, value, where)
        else:
            assert value is not None
            changed.store(offset, size, value, where)

    return Place(type, _nowhere, load, store, addressable=False, read=read, slot=slot, offset=offset, variable=variable)


def _shifted(base: Place, offset: int) -> Callable[[Frame], Scalar]:
    def locate(frame: Frame) -> Scalar:
        address = _further(frame, base.locate(frame), offset)
        assert address is not None
        return address

    return locate


def _further(frame: Frame, address: Scalar | None, offset: int) -> Scalar | None:
    """Return the address *offset* bytes on; None, of a structure in a slot, stays None."""
    if address is None or not offset:
        return address
    if isinstance(address, int):
        return address + offset
    return arithmetic("+", address, offset, frame.machine.memory.pointer_size, False)


def bits_place(base: Place, offset: int, type: CType, bits: tuple[int, int], big_endian: bool) -> Place:
    """Return the place of a bit-field: *bits* are how far up in its unit of *type* at *offset* it lies, and its width.

    Only the bytes that hold it are touched: its unit may reach over other members, and past the end when packed.
    """
    assert isinstance(type, CInt)
    shift, width = bits
    fitted = _fitter(type, width)
    first, last = shift // 8, (shift + width - 1) // 8
    parts: list[tuple[Place, int, int, int, int]] = []  # a byte, where, its bits: how far up, how many, from which on
    for byte in range(first, last + 1):
        low, high = max(shift, 8 * byte), min(shift + width, 8 * byte + 8)
        at = offset + (type.size - 1 - byte if big_endian else byte)
        parts.append((member_place(base, at, UCHAR), at, low - 8 * byte, high - low, low - shift))

    def load(frame: Frame, address: Scalar | None) -> Value:
        result: Scalar = 0
        for place, at, up, count, start in parts:
            piece = _bits_of(scalar(place.load(frame, _further(frame, address, at))), up, count)
            if isinstance(piece, Unknown):
                return Unknown(("bits", piece.key, (start, width))) if len(parts) > 1 else piece
            result = arithmetic("|", result, arithmetic("<<", piece, start, 8, False), 8, False)
        return fitted(result)

    def store(frame: Frame, address: Scalar | None, value: Value) -> None:
        given = scalar(value)
        for place, at, up, count, start in parts:
            if isinstance(given, Unknown):
                piece: Scalar = given if len(parts) == 1 else Unknown(("bits", given.key, (start, count)))
            else:
                whole = narrow(given, 8, False)
                piece = arithmetic("&", arithmetic(">>", whole, start, 8, False), (1 << count) - 1, 8, False)
            byte_at = _further(frame, address, at)
            place.store(frame, byte_at, _with_bits(_or_zero(place, frame, byte_at), up, count, piece))

    return Place(type, base.locate, load, store, addressable=False, bits=width)


def _or_zero(place: Place, frame: Frame, address: Scalar | None) -> Scalar:
    """Return the byte around a bit-field; in a structure that was never set its other bits may be anything."""
    try:
        return scalar(place.load(frame, address))
    except CannotExecute:
        return 0


def _bits_of(byte: Scalar, up: int, count: int) -> Scalar:
    """Return *count* bits of a byte; of an unknown byte those that were stored there stay known."""
    while isinstance(byte, Unknown) and isinstance(byte.key, tuple) and byte.key[0] == "bits of":
        _, older, at, width, stored = byte.key
        if (at, width) == (up, count):
            return stored if isinstance(stored, int) else Unknown(stored)
        if at < up + count and up < at + width:
            break
        byte = older if isinstance(older, int) else Unknown(older)
    if isinstance(byte, Unknown):
        return Unknown(("bits", byte.key, (up, count)))
    return arithmetic("&", arithmetic(">>", byte, up, 1, False), (1 << count) - 1, 1, False)


def _with_bits(byte: Scalar, up: int, count: int, piece: Scalar) -> Scalar:
    """Return a byte with *count* of its bits replaced."""
    if isinstance(byte, Unknown) or isinstance(piece, Unknown):
        old, new = _key(byte), _key(piece)
        return Unknown(("bits of", old, up, count, new))
    kept = arithmetic("&", byte, ~(((1 << count) - 1) << up) & 0xFF, 1, False)
    return arithmetic("|", kept, arithmetic("<<", piece, up, 1, False), 1, False)


def _key(value: Scalar) -> Hashable:
    if isinstance(value, Unknown):
        return value.key
    if isinstance(value, int):
        return value
    raise CannotExecute("a bit-field beside unknown bits gets values that differ between scenarios")


def _fitter(type: CInt, width: int) -> Callable[[Scalar], Scalar]:
    """Return what cuts an integer to a bit-field of *type* and *width* and promotes it."""
    up, signed, promoted = 64 - width, type.signed, bit_field_type(type, width).signed

    def fitted(value: Scalar) -> Scalar:
        high = arithmetic("<<", narrow(value, 8, signed), up, 8, signed)
        return narrow(arithmetic(">>", high, up, 8, signed), 8, promoted)

    return fitted


def fitting(place: Place) -> Callable[[Value], Value] | None:
    """Return what an assignment to *place* makes of the value it gives: a bit-field cuts it. None changes nothing."""
    if place.bits is None:
        return None
    assert isinstance(place.type, CInt)
    fitted = _fitter(place.type, place.bits)
    return lambda value: fitted(scalar(value))


def value_type(place: Place) -> CType:
    """Return the type of what *place* holds when it is read: a bit-field is promoted by its width."""
    if place.bits is None:
        return place.type
    assert isinstance(place.type, CInt)
    return bit_field_type(place.type, place.bits)


def merged(frame: Frame, new: Value, old: Value, signed: bool) -> Value:
    """Return *new* in the current lanes and *old* elsewhere."""
    return mixed(frame.machine.mask, new, old, signed)


def mixed(mask: Mask, new: Value, old: Value, signed: bool) -> Value:
    """Return *new* in the lanes of *mask* and *old* elsewhere."""
    if new is None or old is None:
        return new if old is None else old
    if isinstance(new, Blob):
        assert isinstance(old, Blob)
        return merge(mask, new, old)
    assert not isinstance(old, Blob)
    return choose(mask, new, old, signed)


def record_of(type: CType) -> CRecord:
    """Return *type* as the record it must be. Raises CannotExecute for anything else."""
    if not isinstance(type, CRecord):
        raise CannotExecute(f"takes a member of {type}")
    return type
