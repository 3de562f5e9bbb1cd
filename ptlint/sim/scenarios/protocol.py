"""The prot-modification transaction: start over a batch, change the protection, commit over the same batch.

Contract: the comments of modify_prot_start_ptes() and modify_prot_commit_ptes() in include/linux/pgtable.h. Start
returns the first entry with young and dirty collected from all; commit gets that value and the new one, both for the
first entry, and sets nr entries to the new value with the PFN advanced by one each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ast import NOWHERE, Pos
from ptlint.sim.batch import Batch, Layout, layout, none_of
from ptlint.sim.blob import Blob
from ptlint.sim.counterexample import build
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.inventory import names_with, used_by
from ptlint.sim.judgement import Assumption, Judgement, Violation
from ptlint.sim.machine import Limits, Machine
from ptlint.sim.mmu import Hardware, Walker, hardware_of
from ptlint.sim.palette import Palette, palette, protection
from ptlint.sim.program import Program
from ptlint.sim.properties import transaction
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

PFN = 0x1FFE
"""First page frame of a batch: advancing it carries through many bits."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A start and a commit of the same batch form. Per-entry forms have no count and are looped over by the driver."""

    start: Signature
    commit: Signature

    @property
    def is_batch(self) -> bool:
        """Return whether both take a count."""
        return bool(self.start.of("nr")) and bool(self.commit.of("nr"))


@dataclass(frozen=True, slots=True)
class Space:
    """The lanes of one run. Arrays are (lanes,) or (lanes, nr); ``slot`` is -1 where the MMU stays out."""

    states: NDArray[np.int64]
    request: NDArray[np.int64]
    slot: NDArray[np.int64]
    entry: NDArray[np.int64]
    store: Mask
    exhaustive: bool

    def __len__(self) -> int:
        return len(self.request)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a property looks at: the batch before and after, what start returned, what commit was asked to set."""

    session: Session
    batch: Batch
    where: Layout
    colours: Palette
    lanes: Space
    returned: NDArray[np.uint64]
    asked: NDArray[np.uint64]
    after_start: tuple[NDArray[np.uint64], ...]
    final: tuple[NDArray[np.uint64], ...]
    hardware: Hardware
    walker: Walker | None
    commit_from: int
    usable: Mask
    space: Space
    pair: Pair


@dataclass(frozen=True, slots=True)
class Setting:
    """What all runs of one program share."""

    program: Program
    hardware: Hardware
    colours: Palette
    none: int


def setting(program: Program, nr: int) -> Setting:
    """Return what runs with up to *nr* entries need. Raises CannotExecute when the entry's setters cannot run."""
    hardware = hardware_of(program)
    return Setting(program, hardware, palette(program, hardware, PFN, nr), none_of(program))


def run_pair(shared: Setting, pair: Pair, nr: int, first: int, space: Space, limits: Limits | None = None) -> Trial:
    """Run the pair over *space* and return the trial with its breaches."""
    where = layout(shared.program, nr, first)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, list[Breach], object]:
        ran = _drive(shared, pair, where, space, base, answers, limits)
        return ran.session.machine, list(transaction.check(ran)), ran

    return explore(len(space), drive)


def _drive(
    shared: Setting,
    pair: Pair,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    answers: dict[Hashable, Mask],
    limits: Limits | None,
    intercept: Callable[[str, Sequence[str], list[Any]], None] | None = None,
) -> Ran:
    lanes, program = len(base), shared.program
    walker = _walker(shared.hardware, where, space, base)
    session = Session(program, lanes, answers, walker, limits)
    raw = np.stack([shared.colours.raw[space.states[base, i], i] for i in range(where.nr)], axis=1)
    batch = Batch(session, where, raw, shared.none)
    session.machine.intercept = intercept
    session.machine.page_base_pfn = PFN & ~0xFF
    returned = _start(session, pair, batch)
    after = tuple(batch.entry(i) for i in range(where.nr))
    asked = _requested(session, returned, space.request[base])
    commit_from = len(session.machine.log)
    _commit(session, pair, batch, returned, asked)
    final = tuple(batch.entry(i) for i in range(where.nr))
    usable = ~contradictory(answers, lanes)
    colours = shared.colours
    lanes_used = Space(
        space.states[base],
        space.request[base],
        space.slot[base],
        space.entry[base],
        space.store[base],
        space.exhaustive,
    )
    return Ran(
        session, batch, where, colours, lanes_used, session.raw(returned), session.raw(asked), after, final,
        shared.hardware, walker, commit_from, usable, space, pair,
    )  # fmt: skip


