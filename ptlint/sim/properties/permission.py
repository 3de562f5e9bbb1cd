"""Properties of write permissions: who grants one asks for it, and whoever waits for the next write is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ptlint.sim.blob import Blob
from ptlint.sim.explore import Breach
from ptlint.sim.properties.facts import Facts
from ptlint.sim.properties.learnt import VM_SHARED, VM_SOFTDIRTY, exclusive_pages, has_flag, kinds_of, page_answers
from ptlint.sim.values import Mask, Unknown, some

_MAPPED_FROM_FILE = re.compile(r"(?:__)?folio_add_file_rmap\w*")
_MAPPED_FIRST = re.compile(r"(?:__)?folio_add_new_anon_rmap\w*")


def permission(facts: Facts) -> Iterator[Breach]:
    """A write permission was there, was asked for, or is granted for the entry's own page."""
    ran = facts.ran
    session = ran.session
    answers, consulted = page_answers(session.machine, ran.stage.pfn, "Page")
    protected = ran.stage.writable & facts.meant("modify")
    asked = protected | (facts.meant("write") & ~consulted)
    notified = has_flag(session.machine, VM_SHARED) & facts.meant("write") & ~protected
    if some(notified):
        notified &= ~_was_shown(facts)
    for record in session.machine.log:
        offset = record.data.get("offset")
        if record.kind != "write" or not isinstance(offset, int):
            continue
        index = offset // ran.where.size - ran.where.first
        new = record.data["new"]
        if not 0 <= index < ran.where.nr or isinstance(new, Unknown):
            continue
        raw = session.raw(new)
        writable = session.holds("pte_write", raw) & session.holds("pte_present", raw)
        own = session.holds("pte_write", facts.before[index])
        granted = facts.meant("write") & answers.get(index, facts.nothing)
        gained = record.mask & facts.was[index] & writable & ~own & ~asked & ~granted
        why = "by what holds for another page" if some(gained & consulted) else "and nothing asks for it"
        copy = "the copy of " if record.name == "new ptep" else ""
        yield Breach("permission", gained, index, f"{copy}entry {index} becomes writable {why}", "read-only", record)
        if some(notified) and not copy:  # a copy may merge the permissions of the entries that it copies
            clean = record.mask & facts.was[index] & writable & ~own & notified & ~session.holds("pte_dirty", raw)
            detail = f"clean entry {index} of a shared mapping becomes writable: nobody is told of the first store"
            yield Breach("permission", clean, index, detail, "read-only", record)


def _was_shown(facts: Facts) -> Mask:
    """Return the lanes in which unknown code was given an entry of the batch: it may have said that these may be
    written, as ``can_change_pte_writable()`` does.
    """
    session, shown = facts.ran.session, facts.nothing
    for record in session.machine.log:
        if record.kind == "unseen":
            for value in record.data.values():
                if isinstance(value, Blob) if session.program.pte_is_record else isinstance(value, (int, np.ndarray)):
                    for index in range(facts.ran.where.nr):
                        shown = shown | facts.own(index, session.raw(value), record.mask)
    return shown


def watched(facts: Facts) -> Iterator[Breach]:
    """A write permission that code grants by itself leaves alone what userfaultfd or soft-dirty watch by write faults,
    unless it has asked who does (mm/mprotect.c, maybe_change_pte_writable()).
    """
    ran = facts.ran
    session = ran.session
    granted = facts.meant("write") & ~(ran.stage.writable & facts.meant("modify"))
    if not some(granted):
        return
    for what, predicate, watched in (("userfaultfd", "pte_uffd", True), ("soft-dirty", "pte_soft_dirty", False)):
        if not session.program.has(predicate):
            continue
        marked = [session.holds(predicate, raw) & facts.was[index] for index, raw in enumerate(facts.before)]
        if not bool(np.any(marked)):
            continue
        heeded = ran.heeds.get("uffd" if watched else "soft", facts.nothing)
        if not watched:
            heeded = heeded & ~has_flag(session.machine, VM_SOFTDIRTY, has=False)
        for index, raw in enumerate(facts.after):
            gained = granted & facts.own(index, raw, facts.present[index] & facts.was[index])
            gained &= session.holds("pte_write", raw) & ~session.holds("pte_write", facts.before[index])
            gained &= session.holds(predicate, raw) == watched
            detail = f"entry {index} becomes writable, and {what} waits for the next write to it"
            yield Breach(
                "watched", gained & ~heeded, index, detail, "read-only", facts.last_write(index), compared=True
            )


def shared(facts: Facts) -> Iterator[Breach]:
    """An entry and its copy are both write-protected, or neither is: who writes must not change what others read."""
    session = facts.ran.session
    for index in range(facts.ran.where.nr):
        before, after, copy = (
            session.holds("pte_write", one[index]) & facts.was[index]
            for one in (facts.before, facts.after, facts.copies)
        )
        there = facts.present[index] & facts.copied[index] & facts.own(index, facts.copies[index], facts.copied[index])
        split = there & before & ~after & copy
        detail = f"the copy of entry {index} stays writable, and the entry is write-protected"
        yield Breach("permission", split, index, detail, "read-only", facts.last_write(index, True))
        split = there & facts.was[index] & after & ~copy
        detail = f"the copy of entry {index} is write-protected, and the entry stays writable"
        yield Breach("permission", split, index, detail, "read-only", facts.last_write(index, True))


def private(facts: Facts) -> Iterator[Breach]:
    """Through a private mapping nobody writes to what others see: not to a file's page, nor to a page of memory that is
    not known to be this mapping's alone (include/linux/page-flags.h, PG_anon_exclusive).
    """
    ran = facts.ran
    session = ran.session
    own = has_flag(session.machine, VM_SHARED, has=False)
    if not some(own):
        return
    (anonymous, _), from_file = kinds_of(session.machine), facts.nothing
    for record in session.machine.log:
        if record.kind == "told" and _MAPPED_FROM_FILE.fullmatch(record.name):
            from_file, anonymous = from_file | record.mask, anonymous & ~record.mask
        elif record.kind == "told" and _MAPPED_FIRST.fullmatch(record.name):
            own = own & ~record.mask  # nobody else has that page yet
    granted = own & facts.meant("write") & ~(ran.stage.writable & facts.meant("modify"))
    shared = granted & anonymous & ~_was_shown(facts) if some(granted & anonymous) else facts.nothing
    exclusive = exclusive_pages(session.machine, ran.stage.pfn)
    for index, before in enumerate(facts.before):
        for copy, raws in enumerate((facts.after, facts.copies)):
            there = facts.own(index, raws[index], session.holds("pte_write", raws[index]))
            what = f"the copy of entry {index}" if copy else f"entry {index}"
            detail = f"{what} becomes writable in a private mapping, and its page is a file's"
            kept = facts.was[index] & session.holds("pte_write", before)
            gained = there & granted & from_file & ~kept
            yield Breach(
                "private", gained, index, detail, "read-only", facts.last_write(index, bool(copy)), compared=True
            )
            gained = there & shared & facts.was[index] & ~kept & ~exclusive.get(index, facts.nothing)
            detail = f"{what} becomes writable in a private mapping, and nothing asks whether others have its page"
            yield Breach(
                "private", gained, index, detail, "read-only", facts.last_write(index, bool(copy)), compared=True
            )
