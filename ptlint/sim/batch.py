"""A batch of entries in a live page table, with the entries beside it as guards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import WIDEST, Blob, Fill
from ptlint.sim.memory import Object
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask, Scalar

TABLE_NAME = "ptep"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the batch stands: ``first`` is its first entry's index in the table, ``entries`` the table's length.

    ``addr`` is the virtual address (bytes) that entry ``first`` maps; ``page`` and ``size`` are the bytes of a page and
    of an entry, which repeats its first ``width`` bytes where it has more.
    """

    first: int
    entries: int
    addr: int
    page: int
    size: int
    nr: int
    word: int = WIDEST

    @property
    def width(self) -> int:
        """Return the bytes of what an entry says."""
        return min(self.size, self.word)

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
    return Layout(first, entries, user + first * page, page, size, nr, program.pte_word)


def filled(entry: int, width: int, big_endian: bool) -> Fill:
    """Return what fills a table with *entry*, of *width* bytes."""
    data = entry.to_bytes(width, "big" if big_endian else "little")

    def fill(offset: int, width: int) -> Scalar:
        at = offset % len(data)
        if at + width <= len(data):
            return int.from_bytes(data[at : at + width], "big" if big_endian else "little")
        return entry

    return fill


class Batch:
    """The table of one run: entry i of lane l starts as ``raw[l, i]``; everything around it is empty.

    ``kept`` are the tables that are kept for splits of huge pages, where an architecture has them behind the entries.
    """

    def __init__(self, session: Session, where: Layout, raw: NDArray[np.uint64], none: int) -> None:
        self.session = session
        self.where = where
        self.none = none
        self.initial = raw
        size, width = where.size, where.width
        big_endian = session.program.model.big_endian
        behind = kept_behind(session.program)
        blob = Blob((where.entries + behind) * size, big_endian, filled(none, width, big_endian))
        for index in range(raw.shape[1]):
            for at in range(0, size, width):
                blob.store(where.base + index * size + at, width, np.ascontiguousarray(raw[:, index]))
        self.table: Object = session.machine.memory.add(TABLE_NAME, blob, session.program.pte_type, live=True)
        self.kept: list[Object] = []
        for index in range(raw.shape[1] if behind else 0):
            kept = Blob(
                kept_bytes(session.program), big_endian, lambda _at, width: int.from_bytes(b"\1" * width, "big")
            )
            self.kept.append(session.machine.memory.add("kept table", kept))
            blob.store(where.base + (index + behind) * size, size, self.kept[-1].base)

    @property
    def ptep(self) -> int:
        """Return the address of the first entry of the batch."""
        return self.table.base + self.where.base

    def entry(self, index: int) -> NDArray[np.uint64]:
        """Return the bytes of entry *index* of the batch now, one uint64 a lane."""
        return self.word(index, 0)

    def word(self, index: int, number: int) -> NDArray[np.uint64]:
        """Return word *number* of entry *index* of the batch now, as ``entry`` returns the first."""
        width = self.where.width
        value = self.table.blob.load(self.where.base + index * self.where.size + number * width, width, False)
        return self.session.lanes_of(value)

    def uneven(self) -> list[tuple[int, int, Mask]]:
        """Return the words of entries in the batch that do not repeat the first: entry, word, and the lanes."""
        found = []
        for index in range(self.where.nr if self.where.size > self.where.width else 0):
            first = self.entry(index)
            for number in range(1, self.where.size // self.where.width):
                differs = self.word(index, number) != first
                if bool(differs.any()):
                    found.append((index, number, differs))
        return found

    def disturbed(self) -> list[tuple[int, Mask]]:
        """Return the entries outside the batch that are no longer empty, with the lanes."""
        found = []
        size, nr = self.where.size, self.where.nr
        for offset in sorted(self.table.blob.cells):
            index = offset // size - self.where.first
            if 0 <= index < nr or offset >= self.where.entries * size:
                continue
            changed = self.entry(index) != np.uint64(self.none)
            if bool(changed.any()):
                found.append((index, changed))
        return found


def kept_behind(program: Program) -> int:
    """Return how many entries behind that of a huge page the table stands which is kept for its split; 0 where it is
    kept elsewhere (``[mmu] kept_behind`` of the profile).
    """
    where = program.mmu.get("kept_behind") if program.level == "pmd" else None
    return 0 if where is None else program.constant(where["entries"])


def kept_bytes(program: Program) -> int:
    """Return the bytes of such a table."""
    return program.constant(program.mmu["kept_behind"]["bytes"])


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
