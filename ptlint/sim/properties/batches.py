"""Properties of the batch helpers, by what each kind promises (the comments in include/linux/pgtable.h)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.algebra.states import protections_of
from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach, stopped
from ptlint.sim.machine import Record
from ptlint.sim.properties import frozen, owed, torn, upgrades
from ptlint.sim.tlb import covers, leftovers, touches
from ptlint.sim.values import Mask, Scalar, Unknown

if TYPE_CHECKING:
    from ptlint.sim.driving import Ran
    from ptlint.sim.scenarios.batches import Batched

Raw = NDArray[np.uint64]
BITS = (("accessed", "pte_young"), ("dirty", "pte_dirty"))


def check(ran: Batched) -> Iterator[Breach]:
    """Yield every broken property of one run."""
    live: Iterable[Breach] = frozen.check(ran, ran.called_from, ran.form.name) if ran.kind != "clear" else ()
    if ran.kind == "collect":  # where the whole address space goes, nothing uses a valid entry
        live = (replace(one, mask=one.mask & ~_whole(ran)) for one in live)
    granted = upgrades.check(ran) if ran.kind == "access" else ()
    found = (
        *_by_kind(ran),
        *_addresses(ran),
        *_neighbours(ran),
        *words(ran),
        *empty_flushes(ran, ran.called_from),
        *misplaced_flushes(ran, ran.called_from),
        *_parts(ran),
    )
    for breach in (*_faults(ran), *found, *torn.check(ran), *live, *granted):
        mask = breach.mask & (ran.usable if stopped(breach) else ran.live)
        if bool(mask.any()):
            breach.mask = mask
            breach.suspect = breach.suspect or ran.form.name
            if not bool((mask & ~_whole(ran)).any()):
                breach.detail += " where the whole address space goes"
            yield breach


def _whole(ran: Batched) -> Mask:
    """Return the lanes in which the helper is told that the whole address space goes."""
    nothing = np.zeros(ran.session.machine.lanes, dtype=bool)
    return ran.lanes.request == 1 if ran.kind in ("collect", "clear") else nothing


def _by_kind(ran: Batched) -> Iterator[Breach]:
    match ran.kind:
        case "set":
            yield from _set(ran)
        case "collect" | "clear":
            yield from _cleared(ran)
            if ran.kind == "collect":
                yield from _collected(ran)
                yield from _kept_tables(ran)
                yield from _returned(ran)
                yield from owed.check(ran, ~_whole(ran))
                yield from _flushed_in_vain(ran)
            if "clear_flush" in ran.form.name:
                yield from _flushed(ran)
        case "invalidate" | "establish":
            yield from _invalidated(ran)
            yield from _collected(ran)
            yield from _returned(ran)
            yield from owed.check(ran)
            if not ran.form.name.endswith("_ad") and ran.kind == "invalidate":
                yield from _flushed(ran)
        case "wrprotect":
            yield from _kept(ran, write=False, bits=BITS)
            yield from owed.check(ran)
        case "youngdirty":
            yield from _young_dirty(ran)
        case "young":
            yield from _young(ran)
        case "get":
            yield from _got(ran)
        case "access":
            yield from _accessed(ran)


def words(ran: Ran) -> Iterator[Breach]:
    """An entry of several words says the same in each: the hardware reads all of them (powerpc 8xx)."""
    for index, number, mask in ran.batch.uneven():
        detail = f"word {number} of entry {index} is not what the first one is"
        yield Breach("underrun", mask, index, detail, "as the first", None)


def _kept_tables(ran: Batched) -> Iterator[Breach]:
    """The table that is kept for the split of an entry which is taken away says nothing of it any more."""
    for index, kept in enumerate(ran.batch.kept[: ran.where.nr]):
        for at in (0, kept.blob.size - 8):
            left = ran.session.lanes_of(kept.blob.load(at, 8, False)) != 0
            detail = f"the table that is kept for entry {index} is not cleared"
            yield Breach("underrun", left, index, detail, "zeros", last_write(ran, index))


def _faults(ran: Batched) -> Iterator[Breach]:
    for record in ran.session.machine.log:
        if record.kind == "fault":
            yield Breach(
                "outside" if " outside " in record.name else "fault", record.mask, None, record.name, "", record
            )


def seen(ran: Batched, index: int, predicate: str) -> Mask:
    """Return the lanes in which the MMU made entry *index* satisfy *predicate* during the call."""
    result = np.zeros(ran.session.machine.lanes, dtype=bool)
    for record in ran.session.machine.log[ran.called_from :]:
        if record.kind == "mmu" and record.data["offset"] == ran.where.base + index * ran.where.size:
            new = record.data["new"]
            assert isinstance(new, np.ndarray)
            result |= record.mask & ran.session.holds(predicate, new)
    return result


def last_write(ran: Batched, index: int) -> Record | None:
    """Return the last write of the CPU to entry *index* in any lane."""
    for record in reversed(ran.session.machine.log[ran.called_from :]):
        offset = record.data.get("offset")
        if record.kind == "write" and offset == ran.where.base + index * ran.where.size:
            return record
    return None


def _set(ran: Batched) -> Iterator[Breach]:
    """Entry i is the value with the PFN advanced by i, everything else copied."""
    session = ran.session
    for index in range(ran.where.nr):
        raw, last = ran.final[index], last_write(ran, index)
        present = session.holds("pte_present", raw)
        yield Breach("underrun", ~present, index, f"entry {index} is not set", "present", None)
        expected = ran.pfn + index
        wrong = present & (session.number("pte_pfn(pte)", raw) != np.uint64(expected))
        yield Breach("pfn", wrong, index, f"entry {index} maps another page", f"pfn {expected:#x}", last)
        settled = present & ~wrong
        write, wanted = session.holds("pte_write", raw), session.holds("pte_write", ran.asked)
        yield Breach("permission", settled & write & ~wanted, index, f"entry {index} is writable unasked", "R", last)
        yield Breach("underrun", settled & ~write & wanted, index, f"entry {index} is not writable", "W", last)
        for what, predicate in BITS:
            lost = settled & session.holds(predicate, ran.asked) & ~session.holds(predicate, raw)
            yield Breach("accessed-dirty", lost, index, f"entry {index} loses its {what} bit", what, last)
    yield from _flushed_alike(ran)


def _flushed_alike(ran: Batched) -> Iterator[Breach]:
    """A setter that tells the TLB of the first entry tells it of all."""
    flushes = [record for record in ran.session.machine.log[ran.called_from :] if record.kind == "flush"]
    told: list[Mask] = []
    for index in range(ran.where.nr if flushes else 0):
        covered = np.zeros(ran.session.machine.lanes, dtype=bool)
        for record in flushes:
            covered |= record.mask & covers(ran, record, ran.where.addr + index * ran.where.page)
        told.append(covered)
        detail = f"no flush takes in entry {index} as one takes in entry 0"
        yield Breach("flush", told[0] & ~covered, index, detail, "flushed", flushes[-1])


def empty_flushes(ran: Ran, called_from: int) -> Iterator[Breach]:
    """A flush from a start to an end takes something in."""
    for record, first, end in _ranges(ran, called_from):
        empty = record.mask & (first == end)
        yield Breach("flush", empty, None, f"{record.name}() ends where it begins: nothing is flushed", "", record)


def misplaced_flushes(ran: Ran, called_from: int) -> Iterator[Breach]:
    """A flush behind changes of entries takes one of those in."""
    where, written = ran.where, list[tuple[int, Mask]]()
    for record in ran.session.machine.log[called_from:]:
        offset, old, new = (record.data.get(key) for key in ("offset", "old", "new"))
        if record.kind == "write" and isinstance(offset, int):
            known = (
                old is not None and new is not None and not isinstance(old, Unknown) and not isinstance(new, Unknown)
            )
            changed = record.mask & (ran.session.raw(old) != ran.session.raw(new)) if known else record.mask
            written.append((where.addr + (offset - where.base) // where.size * where.page, changed))
        elif record.kind == "flush" and written:
            amiss = record.mask & reduce(or_, (mask for _, mask in written))
            for addr, mask in written if bool(amiss.any()) else ():
                amiss = amiss & ~(mask & touches(ran, record, addr))
            detail = f"{record.name}() takes in none of the entries that have changed"
            yield Breach("flush", amiss, None, detail, "the entries that have changed", record)


def _parts(ran: Batched) -> Iterator[Breach]:
    """A flush that takes in the beginning of what an entry maps takes in all of it."""
    if ran.session.program.level == "pte":
        return
    addr, size = np.uint64(ran.where.addr), np.uint64(ran.where.page)
    for record, first, end in _ranges(ran, ran.called_from):
        part = record.mask & (first <= addr) & (addr < end) & (end < addr + size)
        yield Breach("flush", part, 0, f"{record.name}() takes in a part of what the entry maps", "all of it", record)


def _ranges(ran: Ran, called_from: int) -> Iterator[tuple[Record, Raw, Raw]]:
    """Yield the flushes from a start to an end, with both."""
    for record in ran.session.machine.log[called_from:]:
        ends = [one for one in (record.data.get("start"), record.data.get("end")) if isinstance(one, (int, np.ndarray))]
        if record.kind == "flush" and len(ends) == 2:
            yield record, ran.session.lanes_of(ends[0]), ran.session.lanes_of(ends[1])


def _cleared(ran: Batched) -> Iterator[Breach]:
    """Each entry is empty: one that only is not present would be taken for a swap entry."""
    for index in range(ran.where.nr):
        left = ~ran.session.holds("pte_none", ran.final[index])
        yield Breach("underrun", left, index, f"entry {index} is not cleared", "none", None)


def _collected(ran: Batched) -> Iterator[Breach]:
    """The first entry is returned with young and dirty of all, also what the MMU set before each was cleared."""
    session = ran.session
    wrong = session.number("pte_pfn(pte)", ran.returned) != np.uint64(ran.pfn)
    yield Breach("pfn", wrong, 0, "another page frame than the first is returned", f"pfn {ran.pfn:#x}", None)
    for what, predicate in BITS:
        kept = session.holds(predicate, ran.returned)
        for index in range(ran.where.nr):
            owed = session.holds(predicate, ran.before[index]) | seen(ran, index, predicate)
            detail = f"the {what} bit of entry {index} is not in the result"
            yield Breach("accessed-dirty", owed & ~kept, index, detail, what, last_write(ran, index))


def _returned(ran: Batched) -> Iterator[Breach]:
    """What is returned of one entry is that entry, where the MMU does not change it."""
    if ran.where.nr > 1 or ran.beside:
        return
    other = (ran.lanes.slot < 0) & (ran.before[0] != ran.returned)
    yield Breach("underrun", other, 0, "what is returned is not the entry that was there", "that entry", None)


def _flushed_in_vain(ran: Batched) -> Iterator[Breach]:
    """Who flushes where the whole address space goes flushes where others go on using it."""
    session, whole = ran.session, _whole(ran)
    covered, last = np.zeros(session.machine.lanes, dtype=bool), None
    for record in session.machine.log[ran.called_from :]:
        if record.kind == "flush":
            covered, last = covered | (record.mask & covers(ran, record, ran.where.addr)), record
    there = ran.live & session.holds("pte_present", ran.before[0])
    if last is None or bool((whole & there & ~covered).any()) or not bool((whole & there).any()):
        return
    detail = "the entry is flushed where the whole address space goes, and not where it stays"
    yield Breach("flush", there & ~whole & ~covered, 0, detail, "a flush", last_write(ran, 0))


def _invalidated(ran: Batched) -> Iterator[Breach]:
    """The entry stays present at its page frame, for software alone: the hardware cannot use it.

    One of a pud need not count as present: nobody looks for it before the next one is set.
    """
    session, raw, last = ran.session, ran.final[0], last_write(ran, 0)
    present = session.holds("pte_present", raw)
    if session.program.level != "pud":
        yield Breach("underrun", ~present, 0, "the entry is gone", "present", last)
    wrong = present & (session.number("pte_pfn(pte)", raw) != np.uint64(ran.pfn))
    yield Breach("pfn", wrong, 0, "the entry maps another page", f"pfn {ran.pfn:#x}", last)
    usable = present & ran.hardware.is_valid(raw)
    yield Breach("underrun", usable, 0, "the hardware can still use the entry", "not valid", last)


def _flushed(ran: Batched) -> Iterator[Breach]:
    """No translation of what was there is left in a TLB, where it is known what an MMU keeps."""
    mmu, is_huge = ran.session.program.mmu, ran.session.program.level != "pte"
    if "translated" in mmu or not (ran.hardware.valid or (is_huge and "lets" in mmu)):
        return
    for index in range(ran.where.nr):
        stale = leftovers(ran, index, ran.before[index])
        detail = f"no flush takes the old translation of entry {index} out"
        yield Breach("flush", stale.left, index, detail, "a flush", stale.record)


def _kept(ran: Batched, *, write: bool | None, bits: tuple[tuple[str, str], ...]) -> Iterator[Breach]:
    """Each entry stays present at its page frame and keeps *bits*; *write* says whether it must (not) be writable."""
    session = ran.session
    for index in range(ran.where.nr):
        raw, before, last = ran.final[index], ran.before[index], last_write(ran, index)
        present = session.holds("pte_present", raw)
        yield Breach("underrun", ~present, index, f"entry {index} is gone", "present", last)
        expected = ran.pfn + index
        wrong = present & (session.number("pte_pfn(pte)", raw) != np.uint64(expected))
        yield Breach("pfn", wrong, index, f"entry {index} maps another page", f"pfn {expected:#x}", last)
        settled = present & ~wrong
        writable, was = session.holds("pte_write", raw), session.holds("pte_write", before)
        if write is False:
            yield Breach("underrun", settled & writable, index, f"entry {index} stays writable", "read-only", None)
        else:
            yield Breach("permission", settled & writable & ~was, index, f"entry {index} becomes writable", "R", last)
            yield Breach("underrun", settled & was & ~writable, index, f"entry {index} is write-protected", "W", last)
        for what, predicate in bits:
            owed = session.holds(predicate, before) | seen(ran, index, predicate)
            lost = settled & owed & ~session.holds(predicate, raw)
            yield Breach("accessed-dirty", lost, index, f"entry {index} loses its {what} bit", what, last)


def _young_dirty(ran: Batched) -> Iterator[Breach]:
    """Only what is asked for is cleared, of every entry; the other bit survives, also what the MMU sets meanwhile."""
    session = ran.session
    asked = {"pte_young": (ran.lanes.request & 1).astype(bool), "pte_dirty": (ran.lanes.request & 2).astype(bool)}
    yield from _kept(ran, write=None, bits=())
    for index in range(ran.where.nr):
        raw, before, last = ran.final[index], ran.before[index], last_write(ran, index)
        present = session.holds("pte_present", raw)
        for what, predicate in BITS:
            now, touched = session.holds(predicate, raw), seen(ran, index, predicate)
            kept = present & ~asked[predicate] & (session.holds(predicate, before) | touched) & ~now
            yield Breach("accessed-dirty", kept, index, f"entry {index} loses its {what} bit unasked", what, last)
            left = present & asked[predicate] & now & ~touched
            yield Breach("underrun", left, index, f"entry {index} keeps its {what} bit", f"not {what}", None)


def _young(ran: Batched) -> Iterator[Breach]:
    """The result tells whether any entry was young; none is afterwards; dirty survives."""
    session = ran.session
    yield from _kept(ran, write=None, bits=BITS[1:])
    told = ran.told
    for index in range(ran.where.nr):
        young = session.holds("pte_young", ran.before[index])
        detail = f"entry {index} was young and the result says no"
        yield Breach("accessed-dirty", young & ~told, index, detail, "young", last_write(ran, index))
        left = session.holds("pte_young", ran.final[index]) & ~seen(ran, index, "pte_young")
        yield Breach("underrun", left, index, f"entry {index} stays young", "old", None)


def _got(ran: Batched) -> Iterator[Breach]:
    """A read gives the entry's page frame, and the accessed and dirty bits of all entries that share them with it."""
    session = ran.session
    wrong = session.number("pte_pfn(pte)", ran.returned) != np.uint64(ran.pfn)
    yield Breach("pfn", wrong, 0, "another page frame is returned", f"pfn {ran.pfn:#x}", None)
    for what, predicate in BITS:
        kept = session.holds(predicate, ran.returned)
        for index in range(ran.where.nr):
            owed = session.holds(predicate, ran.before[index])
            detail = f"the {what} bit that entry {index} holds for its block is not in the result"
            yield Breach("accessed-dirty", owed & ~kept, index, detail, what, None)


