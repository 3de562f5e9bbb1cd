"""The bytes of a structure, union or object as typed cells: what was stored at an offset is what is loaded there.

A load that fits a cell is that cell; one that does not (a union seen through another member, half of a two-word PTE) is
put together from the cells it overlaps, in the byte order of the machine.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ptlint.sim.errors import CannotExecute
from ptlint.sim.values import Mask, Scalar, Unknown, arithmetic, choose, narrow

Fill = Callable[[int, int], "Scalar | None"]


class Blob:
    """Cells by offset, each a size in bytes and an integer. ``fill`` supplies what was never stored.

    ``fill(offset, size)`` returns the value of bytes that no store reached, or None when they are indeterminate.
    """

    __slots__ = ("big_endian", "cells", "fill", "size")

    def __init__(self, size: int, big_endian: bool, fill: Fill | None = None) -> None:
        self.size = size
        self.big_endian = big_endian
        self.fill = fill
        self.cells: dict[int, tuple[int, Scalar]] = {}

    def copy(self) -> Blob:
        """Return a blob that changes apart from this one."""
        twin = Blob(self.size, self.big_endian, self.fill)
        twin.cells = dict(self.cells)
        return twin

    def load(self, offset: int, size: int, signed: bool) -> Scalar:
        """Return the integer of *size* bytes at *offset*. Raises CannotExecute for indeterminate bytes."""
        cell = self.cells.get(offset)
        if cell is not None and cell[0] == size:
            return narrow(cell[1], size, signed)
        value = self._compose(offset, size)
        self.cells.setdefault(offset, (size, value)) if not self._overlapping(offset, size) else None
        return narrow(value, size, signed)

    def store(self, offset: int, size: int, value: Scalar, mask: Mask | None = None) -> None:
        """Store *size* bytes at *offset*, in the lanes of *mask* only when one is given."""
        value = narrow(value, size, False)
        cell = self.cells.get(offset)
        if cell is not None and cell[0] == size:
            self.cells[offset] = (size, value if mask is None else choose(mask, value, cell[1], False))
            return
        if mask is not None:
            old = self._try_compose(offset, size)
            if old is not None:
                value = choose(mask, value, old, False)
        self._clear(offset, size)
        self.cells[offset] = (size, value)

    def sub(self, offset: int, size: int) -> Blob:
        """Return a copy of the bytes [offset, offset + size) as a blob of its own."""
        for start, (width, _) in list(self.cells.items()):
            if (start < offset < start + width) or (start < offset + size < start + width):
                self._split(start)
        fill = self.fill
        part = Blob(size, self.big_endian, (lambda at, width: fill(offset + at, width)) if fill else None)
        part.cells = {start - offset: cell for start, cell in self.cells.items() if offset <= start < offset + size}
        return part

    def put(self, offset: int, other: Blob, mask: Mask | None = None) -> None:
        """Store another blob at *offset*."""
        if mask is None:
            self._clear(offset, other.size)
            fill = other.fill
            for start, cell in other.cells.items():
                self.cells[offset + start] = cell
            if fill is not None:
                self._adopt(offset, other.size, fill)
            return
        for start, (size, value) in other.cells.items():
            self.store(offset + start, size, value, mask)

    def _adopt(self, offset: int, size: int, fill: Fill) -> None:
        mine = self.fill

        def both(at: int, width: int) -> Scalar | None:
            if offset <= at and at + width <= offset + size:
                return fill(at - offset, width)
            return mine(at, width) if mine else None

        self.fill = both

    def _overlapping(self, offset: int, size: int) -> list[int]:
        return [at for at, (width, _) in self.cells.items() if at < offset + size and offset < at + width]

    def _clear(self, offset: int, size: int) -> None:
        for start in self._overlapping(offset, size):
            width = self.cells[start][0]
            if start < offset or start + width > offset + size:
                self._split(start)
        for start in self._overlapping(offset, size):
            del self.cells[start]

    def _split(self, start: int) -> None:
        """Turn a cell into cells of one byte each."""
        size, value = self.cells.pop(start)
        if isinstance(value, Unknown):
            for byte in range(size):
                self.cells[start + byte] = (1, Unknown(("byte", value.key, byte)))
            return
        for byte in range(size):
            shift = 8 * (size - 1 - byte if self.big_endian else byte)
            part = arithmetic(">>", value, shift, size, False) if shift else value
            self.cells[start + byte] = (1, narrow(part, 1, False))

    def _try_compose(self, offset: int, size: int) -> Scalar | None:
        try:
            return self._compose(offset, size)
        except CannotExecute:
            return None

    def _compose(self, offset: int, size: int) -> Scalar:
        overlapping = self._overlapping(offset, size)
        if not overlapping:
            value = self.fill(offset, size) if self.fill else None
            if value is None:
                raise CannotExecute("reads bytes that were never written")
            return value
        whole = next((at for at in overlapping if at <= offset and offset + size <= at + self.cells[at][0]), None)
        if whole is not None:
            return self._part_of(whole, offset, size)
        return self._join(offset, size)

    def _part_of(self, start: int, offset: int, size: int) -> Scalar:
        width, value = self.cells[start]
        if isinstance(value, Unknown):
            return Unknown(("part", value.key, offset - start, size))
        inner = offset - start
        shift = 8 * (width - inner - size if self.big_endian else inner)
        return narrow(arithmetic(">>", value, shift, width, False) if shift else value, size, False)

    def _join(self, offset: int, size: int) -> Scalar:
        result: Scalar = 0
        at = offset
        while at < offset + size:
            width, value = self._piece(at, offset + size)
            if isinstance(value, Unknown):
                return Unknown(("joined", offset, size, value.key))
            shift = 8 * (offset + size - at - width if self.big_endian else at - offset)
            wide = value if isinstance(value, int) else value.view(np.uint64)
            result = arithmetic("|", result, arithmetic("<<", wide, shift, 8, False), 8, False)
            at += width
        return result

    def _piece(self, at: int, end: int) -> tuple[int, Scalar]:
        cell = self.cells.get(at)
        if cell is not None and at + cell[0] <= end:
            return cell
        for start, (width, _) in self.cells.items():
            if start < at < start + width or (start == at and start + width > end):
                size = min(start + width, end) - at
                return size, self._part_of(start, at, size)
        value = self.fill(at, 1) if self.fill else None
        if value is None:
            raise CannotExecute("reads bytes that were never written")
        return 1, value


def merge(mask: Mask, new: Blob, old: Blob) -> Blob:
    """Return *new* in the lanes of *mask* and *old* elsewhere."""
    result = old.copy()
    result.put(0, new, mask)
    return result