def _walker(hardware: Hardware, where: Layout, space: Space, base: NDArray[np.int64]) -> Walker | None:
    if not bool((space.slot >= 0).any()):
        return None
    none = np.zeros(len(base), dtype=bool)
    return Walker(hardware, space.slot[base], space.entry[base], space.store[base], where.base, none)


def _arguments(session: Session, form: Signature, batch: Batch, index: int, values: list[Value]) -> dict[str, Value]:
    """Return the value of each parameter for a call at entry *index*; ``pte`` parameters take *values* in order."""
    where = batch.where
    rest = list(values)
    chosen: dict[str, Value] = {}
    for at, parameter in enumerate(form.parameters):
        key = f"a{at}"
        match parameter.role:
            case "vma":
                chosen[key] = session.opaque("vma", "struct vm_area_struct")
            case "mm":
                chosen[key] = session.opaque("vma->vm_mm", "struct mm_struct")
            case "addr":
                chosen[key] = where.addr + index * where.page
            case "ptep":
                chosen[key] = batch.ptep + index * where.size
            case "pte":
                chosen[key] = rest.pop(0)
            case "nr":
                chosen[key] = where.nr
            case _:
                chosen[key] = 0
    return chosen


def _called(session: Session, form: Signature, batch: Batch, index: int, values: list[Value]) -> Value:
    chosen = _arguments(session, form, batch, index, values)
    text = f"{form.name}({', '.join(f'a{at}' for at in range(len(form.parameters)))})"
    typed = {f"a{at}": (p.written, chosen[f"a{at}"]) for at, p in enumerate(form.parameters)}
    if form.returns == "void":
        session.do(text, **typed)
        return None
    return session.run(text, **typed)


def _start(session: Session, pair: Pair, batch: Batch) -> Value:
    if pair.is_batch:
        return _called(session, pair.start, batch, 0, [])
    result = _called(session, pair.start, batch, 0, [])
    for index in range(1, batch.where.nr):
        other = _called(session, pair.start, batch, index, [])
        result = collected(session, result, other)
    return result


def collected(session: Session, into: Value, other: Value) -> Value:
    """Return *into* with young and dirty of *other* added, as callers of per-entry helpers do."""
    for predicate, setter in (("pte_dirty", "pte_mkdirty"), ("pte_young", "pte_mkyoung")):
        mask = session.holds(predicate, session.raw(other))
        more = session.pte(f"{setter}(pte)", pte=("pte_t", into))
        into = session.where(mask, more, into)
    return into


def _commit(session: Session, pair: Pair, batch: Batch, old: Value, new: Value) -> None:
    if pair.is_batch:
        _called(session, pair.commit, batch, 0, [old, new])
        return
    for index in range(batch.where.nr):
        _called(session, pair.commit, batch, index, [_advanced(session, old, index), _advanced(session, new, index)])


def _advanced(session: Session, pte: Value, by: int) -> Value:
    for _ in range(by):
        pte = session.pte("pte_next_pfn(pte)", pte=("pte_t", pte))
    return pte


def _requested(session: Session, returned: Value, request: NDArray[np.int64]) -> Value:
    """Return the new value that the caller asks for: read-only or shared, from what start returned."""
    program = session.program
    readonly = session.pte(f"pte_modify(pte, {protection(program, 'readonly')})", pte=("pte_t", returned))
    shared = session.pte(f"pte_modify(pte, {protection(program, 'shared')})", pte=("pte_t", returned))
    return session.where(request == 1, shared, readonly)


# --- lanes ----------------------------------------------------------------------------------------------------