def _accessed(ran: Batched) -> Iterator[Breach]:
    """What a fault asks for is added to what is there; after one for a store the store goes through."""
    session, raw = ran.session, ran.final[0]
    last, asked = last_write(ran, 0), ran.asked
    present = session.holds("pte_present", raw)
    yield Breach("underrun", ~present, 0, "the entry is gone", "present", last)
    wrong = present & (session.number("pte_pfn(pte)", raw) != np.uint64(ran.pfn))
    yield Breach("pfn", wrong, 0, "the entry maps another page", f"pfn {ran.pfn:#x}", last)
    settled, store = present & ~wrong, ran.lanes.request > 0
    for what, predicate in BITS:
        owed = session.holds(predicate, ran.before[0]) | seen(ran, 0, predicate)
        now = session.holds(predicate, raw)
        yield Breach("accessed-dirty", settled & owed & ~now, 0, f"the entry loses its {what} bit", what, last)
        yield Breach("underrun", settled & store & ~owed & ~now, 0, f"the entry does not become {what}", what, None)
    write, was = session.holds("pte_write", raw), session.holds("pte_write", ran.before[0])
    wanted = session.holds("pte_write", asked)
    yield Breach("permission", settled & write & ~was & ~wanted, 0, "the entry becomes writable unasked", "R", last)
    yield Breach("underrun", settled & store & wanted & ~write, 0, "the entry does not become writable", "W", None)
    yield Breach("underrun", settled & was & ~write, 0, "the entry is write-protected", "W", last)
    other = settled & (ran.lanes.slot < 0) & _is_other(ran, raw, asked)
    yield Breach("underrun", other, 0, "bits change that nobody asked to change", "as asked", last)


