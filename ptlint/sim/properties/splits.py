"""Properties of a split: what a huge page's entry was, the single entries that take its place are, page by page.

See the comments of __split_huge_pmd_locked() in mm/huge_memory.c; the order of its steps is that of
Documentation/mm/transhuge.rst and, for what a TLB may hold, of each architecture's manual (never a translation of the
huge page beside one of its parts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.absent import WRITE_MIGRATION
from ptlint.sim.explore import Breach
from ptlint.sim.machine import Record
from ptlint.sim.session import Session
from ptlint.sim.swapped import marks_of
from ptlint.sim.tlb import cachable, covers_all, is_flush
from ptlint.sim.values import Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.scenarios.splits import Done

Raw = NDArray[np.uint64]

TRACKING = (("soft-dirty", "pte_soft_dirty", "soft_dirty"), ("userfaultfd", "pte_uffd", "uffd"))
"""What is tracked, the predicate of present entries, and the word in that of entries which map no page."""

_DIRTIED = re.compile(r"\w*(?:mark_dirty|set_dirty|set_page_dirty|SetPageDirty)\w*")
_KNOWN_DIRTY = re.compile(r"(?:folio_test_dirty|PageDirty)\(")


def check(done: Done) -> Iterator[Breach]:
    """Yield every broken property of one run."""
    facts = _Facts(done)
    for breach in (
        *_faults(done),
        *_set(facts),
        *_frames(facts),
        *_permission(facts),
        *_kept(facts),
        *_tracking(facts),
        *_order(facts),
        *_ends(facts),
    ):
        stops = breach.record is not None and breach.record.kind == "fault"
        mask = breach.mask & (done.usable if stops else done.live)
        if some(mask):
            breach.mask = mask
            breach.suspect = breach.suspect or done.split.name
            breach.kind = breach.kind or re.sub(r"\d+", "n", breach.detail)
            yield breach


class _Facts:
    """What the entry was when it was taken away, with all that the MMU had set by then, and what came of it.

    ``split`` are the lanes in which it leads to the table at the end, ``gone`` those in which it is empty; ``present``,
    ``moving`` and ``writes`` tell of what it was. Of the entries of the table, ``maps`` map a page, ``zero`` the page
    of zeros, which is nobody's, and ``moves`` map none.
    """

    def __init__(self, done: Done) -> None:
        self.done = done
        session, level = done.session, done.split.program
        self.old = np.ascontiguousarray(done.batch.initial[:, 0])
        for record in session.machine.log:
            if record.kind == "mmu":
                new = record.data["new"]
                assert isinstance(new, np.ndarray)
                self.old = np.where(record.mask, new, self.old)
        self.present = session.holds("pte_present", self.old)
        self.moving = ~self.present & (self.old != np.uint64(done.batch.none))
        self.writes = self.present & session.holds("pte_write", self.old)
        if done.moving is not None:
            self.writes = self.writes | (self.moving & done.moving.is_of(session, self.old, WRITE_MIGRATION))
        self.split = done.final[0] == done.table
        self.gone = done.final[0] == np.uint64(done.batch.none)
        self.marks = marks_of(level)
        values, where = np.unique(done.entries, return_inverse=True)
        self.values, self.where = values, where.reshape(done.entries.shape)
        self.single = Session(done.split.single, len(values))
        self.is_set = done.entries != np.uint64(done.empty)
        present = self.holds("pte_present")
        self.maps, self.moves = present & self.split, self.is_set & ~present & self.split
        has_special = self.single.program.has("pte_special")
        self.zero = self.maps & self.holds("pte_special") if has_special else self.maps & False

    def of(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what is known of each value for every entry and lane."""
        found: NDArray[np.generic] = values[self.where]
        return found

    def holds(self, predicate: str) -> NDArray[np.bool_]:
        """Return where entries satisfy a predicate."""
        return self.of(self.single.holds(predicate, self.values)).astype(bool)

    def breach(
        self, name: str, wrong: NDArray[np.bool_], detail: str, expected: str, record: Record | None = None
    ) -> Iterator[Breach]:
        """Yield the lanes in which one of the entries is *wrong*; *detail* has ``{}`` for the first one."""
        lanes = wrong.any(axis=0) & self.done.live
        if some(lanes):
            first = int(np.argmax(wrong[:, int(np.argmax(lanes))]))
            yield Breach(name, lanes, 0, detail.format(f"entry {first} of the new table"), expected, record)


