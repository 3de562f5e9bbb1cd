"""Properties of a prot-modification transaction over a batch (include/linux/pgtable.h, modify_prot_*_ptes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach, stopped
from ptlint.sim.machine import Record
from ptlint.sim.properties import batches, frozen, upgrades
from ptlint.sim.roles import entry_parameters
from ptlint.sim.values import Mask, Scalar, Unknown, distinct, some

if TYPE_CHECKING:
    from ptlint.sim.scenarios.protocol import Transacted as Ran

Raw = NDArray[np.uint64]

ROOM = 1 << 14
"""Entries of all lanes that are looked at at once."""


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
        *batches.words(ran),
        *frozen.check(ran, 0, ran.pair.start.name),
        *_upgrades(ran, misled),
    ):
        mask = breach.mask & (ran.usable if stopped(breach) else live)
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


_Touched: TypeAlias = "tuple[dict[int, Mask], dict[int, Mask]]"


def _touched(ran: Ran, since: int, until: int) -> _Touched:
    """Return, by entry, the lanes in which the MMU made it young or dirty between two records of the log."""
    session = ran.session
    young: dict[int, Mask] = {}
    dirty: dict[int, Mask] = {}
    for record in session.machine.log[since:until]:
        if record.kind != "mmu":
            continue
        offset, new = record.data["offset"], record.data["new"]
        assert isinstance(offset, int)
        assert isinstance(new, np.ndarray)
        index = offset // ran.where.size - ran.where.first
        for found, predicate in ((young, "pte_young"), (dirty, "pte_dirty")):
            here = record.mask & session.holds(predicate, new)
            found[index] = found[index] | here if index in found else here
    return young, dirty


def _faults(ran: Ran) -> Iterator[Breach]:
    for record in ran.session.machine.log:
        if record.kind == "fault":
            name = "outside" if " outside " in record.name else "fault"
            yield Breach(name, record.mask, None, record.name, "", record)


def _portions(ran: Ran) -> Iterator[range]:
    """Yield the entries of the batch, as many at a time as are looked at at once."""
    room = max(1, ROOM // ran.session.machine.lanes)
    for first in range(0, ran.where.nr, room):
        yield range(first, min(first + room, ran.where.nr))


def _returned(ran: Ran) -> Iterator[Breach]:
    """Start returns the first entry's page frame, with young and dirty of all entries.

    What the MMU set in an entry that start left valid is for commit to keep (x86 with Xen), not for start to return.
    """
    touched, writes = _touched(ran, 0, ran.commit_from), _last_writes(ran, ran.commit_from)
    for portion in _portions(ran):
        yield from _collected(ran, portion, touched, writes)
    wrong = ran.session.number("pte_pfn(pte)", ran.returned) != np.uint64(ran.colours.pfn)
    yield Breach("pfn", wrong, 0, "start returns another page frame", f"pfn {ran.colours.pfn:#x}")


def _collected(ran: Ran, portion: range, touched: _Touched, writes: dict[int, Record]) -> Iterator[Breach]:
    session = ran.session
    initial = np.ascontiguousarray(ran.batch.initial.T[portion.start : portion.stop])
    started = np.stack(ran.after_start[portion.start : portion.stop])
    live = session.valid(ran.hardware, started)
    astray = ~session.holds("pte_present", started) & ~session.holds("pte_none", started)
    for index in portion:
        left = astray[index - portion.start]
        if some(left):
            detail = f"start leaves entry {index} neither empty nor present: others take it for a swap entry"
            yield Breach("underrun", left, index, detail, "one of the two", writes.get(index), ran.pair.start.name)
    for what, predicate, seen in (("accessed", "pte_young", touched[0]), ("dirty", "pte_dirty", touched[1])):
        kept, had = session.holds(predicate, ran.returned), session.holds(predicate, initial)
        for index in portion:
            owed = had[index - portion.start]
            if index in seen:
                owed = owed | (seen[index] & ~live[index - portion.start])
            lost = owed & ~kept
            if some(lost):
                detail = f"start loses the {what} bit of an entry"
                yield Breach("accessed-dirty", lost, index, detail, what, writes.get(index), ran.pair.start.name)


def _entries(ran: Ran) -> Iterator[Breach]:
    """Every entry ends present, at its own page frame, with what commit was asked to set and what the MMU set since."""
    writes = _last_writes(ran)
    touched = _touched(ran, 0, ran.commit_from), _touched(ran, ran.commit_from, len(ran.session.machine.log))
    for portion in _portions(ran):
        yield from _committed(ran, portion, touched, writes)


def _committed(
    ran: Ran, portion: range, touched: tuple[_Touched, _Touched], writes: dict[int, Record]
) -> Iterator[Breach]:
    session, commit = ran.session, ran.pair.commit.name
    started = np.stack(ran.after_start[portion.start : portion.stop])
    raw = np.stack(ran.final[portion.start : portion.stop])
    frames = np.arange(portion.start, portion.stop, dtype=np.uint64)[:, None] + np.uint64(ran.colours.pfn)
    present, wanted_write = session.holds("pte_present", raw), session.holds("pte_write", ran.asked)
    wrong = present & (session.number("pte_pfn(pte)", raw) != frames)
    settled, write, same = present & ~wrong, session.holds("pte_write", raw), raw == started
    live, (before, after) = session.valid(ran.hardware, started), touched
    kept = [
        (at, what, session.holds(predicate, ran.asked), session.holds(predicate, raw))
        for at, (what, predicate) in enumerate((("accessed", "pte_young"), ("dirty", "pte_dirty")))
    ]
    for place, index in enumerate(portion):
        last = writes.get(index)
        if some(~present[place]):
            yield Breach("underrun", ~present[place], index, f"entry {index} is not committed", "present", None, commit)
        if some(wrong[place]):
            expected = f"pfn {ran.colours.pfn + index:#x}"
            yield Breach("pfn", wrong[place], index, f"entry {index} maps another page", expected, last)
        untouched = settled[place] & (write[place] != wanted_write) & same[place]
        if some(untouched):
            detail = f"entry {index} keeps its old protection"
            yield Breach("underrun", untouched, index, detail, "the new one", None, commit)
        gained = settled[place] & write[place] & ~wanted_write & ~same[place]
        if some(gained):
            yield Breach("permission", gained, index, f"entry {index} becomes writable unasked", "read-only", last)
        for at, what, owed, has in kept:
            if index in before[at]:
                owed = owed | (before[at][index] & live[place])
            if index in after[at]:
                owed = owed | after[at][index]
            lost = settled[place] & owed & ~has[place]
            if some(lost):
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
    given = list(_given(ran))
    room = max(1, ROOM // ran.session.machine.lanes)
    for first in range(0, len(given), room):
        yield from _own_values(ran, given[first : first + room])


_Given: TypeAlias = "tuple[Record, str, Raw, Scalar | Blob]"


def _given(ran: Ran) -> Iterator[_Given]:
    """Yield each call that commit makes with an old entry, its name, its bytes, and where it is from."""
    session = ran.session
    for record in session.machine.log[ran.commit_from :]:
        if record.kind != "call":
            continue
        names = entry_parameters(session.program, record.name)
        entries = [(name, value) for name, value in record.data.items() if name in names]
        if len(entries) < 2:
            continue
        pointer = next((v for v in record.data.values() if _points(ran, v)), None)
        if pointer is not None:
            name, old = next((pair for pair in entries if "old" in pair[0]), entries[0])
            yield record, name, session.raw(old), pointer


def _own_values(ran: Ran, given: Sequence[_Given]) -> Iterator[Breach]:
    session = ran.session
    raws = np.stack([raw for _, _, raw, _ in given])
    frames = session.number("pte_pfn(pte)", raws)
    changed = session.holds("pte_write", raws) != session.holds("pte_write", ran.returned)
    for place, (record, name, _, pointer) in enumerate(given):
        for index, mask in _indices(ran, pointer, record.mask):
            expected = ran.colours.pfn + index
            wrong = mask & ((frames[place] != np.uint64(expected)) | changed[place])
            if some(wrong):
                detail = f"{record.name}() gets {name} of another entry or protection"
                yield Breach("old-pte", wrong, index, detail, f"{name} {expected:#x}", record)


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
            if isinstance(addr, int) and addr == expected:
                continue
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
    for value in distinct(pointer[mask]):
        yield (int(value) - table.base) // where.size - where.first, mask & (pointer == value)


def _outside(ran: Ran) -> Iterator[Breach]:
    writes = _last_writes(ran)
    for index, mask in ran.batch.disturbed():
        side = "before" if index < 0 else "after"
        yield Breach("outside", mask, index, f"an entry {side} the batch is written", "untouched", writes.get(index))
