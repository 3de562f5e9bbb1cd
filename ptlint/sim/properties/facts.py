"""What became of the entries of one run of a caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Layout
from ptlint.sim.machine import Record
from ptlint.sim.memory import Object
from ptlint.sim.properties.pairing import FLAGS
from ptlint.sim.session import Session
from ptlint.sim.values import Mask, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.walkruns import Walked

Raw = NDArray[np.uint64]


def known_entry(session: Session, table: Object, where: Layout, index: int, none: int) -> tuple[Raw, bool]:
    """Return the bytes of entry *index* of a table, and whether they are known: an entry for a page of unknown code is
    not, and stands as an empty one.
    """
    value = table.blob.load(where.base + index * where.size, where.width, False)
    if isinstance(value, Unknown):
        return np.full(session.machine.lanes, none, dtype=np.uint64), False
    return session.lanes_of(value), True


class Facts:
    """What became of the entries of one run: of each, its bytes at the ends in both tables and what was its own.

    ``foreign`` are those that hold what nobody knows.
    """

    def __init__(self, ran: Walked) -> None:
        self.ran = ran
        session, stage, nr = ran.session, ran.stage, ran.where.nr
        self.before = [np.ascontiguousarray(ran.batch.initial[:, i]) for i in range(nr)]
        where, none = ran.where, stage.source.none
        found = [known_entry(session, stage.source.table, where, i, none) for i in range(nr)]
        copies = [known_entry(session, stage.target, where, i, none) for i in range(nr)]
        self.after, self.copies = [raw for raw, _ in found], [raw for raw, _ in copies]
        lanes = session.machine.lanes
        self.foreign = [np.full(lanes, not (one[1] and two[1])) for one, two in zip(found, copies, strict=True)]
        self.was = [session.holds("pte_present", raw) for raw in self.before]
        self.present = [session.holds("pte_present", raw) for raw in self.after]
        self.copied = [session.holds("pte_present", raw) for raw in self.copies]
        self.moved = [copied & ~present for copied, present in zip(self.copied, self.present, strict=True)]
        self.gone = [
            was & ~present & ~copied & ~foreign
            for was, present, copied, foreign in zip(self.was, self.present, self.copied, self.foreign, strict=True)
        ]
        self.nothing = np.zeros(session.machine.lanes, dtype=bool)

    def meant(self, what: str) -> Mask:
        """Return the lanes in which a setter of that purpose was called."""
        return self.ran.grants.get(what, self.nothing)

    def places(self, index: int) -> Iterator[tuple[str, Raw, Mask]]:
        """Yield where entry *index* lives on: its bytes there, in these lanes."""
        yield "", self.after[index], self.present[index]
        yield "the copy of ", self.copies[index], self.moved[index]

    def same(self, index: int) -> Mask:
        """Return the lanes in which an entry is what it was: if present, of the same page, with the same flags."""
        session, old, new = self.ran.session, self.before[index], self.after[index]
        result: Mask = self.present[index] & self.was[index]
        result = result & (session.number("pte_pfn(pte)", old) == session.number("pte_pfn(pte)", new))
        for predicate in FLAGS:
            if session.program.has(predicate):
                result = result & (session.holds(predicate, old) == session.holds(predicate, new))
        return np.where(self.was[index], result, old == new)

    def own(self, index: int, raw: Raw, there: Mask) -> Mask:
        """Return the lanes of *there* in which *raw* maps the page that entry *index* mapped."""
        if not some(there):
            return there
        result: Mask = there & (self.ran.session.number("pte_pfn(pte)", raw) == np.uint64(self.ran.stage.pfn + index))
        return result

    def seen(self, index: int, predicate: str) -> Mask:
        """Return the lanes in which the MMU made an entry satisfy *predicate*."""
        ran, result = self.ran, self.nothing
        for record in ran.session.machine.log:
            if record.kind == "mmu" and record.data["offset"] == ran.where.base + index * ran.where.size:
                new = record.data["new"]
                assert isinstance(new, np.ndarray)
                result = result | (record.mask & ran.session.holds(predicate, new))
        return result

    def last_write(self, index: int, target: bool = False) -> Record | None:
        """Return the last write of the CPU to an entry in any lane."""
        ran = self.ran
        wanted = (ran.where.base + index * ran.where.size, target)
        for record in reversed(ran.session.machine.log):
            if record.kind == "write" and (record.data.get("offset"), record.name == "new ptep") == wanted:
                return record
        return None
