"""Runs of callers over lanes of entries, such that map no page among them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction
from ptlint.sim.absent import Absent, Words, absent_entries, mixed_rows, with_absent
from ptlint.sim.batch import Layout, layout
from ptlint.sim.bounds import Limits
from ptlint.sim.calls import invoke
from ptlint.sim.driving import FIRST, Ran, Setting, common
from ptlint.sim.errors import OutOfBounds
from ptlint.sim.explore import Breach, Trial, again, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.grants import Grants
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine, Record
from ptlint.sim.properties import walks
from ptlint.sim.properties.facts import known_entry
from ptlint.sim.scenarios.blocks import LONGEST_BLOCK
from ptlint.sim.scenarios.protocol import pair_names
from ptlint.sim.session import Session, deep_recursion
from ptlint.sim.space import Space, lanes_over
from ptlint.sim.stage import AFTER, BEFORE, Folios, Stage, set_stage, walker_for
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask
from ptlint.sim.walkforms import Walk, arguments_of
from ptlint.sim.walklanes import FEW_ENTRIES, MOST_LANES, between_neighbours, flags_of, fold_blocks

MIXED = 3
"""Entries of a table in which some map no page."""

LIMITS = Limits(work=240_000)


@dataclass(frozen=True, kw_only=True)
class Walked(Ran):
    """A finished run. ``grants`` are the lanes, by what a setter does, in which the code called one on purpose; in
    those of ``heeds`` it asked who watches the mapping. ``void`` are the questions about flags that no entry had
    which they met: name and record. ``starts`` and ``commits`` are the names of the transaction's helpers. With
    ``words`` some entries map no page.
    """

    walk: Walk
    stage: Stage
    returned: Value
    grants: dict[str, Mask]
    heeds: dict[str, Mask]
    void: tuple[tuple[str, Record], ...]
    starts: frozenset[str]
    commits: frozenset[str]
    endless: OutOfBounds | None = None
    words: Words | None = None


def run_mixed(
    shared: Setting, walk: Walk, after: Trial | None, tally: Tally, kinds: frozenset[str] | None = None
) -> None:
    """Run the caller over tables in which entries that map no page stand beside and between mapped ones; with *kinds*,
    over single ones of these alone.
    """
    absent = absent_entries(shared, walk.path)
    if absent is None:
        return
    first = len(shared.colours.weight)
    flags = flags_of(shared)
    first_with = {0, *(int(np.argmax(flags[:, column])) for column in range(flags.shape[1]))}
    pages = sorted(first_with | {int(np.argmax(flags.sum(axis=1)))})  # no flag may stand in the way of another
    nr = 1 if walk.is_single else MIXED
    states: Sequence[int] = range(first, first + len(absent.kinds))
    if kinds is not None:
        pages, states = [], [at for at, kind in zip(states, absent.kinds, strict=True) if kind in kinds]
    rows = np.array(mixed_rows(pages, states, nr), dtype=np.int64)
    table = between_neighbours(rows)
    request = np.tile(np.array([writable | (nr + AFTER) << 3 for writable in (0, 1)], dtype=np.int64), len(table))
    off = np.full(len(request), -1, dtype=np.int64)
    entries = np.repeat(table, 2, axis=0)
    if not walk.is_single:  # the table is gone when it is mapped first, or for the second time
        same = np.flatnonzero((entries == entries[:, :1]).all(axis=1))
        off = np.concatenate([off, np.repeat([-2, -3], len(same))])
        entries = np.concatenate([entries, entries[same], entries[same]])
        request = np.concatenate([request, request[same], request[same]])
    nothing = np.zeros(len(request), dtype=np.int64)
    space = Space(entries, request, off, nothing, nothing.astype(bool), exhaustive=False)
    run_over(with_absent(shared, absent), walk, nr, space, after, tally, absent=absent)


def run_over(
    shared: Setting,
    walk: Walk,
    nr: int,
    space: Space,
    after: Trial | None,
    tally: Tally,
    *,
    raced: bool = False,
    block: int = 1,
    absent: Absent | None = None,
    beyond: int = 0,
) -> Trial:
    """Run the caller over *space*, *after* a trial of its own; without one that fits, where not every answer does, once
    more with those that led to a change of an entry. Note both. The mapping ends *beyond* bytes behind the batch.
    Raises OutOfBounds for a run without an end.
    """
    where = layout(shared.program, nr, LONGEST_BLOCK if block > 1 else FIRST)
    starts, commits = pair_names(shared.program)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        ran = _finished(shared, walk, where, space.take(base), space, answers, starts, commits, block, absent, beyond)
        broken = walks.check(ran)
        return ran.session.machine, broken if ran.endless is None else list(broken), ran

    most = MOST_LANES if block > 1 else lanes_over(nr, MOST_LANES, FEW_ENTRIES)
    trial = explore(len(space), drive, most, after, _changing)
    tally.add(trial, raced=raced)
    trial.machine.finish()
    assert isinstance(trial.state, Walked)
    if trial.state.endless is not None:  # what it broke by then is noted, and longer batches have no end either
        raise trial.state.endless
    more = again(len(space), drive, trial, _changing(trial.machine), most)
    if more is not None:
        tally.add(more, raced=raced)
        more.machine.finish()
    return trial


def _changing(machine: Machine) -> Mask:
    """Return the lanes in which the CPU has written an entry."""
    masks = [record.mask for record in machine.log if record.kind == "write"]
    result: Mask = np.any(masks, axis=0) if masks else np.zeros(machine.lanes, dtype=bool)
    return result


def _stepped(stage: Stage, walk: Walk, arguments: list[Value]) -> None:
    """Call what a page walk does before its entries, for each of them, and after them.

    The parameters of what it calls for an entry are the entry, its address, the address of the next, and the walk.
    """
    session, where = stage.session, stage.where
    before, after = walk.around
    _around(stage, before)
    for index in range(where.nr):
        addr = where.addr + index * where.page
        own: list[Value] = [stage.source.ptep + index * where.size, addr, addr + where.page]
        invoke(session.program, session.machine, walk.definition, [*own, *arguments[3:]], list(walk.types))
    drain(session.machine)  # the lock of the table is dropped
    _around(stage, after)


def _around(stage: Stage, definition: ast.FunctionDef | None) -> None:
    if definition is None:
        return
    program = stage.session.program
    resolved = program.resolve(definition.type)
    assert isinstance(resolved, CFunction)
    arguments = arguments_of(stage, definition, resolved.params)
    invoke(program, stage.session.machine, definition, arguments, list(resolved.params))


def _finished(
    shared: Setting,
    walk: Walk,
    where: Layout,
    lanes: Space,
    space: Space,
    answers: dict[Hashable, Mask],
    starts: frozenset[str],
    commits: frozenset[str],
    block: int,
    absent: Absent | None,
    beyond: int,
) -> Walked:
    count, nr = len(lanes), where.nr
    walker = walker_for(shared.hardware, lanes.slot, lanes.entry, lanes.store, where.base)
    raced = bool((lanes.slot >= 0).any())
    session = Session(shared.program, count, answers, walker if raced else None, LIMITS)
    raw = shared.colours.entries(lanes.states)
    request = lanes.request
    folios = Folios(request >> 3, (request & 2).astype(bool), (request & 4).astype(bool), nr)
    pages = where.page // shared.program.constant("PAGE_SIZE")
    if pages > 1:  # one huge page is one folio
        alike = np.ones(count, dtype=bool)
        folios = Folios(np.full(count, pages, dtype=np.int64), ~alike, alike, pages)
    writable = (lanes.request & 1).astype(bool)
    stage = set_stage(session, where, raw, shared.none, shared.colours.pfn + BEFORE * pages, folios, writable)
    stage.beyond = beyond
    if block > 1:
        fold_blocks(session, stage, block)
    walker.table = stage.source.table
    if absent is not None:
        stage.absent = absent.words
        stage.lost = -1 - lanes.slot  # nothing else needs the MMU's schedule here
    machine = session.machine
    arguments = arguments_of(stage, walk.definition, walk.types)
    session.begin()
    grants = Grants(session, walk.path, absent is not None)
    machine.intercept = grants
    returned: Value = None
    endless: OutOfBounds | None = None
    try:
        with deep_recursion():
            if walk.form == "steps":
                _stepped(stage, walk, arguments)
            else:
                returned = invoke(shared.program, machine, walk.definition, arguments, list(walk.types))
    except OutOfBounds as error:  # what it has done to entries beside the batch by then is not undone
        endless = error
    machine.intercept = None
    if endless is None:
        drain(machine)
    return Walked(
        **common(
            shared,
            stage.source,
            space,
            lanes,
            ~contradictory(machine.answers, count),
            tuple(known_entry(session, stage.source.table, where, i, shared.none)[0] for i in range(nr)),
        ),
        walk=walk,
        stage=stage,
        returned=returned,
        grants=grants.lanes(),
        heeds=grants.heeds,
        void=tuple((name, one) for (name, _), one in grants.flags.items() if one is not None),
        starts=starts,
        commits=commits,
        endless=endless,
        words=None if absent is None else absent.words,
    )
