"""Properties of a prot-modification transaction over a batch (include/linux/pgtable.h, modify_prot_*_ptes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.properties import frozen, upgrades
from ptlint.sim.roles import entry_parameters
from ptlint.sim.values import Mask, Scalar, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.scenarios.protocol import Transacted as Ran

Raw = NDArray[np.uint64]


def check(ran: Ran) -> Iterator[Breach]:
    """Yield every broken property of one run."""
    live = ran.usable & ~_stopped(ran)
    misled = list(_old_values(ran))
    for breach in (
        *_faults(ran),
        *_returned(ran),
        *_entries(ran),
        *misled,
        *_addresses(ran),
        *_outside(ran),
        *frozen.check(ran, 0, ran.pair.start.name),
        *_upgrades(ran, misled),
    ):
        mask = breach.mask & (ran.usable if breach.property == "fault" else live)
        if some(mask):
            breach.mask = mask
            yield breach


def _upgrades(ran: Ran, misled: Sequence[Breach]) -> Iterator[Breach]:
    """A flush that is missed because a commit got a wrong old value is a part of that breach."""
    for breach in upgrades.check(ran):
        for wrong in misled:
            breach.mask = breach.mask & ~wrong.mask
        yield breach


def _stopped(ran: Ran) -> Mask:
    dead = ran.session.machine.dead
    return np.zeros(ran.session.machine.lanes, dtype=bool) if dead is None else dead


_Touched: TypeAlias = "tuple[list[Mask], list[Mask]]"


def _touched(ran: Ran, since: int, until: int) -> _Touched:
    """Return, entry by entry, the lanes in which the MMU made it young or dirty between two records of the log."""
    session = ran.session
    nothing = np.zeros(session.machine.lanes, dtype=bool)
    young, dirty = [nothing] * ran.where.nr, [nothing] * ran.where.nr
    for record in session.machine.log[since:until]:
        if record.kind != "mmu":
            continue
        offset, new = record.data["offset"], record.data["new"]
        assert isinstance(offset, int)
        assert isinstance(new, np.ndarray)
        index = offset // ran.where.size - ran.where.first
        young[index] = young[index] | (record.mask & session.holds("pte_young", new))
        dirty[index] = dirty[index] | (record.mask & session.holds("pte_dirty", new))
    return young, dirty


def _faults(ran: Ran) -> Iterator[Breach]:
    for record in ran.session.machine.log:
        if record.kind == "fault":
            name = "outside" if " outside " in record.name else "fault"
            yield Breach(name, record.mask, None, record.name, "", record)


def _returned(ran: Ran) -> Iterator[Breach]:
    """Start returns the first entry's page frame, with young and dirty of all entries.

    What the MMU set in an entry that start left valid is for commit to keep (x86 with Xen), not for start to return.
    """
    session = ran.session
    touched, writes = _touched(ran, 0, ran.commit_from), _last_writes(ran, ran.commit_from)
    initial = [np.ascontiguousarray(ran.batch.initial[:, index]) for index in range(ran.where.nr)]
    for what, predicate, seen in (("accessed", "pte_young", touched[0]), ("dirty", "pte_dirty", touched[1])):
        kept = session.holds(predicate, ran.returned)
        for index in range(ran.where.nr):
            live = session.valid(ran.hardware, ran.after_start[index])
            owed = session.holds(predicate, initial[index]) | (seen[index] & ~live)
            step = writes.get(index)
            detail = f"start loses the {what} bit of an entry"
            yield Breach("accessed-dirty", owed & ~kept, index, detail, what, step, ran.pair.start.name)
    wrong = session.number("pte_pfn(pte)", ran.returned) != np.uint64(ran.colours.pfn)
    yield Breach("pfn", wrong, 0, "start returns another page frame", f"pfn {ran.colours.pfn:#x}")


def _entries(ran: Ran) -> Iterator[Breach]:
    """Every entry ends present, at its own page frame, with what commit was asked to set and what the MMU set since."""
    session = ran.session
    wanted_write = session.holds("pte_write", ran.asked)
    writes, commit = _last_writes(ran), ran.pair.commit.name
    touched = _touched(ran, 0, ran.commit_from), _touched(ran, ran.commit_from, len(session.machine.log))
    for index in range(ran.where.nr):
        raw, started, last = ran.final[index], ran.after_start[index], writes.get(index)
        present = session.holds("pte_present", raw)
        yield Breach("underrun", ~present, index, f"entry {index} is not committed", "present", None, commit)
        expected = ran.colours.pfn + index
        wrong = present & (session.number("pte_pfn(pte)", raw) != np.uint64(expected))
        yield Breach("pfn", wrong, index, f"entry {index} maps another page", f"pfn {expected:#x}", last)
        settled, write = present & ~wrong, session.holds("pte_write", raw)
        same = raw == started
        untouched = settled & (write != wanted_write) & same
        yield Breach(
            "underrun", untouched, index, f"entry {index} keeps its old protection", "the new one", None, commit
        )
        gained = settled & write & ~wanted_write & ~same
        yield Breach("permission", gained, index, f"entry {index} becomes writable unasked", "read-only", last)
        yield from _bits_kept(ran, index, settled, last, touched)


def _bits_kept(
    ran: Ran, index: int, settled: Mask, last: Record | None, touched: tuple[_Touched, _Touched]
) -> Iterator[Breach]:
    session, raw = ran.session, ran.final[index]
    live = session.valid(ran.hardware, ran.after_start[index])
    before, after = touched
    for at, (what, predicate) in enumerate((("accessed", "pte_young"), ("dirty", "pte_dirty"))):
        owed = session.holds(predicate, ran.asked) | (before[at][index] & live) | after[at][index]
        lost = settled & owed & ~session.holds(predicate, raw)
        yield Breach("accessed-dirty", lost, index, f"entry {index} loses its {what} bit", what, last)


def _last_writes(ran: Ran, until: int | None = None) -> dict[int, Record]:
    """Return the last write of the CPU to each entry in any lane, before record *until* of the log if given."""
    where = ran.where
    return {
        record.data["offset"] // where.size - where.first: record
        for record in ran.session.machine.log[:until]
        if record.kind == "write" and isinstance(record.data["offset"], int)
    }


def _old_values(ran: Ran) -> Iterator[Breach]:
    """Every per-entry commit gets the entry's own old value: its page frame, the protection before the change."""
    session = ran.session
    wanted_write = session.holds("pte_write", ran.returned)
    for record in session.machine.log[ran.commit_from :]:
        if record.kind != "call":
            continue
        names = entry_parameters(session.program, record.name)
        entries = [(name, value) for name, value in record.data.items() if name in names]
        pointer = next((v for v in record.data.values() if _points(ran, v)), None)
        if len(entries) < 2 or pointer is None:
            continue
        name, old = next((pair for pair in entries if "old" in pair[0]), entries[0])
        raw = session.raw(old)
        for index, mask in _indices(ran, pointer, record.mask):
            expected = ran.colours.pfn + index
            stale = session.number("pte_pfn(pte)", raw) != np.uint64(expected)
            changed = session.holds("pte_write", raw) != wanted_write
            yield Breach(
                "old-pte",
                mask & (stale | changed),
                index,
                f"{record.name}() gets {name} of another entry or protection",
                f"{name} {expected:#x}",
                record,
            )