def _faults(done: Done) -> Iterator[Breach]:
    for record in done.session.machine.log:
        if record.kind == "fault" and "BUG" in record.name:  # half a table is left, and its lock is held
            yield Breach("underrun", record.mask, 0, f"the split ends at {record.name}", "a whole table", record)
        elif record.kind == "fault":
            name = "outside" if re.search(r" outside (?:ptep|table)$", record.name) else "fault"
            yield Breach(name, record.mask, None, record.name, "", record)


def _set(facts: _Facts) -> Iterator[Breach]:
    """Every entry is set, and before the table is there to be seen: who finds an empty one takes a page of zeros."""
    done = facts.done
    yield from facts.breach("underrun", ~facts.is_set & facts.split, "{} is empty", "set")
    whole = facts.split & facts.is_set.all(axis=0)
    for at, unset in done.seen:
        record = done.session.machine.log[at] if at < len(done.session.machine.log) else None
        if record is None or record.kind != "write" or isinstance(record.data["new"], Unknown):
            continue
        puts = record.mask & (done.session.raw(record.data["new"]) == done.table)
        detail = "the table is there to be seen before its entries are set"
        yield Breach("underrun", puts & unset & whole, 0, detail, "set before", record)


def _frames(facts: _Facts) -> Iterator[Breach]:
    """Entry i maps, or stands for, page i of the huge page."""
    done = facts.done
    expected = np.uint64(done.pfn) + np.arange(len(done.entries), dtype=np.uint64)[:, None]
    frames = facts.of(facts.single.number("pte_pfn(pte)", facts.values))
    wrong = facts.maps & ~facts.zero & (frames != expected)
    yield from facts.breach("pfn", wrong, "{} maps another page", "its own page")
    if done.words is not None:
        of_migration = facts.of(done.words.frame_of(facts.single, facts.values))
        wrong = facts.moves & (of_migration != expected)
        yield from facts.breach("pfn", wrong, "{} stands for another page", "its own page")


def _permission(facts: _Facts) -> Iterator[Breach]:
    """No entry is writable that was not, nor one that userfaultfd watches."""
    done = facts.done
    writable = facts.maps & facts.holds("pte_write")
    yield from facts.breach("permission", writable & ~facts.writes, "{} becomes writable", "read-only")
    if facts.single.program.has("pte_uffd"):
        watched = facts.maps & facts.holds("pte_uffd") & facts.holds("pte_write")
        yield from facts.breach(
            "permission", watched, "{} is writable under userfaultfd's write protection", "read-only"
        )
    if done.words is not None:
        given = facts.of(done.words.is_of(facts.single, facts.values, WRITE_MIGRATION)).astype(bool)
        detail = "{} becomes writable when its migration ends"
        yield from facts.breach("permission", facts.moves & given & ~facts.writes, detail, "read-only")


