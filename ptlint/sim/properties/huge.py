"""Properties of hugetlb helpers: what include/asm-generic/hugetlb.h and mm/hugetlb.c rely on, for every entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.explore import Breach, stopped
from ptlint.sim.machine import Record
from ptlint.sim.properties.batches import empty_flushes, misplaced_flushes
from ptlint.sim.tlb import covers
from ptlint.sim.values import Mask, Unknown

if TYPE_CHECKING:
    from ptlint.sim.hugeruns import Handled

Raw = NDArray[np.uint64]


def check(ran: Handled) -> Iterator[Breach]:
    """Yield every broken property of one run."""
    found = (
        *_by_kind(ran),
        *_broken_first(ran),
        *_flushed_between(ran),
        *_outside(ran),
        *_addresses(ran),
        *empty_flushes(ran, ran.called_from),
        *misplaced_flushes(ran, ran.called_from),
    )
    for breach in (*_faults(ran), *found):
        mask = breach.mask & (ran.usable if stopped(breach) else ran.live)
        for kind, requests in (("", (0, 2, 3, 4)), ("not present", (1,)), ("empty", (5,))):
            lanes = np.isin(ran.lanes.request, requests)
            if bool((mask & lanes).any()):
                yield replace(breach, mask=mask & lanes, suspect=breach.suspect or ran.name, kind=kind)


def _by_kind(ran: Handled) -> Iterator[Breach]:
    match ran.kind:
        case "set":
            yield from _set(ran)
        case "get":
            yield from _told(ran, ran.returned, "what is read")
        case "collect":
            yield from _told(ran, ran.returned, "what is returned")
            other = (ran.lanes.request == 1) & (ran.returned != ran.asked)
            yield Breach("underrun", other, 0, "what is returned is not the entry that was there", "as it was", None)
            yield from _empty(ran)
            if "flush" in ran.name:
                yield from _flushed(ran)
        case "clear":
            yield from _empty(ran)
        case "wrprotect":
            yield from _stays(ran, writable=False)
            yield from _only_protected(ran)
        case "access":
            yield from _accessed(ran)
        case "transaction":
            yield from _told(ran, ran.returned, "what start returns")
            yield from _stays(ran, writable=False)


def _faults(ran: Handled) -> Iterator[Breach]:
    for record in ran.session.machine.log:
        if record.kind == "fault":
            name = "outside" if " outside " in record.name else "fault"
            yield Breach(name, record.mask, None, record.name, "", record)


def _last(ran: Handled, index: int) -> Record | None:
    for record in reversed(ran.session.machine.log[ran.called_from :]):
        at = record.data.get("offset")
        if record.kind == "write" and at == ran.where.base + index * ran.where.size:
            return record
    return None


def _told(ran: Handled, entry: Raw, what: str, *, write: bool | None = None) -> Iterator[Breach]:
    """An entry as the kernel sees it: the page frame that was set, and accessed and dirty of the whole page."""
    session = ran.session
    page = ran.lanes.request != 1
    present = session.holds("pte_present", entry)
    yield Breach("underrun", page & ~present, 0, f"{what} is not present", "present", _last(ran, 0))
    settled = page & present
    wrong = settled & (session.number("pte_pfn(pte)", entry) != np.uint64(ran.pfn))
    yield Breach("pfn", wrong, 0, f"{what} maps another page", f"pfn {ran.pfn:#x}", _last(ran, 0))
    for word, predicate, owed in (("accessed", "pte_young", ran.young), ("dirty", "pte_dirty", ran.dirty)):
        lost = settled & owed & ~session.holds(predicate, entry)
        yield Breach("accessed-dirty", lost, 0, f"{what} has lost the {word} bit", word, _last(ran, 0))
    wanted = session.holds("pte_write", ran.asked) if write is None else np.full(len(entry), write)
    now = session.holds("pte_write", entry)
    yield Breach("permission", settled & now & ~wanted, 0, f"{what} is writable", "read-only", _last(ran, 0))
    yield Breach("underrun", settled & ~now & wanted, 0, f"{what} is not writable", "writable", _last(ran, 0))


def _broken_first(ran: Handled) -> Iterator[Breach]:
    """Entries that one page has in common are all made invalid before one of them gets another valid value.

    A TLB may hold one translation for all of them, and what it makes of two different ones nobody knows (Arm ARM,
    "Misprogramming of the Contiguous bit"; RISC-V Svnapot).
    """
    if ran.where.nr < 2 or not ran.hardware.valid:
        return
    for record in ran.session.machine.log:
        found = _written(ran, record)
        if found is not None:
            index, raw, other = found
            live = record.mask & (raw != other) & ran.hardware.is_valid(raw) & ran.hardware.is_valid(other)
            detail = f"entry {index} of the page changes while it is valid"
            yield Breach("live-entry", live, index, detail, "made invalid and flushed before", record)


def _flushed_between(ran: Handled) -> Iterator[Breach]:
    """Entries that one page has in common are flushed after they were made invalid, before one is valid again.

    Asked of helpers that do both: callers of a transaction, and of what collects an entry, flush themselves.
    """
    if ran.where.nr < 2 or not ran.hardware.valid or ran.kind not in ("wrprotect", "access"):
        return
    pending: dict[int, Mask] = {}
    for record in ran.session.machine.log[ran.called_from :]:
        if record.kind == "flush":
            for index, mask in pending.items():
                pending[index] = mask & ~(record.mask & covers(ran, record, ran.where.addr + index * ran.page.step))
        found = _written(ran, record)
        if found is None:
            continue
        index, raw, other = found
        valid = ran.hardware.is_valid(other)
        again = record.mask & valid & pending.get(index, np.zeros_like(record.mask))
        detail = f"entry {index} of the page is valid again, and what a TLB may hold of it was not flushed"
        yield Breach("flush", again, index, detail, "flushed before", record)
        pending[index] = pending.get(index, again) & ~again | (record.mask & ran.hardware.is_valid(raw) & ~valid)


def _written(ran: Handled, record: Record) -> tuple[int, Raw, Raw] | None:
    """Return which entry of the page *record* writes, with its old and its new value; None for anything else."""
    offset, old, new = (record.data.get(key) for key in ("offset", "old", "new"))
    if record.kind != "write" or not isinstance(offset, int) or isinstance(old, Unknown) or isinstance(new, Unknown):
        return None
    index = offset // ran.where.size - ran.where.first
    if not 0 <= index < ran.where.nr or old is None or new is None:
        return None
    return index, ran.session.raw(old), ran.session.raw(new)


def _addresses(ran: Handled) -> Iterator[Breach]:
    """A function that takes both gets the address of the entry it gets; with the first, any of the page's."""
    table, where = ran.batch.table, ran.where
    for record in ran.session.machine.log[ran.called_from :]:
        if record.kind != "call":
            continue
        numbers = {name: value for name, value in record.data.items() if isinstance(value, int)}
        place = next((value for value in numbers.values() if table.base <= value < table.base + table.blob.size), None)
        addr = next((record.data[name] for name in record.data if "addr" in name), None)
        if place is None or not isinstance(addr, (int, np.ndarray)):
            continue
        index = (place - table.base) // where.size - where.first
        expected, got = where.addr + index * ran.page.step, ran.session.lanes_of(addr)
        wrong = record.mask & (got != np.uint64(expected))
        if index == 0:
            wrong &= (got < np.uint64(where.addr)) | (got >= np.uint64(where.addr + ran.page.size))
        detail = f"{record.name}() gets the address of another entry"
        yield Breach("address", wrong, index, detail, f"{expected:#x}", record)