def still(colours: Palette, nr: int, limit: int) -> Space:
    """Return every combination of young and dirty over *nr* entries of one kind, both requests, no MMU.

    Above *limit* lanes: all alike, one-hot and two-hot states, and seeded draws.
    """
    rows = []
    exhaustive = True
    for kind in np.unique(colours.kinds):
        variants = np.flatnonzero(colours.kinds == kind)
        if len(variants) ** nr * 2 * (int(colours.kinds.max()) + 1) <= limit:
            grid = np.meshgrid(*[variants] * nr, indexing="ij")
            rows.append(np.stack([axis.reshape(-1) for axis in grid], axis=1))
        else:
            exhaustive = False
            rows.append(_drawn(variants, nr, limit // 16))
    states = np.concatenate(rows)
    states = np.repeat(states, 2, axis=0)
    count = len(states)
    request = np.tile(np.array([0, 1], dtype=np.int64), count // 2)
    off = np.full(count, -1, dtype=np.int64)
    return Space(states, request, off, np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool), exhaustive)


def _drawn(variants: NDArray[np.int64], nr: int, count: int) -> NDArray[np.int64]:
    rows = [np.full(nr, variant) for variant in variants]
    for one in variants:
        for other in variants:
            for at in range(nr):
                row = np.full(nr, one)
                row[at] = other
                rows.append(row)
                if at + 1 < nr:
                    pair = row.copy()
                    pair[at + 1] = other
                    rows.append(pair)
    draw = np.random.default_rng(nr)
    rows.extend(draw.choice(variants, nr) for _ in range(max(0, count - len(rows))))
    return np.unique(np.stack(rows[: max(count, len(variants) * 4)]), axis=0)


def raced(space: Space, nr: int, slots: int) -> Space:
    """Return *space* with one access of the MMU, a load or a store, to each entry before each of *slots* steps."""
    events = [(slot, entry, store) for slot in range(slots) for entry in range(nr) for store in (False, True)]
    table = np.array(events, dtype=np.int64)
    count = len(space)
    pick = np.repeat(np.arange(count), len(events))
    event = np.tile(np.arange(len(events)), count)
    return Space(
        space.states[pick],
        space.request[pick],
        table[event, 0],
        table[event, 1],
        table[event, 2].astype(bool),
        space.exhaustive,
    )


# --- the family -----------------------------------------------------------------------------------------------


def subjects(program: Program) -> Iterator[Pair]:
    """Yield the start/commit pairs of the universe: names that differ in that word, with the roles of a transaction."""
    partners = frozenset(names_with(program, "_commit"))
    for name in names_with(program, "_start"):
        partner = name.replace("_start", "_commit")
        if partner not in partners or name.startswith("huge_"):  # huge ones need the hstate of the mapping
            continue
        if program.definition(name) is None or program.definition(partner) is None:
            continue
        pair = _pair(program, name, partner)
        if pair is not None:
            yield pair


def _pair(program: Program, name: str, partner: str) -> Pair | None:
    forms = []
    for one in (name, partner):
        definition = program.definition(one)
        assert definition is not None
        forms.append(signature_of(program, one, definition.type))
    start, commit = forms
    fits = start.returns == "pte" and len(start.of("ptep")) == 1 and not start.of("pte")
    fits = fits and commit.returns == "void" and len(commit.of("ptep")) == 1 and len(commit.of("pte")) == 2
    known = all(p.role != "other" for form in forms for p in form.parameters)
    return Pair(start, commit) if fits and known and bool(start.of("nr")) == bool(commit.of("nr")) else None


def judge(program: Program, pair: Pair, arch: str) -> Judgement:
    """Run the pair over growing batches and return the verdicts. What stops a run is part of the judgement."""
    subject = f"{pair.start.name}+{pair.commit.name}"
    found: dict[str, Violation] = {}
    record = _Tally()
    try:
        shared = setting(program, 3)
        for nr in (1, 2, 3):
            space = still(shared.colours, nr, MOST_STATES)
            trial = _counted(record, run_pair(shared, pair, nr, FIRST, space), space)
            _collect(found, trial, pair, shared, arch, raced_run=False)
            if nr < 3 and shared.hardware.updates:
                space = raced(space, nr, int(trial.machine.steps.max()) + 1)
                trial = _counted(record, run_pair(shared, pair, nr, FIRST, space), space)
                _collect(found, trial, pair, shared, arch, raced_run=True)
    except CannotExecute as error:
        record.stopped = (error.what, error.pos or NOWHERE, error.function)
    except OutOfBounds as error:
        record.exhausted = error.what
    return record.judgement(program, subject, arch, found)


MOST_STATES = 4096
"""Lanes of one run before questions multiply them."""

FIRST = 19
"""Index of a batch in its table: not aligned to any block, with room on both sides."""


@dataclass(slots=True)
class _Tally:
    scenarios: int = 0
    exhaustive: bool = True
    executed: set[str] = field(default_factory=set)
    assumed: dict[str, tuple[str, Pos]] = field(default_factory=dict)
    stopped: tuple[str, Pos, str] | None = None
    exhausted: str = ""

    def judgement(self, program: Program, subject: str, arch: str, found: dict[str, Violation]) -> Judgement:
        return Judgement(
            subject,
            arch,
            tuple(found.values()),
            self.scenarios,
            self.exhaustive and self.stopped is None and not self.exhausted,
            frozenset(self.executed),
            used_by(program, self.executed),
            tuple(Assumption(name, what, pos) for name, (what, pos) in sorted(self.assumed.items())),
            self.stopped,
            self.exhausted,
        )


def _counted(record: _Tally, trial: Trial, space: Space) -> Trial:
    record.scenarios += trial.machine.lanes
    record.exhaustive = record.exhaustive and trial.exhaustive and space.exhaustive
    record.executed |= trial.machine.executed
    record.assumed.update(trial.machine.assumed)
    return trial


def _collect(
    found: dict[str, Violation], trial: Trial, pair: Pair, shared: Setting, arch: str, raced_run: bool
) -> None:
    ran = trial.state
    assert isinstance(ran, Ran)
    weights = shared.colours.weight
    trial.weight = weights[ran.lanes.states].sum(axis=1) * 8 + ran.lanes.request + 2 * (ran.lanes.slot + 1)
    for breach in trial.breaches:
        key = f"{breach.property}/race" if raced_run and breach.property == "accessed-dirty" else breach.property
        if key in found or (raced_run and breach.property in found):
            continue
        observed: tuple[str, ...] = ()
        if breach.property == "old-pte":
            observed, lanes = _observers(shared, pair, ran, trial, breach)
            breach.mask = lanes if observed else breach.mask
        example = build(ran, trial, breach, arch, breach.detail)
        found[key] = Violation(
            breach.property,
            raced_run,
            breach.detail,
            breach.expected,
            example,
            blame_of(breach),
            breach.suspect,
            observed,
        )


def blame_of(breach: Breach) -> tuple[tuple[str, Pos], ...]:
    """Return the chain of calls to the step that broke the property, outermost first, each with where it was left."""
    record = breach.record
    if record is None:
        return ()
    left = [pos for _, pos in record.stack[1:]] + [record.pos]
    return tuple((name, pos) for (name, _), pos in zip(record.stack, left, strict=True))


def _observers(shared: Setting, pair: Pair, ran: Ran, trial: Trial, breach: Breach) -> tuple[tuple[str, ...], Mask]:
    """Return what goes differently when each per-entry commit gets its own old value, and in which lanes."""
    first = ran.returned
    delta = _deltas(ran)
    base, size = ran.batch.table.base, ran.batch.table.blob.size

    def correct(_name: str, names: Sequence[str], values: list[Any]) -> None:
        entries = [at for at, value in enumerate(values) if isinstance(value, Blob)]
        pointer = next((v for v in values if isinstance(v, int) and base <= v < base + size), None)
        if len(entries) < 2 or not isinstance(pointer, int):
            return
        at = next((at for at in entries if "old" in names[at]), entries[0])
        index = (pointer - base) // ran.where.size - ran.where.first
        if 0 <= index < ran.where.nr:
            values[at] = ran.session.entry(first ^ delta[index])

    answers = {key: ran.session.machine.answers[key] for key in trial.questions}
    again = _drive(shared, pair, ran.where, ran.space, trial.lane, answers, None, correct)
    return _differences(ran, again, breach.mask)


def _deltas(ran: Ran) -> list[NDArray[np.uint64]]:
    """Return, entry by entry, what turns the bytes of the first page frame's entry into those of entry i's (xor)."""
    initial = ran.colours.raw[ran.lanes.states[:, 0]]
    return [initial[:, 0] ^ initial[:, index] for index in range(ran.where.nr)]


def _differences(ran: Ran, again: Ran, mask: Mask) -> tuple[tuple[str, ...], Mask]:
    found: list[str] = []
    lanes = np.zeros(len(mask), dtype=bool)
    counts = [_flush_counts(one) for one in (ran, again)]
    for key in sorted(set(counts[0]) | set(counts[1])):
        nothing = np.zeros(len(mask), dtype=np.int64)
        had, owed = counts[0].get(key, nothing), counts[1].get(key, nothing)
        lanes |= (had != owed) & mask
        if bool(((had < owed) & mask).any()):
            found.append(f"{key[0]}() at {key[1]} is not called for an entry that needs it")
        elif bool(((had > owed) & mask).any()):
            found.append(f"{key[0]}() at {key[1]} is called for an entry that does not need it")
    entries = np.any([a != b for a, b in zip(ran.final, again.final, strict=True)], axis=0) & mask
    if bool(entries.any()):
        found.append("the entries end up different")
    return tuple(found), lanes | entries


def _flush_counts(ran: Ran) -> dict[tuple[str, str], NDArray[np.int64]]:
    counts: dict[tuple[str, str], NDArray[np.int64]] = {}
    for record in ran.session.machine.log:
        if record.kind == "flush":
            key = (record.name, f"{record.pos.path}:{record.pos.line}")
            counts[key] = counts.get(key, np.zeros(ran.session.machine.lanes, dtype=np.int64)) + record.mask
    return counts
