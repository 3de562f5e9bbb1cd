"""The prot-modification transaction: start over a batch, change the protection, commit over the same batch.

Contract: the comments of modify_prot_start_ptes() and modify_prot_commit_ptes() in include/linux/pgtable.h. Start
returns the first entry with young and dirty collected from all; commit gets that value and the new one, both for the
first entry, and sets nr entries to the new value with the PFN advanced by one each.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, layout
from ptlint.sim.blob import Blob
from ptlint.sim.driving import (
    FEW_STATES,
    FIRST,
    MOST_STATES,
    Intercept,
    Ran,
    Setting,
    called,
    common,
    long_batch,
    prepare,
    setting,
)
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import MAX_LANES, Breach, Trial, explore
from ptlint.sim.frame import Value
from ptlint.sim.inventory import names_with
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.palette import protection
from ptlint.sim.program import Program
from ptlint.sim.properties import transaction
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.space import Space, lanes_over, raced, still
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask


@dataclass(frozen=True, slots=True)
class Pair:
    """A start and a commit of the same batch form. Per-entry forms have no count and are looped over by the driver."""

    start: Signature
    commit: Signature

    @property
    def is_batch(self) -> bool:
        """Return whether both take a count."""
        return bool(self.start.of("nr")) and bool(self.commit.of("nr"))


@dataclass(frozen=True, kw_only=True)
class Transacted(Ran):
    """A finished transaction: what start returned and left behind, and what commit was asked to set.

    ``commit_from`` is the position in the log at which commit begins.
    """

    pair: Pair
    returned: NDArray[np.uint64]
    asked: NDArray[np.uint64]
    after_start: tuple[NDArray[np.uint64], ...]
    commit_from: int


def run_pair(shared: Setting, pair: Pair, nr: int, first: int, space: Space, after: Trial | None = None) -> Trial:
    """Run the pair over *space*, *after* a trial of its own, and return the trial with its breaches."""
    where = layout(shared.program, nr, first)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        ran = driven(shared, pair, where, space, base, answers)
        return ran.session.machine, transaction.check(ran), ran

    return explore(len(space), drive, lanes_over(nr, MAX_LANES), after)


def driven(
    shared: Setting,
    pair: Pair,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    answers: dict[Hashable, Mask],
    intercept: Intercept | None = None,
) -> Transacted:
    """Return the finished transaction of *pair* over lanes *base* of *space*."""
    run = prepare(shared, where, space, base, answers, intercept=intercept)
    session, batch = run.session, run.batch
    returned = start_batch(session, pair, batch)
    after = tuple(batch.entry(i) for i in range(where.nr))
    asked = requested(session, returned, run.lanes.request)
    commit_from = len(session.machine.log)
    _commit(session, pair, batch, returned, asked)
    drain(session.machine)
    raws = (session.raw(returned), session.raw(asked))
    return Transacted(
        **common(shared, batch, space, run.lanes, run.usable),
        landmarks=((commit_from, "start returns {}; to be set: {}", raws),),
        pair=pair,
        returned=raws[0],
        asked=raws[1],
        after_start=after,
        commit_from=commit_from,
    )


def start_batch(session: Session, pair: Pair, batch: Batch) -> Value:
    result = called(session, pair.start, batch, 0, [])
    if not pair.is_batch:
        for index in range(1, batch.where.nr):
            result = collected(session, result, called(session, pair.start, batch, index, []))
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
        called(session, pair.commit, batch, 0, [old, new])
        return
    for index in range(batch.where.nr):
        called(session, pair.commit, batch, index, [advanced(session, old, index), advanced(session, new, index)])


def advanced(session: Session, pte: Value, by: int) -> Value:
    """Return *pte* with its page frame *by* further."""
    for _ in range(by):
        pte = session.pte("pte_next_pfn(pte)", pte=("pte_t", pte))
    return pte


def requested(session: Session, returned: Value, request: NDArray[np.int64]) -> Value:
    """Return the new value that the caller asks for: read-only or shared, from what start returned."""
    program = session.program
    readonly = session.pte(f"pte_modify(pte, {protection(program, 'readonly')})", pte=("pte_t", returned))
    shared = session.pte(f"pte_modify(pte, {protection(program, 'shared')})", pte=("pte_t", returned))
    return session.where(request == 1, shared, readonly)


# --- the family -----------------------------------------------------------------------------------------------


def subjects(program: Program, *, every: bool = False) -> Iterator[Pair]:
    """Yield the start/commit pairs of the universe: names that differ in that word, with the roles of a transaction."""
    partners = frozenset(names_with(program, "_commit"))
    for name in names_with(program, "_start", lambda name: _partner(name) in partners):
        partner = _partner(name)
        if name.startswith("huge_"):  # huge ones need the hstate of the mapping
            continue
        if not every and not (program.is_asked_for(f"{name}+{partner}") and program.matters(name, partner)):
            continue
        if program.definition(name) is None or program.definition(partner) is None:
            continue
        pair = _pair(program, name, partner)
        if pair is not None:
            yield pair


def pair_names(program: Program) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the helpers that start a transaction, and of those that commit one."""
    found: tuple[frozenset[str], frozenset[str]] | None = program.kept.get("pair names")
    if found is None:
        names = [(one.start.name, one.commit.name) for one in subjects(program, every=True)]
        found = frozenset(name for name, _ in names), frozenset(name for _, name in names)
        program.kept["pair names"] = found
    return found


def _partner(start: str) -> str:
    return start.replace("_start", "_commit")


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


def name(pair: Pair) -> str:
    """Return the names of both helpers."""
    return f"{pair.start.name}+{pair.commit.name}"


def judge(program: Program, pair: Pair, arch: str) -> Judgement:
    """Run the pair over growing batches and return the verdicts. What stops a run is part of the judgement."""
    tally = Tally(name(pair), arch)
    try:
        shared = setting(program, max(3, *program.sizes))
        steps = {}
        trial: Trial | None = None

        def over(nr: int, space: Space, *, raced: bool = False) -> Trial | None:
            def run() -> Trial:
                return run_pair(shared, pair, nr, FIRST, space, trial)

            return tally.attempt(run, raced=raced, observers=None if raced else partial(_observers, shared))

        for nr in program.sizes[:2]:
            ran = over(nr, still(shared.colours, nr, MOST_STATES))
            trial = ran or trial
            if ran is not None:
                steps[nr] = int(ran.machine.steps.max()) + 1
        if tally.is_idle(program):
            return tally.judgement(program)
        for nr in program.sizes[2:]:
            trial = over(nr, still(shared.colours, nr, MOST_STATES)) or trial
        if pair.is_batch and len(program.sizes) > 1:
            tally.attempt(partial(_long, program, pair, long_batch(program, tally.executed)), raced=False)
        for nr, slots in steps.items() if shared.hardware.updates else ():
            over(nr, raced(still(shared.colours, nr, MOST_STATES), nr, slots), raced=True)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def _long(program: Program, pair: Pair, nr: int) -> Trial:
    """Run over a few states of a long batch: whether every state ran is said of the short ones."""
    long = setting(program, nr)
    return run_pair(long, pair, nr, FIRST, replace(still(long.colours, nr, FEW_STATES), exhaustive=True))


def _observers(shared: Setting, ran: Ran, trial: Trial, breach: Breach) -> tuple[tuple[str, ...], Mask]:
    """Return what goes differently when each per-entry commit gets its own old value, and in which lanes."""
    assert isinstance(ran, Transacted)
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
    again = driven(shared, ran.pair, ran.where, ran.space, trial.lane, answers, correct)
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