def _set(ran: Handled) -> Iterator[Breach]:
    fresh = ran.lanes.request == 0
    for breach in (*_told(ran, ran.view, "the page that was set"), *_entries(ran), *_marked(ran)):
        breach.mask = breach.mask & fresh
        yield breach
    if bool((ran.lanes.request == 5).any()):
        other = (ran.lanes.request == 5) & ~ran.session.holds("huge_pte_none", ran.view) & _stays_empty(ran)
        yield Breach("underrun", other, 0, "what is read back is not empty, as what was set", "none", _last(ran, 0))
    gone = ran.lanes.request == 1
    detail = "what is read back is not the entry that is not present"
    yield Breach("underrun", gone & (ran.view != ran.asked), 0, detail, "as asked", _last(ran, 0))
    for index, raw in enumerate(ran.final if ran.where.nr > 1 else ()):
        detail = f"entry {index} is not set to the entry that is not present"
        yield Breach("underrun", gone & (raw != ran.asked), index, detail, "as asked", _last(ran, index))


_SET = "({ pte_t ptlint_one[1] = { __pte(0) }; set_ptes(mm, 0UL, &ptlint_one[0], pte, 1); ptlint_one[0]; })"


def _stays_empty(ran: Handled) -> Mask:
    """Return where the entry that was asked for is empty once it is set for a single page (powerpc marks it)."""
    session = ran.session
    mm = session.opaque("vma->vm_mm", "struct mm_struct")
    plain = session.pte(_SET, pte=("pte_t", session.entry(ran.asked)), mm=("struct mm_struct *", mm))
    return session.holds("pte_none", session.raw(plain))


def _marked(ran: Handled) -> Iterator[Breach]:
    """The page's entry has the marks of the one that was set."""
    session = ran.session
    for name in ("pte_soft_dirty", "pte_uffd", "pte_uffd_wp"):
        if session.program.has(name):
            lost = session.holds(name, ran.asked) & ~session.holds(name, ran.view)
            detail = f"the page that was set has lost what {name}() asks for"
            yield Breach("tracking", lost, 0, detail, "as asked", _last(ran, 0))


def _empty(ran: Handled) -> Iterator[Breach]:
    gone = ran.session.holds("huge_pte_none", ran.view) if ran.where.nr == 1 else np.zeros(len(ran.view), dtype=bool)
    for index, raw in enumerate(ran.final):
        yield Breach(
            "underrun", (raw != np.uint64(ran.none)) & ~gone, index, f"entry {index} is not cleared", "none", None
        )


