"""Transactions of a caller, entry by entry: what is started is committed once, with its own old value, before the lock
is dropped (include/linux/pgtable.h, ptep_modify_prot_start()).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.roles import entry_parameters
from ptlint.sim.stage import distance
from ptlint.sim.values import Mask, Scalar, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.walkruns import Walked

FLAGS = ("pte_write", "pte_young", "pte_dirty", "pte_soft_dirty", "pte_uffd")


@dataclass(slots=True)
class _Entry:
    """One entry: the lanes in which it is started, what start returned for it, how far it is from the first of that
    start, and which step started it.
    """

    open: Mask
    old: NDArray[np.uint64]
    after: NDArray[np.int64]
    record: Record | None = None


class Ledger:
    """The transactions of one run, read off its log."""

    def __init__(self, ran: Walked) -> None:
        self.ran = ran
        lanes = ran.session.machine.lanes
        none = np.zeros(lanes, dtype=bool)
        self.entries = [
            _Entry(none, np.zeros(lanes, dtype=np.uint64), np.zeros(lanes, dtype=np.int64)) for _ in range(ran.where.nr)
        ]
        self.started, self.committed = none, none
        self.found: list[Breach] = []
        self._pending: list[tuple[Record, list[tuple[int, Mask]]]] = []
        names = ran.starts | ran.commits
        for record in ran.session.machine.log:
            if any(name in names for name, _ in record.stack):
                continue
            if record.kind == "call" and record.name in ran.starts:
                self._start(record)
            elif record.kind == "return" and record.name in ran.starts:
                self._returned(record)
            elif record.kind == "call" and record.name in ran.commits:
                self._commit(record)
            elif record.kind == "unlock":
                self._end(record, "when the lock is dropped")

    def breaches(self) -> Iterator[Breach]:
        """Yield what breaks a transaction; nothing where the function only starts, or only commits, for its caller."""
        if self.is_part:
            return
        self._end(None, "at the end")
        yield from self.found

    @property
    def is_part(self) -> bool:
        """Return whether the function commits what its caller has started, or starts what its caller will commit."""
        starts, commits = some(self.started), some(self.committed)
        if starts == commits:
            return False
        roles = entry_parameters(self.ran.session.program, self.ran.walk.name, self.ran.walk.path)
        return bool(roles) if commits else self.ran.walk.returns_entry

    def _covered(self, record: Record) -> list[tuple[int, Mask]]:
        """Return the entries that a call names, with the lanes."""
        ran = self.ran
        table = ran.stage.source.table
        pointer = next((v for v in record.data.values() if points(v, table.base, table.blob.size, record.mask)), None)
        if pointer is None or isinstance(pointer, (Blob, Unknown)):
            return []
        count = next(
            (v for n, v in record.data.items() if n.startswith("nr") and not isinstance(v, (Blob, Unknown))), 1
        )
        lanes = ran.session.machine.lanes
        first = distance(pointer, table.base, lanes) // ran.where.size - ran.where.first
        number = np.broadcast_to(np.asarray(count, dtype=np.int64), (lanes,))
        found = []
        for index in range(ran.where.nr):
            mask = record.mask & (first <= index) & (index < first + number)
            if some(mask):
                found.append((index, mask))
        return found

    def _start(self, record: Record) -> None:
        covered = self._covered(record)
        self.started = self.started | record.mask
        for at, (index, mask) in enumerate(covered):
            entry = self.entries[index]
            twice = mask & entry.open
            self._note(twice, index, f"entry {index} is started again before it is committed", record)
            entry.open = entry.open | mask
            earlier = np.zeros(mask.shape, dtype=np.int64)
            for _, other in covered[:at]:
                earlier = earlier + (other & mask)
            entry.after = np.where(mask, earlier, entry.after)
            entry.record = record
        self._pending.append((record, covered))

    def _returned(self, record: Record) -> None:
        match = next((one for one in reversed(self._pending) if one[0].name == record.name), None)
        value = record.data["value"]
        if match is None or isinstance(value, Unknown):
            return
        self._pending.remove(match)
        raw = self.ran.session.raw(value)
        for index, mask in match[1]:
            entry = self.entries[index]
            entry.old = np.where(mask, raw, entry.old)

    def _commit(self, record: Record) -> None:
        self.committed = self.committed | record.mask
        covered = self._covered(record)
        for at, (index, mask) in enumerate(covered):
            entry = self.entries[index]
            unstarted = mask & ~entry.open
            self._note(
                unstarted, index, f"entry {index} is committed, and was not started or is committed already", record
            )
            first = mask.copy()
            for _, other in covered[:at]:
                first &= ~other
            self._old_value(record, index, first & entry.open)
            entry.open = entry.open & ~mask

    def _old_value(self, record: Record, index: int, mask: Mask) -> None:
        """The old value of a commit is that of its first entry, as start returned it."""
        if not some(mask):
            return
        session, entry = self.ran.session, self.entries[index]
        names = entry_parameters(session.program, record.name)
        new = next((value for name, value in record.data.items() if name in names and "old" not in name), None)
        if new is not None and not isinstance(new, Unknown):
            raw = session.raw(new)
            other = session.number("pte_pfn(pte)", raw) != np.uint64(self.ran.stage.pfn + index)
            detail = f"{record.name}() makes entry {index} map another page"
            self.found.append(Breach("pfn", mask & other, index, detail, "the same page", record))
        given = [(name, value) for name, value in record.data.items() if name in names]
        if len(given) < 2:
            return
        name, old = next((pair for pair in given if "old" in pair[0]), given[0])
        if isinstance(old, Unknown):
            return
        raw = session.raw(old)
        expected = self.ran.stage.pfn + index
        wrong = session.number("pte_pfn(pte)", raw) != np.uint64(expected)
        for predicate in FLAGS:
            if session.program.has(predicate):
                wrong |= session.holds(predicate, raw) != session.holds(predicate, entry.old)
        detail = f"{record.name}() gets {name} that is not what start returned for entry {index}"
        self.found.append(Breach("old-pte", mask & wrong, index, detail, f"{name} {expected:#x}", record))

    def _end(self, record: Record | None, when: str) -> None:
        for index, entry in enumerate(self.entries):
            left = entry.open if record is None else entry.open & record.mask
            self._note(left, index, f"entry {index} is started and not committed {when}", entry.record)
            entry.open = entry.open & ~left

    def _note(self, mask: Mask, index: int, detail: str, record: Record | None) -> None:
        if some(mask):
            self.found.append(Breach("pairing", mask, index, detail, "committed once", record))


def points(value: Scalar | Blob, base: int, size: int, mask: Mask) -> bool:
    """Return whether a value is a pointer into the object of *size* bytes at *base*, in the lanes of *mask*."""
    if isinstance(value, (Blob, Unknown)):
        return False
    first = value if isinstance(value, int) else int(value[int(mask.argmax())])
    return base <= first < base + size