def _kept(facts: _Facts) -> Iterator[Breach]:
    """Accessed and dirty of the huge page, also what the MMU sets before it is taken away, are in its entries.

    What is dirty may also be told of the page.
    """
    done = facts.done
    session = done.session
    told = np.zeros(session.machine.lanes, dtype=bool)
    unmapped = told
    for record in session.machine.log:
        if record.kind == "told" and _DIRTIED.fullmatch(record.name):
            told = told | record.mask
        elif record.kind == "told" and "rmap" in record.name:
            unmapped = unmapped | record.mask
    for key, answer in session.machine.answers.items():
        if isinstance(key, str) and _KNOWN_DIRTY.match(key):
            told = told | (answer & session.machine.asked_in.get(key, answer))
    dirty = facts.present & session.holds("pte_dirty", facts.old)
    young = facts.present & session.holds("pte_young", facts.old)
    kept = facts.maps & ~facts.zero
    wrong = kept & dirty & ~told & ~facts.holds("pte_dirty")
    yield from facts.breach("accessed-dirty", wrong, "{} loses the dirty bit of the huge page", "dirty")
    wrong = kept & young & ~facts.holds("pte_young")
    yield from facts.breach("accessed-dirty", wrong, "{} loses the accessed bit of the huge page", "accessed")
    wrong = facts.moves & dirty & ~told
    yield from facts.breach("accessed-dirty", wrong, "{} stands for a dirty page, and nothing is told of it", "dirty")
    lost = facts.gone & dirty & unmapped & ~told
    detail = "the entry is taken away and its dirty bit does not reach the page"
    yield Breach("accessed-dirty", lost, 0, detail, "dirty", _last(done))


def _tracking(facts: _Facts) -> Iterator[Breach]:
    """Soft-dirty and userfaultfd bits are on every entry, as its kind has them."""
    session, single = facts.done.session, facts.single
    for what, predicate, word in TRACKING:
        swapped = next((name for name in facts.marks if name.startswith(f"pte_swp_{word}")), "")
        had = np.zeros(len(facts.old), dtype=bool)
        if session.program.has(predicate):
            had = had | (facts.present & session.holds(predicate, facts.old))
        if swapped and session.program.has(swapped):
            had = had | (facts.moving & session.holds(swapped, facts.old))
        if single.program.has(predicate):
            lost = facts.maps & had & ~facts.holds(predicate)
            yield from facts.breach(
                "tracking", lost & ~(facts.zero & (what != "userfaultfd")), f"{{}} loses the {what} bit", what
            )
        if swapped:
            lost = facts.moves & had & ~facts.holds(swapped)
            yield from facts.breach("tracking", lost, f"{{}} loses the {what} bit", what)


def _order(facts: _Facts) -> Iterator[Breach]:
    """The entry is invalid, and in no TLB, before the table takes its place or it stays empty."""
    done = facts.done
    session, where = done.session, done.where
    now = np.ascontiguousarray(done.batch.initial[:, 0])
    if "translated" in session.program.mmu or any("flush" in name for name in session.machine.assumed):
        return  # what holds translations is not the TLB alone, or what flushes could not be run
    cached = cachable(done, now)
    for record in session.machine.log:
        if record.kind in ("write", "mmu") and record.data.get("offset") == where.base:
            new = record.data["new"]
            if isinstance(new, Unknown):
                continue
            raw = session.raw(new)
            puts = record.mask & (raw == done.table) & (now != done.table) & (record.kind == "write")
            live = puts & cachable(done, now)
            yield Breach(
                "live-entry",
                live,
                0,
                "the table takes the place of an entry that is valid",
                "made invalid and flushed before",
                record,
            )
            detail = "the table takes the place of a huge page that a TLB may still hold"
            yield Breach("flush", puts & cached & ~live, 0, detail, "flushed", record)
            now = np.where(record.mask, raw, now)
            cached = cached | (record.mask & cachable(done, now) & ~puts)
        elif is_flush(record):
            cached = cached & ~(record.mask & covers_all(done, record, where.addr))
    left = facts.gone & cached
    yield Breach("flush", left, 0, "the entry is taken away and no flush covers it", "flushed", _last(done))


def _ends(facts: _Facts) -> Iterator[Breach]:
    """The entry leads to the table, is empty, or is what it was; entries beside it are untouched."""
    done = facts.done
    left = ~facts.split & ~facts.gone & (done.final[0] != facts.old)
    yield Breach("underrun", left, 0, "the entry is left without a table", "a table", _last(done))
    for index, mask in done.batch.disturbed():
        if not -1 <= index <= done.where.nr:
            yield Breach("outside", mask, index, "an entry beside it is written", "untouched", None)


def _last(done: Done) -> Record | None:
    return next((one for one in reversed(done.session.machine.log) if one.kind == "write"), None)