def _stays(ran: Handled, *, writable: bool) -> Iterator[Breach]:
    """The page stays where it is, with accessed and dirty, and every entry has the permission that was asked for."""
    yield from _told(ran, ran.view, "the page afterwards", write=writable)
    yield from _entries(ran, write=writable)


def _only_protected(ran: Handled) -> Iterator[Breach]:
    """The page is write-protected as an entry is; but for accessed and dirty nothing else of it changes."""
    session, text = ran.session, "pte_mkdirty(pte_mkyoung(pte_wrprotect(pte)))"
    was, now = (session.raw(session.pte(text, pte=("pte_t", session.entry(raw)))) for raw in (ran.asked, ran.view))
    other = session.holds("pte_present", ran.view) & (was != now) & (ran.lanes.request != 1)
    detail = "the page is not what it was, write-protected"
    yield Breach("underrun", other, 0, detail, "nothing but the write permission gone", _last(ran, 0))


def _accessed(ran: Handled) -> Iterator[Breach]:
    """A fault makes a page more permissive: what it asks for is added, and nothing that the MMU has set goes."""
    reads = ran.lanes.request == 3
    for writable, lanes in ((True, ~reads), (None, reads)):
        told = _told(ran, ran.view, "the page afterwards", write=writable)
        for breach in (*told, *_entries(ran, write=writable)):
            breach.mask = breach.mask & lanes
            yield breach
    if ran.where.nr < 2 or not ran.hardware.valid:
        return
    for index, raw in enumerate(ran.final):
        for word, ending, lanes in (("young", "young", ran.lanes.request != 2), ("dirty", "dirty", ~reads)):
            left = lanes & (_asked(ran, f"!!{ran.page.level}_{ending}(x)", raw) == 0)
            detail = f"entry {index} does not become {word}: who uses that one faults again and again"
            yield Breach("underrun", left, index, detail, word, _last(ran, index))


def _entries(ran: Handled, *, write: bool | None = None) -> Iterator[Breach]:
    """Each entry of a page that several map leads to its own part of it, with the page's permission."""
    if ran.where.nr < 2:
        return
    page = ran.lanes.request != 1
    level, step = ran.page.level, ran.page.step // ran.session.program.constant("PAGE_SIZE")
    same = ran.session.program.mmu.get("same_frame", "")  # entries that all hold the frame of the whole (NAPOT)
    for index, raw in enumerate(ran.final):
        last = _last(ran, index)
        present = _asked(ran, f"!!{level}_present(x)", raw) != 0
        yield Breach("underrun", page & ~present, index, f"entry {index} of the page is not set", "present", last)
        settled = page & present
        expected = np.full(len(raw), ran.pfn + index * step, dtype=np.uint64)
        if same:
            expected = np.where(_asked(ran, f"!!{same}(x)", raw) != 0, np.uint64(ran.pfn), expected)
        wrong = settled & (_asked(ran, f"{level}_pfn(x)", raw) != expected)
        yield Breach("pfn", wrong, index, f"entry {index} leads to another part of memory", "its own part", last)
        now = _asked(ran, f"!!{level}_write(x)", raw) != 0
        wanted = ran.session.holds("pte_write", ran.asked) if write is None else np.full(len(raw), write)
        yield Breach("permission", settled & now & ~wanted, index, f"entry {index} is writable", "read-only", last)
        yield Breach("underrun", settled & ~now & wanted, index, f"entry {index} is not writable", "writable", last)


def _asked(ran: Handled, text: str, raw: Raw) -> Raw:
    """Return what an expression over an entry ``x`` of the page's level gives."""
    blob = Blob(ran.where.size, ran.session.machine.memory.big_endian)
    blob.store(0, ran.where.size, raw)
    return ran.session.lanes_of(scalar(ran.session.run(text, x=(f"{ran.page.level}_t", blob))))


def _flushed(ran: Handled) -> Iterator[Breach]:
    """A helper that is to flush does so for the first and the last byte of a page that was there."""
    lanes = ran.session.machine.lanes
    for index, addr in ((0, ran.where.addr), (ran.where.nr - 1, ran.where.addr + ran.page.size - 1)):
        covered, nearest = np.zeros(lanes, dtype=bool), None
        for record in ran.session.machine.log[ran.called_from :]:
            if record.kind == "flush":
                covered |= record.mask & covers(ran, record, addr)
                nearest = record
        cached: Mask = ran.young & (ran.lanes.request == 0)  # an old entry may never have been in a TLB
        yield Breach("flush", cached & ~covered, index, "the flush does not cover the page", "flushed", nearest)


def _outside(ran: Handled) -> Iterator[Breach]:
    for index, mask in ran.batch.disturbed():
        detail = f"an entry {'before' if index < 0 else 'after'} the page is written"
        yield Breach("outside", mask, index, detail, "untouched", _last(ran, index))