def _is_other(ran: Batched, raw: Raw, asked: Raw) -> Mask:
    """Return the lanes in which an entry gets bits that neither it had nor anybody asked for, as it does not on another
    machine. What may be done to a page is left out: a fault may add the right to execute it.
    """
    lanes, live = ran.lanes, ran.live
    stray: Raw = (raw ^ ran.before[0]) & ~(asked ^ ran.before[0])
    if not bool(stray[live].any()):
        return np.zeros(len(raw), dtype=bool)
    rights = {one.value for one in protections_of(ran.session.program)}
    stray &= ~np.uint64(reduce(or_, (value ^ min(rights) for value in rights)))
    same = np.stack([lanes.states[:, 0], lanes.request, lanes.entry, lanes.store], axis=1)
    _, group = np.unique(same, axis=0, return_inverse=True)
    common = np.full(len(raw), ~np.uint64(0))
    np.bitwise_and.at(common, group.reshape(-1)[live], stray[live])
    other: Mask = (stray & ~common[group.reshape(-1)]) != 0
    return other


def _addresses(ran: Batched) -> Iterator[Breach]:
    """A hook that takes both sees the address of the entry it gets."""
    table, where = ran.batch.table, ran.where
    for record in ran.session.machine.log[ran.called_from :]:
        if record.kind != "call":
            continue
        pointer = next((v for v in record.data.values() if _points(table.base, table.blob.size, v)), None)
        addr = next((v for n, v in record.data.items() if "addr" in n and not isinstance(v, Blob)), None)
        if not isinstance(pointer, int) or not isinstance(addr, (int, np.ndarray)):
            continue
        if _points(table.base, table.blob.size, addr):  # srmmu_swap() of sparc calls the entry's place its address
            continue
        index = (pointer - table.base) // where.size - where.first
        expected = where.addr + index * where.page
        got = ran.session.lanes_of(addr)
        # Where no CPU uses the address space any more, x86 looks at no address and gives 0 for it.
        wrong = record.mask & (got != np.uint64(expected)) & ~(_whole(ran) & (got == 0))
        yield Breach(
            "address", wrong, index, f"{record.name}() gets the address of another entry", f"{expected:#x}", record
        )


