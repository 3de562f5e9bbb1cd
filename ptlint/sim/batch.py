"""A batch of entries in a live page table, with the entries beside it as guards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.memory import Object
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask, Scalar

TABLE_NAME = "ptep"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the batch stands: ``first`` is its first entry's index in the table, ``entries`` the table's length.

    ``addr`` is the virtual address (bytes) that entry ``first`` maps; ``page`` and ``size`` are the bytes of a page and
    of an entry.
    """

    first: int
    entries: int
    addr: int
    page: int
    size: int
    nr: int

    @property
    def base(self) -> int:
        """Return the byte offset of the batch in the table."""
        return self.first * self.size

    def index(self, offset: Scalar) -> Scalar:
        """Return the index in the batch of a byte offset in the table (negative before it)."""
        if isinstance(offset, int):
            return offset // self.size - self.first
        assert isinstance(offset, np.ndarray)
        return (offset.view(np.int64) // self.size) - self.first


def layout(program: Program, nr: int, first: int) -> Layout:
    """Return the layout for a batch of *nr* entries at index *first* of its table."""
    page = program.mapped
    size = program.pte_size
    entries = max(64, 1 << (first + nr + 16).bit_length())
    user = 0x7F00_0000_0000 if program.model.pointer_size == 8 else 0x4000_0000
    return Layout(first, entries, user + first * page, page, size, nr)


class Batch:
    """The table of one run: entry i of lane l starts as ``raw[l, i]``; everything around it is empty."""

    def __init__(self, session: Session, where: Layout, raw: NDArray[np.uint64], none: int) -> None:
        self.session = session
        self.where = where
        self.none = none
        self.initial = raw
        size = where.size
        big_endian = session.program.model.big_endian
        data = none.to_bytes(size, "big" if big_endian else "little")

        def fill(offset: int, width: int) -> Scalar:  # without the session, which would hold itself by it
            at = offset % size
            if at + width <= size:
                return int.from_bytes(data[at : at + width], "big" if big_endian else "little")
            return none

        blob = Blob(where.entries * size, session.program.model.big_endian, fill)
        for index in range(raw.shape[1]):
            blob.store(where.base + index * size, size, np.ascontiguousarray(raw[:, index]))
        self.table: Object = session.machine.memory.add(TABLE_NAME, blob, session.program.pte_type, live=True)

    @property
    def ptep(self) -> int:
        """Return the address of the first entry of the batch."""
        return self.table.base + self.where.base

    def entry(self, index: int) -> NDArray[np.uint64]:
        """Return the bytes of entry *index* of the batch now, one uint64 a lane."""
        value = self.table.blob.load(self.where.base + index * self.where.size, self.where.size, False)
        return self.session.lanes_of(value)

    def disturbed(self) -> list[tuple[int, Mask]]:
        """Return the entries outside the batch that are no longer empty, with the lanes."""
        found = []
        size, nr = self.where.size, self.where.nr
        for offset in sorted(self.table.blob.cells):
            index = offset // size - self.where.first
            if 0 <= index < nr:
                continue
            changed = self.entry(index) != np.uint64(self.none)
            if bool(changed.any()):
                found.append((index, changed))
        return found


def none_of(program: Program) -> int:
    """Return the bytes of an empty entry: 0 where ``pte_none()`` holds for them, else what ``pte_clear()`` leaves."""
    session = Session(program, 1)
    zero = np.zeros(1, dtype=np.uint64)
    empty = bool(session.holds("pte_none", zero).all())
    program.settle(session.machine.asked)
    if empty:
        return 0
    where = layout(program, 1, 16)
    batch = Batch(session, where, zero.reshape(1, 1), 0)
    mm = session.opaque("mm", "struct mm_struct")
    session.do(
        "pte_clear(mm, addr, ptep)",
        mm=("struct mm_struct *", mm),
        addr=("unsigned long", where.addr),
        ptep=("pte_t *", batch.ptep),
    )
    return int(batch.entry(0)[0])
