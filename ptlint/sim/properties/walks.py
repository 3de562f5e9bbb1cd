"""Properties of callers, whatever they do to a batch: which page each entry maps, what it may keep or gain or lose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.blob import Blob
from ptlint.sim.errors import OutOfBounds
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.memory import Object
from ptlint.sim.properties import absent, accounts, habits, permission
from ptlint.sim.properties.extent import beyond_table, counted_by, is_of_huge_pages, of_huge_pages
from ptlint.sim.properties.facts import Facts
from ptlint.sim.properties.learnt import answered_alike, kinds_of, page_answers
from ptlint.sim.properties.pairing import Ledger, points
from ptlint.sim.stage import AWAY, distance
from ptlint.sim.tlb import is_flush, leftovers
from ptlint.sim.values import Mask, Scalar, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.walkruns import Walked


BITS = (("dirty", "pte_dirty", "clean"), ("accessed", "pte_young", "old"))
TRACKING = (("soft-dirty", "pte_soft_dirty", "soft"), ("userfaultfd", "pte_uffd", "uffd"))


def check(ran: Walked) -> Iterator[Breach]:
    """Yield every broken property of one run. Raises OutOfBounds when it has no end and broke none."""
    if ran.endless is not None:
        yield from _before_the_end(ran, ran.endless)
        return
    if ran.stage.beyond:  # the entries behind the batch are no part of what runs
        yield from _named(ran, beyond_table(ran))
        return
    ledger = Ledger(ran)
    if ledger.is_part:
        return
    facts = Facts(ran)
    found = (
        *_faults(ran),
        *ledger.breaches(),
        *_pages(facts),
        *_lost(facts),
        *_tracking(facts),
        *_moved(facts),
        *_vanishes(facts),
        *permission.permission(facts),
        *permission.shared(facts),
        *permission.private(facts),
        *_outside(ran),
        *_alike(facts),
        *_beyond(facts),
        *_addresses(ran),
        *_unmapped(ran),
        *_flushed(facts),
        *accounts.told(facts),
        *permission.watched(facts),
        *_void(ran),
        *absent.check(facts),
        *habits.check(facts),
    )
    yield from _named(ran, found)


def _named(ran: Walked, found: Iterable[Breach]) -> Iterator[Breach]:
    """Yield the breaches that live lanes have, with whom to blame and what kind each is of."""
    for breach in found:
        mask = breach.mask & (ran.usable if breach.property in ("fault", "outside", "null") else ran.live)
        if some(mask):
            breach.mask = mask
            breach.suspect = breach.suspect or ran.walk.name
            breach.kind = breach.kind or re.sub(r"\d+", "n", breach.detail)
            yield breach


def _before_the_end(ran: Walked, endless: OutOfBounds) -> Iterator[Breach]:
    """Yield what a run without an end has done that no end mends: it wrote beside the batch."""
    found = [breach for breach in (*_outside(ran), *_faults(ran)) if some(breach.mask & ran.usable)]
    if not any(breach.property == "outside" for breach in found):
        raise endless
    for breach in found:
        breach.mask = breach.mask & ran.usable
        breach.suspect = ran.walk.name
        breach.kind = re.sub(r"\d+", "n", breach.detail)
        yield breach


def _faults(ran: Walked) -> Iterator[Breach]:
    for record in ran.session.machine.log:
        if record.kind == "fault":
            lost = ran.stage.lost
            if lost is not None and some((lost > 0) & record.mask):
                continue  # told as what it comes from
            name = "outside" if record.name.endswith(_TABLES) else "fault"
            yield Breach(name, record.mask, None, record.name, "", record)


_TABLES = (" outside ptep", " outside new ptep")


def _pages(facts: Facts) -> Iterator[Breach]:
    """An entry that maps a page of the batch maps its own."""
    ran = facts.ran
    session, first, huge = ran.session, ran.stage.pfn, of_huge_pages(ran)
    for index in range(ran.where.nr):
        for copy, (raw, there) in enumerate(
            ((facts.after[index], facts.present[index]), (facts.copies[index], facts.copied[index]))
        ):
            pfn = session.number("pte_pfn(pte)", raw)
            near = (pfn >= np.uint64(first - 4)) & (pfn < np.uint64(first + ran.where.nr + 4))
            wrong = there & near & (pfn != np.uint64(first + index)) & ~huge
            what = f"the copy of entry {index}" if copy else f"entry {index}"
            yield Breach(
                "pfn",
                wrong,
                index,
                f"{what} maps another page",
                f"pfn {first + index:#x}",
                facts.last_write(index, bool(copy)),
            )


def _lost(facts: Facts) -> Iterator[Breach]:
    """Accessed and dirty of an entry, also what the MMU sets, are in what is left of it, or the page was told."""
    ran = facts.ran
    session = ran.session
    told, named = facts.nothing, facts.nothing
    anonymous, from_file = kinds_of(ran.session.machine)
    for record in session.machine.log:
        if record.kind == "told" and re.search(r"mark_dirty|set_page_dirty", record.name):
            told = told | record.mask
        elif record.kind == "told" and "rmap" in record.name:
            named = named | record.mask
    for index in range(ran.where.nr):
        for what, predicate, purpose in BITS:
            had = (session.holds(predicate, facts.before[index]) | facts.seen(index, predicate)) & facts.was[index]
            owed = had & ~facts.meant(purpose)
            if what == "dirty":
                dropped = had & facts.meant(purpose) & facts.own(index, facts.after[index], facts.present[index])
                dropped &= ~session.holds(predicate, facts.after[index]) & ~told
                detail = f"the dirty bit of entry {index} is cleared, and nothing is told of it"
                yield Breach("dropped", dropped, index, detail, what, facts.last_write(index), compared=True)
            for place, raw, there in facts.places(index):
                lost = owed & facts.own(index, raw, there) & ~session.holds(predicate, raw)
                detail = f"{place}entry {index} loses its {what} bit"
                yield Breach("accessed-dirty", lost, index, detail, what, facts.last_write(index, bool(place)))
            if what == "dirty":
                raw = facts.copies[index]
                left = owed & facts.own(index, raw, facts.copied[index] & facts.present[index]) & (ran.lanes.slot < 0)
                detail = f"the copy of entry {index} loses its dirty bit"
                left = left & ~session.holds(predicate, raw) & (ran.walk.form in ("count", "range"))  # it finds batches
                yield Breach("accessed-dirty", left, index, detail, what, facts.last_write(index, True))
                lost = owed & facts.gone[index] & ~told & named & ~anonymous & ~(facts.meant("drop") & ~from_file)
                detail = f"entry {index} is taken away and its dirty bit does not reach the page"
                on_purpose = not some(told)
                name = "dropped" if on_purpose else "accessed-dirty"
                yield Breach(name, lost, index, detail, what, facts.last_write(index), compared=on_purpose)


def _tracking(facts: Facts) -> Iterator[Breach]:
    """Soft-dirty and userfaultfd bits stay with their entry."""
    ran = facts.ran
    session = ran.session
    for what, predicate, purpose in TRACKING:
        if not session.program.has(predicate):
            continue
        for index in range(ran.where.nr):
            owed = session.holds(predicate, facts.before[index]) & facts.was[index] & ~facts.meant(purpose)
            for place, raw, there in facts.places(index):
                lost = owed & facts.own(index, raw, there) & ~session.holds(predicate, raw)
                detail = f"{place}entry {index} loses its {what} bit"
                yield Breach("tracking", lost, index, detail, what, facts.last_write(index, bool(place)))
        yield from _unkept(facts, what, predicate, purpose)


def _unkept(facts: Facts, what: str, predicate: str, purpose: str) -> Iterator[Breach]:
    """Who sets a mark in some cases and takes it away in others leaves it alone in a third: not every change is one of
    what the mark is for (the flags of mprotect() are none).
    """
    session = facts.ran.session
    taken, given = facts.meant(purpose), facts.meant(f"set {purpose}")
    if not some(taken & facts.ran.live) or not some(given & facts.ran.live):
        return
    for index in range(facts.ran.where.nr):
        stays = session.holds(predicate, facts.before[index]) & facts.was[index]
        stays &= facts.present[index] | facts.moved[index]
        if some(stays & ~taken & ~given) or not some(stays & taken & ~given):
            return
        detail = f"entry {index} loses its {what} bit wherever it is not given one"
        yield Breach("unkept", stays & taken & ~given, index, detail, what, facts.last_write(index), compared=True)


def _moved(facts: Facts) -> Iterator[Breach]:
    """What is moved is soft-dirty where it arrives: its new place holds what was not there before.

    See Documentation/admin-guide/mm/soft-dirty.rst; code that has never marked what it moves is left alone.
    """
    session = facts.ran.session
    if not session.program.has("pte_soft_dirty"):
        return
    marked = [session.holds("pte_soft_dirty", raw) & facts.was[index] for index, raw in enumerate(facts.before)]
    if not bool(np.any(marked)):  # this kernel does not track what is written
        return
    for index, raw in enumerate(facts.copies):
        there = facts.own(index, raw, facts.moved[index] & facts.was[index])
        detail = f"entry {index} is moved and not marked soft-dirty"
        unmarked = there & ~session.holds("pte_soft_dirty", raw)
        yield Breach("unmarked", unmarked, index, detail, "soft-dirty", facts.last_write(index, True), compared=True)


def _vanishes(facts: Facts) -> Iterator[Breach]:
    """An entry of a huge page that stays is never empty in between: others look at that level without the lock.

    See the comment on MADV_DONTNEED in mm/huge_memory.c, change_huge_pmd().
    """
    ran = facts.ran
    session = ran.session
    if session.program.level == "pte":
        return
    for record in session.machine.log:
        offset = record.data.get("offset")
        if record.kind != "write" or not isinstance(offset, int) or record.name == "new ptep":
            continue
        index, new = offset // ran.where.size - ran.where.first, record.data["new"]
        if not 0 <= index < ran.where.nr or isinstance(new, Unknown):
            continue
        stays = record.mask & facts.was[index] & facts.own(index, facts.after[index], facts.present[index])
        empty = stays & (session.raw(new) == np.uint64(ran.stage.source.none))
        detail = f"entry {index} is empty for a while and then the same page again"
        yield Breach("vanish", empty, index, detail, "never empty", record, compared=True)


def _void(ran: Walked) -> Iterator[Breach]:
    """A question about a flag of an entry is answered yes in some lane at least."""
    if bool((ran.lanes.slot >= 0).any()):
        return
    for name, record in ran.void:
        detail = f"{record.function}() asks {name}() of an entry that never has it there"
        # Whichever helper asks: the question may have moved to one.
        yield Breach("void", record.mask, None, detail, "an entry that has it", record, kind=name, compared=True)


def _outside(ran: Walked) -> Iterator[Breach]:
    """Entries beside the batch stay as they were, in both tables.

    What a helper of huge pages writes is left out: how many entries one has depends on a size that is not known here.
    """
    where, session = ran.where, ran.session
    for record in session.machine.log:
        offset = record.data.get("offset")
        if record.kind != "write" or not isinstance(offset, int) or is_of_huge_pages(record):
            continue
        if offset >= where.entries * where.size:  # a table that is kept
            continue
        index = offset // where.size - where.first
        old, new = record.data["old"], record.data["new"]
        if 0 <= index < where.nr or isinstance(old, Unknown) or isinstance(new, Unknown):
            continue
        changed = record.mask & (session.raw(old) != session.raw(new))
        side = "before" if index < 0 else "after"
        yield Breach("outside", changed, index, f"an entry {side} the batch is written", "untouched", record)


def _alike(facts: Facts) -> Iterator[Breach]:
    """Entries that are alike and of one folio fare alike, as long as nobody asks about single pages."""
    ran = facts.ran
    nr = ran.where.nr
    if nr < 2 or ran.walk.is_single:
        return
    session = ran.session
    _, consulted = page_answers(session.machine, ran.stage.pfn, "Page")
    states = ran.lanes.states[:, 1 : 1 + nr]
    alike = (states == states[:, :1]).all(axis=1) & ran.stage.folios.one
    alike &= ran.lanes.slot < 0
    counted = counted_by(ran)
    whole = alike & ~consulted & facts.was[0] & answered_alike(session.machine)
    for index in range(1, nr):
        alike = whole & (counted > index)
        for other, what, expected in (
            (facts.gone, "is left there", "taken away"),
            (facts.copied, "is not copied", "copied"),
        ):
            differs = alike & other[0] & ~other[index]
            yield Breach("underrun", differs, index, f"entry {index} {what}, unlike entry 0", expected, None)
            differs = alike & ~other[0] & other[index]
            yield Breach("underrun", differs, 0, f"entry 0 {what}, unlike entry {index}", expected, None)
        empty = [session.holds("pte_none", facts.after[i]) for i in (0, index)]
        differs = alike & facts.gone[0] & facts.gone[index] & (empty[0] != empty[1])
        detail = f"entry {index} is left empty, unlike entry 0, or the other way round"
        yield Breach("underrun", differs, index, detail, "", None)
        both = alike & facts.present[0] & facts.present[index]
        writes = [session.holds("pte_write", facts.after[i]) for i in (0, index)]
        yield Breach(
            "underrun", both & (writes[0] != writes[1]), index, f"entry {index} is protected unlike entry 0", "", None
        )
        for what, predicate, _ in BITS:
            holds = [session.holds(predicate, facts.after[i]) for i in (0, index)]
            differs = both & (holds[0] != holds[1])
            yield Breach(
                "underrun", differs, index, f"the {what} bit of entry {index} is unlike that of entry 0", "", None
            )


def _beyond(facts: Facts) -> Iterator[Breach]:
    """A function that returns how many entries it has processed has changed no others."""
    ran = facts.ran
    counted = counted_by(ran)
    negative = counted <= 0
    for index in range(ran.where.nr):
        changed = ~facts.same(index) | facts.copied[index]
        wrong = changed & (counted <= index) & ~negative & (ran.lanes.slot < 0)
        detail = f"entry {index} is changed, and fewer entries are counted"
        yield Breach("count", wrong, index, detail, "counted", facts.last_write(index))
        if ran.walk.form == "count" and index:
            left = (facts.gone[0] & ~facts.gone[index]) | (facts.copied[0] & ~facts.copied[index])
            left &= (counted > index) & facts.same(index)
            detail = f"entry {index} is counted, and nothing was done to it"
            yield Breach("count", left, index, detail, "not counted", None)
    if ran.words is None:  # what is swapped out is counted, too
        yield from accounts.counters(facts)


def _addresses(ran: Walked) -> Iterator[Breach]:
    """A helper that takes both sees the address of the entry it gets; of two that it gets, one is."""
    yield from _addresses_of(ran, ran.stage.source.table, 0)
    ends = range(ran.where.addr + AWAY, ran.where.addr + AWAY + ran.where.nr * ran.where.page)
    calls = (record for record in ran.session.machine.log if record.kind == "call")
    if any(value in ends for record in calls for value in record.data.values() if isinstance(value, int)):
        yield from _addresses_of(ran, ran.stage.target, AWAY)  # else what is copied keeps its address


def _addresses_of(ran: Walked, table: Object, away: int) -> Iterator[Breach]:
    known: dict[tuple[int, int], Mask] = {}  # most calls hand on what their caller got
    for record in ran.session.machine.log:
        if record.kind != "call":
            continue
        named = [v for n, v in record.data.items() if "addr" in n and not isinstance(v, (Blob, Unknown))]
        named = [v for v in named if not points(v, table.base, table.blob.size, record.mask)]
        found = (
            [v for v in record.data.values() if points(v, table.base, table.blob.size, record.mask)] if named else []
        )
        if len(found) != 1:
            continue
        pointer = found[0]
        assert not isinstance(pointer, (Blob, Unknown))
        wrong = record.mask
        for addr in named:
            key = id(pointer), id(addr)
            if key not in known:
                known[key] = _apart(ran, pointer, addr, table.base, away)
            wrong = wrong & known[key]
        detail = f"{record.name}() gets the address of another entry"
        yield Breach("address", wrong, None, detail, "its own", record)


def _apart(ran: Walked, pointer: int | NDArray[np.uint64], addr: Scalar, base: int, away: int) -> Mask:
    """Return the lanes in which *pointer* is to an entry of the batch in the table at *base*, and *addr* is neither its
    address nor 0.
    """
    where, session = ran.where, ran.session
    index = distance(pointer, base, session.machine.lanes) // where.size - where.first
    given = session.lanes_of(addr).view(np.int64)
    own = where.addr + away + index * where.page
    result: Mask = (given != own) & (given != 0) & (index >= 0) & (index < where.nr)
    return result


def _unmapped(ran: Walked) -> Iterator[Breach]:
    """A table is let go by an entry of it: the one behind the last may be in the next page."""
    where = ran.where
    if ran.walk.form != "range":
        return
    for record in ran.session.machine.log:
        pointer = record.data.get("ptep") if record.kind in ("unlock", "unmap") else None
        if pointer is None or isinstance(pointer, (Blob, Unknown)):
            continue
        for table in (ran.stage.source.table, ran.stage.target):
            index = distance(pointer, table.base, ran.session.machine.lanes) // where.size - where.first
            detail = f"{record.name}() gets the entry behind the last one"
            yield Breach("unmap", record.mask & (index == where.nr), None, detail, "an entry of the table", record)


def _flushed(facts: Facts) -> Iterator[Breach]:
    """What lost a permission, or is gone, is in no TLB at the end: of code that flushes or gathers at all."""
    ran = facts.ran
    session = ran.session
    called = {one.name for one in session.machine.log if one.kind == "call"} - {ran.walk.name}
    if not any(is_flush(record) and not _within_helper(ran, record, called) for record in session.machine.log):
        return
    states = ran.lanes.states[:, 1 : 1 + ran.where.nr]
    alike = (states == states[:, :1]).all(axis=1) & ran.stage.folios.one & answered_alike(session.machine)
    aged = session.holds("pte_young", facts.before[0]) & ~session.holds("pte_young", facts.after[0]) & facts.present[0]
    olds: list[Mask] = []
    for index in range(ran.where.nr):
        stale = leftovers(ran, index, facts.before[index])
        writable = session.holds("pte_write", facts.after[index])
        clean = facts.present[index] & ~session.holds("pte_dirty", facts.after[index])
        lost = stale.left & ((stale.writable & ~writable) | ~facts.present[index] | (stale.dirty & clean))
        if some(lost):
            detail = f"entry {index} loses a permission and no flush covers it"
            flushes = [one for one in session.machine.log if is_flush(one) and some(one.mask & lost)]
            yield Breach("flush", lost, index, detail, "flushed", flushes[-1] if flushes else stale.record)
        olds.append(stale.old)
        missed = alike & facts.present[index] & olds[index] & ~olds[0] & aged
        if some(missed):
            detail = f"entry {index} becomes old as entry 0 does, and no flush covers it as one covers that"
            flushes = [one for one in session.machine.log if is_flush(one) and some(one.mask & missed)]
            yield Breach("flush", missed, index, detail, "flushed", flushes[-1] if flushes else stale.record)


def _within_helper(ran: Walked, record: Record, called: set[str]) -> bool:
    """Return whether a flush is a helper's own: made below a call, one of *called*, that got an entry."""
    return any(name in called and not _is_code_of(ran, name) for name, _ in record.stack)


def _is_code_of(ran: Walked, name: str) -> bool:
    return f"{ran.walk.path}:{name}" in ran.session.machine.executed
