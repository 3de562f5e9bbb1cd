"""The bytes of a structure, union or object as typed cells: what was stored at an offset is what is loaded there.

A load that fits a cell is that cell; one that does not (a union seen through another member, half of a two-word PTE) is
put together from the cells it overlaps, in the byte order of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ptlint.sim.errors import UnsetRead
from ptlint.sim.values import Mask, Scalar, Unknown, arithmetic, choose, narrow

Fill = Callable[[int, int], "Scalar | None"]

WIDEST = 8
"""Bytes of the widest cell."""


def zero(_offset: int, _size: int) -> Scalar:
    """Fill: what static storage and the rest of an initialiser hold."""
    return 0


class Backdrop(NamedTuple):
    """What the bytes [start, end) hold where nothing was stored: ``fill(offset - origin, size)``."""

    start: int
    end: int
    fill: Fill
    origin: int

    def moved(self, by: int, low: int, high: int) -> Backdrop:
        """Return the part in [low, high), *by* bytes further on."""
        return Backdrop(max(self.start, low) + by, min(self.end, high) + by, self.fill, self.origin + by)

    def same_as(self, other: Backdrop) -> bool:
        """Return whether both hold the same at every offset."""
        return self.fill is other.fill and (self.fill is zero or self.origin == other.origin)


class Blob:
    """Cells by offset, each a size in bytes and an integer. ``fill`` supplies what was never stored.

    ``fill(offset, size)`` returns the value of bytes that no store reached, or None when they are indeterminate.
    """

    __slots__ = ("backdrops", "big_endian", "cells", "size")

    def __init__(self, size: int, big_endian: bool, fill: Fill | None = None) -> None:
        self.size = size
        self.big_endian = big_endian
        self.backdrops = [Backdrop(0, size, fill, 0)] if fill is not None else []
        self.cells: dict[int, tuple[int, Scalar]] = {}

    def copy(self) -> Blob:
        """Return a blob that changes apart from this one."""
        twin = Blob(self.size, self.big_endian)
        twin.backdrops = self.backdrops  # replaced when they change, never changed in place
        twin.cells = self.cells.copy()
        return twin

    # --- integers -------------------------------------------------------------------------------------------------

    def load(self, offset: int, size: int, signed: bool) -> Scalar:
        """Return the integer of *size* bytes at *offset*. Raises CannotExecute for indeterminate bytes."""
        cell = self.cells.get(offset)
        if cell is not None and cell[0] == size:
            return narrow(cell[1], size, signed)
        value = self._value(offset, size)
        if value is None:
            raise UnsetRead("reads bytes that were never written")
        if not self._overlapping(offset, size):
            self.cells[offset] = (size, value)
        return narrow(value, size, signed)

    def store(self, offset: int, size: int, value: Scalar, mask: Mask | None = None) -> None:
        """Store *size* bytes at *offset*, in the lanes of *mask* only when one is given."""
        value = narrow(value, size, False)
        cell = self.cells.get(offset)
        if cell is not None and cell[0] == size:
            self.cells[offset] = (size, value if mask is None else choose(mask, value, cell[1], False))
            return
        if mask is not None:
            old = self._value(offset, size)
            if old is not None:
                value = choose(mask, value, old, False)
            elif size > 1 and (self.backdrops or self._overlapping(offset, size)):
                for at, part in enumerate(self._bytes(size, value)):
                    self.store(offset + at, 1, part, mask)
                return
        self._clear(offset, size)
        self.cells[offset] = (size, value)

    # --- structures -----------------------------------------------------------------------------------------------

    def sub(self, offset: int, size: int) -> Blob:
        """Return a copy of the bytes [offset, offset + size) as a blob of its own."""
        part, end = Blob(size, self.big_endian), offset + size
        part.backdrops = [b.moved(-offset, offset, end) for b in self.backdrops if b.start < end and b.end > offset]
        for start in self._overlapping(offset, size):
            width, value = self.cells[start]
            if start >= offset and start + width <= end:
                part.cells[start - offset] = (width, value)
                continue
            for at, byte in enumerate(self._bytes(width, value), start):
                if offset <= at < end:
                    part.cells[at - offset] = (1, byte)
        return part

    def put(self, offset: int, other: Blob, mask: Mask | None = None) -> None:
        """Store another blob at *offset*, in the lanes of *mask* only when one is given."""
        end = offset + other.size
        if mask is None:
            whole = other.cells.get(0)
            if whole is not None and whole[0] == other.size:
                here = self.cells.get(offset)
                if here is None or here[0] != other.size:
                    self._clear(offset, other.size)
                self.cells[offset] = whole
                return
            self._clear(offset, other.size)
            for start, cell in other.cells.items():
                self.cells[offset + start] = cell
            if sum(width for width, _ in other.cells.values()) == other.size:
                return  # what lies below is hidden for good
            moved = [b.moved(offset, 0, other.size) for b in other.backdrops]
            self.backdrops = _joined([*self._backdrops_outside(offset, end), *moved])
            return
        self._split_across(offset)
        self._split_across(end)
        for start, (size, value) in other.cells.items():
            self.store(offset + start, size, value, mask)
        for start in self._overlapping(offset, other.size):
            size = self.cells[start][0]
            if not other._overlapping(start - offset, size):
                self._take_backdrop(start, size, other, start - offset, mask)
        self._mix(offset, other, mask)

    def _take_backdrop(self, offset: int, size: int, other: Blob, at: int, mask: Mask) -> None:
        """Store what *other* holds at *at*, where it has no cells, in the lanes of *mask*."""
        value = other._backdrop(at, size)
        if value is not None:
            self.store(offset, size, value, mask)
        elif size > 1:
            for byte in range(size):
                self._take_backdrop(offset + byte, 1, other, at + byte, mask)

    def _split_across(self, border: int) -> None:
        """Turn a cell that reaches over *border* into bytes."""
        for start in self._overlapping(border, 1):
            width, value = self.cells[start]
            if start < border:
                del self.cells[start]
                for at, byte in enumerate(self._bytes(width, value), start):
                    self.cells[at] = (1, byte)

    def _mix(self, offset: int, other: Blob, mask: Mask) -> None:
        """Lay the backdrops of *other* at *offset* over those here, in the lanes of *mask*."""
        for new in (b.moved(offset, 0, other.size) for b in other.backdrops):
            mine = [b.moved(0, new.start, new.end) for b in self.backdrops if b.start < new.end and b.end > new.start]
            if any(not new.same_as(old) for old in mine):
                blended = [Backdrop(old.start, old.end, _blend(mask, new, old), 0) for old in mine]
            else:
                blended = []
            covered = sum(old.end - old.start for old in mine)
            if covered == new.end - new.start and not blended:
                continue
            laid = [*blended, *_gaps(new, mine)] if blended else [new]
            self.backdrops = _joined([*self._backdrops_outside(new.start, new.end), *laid])

    def arrays(self, offset: int, size: int) -> int:
        """Return how many cells of [offset, offset + size) hold an array of one value a lane."""
        return sum(isinstance(self.cells[at][1], np.ndarray) for at in self._overlapping(offset, size))

    # --- cells ----------------------------------------------------------------------------------------------------

    def _backdrops_outside(self, start: int, end: int) -> list[Backdrop]:
        kept = []
        for backdrop in self.backdrops:
            if backdrop.start < start:
                kept.append(backdrop.moved(0, 0, start))
            if backdrop.end > end:
                kept.append(backdrop.moved(0, end, self.size))
        return [b for b in kept if b.start < b.end]

    def _backdrop(self, offset: int, size: int) -> Scalar | None:
        for backdrop in self.backdrops:
            if backdrop.start <= offset and offset + size <= backdrop.end:
                return backdrop.fill(offset - backdrop.origin, size)
        return self._join(offset, size) if size > 1 and len(self.backdrops) > 1 else None

    def _overlapping(self, offset: int, size: int) -> list[int]:
        cells = self.cells
        if size + WIDEST < len(cells):
            near = [at for at in range(offset - WIDEST + 1, offset + size) if at in cells]
            return [at for at in near if at + cells[at][0] > offset]
        return [at for at, (width, _) in cells.items() if at < offset + size and offset < at + width]

    def _clear(self, offset: int, size: int) -> None:
        if not self.cells:
            return
        for start in self._overlapping(offset, size):
            width, value = self.cells.pop(start)
            if start < offset or start + width > offset + size:
                for at, byte in enumerate(self._bytes(width, value), start):
                    if not offset <= at < offset + size:
                        self.cells[at] = (1, byte)

    def _bytes(self, size: int, value: Scalar) -> list[Scalar]:
        """Return the bytes of an integer in the order of memory."""
        if isinstance(value, Unknown):
            return [Unknown(("byte", value.key, byte)) for byte in range(size)]
        shifts = [8 * (size - 1 - byte if self.big_endian else byte) for byte in range(size)]
        return [narrow(arithmetic(">>", value, shift, size, False) if shift else value, 1, False) for shift in shifts]

    def _value(self, offset: int, size: int) -> Scalar | None:
        """Return the unsigned integer at *offset*, None when a byte of it is indeterminate."""
        overlapping = self._overlapping(offset, size)
        if not overlapping:
            return self._backdrop(offset, size)
        start = overlapping[0]
        if len(overlapping) == 1 and start <= offset and offset + size <= start + self.cells[start][0]:
            return self._part_of(start, offset, size)
        return self._join(offset, size)

    def _part_of(self, start: int, offset: int, size: int) -> Scalar:
        width, value = self.cells[start]
        if isinstance(value, Unknown):
            return Unknown(("part", value.key, offset - start, size))
        inner = offset - start
        shift = 8 * (width - inner - size if self.big_endian else inner)
        return narrow(arithmetic(">>", value, shift, width, False) if shift else value, size, False)

    def _join(self, offset: int, size: int) -> Scalar | None:
        """Return the integer at *offset*, byte by byte where it is not made of whole cells."""
        result: Scalar = 0
        at, end = offset, offset + size
        while at < end:
            width, value = self._piece(at, end)
            if value is None:
                return None
            if isinstance(value, Unknown):
                return Unknown(("joined", offset, size, value.key))
            shift = 8 * (end - at - width if self.big_endian else at - offset)
            wide = value if isinstance(value, int) else value.view(np.uint64)
            result = arithmetic("|", result, arithmetic("<<", wide, shift, 8, False), 8, False)
            at += width
        return result

    def _piece(self, at: int, end: int) -> tuple[int, Scalar | None]:
        cell = self.cells.get(at)
        if cell is not None and at + cell[0] <= end:
            return cell
        overlapping = self._overlapping(at, 1)
        if overlapping:
            return 1, self._part_of(overlapping[0], at, 1)
        return 1, self._backdrop(at, 1)


def _joined(backdrops: list[Backdrop]) -> list[Backdrop]:
    """Return *backdrops* in order, those that lie side by side and hold the same as one: an array of structures that
    are stored one by one would have as many.
    """
    found: list[Backdrop] = []
    for one in sorted(backdrops, key=lambda one: one.start):
        if found and found[-1].end == one.start and found[-1].same_as(one):
            found[-1] = found[-1]._replace(end=one.end)
        else:
            found.append(one)
    return found


def _blend(mask: Mask, new: Backdrop, old: Backdrop) -> Fill:
    if new.same_as(old):
        return lambda at, size: old.fill(at - old.origin, size)

    def both(at: int, size: int) -> Scalar | None:
        first, second = new.fill(at - new.origin, size), old.fill(at - old.origin, size)
        if first is None or second is None:
            return second if first is None else first
        return choose(mask, first, second, False)

    return both


def _gaps(whole: Backdrop, parts: list[Backdrop]) -> list[Backdrop]:
    """Return the parts of *whole* that none of *parts* covers."""
    gaps, at = [], whole.start
    for part in sorted(parts, key=lambda part: part.start):
        if part.start > at:
            gaps.append(whole.moved(0, at, part.start))
        at = max(at, part.end)
    if at < whole.end:
        gaps.append(whole.moved(0, at, whole.end))
    return gaps


def merge(mask: Mask, new: Blob, old: Blob) -> Blob:
    """Return *new* in the lanes of *mask* and *old* elsewhere."""
    size = old.size
    first, second = new.cells.get(0), old.cells.get(0)
    if first is not None and second is not None and first[0] == second[0] == size == new.size:  # one integer, an entry
        result = Blob(size, old.big_endian)
        result.cells[0] = (size, choose(mask, first[1], second[1], False))
        return result
    result = old.copy()
    result.put(0, new, mask)
    return result
