"""Where the members of a record lie: the rules that gcc follows on all architectures of the kernel."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """What a member needs. Sizes and alignments in bytes; ``bits`` is the width of a bit-field, else None.

    ``minimum`` is what an ``aligned`` attribute of the member asks for, 0 without one.
    """

    size: int
    align: int
    bits: int | None = None
    is_named: bool = True
    minimum: int = 0
    packed: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a member lies: ``offset`` in bytes, and for a bit-field how many bits of its unit come before it."""

    offset: int
    bit_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A record as laid out: one place per member, and size and alignment in bytes."""

    places: tuple[Placed, ...]
    size: int
    align: int


def lay_out(slots: list[Slot], is_union: bool, packed: bool, minimum: int = 0) -> Layout:
    """Return the layout of a record whose members need *slots*; *minimum* is its own ``aligned`` attribute."""
    places: list[Placed] = []
    used = longest = 0  # in bits
    align = max(1, minimum)
    for slot in slots:
        is_packed = packed or slot.packed
        own = max(1 if is_packed else slot.align, slot.minimum)
        start = 0 if is_union else used
        if slot.bits is None:
            start = _up(start, own * 8)
            places.append(Placed(start // 8))
            used = start + slot.size * 8
            align = max(align, own)
        else:
            start = _bit_start(slot, start, is_packed)
            places.append(_bit_place(slot, start))
            used = start + slot.bits
            if slot.is_named:
                align = max(align, own)
        longest = max(longest, used)
    return Layout(tuple(places), _up(longest, align * 8) // 8, align)


def _bit_start(slot: Slot, used: int, is_packed: bool) -> int:
    bits = slot.bits or 0
    if slot.minimum:
        used = _up(used, slot.minimum * 8)
    unit = slot.align * 8
    if bits == 0:
        return _up(used, unit)
    if not is_packed and (used % unit + bits + unit - 1) // unit > max(1, slot.size * 8 // unit):
        return _up(used, unit)
    return used


def _bit_place(slot: Slot, start: int) -> Placed:
    # The unit is aligned like the type, unless a packed field would leave it.
    offset = start // 8 // slot.align * slot.align
    if start - offset * 8 + (slot.bits or 0) > slot.size * 8:
        offset = start // 8
    return Placed(offset, start - offset * 8)


def _up(value: int, to: int) -> int:
    return (value + to - 1) // to * to
