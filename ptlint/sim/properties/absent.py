"""Properties of entries that map no page, beside mapped ones: what they stand for and their marks stay theirs.

A swap entry goes on naming its place in swap and a migration entry its page; marks for soft-dirty and userfaultfd
follow an entry that is swapped out, migrated, brought back or moved; nobody asks for the page of one that has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy as copy_of
from typing import TYPE_CHECKING

import numpy as np

from ptlint.sim.absent import MARKER, MIGRATION, OWN_MIGRATION, POISON, READ_MIGRATION, SWAP, WRITE_MIGRATION, marks
from ptlint.sim.explore import Breach
from ptlint.sim.properties.extent import counted_by, of_huge_pages
from ptlint.sim.properties.facts import Facts, Raw
from ptlint.sim.properties.learnt import answered_alike, exclusive_pages, kinds_of
from ptlint.sim.swapped import marks_of
from ptlint.sim.values import Mask

if TYPE_CHECKING:
    from ptlint.sim.absent import Words


def check(facts: Facts) -> Iterator[Breach]:
    """Yield what is wrong with entries that map no page, before or after the run."""
    words = facts.ran.words
    if words is None:
        return
    facts = _without_huge(facts)
    for index in range(facts.ran.where.nr):
        for copy, raw in enumerate((facts.after[index], facts.copies[index])):
            yield from _kept(facts, words, index, raw, bool(copy))
            yield from _marks(facts, words, index, raw, bool(copy))
        yield from _shared(facts, words, index)
        yield from _exclusive(facts, words, index)
    yield from _alike(facts)
    lost = facts.ran.stage.lost
    for record in facts.ran.session.machine.log:
        if record.kind == "fault" and lost is not None and "invalid pointer" in record.name:
            detail = "an entry is used of a table that could not be mapped"
            yield Breach("null", record.mask & (lost > 0), None, detail, "a question for NULL", record)
        if record.kind == "misread":
            what = "asks for the page of an entry" if record.name == "pte_pfn" else f"calls {record.name}() on an entry"
            detail = f"{record.function}() {what} that is not present"
            yield Breach("encoding", record.mask, None, detail, "a present entry", record)


def _without_huge(facts: Facts) -> Facts:
    """Return *facts* without lanes that use helpers of huge pages: those entries may have another format."""
    huge = of_huge_pages(facts.ran)
    if not bool(huge.any()):
        return facts
    found = copy_of(facts)
    found.foreign = [one | huge for one in facts.foreign]
    return found


def _there(facts: Facts, raw: Raw, index: int) -> tuple[Mask, Mask]:
    """Return the lanes in which *raw* is present, and those in which it is neither that nor empty."""
    session = facts.ran.session
    present = session.holds("pte_present", raw) & ~facts.foreign[index]
    return present, ~present & ~session.holds("pte_none", raw) & ~facts.foreign[index]


def _kept(facts: Facts, words: Words, index: int, raw: Raw, is_copy: bool) -> Iterator[Breach]:
    """An entry that maps no page goes on standing for the same place in swap, or the same page."""
    session, before = facts.ran.session, facts.before[index]
    exclusive = exclusive_pages(facts.ran.session.machine, facts.ran.stage.pfn).get(index, facts.nothing)
    present, other = _there(facts, raw, index)
    record = facts.last_write(index, is_copy)
    stood = ~facts.was[index] & ~session.holds("pte_none", before)
    what = f"the copy of entry {index}" if is_copy else f"entry {index}"
    swap, migrates = (stood & words.is_of(session, before, *kinds) for kinds in ((SWAP,), MIGRATION))
    into = words.is_of(session, raw, SWAP, *MIGRATION) & other
    same = words.kind_of(session, before) == words.kind_of(session, raw)
    place = same & (words.offset_of(session, before) == words.offset_of(session, raw))
    yield Breach(
        "encoding",
        swap & other & ~_final(facts, words, raw) & ~place,
        index,
        f"{what} is no longer the swap entry that it was",
        "the same place in swap",
        record,
    )
    page = words.is_of(session, raw, *MIGRATION) & (words.frame_of(session, before) == words.frame_of(session, raw))
    yield Breach(
        "encoding", migrates & into & ~page, index, f"{what} no longer waits for its page", "the same page", record
    )
    pfn = session.number("pte_pfn(pte)", raw)
    near = (pfn >= np.uint64(facts.ran.stage.pfn - 4)) & (pfn < np.uint64(facts.ran.stage.pfn + facts.ran.where.nr + 4))
    yield Breach(
        "encoding",
        (swap | migrates) & present & ~near,
        index,
        f"{what} maps a page frame that nobody named",
        "no page, or its own",
        record,
    )
    gained = (
        migrates & ~words.is_of(session, before, WRITE_MIGRATION) & other & words.is_of(session, raw, WRITE_MIGRATION)
    )
    yield Breach(
        "permission",
        gained,
        index,
        f"{what} will be writable when its page has moved, and was not",
        "read-only",
        record,
    )
    unasked = migrates & ~words.is_of(session, before, WRITE_MIGRATION) & session.holds("pte_write", raw)
    unasked &= facts.own(index, raw, present) & ~facts.ran.stage.writable & ~exclusive
    detail = f"{what} is writable where its page has moved to, and was not"
    yield Breach("permission", unasked, index, detail, "read-only", record)
    stays = words.is_of(session, before, WRITE_MIGRATION) & stood & other & words.is_of(session, raw, WRITE_MIGRATION)
    stays &= facts.meant("modify") & ~facts.ran.stage.writable & ~np.full(len(raw), is_copy)
    for at, one in enumerate(facts.copies):  # a copy takes the protection of where it goes
        stays &= session.holds("pte_none", one) & ~facts.foreign[at]
    detail = f"{what} will be writable when its page has moved, and a read-only protection is asked for"
    yield Breach("permission", stays, index, detail, "read-only", None)
    leaves = facts.was[index] & other & words.is_of(session, raw, WRITE_MIGRATION) & ~session.holds("pte_write", before)
    yield Breach(
        "permission",
        leaves,
        index,
        f"{what} will be writable when its page has moved, and was not",
        "read-only",
        record,
    )


def _final(facts: Facts, words: Words, raw: Raw) -> Mask:
    """Return where *raw* is a marker: it may take the place of any entry whose page is not needed."""
    return words.is_of(facts.ran.session, raw, MARKER, POISON)


def _marks(facts: Facts, words: Words, index: int, raw: Raw, is_copy: bool) -> Iterator[Breach]:
    """Marks follow an entry when it is swapped out, migrated, brought back or moved."""
    ran = facts.ran
    session, before = ran.session, facts.before[index]
    present, other = _there(facts, raw, index)
    other = other & words.is_of(session, raw, SWAP, *MIGRATION)
    stood = ~facts.was[index] & ~session.holds("pte_none", before) & words.is_of(session, before, SWAP, *MIGRATION)
    what = f"the copy of entry {index}" if is_copy else f"entry {index}"
    for name, of_page, of_swap, purpose in marks(session.program):
        had = np.where(facts.was[index], session.holds(of_page, before), stood & session.holds(of_swap, before))
        kept = np.where(present, session.holds(of_page, raw), session.holds(of_swap, raw))
        lost = had & ~facts.meant(purpose) & ~kept & (other | (present & stood & facts.own(index, raw, present)))
        yield Breach("tracking", lost, index, f"{what} loses its {name} bit", name, facts.last_write(index, is_copy))
        if name == "soft-dirty" and is_copy and bool((stood & session.holds(of_swap, before)).any()):
            moved = stood & other & ~kept & session.holds("pte_none", facts.after[index])
            detail = f"entry {index} is moved and not marked soft-dirty"
            yield Breach("unmarked", moved, index, detail, name, facts.last_write(index, True), compared=True)


def _shared(facts: Facts, words: Words, index: int) -> Iterator[Breach]:
    """A migration entry and its copy are both read-only, or neither is."""
    session = facts.ran.session
    after, copy = facts.after[index], facts.copies[index]
    both = _there(facts, after, index)[1] & _there(facts, copy, index)[1]
    both &= words.is_of(session, after, *MIGRATION) & words.is_of(session, copy, *MIGRATION)
    differs = words.is_of(session, after, WRITE_MIGRATION) != words.is_of(session, copy, WRITE_MIGRATION)
    detail = f"entry {index} and its copy wait for one page, and one of them alone to write to it"
    yield Breach("permission", both & differs, index, detail, "both read-only", facts.last_write(index, True))
    if "pte_swp_exclusive" in marks_of(session.program):
        both = _there(facts, after, index)[1] & _there(facts, copy, index)[1]
        both &= words.is_of(session, after, SWAP) & words.is_of(session, copy, SWAP)
        exclusive = session.holds("pte_swp_exclusive", after) | session.holds("pte_swp_exclusive", copy)
        detail = f"entry {index} is copied, and one of the two still says that nobody else has its place in swap"
        yield Breach("permission", both & exclusive, index, detail, "not exclusive", facts.last_write(index, True))


def _exclusive(facts: Facts, words: Words, index: int) -> Iterator[Breach]:
    """That nobody else has the page of an anonymous folio is not forgotten while it is swapped out or migrated.

    It would be copied on the next write, and whoever has pinned it would keep the old one (PG_anon_exclusive).
    """
    ran = facts.ran
    if OWN_MIGRATION not in words.types:
        return
    session, before, raw = ran.session, facts.before[index], facts.after[index]
    _, other = _there(facts, raw, index)
    _, from_file = kinds_of(ran.session.machine)
    other = other & ~from_file & session.holds("pte_none", facts.copies[index])
    stood = ~facts.was[index] & ~session.holds("pte_none", before)
    own = stood & words.is_of(session, before, OWN_MIGRATION, WRITE_MIGRATION)
    own = own | (facts.was[index] & exclusive_pages(session.machine, ran.stage.pfn).get(index, facts.nothing))
    forgets = words.is_of(session, raw, READ_MIGRATION)
    if "pte_swp_exclusive" in marks_of(session.program):
        forgets = forgets | (words.is_of(session, raw, SWAP) & ~session.holds("pte_swp_exclusive", raw))
    detail = f"entry {index} no longer says that nobody else has its page"
    yield Breach("tracking", own & other & forgets, index, detail, "exclusive", facts.last_write(index))


def _alike(facts: Facts) -> Iterator[Breach]:
    """Entries that are alike and map no page fare alike, where what is asked of each is answered alike."""
    ran = facts.ran
    if ran.where.nr < 2 or ran.walk.is_single:
        return
    session, states = ran.session, ran.lanes.states[:, 1 : 1 + ran.where.nr]
    alike = (
        (states == states[:, :1]).all(axis=1) & ~facts.was[0] & ran.stage.folios.one & answered_alike(session.machine)
    )
    if ran.walk.form != "fill":  # what fills one entry fills no other, but for what is told how many
        alike &= ~session.holds("pte_none", facts.before[0])
    counted = counted_by(ran)
    for index in range(1, ran.where.nr):
        for where, table in (("", facts.after), ("the copy of ", facts.copies)):
            left, other = (session.holds("pte_none", table[at]) for at in (0, index))
            known = ~facts.foreign[0] & ~facts.foreign[index]
            wrong = alike & known & (counted > index) & (left != other)
            detail = f"{where}entry {index} is empty, unlike that of entry 0, or the other way round"
            yield Breach("underrun", wrong, index, detail, "as entry 0", None)