def _points(base: int, size: int, value: Scalar | Blob) -> bool:
    if isinstance(value, (Blob, Unknown)):
        return False
    first = value if isinstance(value, int) else int(value[0])
    return base <= first < base + size


def _neighbours(ran: Batched) -> Iterator[Breach]:
    """Entries beside the batch keep page frame and protection; a block may share accessed and dirty.

    Empty ones are not written at all: clearing one shows only there, and in the kernel it may be another's by then.
    """
    session, batch = ran.session, ran.batch
    inside = range(ran.where.nr)
    for index, before in ran.beside.items():
        raw = batch.entry(index)
        same = (session.holds("pte_present", raw) == session.holds("pte_present", before)) & (
            session.number("pte_pfn(pte)", raw) == session.number("pte_pfn(pte)", before)
        )
        same &= session.holds("pte_write", raw) == session.holds("pte_write", before)
        yield Breach(
            "outside", ~same, index, "an entry beside the batch is changed", "untouched", last_write(ran, index)
        )
    for record in () if ran.beside else ran.session.machine.log[ran.called_from :]:
        offset = record.data.get("offset")
        if record.kind in ("write", "update") and isinstance(offset, int):
            index = offset // ran.where.size - ran.where.first
            side = "before" if index < 0 else "after"
            if index not in inside:
                yield Breach("outside", record.mask, index, f"an entry {side} the batch is written", "none", record)
    for index, mask in batch.disturbed():
        if index not in ran.beside and index not in inside:
            side = "before" if index < 0 else "after"
            yield Breach(
                "outside", mask, index, f"an entry {side} the batch is written", "none", last_write(ran, index)
            )
