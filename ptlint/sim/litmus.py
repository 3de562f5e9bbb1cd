"""Litmus tests: a few entries, hardware, a few lines of C, and a question about what can come out.

A file has a header of ``word: text`` lines, an empty line, and C statements over ``vma``, ``mm``, ``addr``, ``ptep``
and ``nr``. ``init`` gives the entries, separated by ``|``, in words (``writable``, ``young``, ``dirty``,
``soft-dirty``, ``uffd``, ``none``); ``hardware`` is ``walker`` (what the profile's MMU does), ``software`` (a handler
of TLB misses or of a hash table, which marks present entries without the page-table lock) or ``none``; ``question`` is
one of ``QUESTIONS``; ``arch`` the profile it is about, none for ptlint's own page table; ``expect`` the verdict that a
test wants. Every run with up to ``MOST_EVENTS`` accesses before, between and after the steps of the code is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ptlint.errors import InputError
from ptlint.sim.batch import Batch, Layout, layout
from ptlint.sim.blob import Blob
from ptlint.sim.driving import FIRST, PFN, Setting, setting
from ptlint.sim.explore import explore
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine, Record
from ptlint.sim.memory import Object
from ptlint.sim.mmu import Walker
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask, Unknown, distinct, lane_of

MOST_EVENTS = 2
MOST_ENTRIES = 4
MOST_BYTES = 16_384
QUESTIONS = ("dirty lost", "accessed lost", "writable", "read-only", "present", "not present", "another page")
HARDWARE = ("walker", "software", "none")
_WORDS = {
    "writable": "pte_write",
    "young": "pte_young",
    "dirty": "pte_dirty",
    "soft-dirty": "pte_soft_dirty",
    "uffd": "pte_uffd",
}
_HEADS = ("init", "hardware", "question", "arch", "expect")


@dataclass(frozen=True, slots=True)
class Litmus:
    """A parsed test. ``init`` holds the words of each entry; ``expect`` is empty when the file says nothing."""

    name: str
    init: tuple[frozenset[str], ...]
    hardware: str
    question: str
    arch: str
    expect: str
    code: str


@dataclass(frozen=True, slots=True)
class State:
    """A final state: its entries in words, whether the question holds, and the shortest run that leads to it."""

    entries: tuple[str, ...]
    holds: bool
    run: tuple[str, ...]
    runs: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """All final states; ``word`` is ``always``, ``sometimes`` or ``never``."""

    litmus: Litmus
    profile: str
    states: tuple[State, ...]
    word: str


def parsed(name: str, text: str) -> Litmus:
    """Return the test that *text* describes. Raises InputError with the line that is not understood."""
    if len(text) > MOST_BYTES:
        raise InputError(f"{name}: {len(text)} bytes are too many for a litmus test")
    head, _, code = text.partition("\n\n")
    found: dict[str, str] = {}
    for number, line in enumerate(head.splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        word, colon, value = line.partition(":")
        if not colon or word.strip() not in _HEADS:
            raise InputError(f"{name}:{number}: not one of {', '.join(_HEADS)}, followed by a colon")
        found[word.strip()] = value.strip()
    entries = tuple(frozenset(part.split()) for part in found.get("init", "").split("|"))
    for entry in entries:
        unknown = sorted(entry - set(_WORDS) - {"none"})
        if unknown or not entry <= ({"none"} if "none" in entry else entry):
            raise InputError(f"{name}: an entry cannot be {' '.join(unknown or sorted(entry))}")
    if len(entries) > MOST_ENTRIES:
        raise InputError(f"{name}: more than {MOST_ENTRIES} entries")
    hardware, question = found.get("hardware", "walker"), found.get("question", "")
    if hardware not in HARDWARE:
        raise InputError(f"{name}: hardware is one of {', '.join(HARDWARE)}")
    if question not in QUESTIONS:
        raise InputError(f"{name}: the question is one of {', '.join(QUESTIONS)}")
    if not code.strip():
        raise InputError(f"{name}: no code after the header")
    return Litmus(name, entries, hardware, question, found.get("arch", ""), found.get("expect", ""), code)


# --- agents -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Handler(Walker):
    """A software handler that marks a present entry accessed or, where it is writable, dirty. It takes no lock."""

    program: Program | None = None

    def before_step(self, machine: Machine, table: Object) -> None:
        """Do the accesses whose turn it is."""
        due = machine.mask & (self.slot == machine.steps)
        for index in distinct(self.entry[due]):
            at = self.offset + int(index) * self.hardware.size
            held = table.blob.load(at, self.hardware.size, False)
            if isinstance(held, Unknown) or self.program is None:
                continue
            session = Session(self.program, machine.lanes)
            raw = session.lanes_of(held)
            young = session.raw(session.pte("pte_mkyoung(pte)", pte=("pte_t", session.entry(raw))))
            dirty = session.raw(session.pte("pte_mkdirty(pte_mkyoung(pte))", pte=("pte_t", session.entry(raw))))
            allowed = session.holds("pte_present", raw) & (~self.store | session.holds("pte_write", raw))
            new = np.where(self.store, dirty, young)
            here = due & (self.entry == index) & allowed & (new != raw)
            if bool(here.any()):
                table.blob.store(at, self.hardware.size, new, here)
                machine.note("mmu", "a handler", here, offset=at, old=raw, new=new)


@dataclass(frozen=True, slots=True)
class Agents:
    """Several accesses in one run, each with a schedule of its own."""

    each: tuple[Walker, ...]

    def before_step(self, machine: Machine, table: Object) -> None:
        """Let each act whose turn it is."""
        for one in self.each:
            one.before_step(machine, table)


# --- the run ------------------------------------------------------------------------------------------------------


def run(program: Program, litmus: Litmus, profile: str) -> Verdict:
    """Return what can come out of *litmus*. Raises CannotExecute and OutOfBounds as the code does."""
    shared = setting(program, MOST_ENTRIES)
    nr = len(litmus.init)
    where = layout(program, nr, FIRST)
    states = [_state(shared, words) for words in litmus.init]
    raw = np.array(
        [[shared.none if s < 0 else int(shared.colours.raw[s, i]) for i, s in enumerate(states)]], dtype=np.uint64
    )
    still = _once(shared, litmus, where, raw, [()])
    steps = int(still[0].machine.steps.max())
    events = (
        []
        if litmus.hardware == "none"
        else [(slot, entry, store) for slot in range(steps + 1) for entry in range(nr) for store in (False, True)]
    )
    schedules = [chosen for count in range(MOST_EVENTS + 1) for chosen in combinations(events, count)]
    session, batch = _once(shared, litmus, where, raw, schedules)
    return _verdict(litmus, profile, session, batch, schedules)


def _state(shared: Setting, words: frozenset[str]) -> int:
    """Return the lightest state of the palette that is all of *words* and no more; -1 for an empty entry."""
    if "none" in words:
        return -1
    raw = np.ascontiguousarray(shared.colours.raw[:, 0])
    session = Session(shared.program, len(raw))
    fits = np.ones(len(raw), dtype=bool)
    for word, predicate in _WORDS.items():
        if shared.program.has(predicate):
            fits &= session.holds(predicate, raw) == (word in words)
        elif word in words:
            raise InputError(f"this page table has no {word} entries")
    if not bool(fits.any()):
        raise InputError(f"no entry of this page table is {' '.join(sorted(words)) or 'clean, old and read-only'}")
    return int(np.flatnonzero(fits)[np.argmin(shared.colours.weight[fits])])


_Schedule = tuple[tuple[int, int, bool], ...]


def _once(
    shared: Setting, litmus: Litmus, where: Layout, raw: NDArray[np.uint64], schedules: list[_Schedule]
) -> tuple[Session, Batch]:
    """Run the code once a schedule and a set of answers; the lanes are schedules, answers outermost."""
    kept: list[tuple[Session, Batch]] = []

    def drive(base: NDArray[np.int64], answers: dict[object, Mask]) -> tuple[Machine, list[object], object]:
        lanes = len(base)
        agents = Agents(tuple(_agent(shared, litmus, where, schedules, base, at) for at in range(MOST_EVENTS)))
        session = Session(shared.program, lanes, answers)
        batch = Batch(session, where, np.repeat(raw, lanes, axis=0), shared.none)
        session.machine.agent = agents
        session.machine.page_base_pfn = PFN & ~0xFF
        mm = session.opaque("vma->vm_mm", "struct mm_struct")
        session.do(
            litmus.code.strip().removesuffix(";"),
            vma=("struct vm_area_struct *", session.opaque("vma", "struct vm_area_struct")),
            mm=("struct mm_struct *", mm),
            addr=("unsigned long", where.addr),
            ptep=("pte_t *", batch.ptep),
            nr=("unsigned int", where.nr),
        )
        drain(session.machine)
        agents.before_step(session.machine, batch.table)
        kept.append((session, batch))
        return session.machine, [], base

    explore(len(schedules), drive)  # type: ignore[arg-type]
    return kept[-1]


def _agent(
    shared: Setting, litmus: Litmus, where: Layout, schedules: list[_Schedule], base: NDArray[np.int64], at: int
) -> Walker:
    rows = [schedule[at] if at < len(schedule) else (-1, 0, False) for schedule in schedules]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), 3)[base]
    none = np.zeros(len(base), dtype=bool)
    slot, entry, store = table[:, 0], table[:, 1], table[:, 2].astype(bool)
    if litmus.hardware == "software":
        return Handler(shared.hardware, slot, entry, store, where.base, none, shared.program)
    return Walker(shared.hardware, slot, entry, store, where.base, none)


def _verdict(litmus: Litmus, profile: str, session: Session, batch: Batch, schedules: list[_Schedule]) -> Verdict:
    holds = _holds(litmus, session, batch)
    dead = session.machine.dead
    alive = np.ones(len(holds), dtype=bool) if dead is None else ~dead
    entries = [batch.entry(index) for index in range(batch.where.nr)]
    shown = _words(session.program, np.concatenate(entries))
    groups: dict[tuple[tuple[str, ...], bool], list[int]] = {}
    for lane in np.flatnonzero(alive):
        final = tuple(shown[int(raw[lane])] for raw in entries)
        groups.setdefault((final, bool(holds[lane])), []).append(int(lane))
    states = []
    for (final, yes), lanes in groups.items():
        shortest = min(lanes, key=lambda lane: (len(_acts(session, lane)), _acts(session, lane), lane))
        states.append(State(final, yes, tuple(_told(session, batch, shortest)), len(lanes)))
    states.sort(key=lambda state: (state.holds, len(state.run), state.entries))
    answers = {state.holds for state in states}
    word = "sometimes" if len(answers) == 2 else "always" if answers == {True} else "never"
    return Verdict(litmus, profile, tuple(states), word)


def _acts(session: Session, lane: int) -> list[int]:
    return [at for at, one in enumerate(session.machine.log) if one.kind == "mmu" and bool(one.mask[lane])]


def _holds(litmus: Litmus, session: Session, batch: Batch) -> Mask:
    """Return the lanes in which the answer is yes for some entry."""
    result = np.zeros(session.machine.lanes, dtype=bool)
    for index in range(batch.where.nr):
        raw, before = batch.entry(index), np.ascontiguousarray(batch.initial[:, index])
        present = session.holds("pte_present", raw)
        match litmus.question:
            case "dirty lost" | "accessed lost":
                predicate = "pte_dirty" if litmus.question == "dirty lost" else "pte_young"
                had = session.holds(predicate, before)
                for record in session.machine.log:
                    if record.kind == "mmu" and record.data["offset"] == batch.where.base + index * batch.where.size:
                        had = had | (record.mask & session.holds(predicate, session.raw(_value(record, "new"))))
                result |= had & ~session.holds(predicate, raw)
            case "writable":
                result |= present & session.holds("pte_write", raw)
            case "read-only":
                result |= present & ~session.holds("pte_write", raw)
            case "present":
                result |= present
            case "not present":
                result |= ~present
            case _:
                wrong = session.number("pte_pfn(pte)", raw) != np.uint64(PFN + index)
                result |= present & wrong
    return result


def _value(record: Record, key: str) -> NDArray[np.uint64]:
    value = record.data[key]
    assert isinstance(value, np.ndarray)
    return value.view(np.uint64)


def _words(program: Program, raws: NDArray[np.uint64]) -> dict[int, str]:
    """Return entries in words, for each different one."""
    values = distinct(raws)
    session = Session(program, len(values))
    none, present = (session.holds(name, values) for name in ("pte_none", "pte_present"))
    flags = {w: session.holds(p, values) for w, p in _WORDS.items() if program.has(p)}
    pfn = session.number("pte_pfn(pte)", values)
    found = {}
    for at, value in enumerate(values):
        words = [word for word, holds in flags.items() if bool(holds[at])]
        text = f"page {int(pfn[at]) - PFN} {' '.join(words) or 'read-only clean old'}"
        found[int(value)] = (
            "none" if bool(none[at]) else text if bool(present[at]) else f"not present ({int(value):#x})"
        )
    return found


def _told(session: Session, batch: Batch, lane: int) -> Iterator[str]:
    """Yield the steps of one run in words."""
    records = [one for one in session.machine.log if bool(one.mask[lane]) and one.kind in ("read", "write", "mmu")]
    raws: list[int] = []
    for record in records:
        for key in ("old", "new"):
            value = record.data.get(key)
            if value is not None:
                raws.append(_lane(value, lane))
    shown = _words(session.program, np.array(sorted(set(raws)), dtype=np.uint64)) if raws else {}
    for record in records:
        offset = _lane(record.data["offset"], lane)
        index = offset // batch.where.size - batch.where.first
        before = shown.get(_lane(record.data["old"], lane), "?")
        if record.kind == "read":
            yield f"cpu reads entry {index}: {before}"
        else:
            who = (
                "cpu writes" if record.kind == "write" else f"{'handler' if record.name == 'a handler' else 'mmu'} sets"
            )
            yield f"{who} entry {index}: {shown.get(_lane(record.data['new'], lane), '?')}"


def _lane(value: object, lane: int) -> int:
    if isinstance(value, Blob):
        value = value.load(0, value.size, False)
    found = lane_of(value, lane)  # type: ignore[arg-type]
    return 0 if found is None else found & 0xFFFF_FFFF_FFFF_FFFF