def _addresses(ran: Ran) -> Iterator[Breach]:
    """A hook that takes both sees the address of the entry it gets."""
    where = ran.where
    for record in ran.session.machine.log:
        if record.kind != "call":
            continue
        pointer = next((v for v in record.data.values() if _points(ran, v)), None)
        named = (v for n, v in record.data.items() if "addr" in n and not isinstance(v, Blob))
        addr = next((v for v in named if not _points(ran, v)), None)
        if pointer is None or addr is None or isinstance(addr, Unknown) or _points(ran, addr):
            continue
        for index, mask in _indices(ran, pointer, record.mask):
            expected = where.addr + index * where.page
            wrong = mask & (ran.session.lanes_of(addr) != np.uint64(expected))
            detail = f"{record.name}() gets the address of another entry"
            yield Breach("address", wrong, index, detail, f"{expected:#x}", record)


def _points(ran: Ran, value: Scalar | Blob) -> bool:
    if isinstance(value, (Blob, Unknown)):
        return False
    table = ran.batch.table
    first = value if isinstance(value, int) else int(value[0])
    return table.base <= first < table.base + table.blob.size


def _indices(ran: Ran, pointer: Scalar | Blob, mask: Mask) -> Iterator[tuple[int, Mask]]:
    """Yield the entry indices that a pointer names, with their lanes."""
    assert not isinstance(pointer, (Blob, Unknown))
    table, where = ran.batch.table, ran.where
    if isinstance(pointer, int):
        yield (pointer - table.base) // where.size - where.first, mask
        return
    for value in np.unique(pointer[mask]):
        yield (int(value) - table.base) // where.size - where.first, mask & (pointer == value)


def _outside(ran: Ran) -> Iterator[Breach]:
    writes = _last_writes(ran)
    for index, mask in ran.batch.disturbed():
        side = "before" if index < 0 else "after"
        yield Breach("outside", mask, index, f"an entry {side} the batch is written", "untouched", writes.get(index))
