"""Helpers on parts of a folded block: entries that share accessed and dirty, where an architecture has such (arm64).

``pte_batch_hint()`` above 1 tells that an entry belongs to one. Blocks are made by the kernel's own ``set_ptes()`` and
touched by the MMU at some entries before the call.
"""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, layout
from ptlint.sim.convert import scalar
from ptlint.sim.driving import MOST_STATES, Prepared, Setting, prepare, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, explore
from ptlint.sim.judgement import Judgement
from ptlint.sim.machine import Machine
from ptlint.sim.palette import palette
from ptlint.sim.program import Program
from ptlint.sim.properties import batches, blocks
from ptlint.sim.scenarios.batches import Form, empty, finished, requests_of
from ptlint.sim.scenarios.batches import subjects as helpers
from ptlint.sim.session import Session
from ptlint.sim.space import Space, still
from ptlint.sim.stage import Folios, Stage
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask

ALIGNED = 0x2000
"""First page frame of a block that may be folded."""

LONGEST_BLOCK = 128


def subjects(program: Program) -> Iterator[Form]:
    """Yield the batch helpers, where the universe folds entries."""
    known = list(helpers(program))
    if known and block_size(program) > 1:
        yield from known


def name(form: Form) -> str:
    """Return the name of the helper."""
    return form.signature.name


def judge(program: Program, form: Form, arch: str) -> Judgement:
    """Run the helper on whole blocks, on parts of them and across their borders."""
    tally = Tally(form.signature.name, arch)
    block = block_size(program)
    try:
        if form.kind == "set":
            if form.signature.of("nr"):
                tally.add(_run_singly(program, form, block), raced=False)
            for start, nr, skew in _stretches(form, block):
                tally.add(_run_set(program, form, block, start, nr, skew), raced=False)
                if tally.is_idle(program):
                    break
            return tally.judgement(program)
        parts = ((0, block), (1, 3), (block - 2, 2)) if form.signature.of("nr") else ((0, 1), (3, 1), (block - 1, 1))
        shared = _aligned(program)
        for start, nr in parts:
            tally.add(_run_part(shared, form, block, start, nr, _touches(shared, form, block)), raced=False)
            if tally.is_idle(program):
                break
        for first in (False, True) if form.signature.of("nr") and form.kind != "get" else ():
            if not tally.is_idle(program):
                tally.add(_run_border(shared, form, block, first), raced=False)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


# --- setting ----------------------------------------------------------------------------------------------------------


def _stretches(form: Form, block: int) -> tuple[tuple[int, int, int], ...]:
    """Return where batches to be set begin in a block, how long they are, and by how much their page frame is off."""
    if not form.signature.of("nr"):
        return ((0, 1, 0), (block - 1, 1, 0))
    return ((0, 2 * block + 1, 0), (block - 2, block + 4, 0), (1, block - 1, 0), (0, block, 1))


def _run_set(program: Program, form: Form, block: int, start: int, nr: int, skew: int) -> Trial:
    """Set a batch over empty entries: page frame ``ALIGNED + start + skew`` at place *start* of a block."""
    pfn = ALIGNED + start + skew
    base = setting(program, 3)
    shared = replace(base, colours=palette(program, base.hardware, pfn, 1))
    where = layout(program, nr, LONGEST_BLOCK + start)
    space = still(shared.colours, 1, MOST_STATES, 1)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, where, space, base, answers)
        first = run.batch.entry(0)
        empty(run.batch)
        ran = finished(shared, form, run, where, space, first, pfn, {})
        return ran.session.machine, chain(batches.check(ran), blocks.check(ran, block, block - start)), ran

    return explore(len(space), drive)


def _run_singly(program: Program, form: Form, block: int) -> Trial:
    """Set the entries of a block one by one, one of them in another state than the rest: the last may fold it."""
    base = setting(program, 3)
    shared = replace(base, colours=palette(program, base.hardware, ALIGNED, block))
    whole = layout(program, block, LONGEST_BLOCK)
    states = np.arange(len(shared.colours.weight), dtype=np.int64)
    rows = np.array([(one, other, at) for one in states for other in states for at in (0, 1, block - 2)])
    chosen = np.repeat(rows[:, :1], block, axis=1)
    chosen[np.arange(len(rows)), rows[:, 2]] = rows[:, 1]
    nothing = np.zeros(len(rows), dtype=np.int64)
    space = Space(chosen, nothing, nothing - 1, nothing, nothing.astype(bool), exhaustive=True)
    last = replace(whole, first=whole.first + block - 1, addr=whole.addr + (block - 1) * whole.page, nr=1)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, whole, space, base, answers)
        entries = [run.batch.entry(index) for index in range(block)]
        run.session.machine.stage = _of_one_folio(run, whole)
        empty(run.batch)
        for index in range(block - 1):
            _set(run.session, run.batch, whole, index, entries[index], 1)
        batch = copy.copy(run.batch)
        batch.where = last
        batch.initial = np.ascontiguousarray(run.batch.initial[:, -1:])
        beside = {index - block + 1: entries[index] for index in range(block - 1)}
        ready = Prepared(run.session, batch, run.lanes, run.usable)
        told = blocks.held(run.session, batch, (1 - block,))
        ran = finished(shared, form, ready, last, space, entries[-1], ALIGNED + block - 1, beside)
        kept = blocks.check_beside(ran, told)
        return ran.session.machine, chain(batches.check(ran), blocks.check(ran, block, 1 - block), kept), ran

    return explore(len(space), drive)


def _of_one_folio(run: Prepared, whole: Layout) -> Stage:
    """Return a stage on which the pages of the block are those of one folio."""
    nothing = np.zeros(run.session.machine.lanes, dtype=bool)
    folio = Folios(np.full(len(nothing), whole.nr, dtype=np.int64), nothing, ~nothing, whole.nr)
    return Stage(run.session, whole, run.batch, run.batch.table, ALIGNED, folio, ~nothing)


# --- folded blocks ----------------------------------------------------------------------------------------------------


def _aligned(program: Program) -> Setting:
    kept = program.settings.get(-1)
    if kept is None:
        base = setting(program, 3)
        kept = replace(base, colours=palette(program, base.hardware, ALIGNED, 1))
        program.settings[-1] = kept
    assert isinstance(kept, Setting)
    return kept


def block_size(program: Program) -> int:
    """Return how many entries the architecture folds when set_ptes() sets an aligned run of them; 1 for none."""
    if not program.has("pte_batch_hint") or not program.has("set_ptes"):
        return 1
    kept = program.settings.get(-2)
    if kept is None:
        shared = _aligned(program)
        where = layout(program, LONGEST_BLOCK, LONGEST_BLOCK)
        space = still(shared.colours, 1, 1, 1).take(np.zeros(1, dtype=np.int64))
        run = prepare(shared, replace(where, nr=1), space, np.zeros(1, dtype=np.int64), {})
        _fold(run.session, run.batch, where)
        size = run.session.run(
            "pte_batch_hint(ptep, pte)",
            ptep=("pte_t *", run.batch.ptep),
            pte=("pte_t", run.session.entry(run.batch.entry(0))),
        )
        kept = program.settings[-2] = int(run.session.lanes_of(size)[0]) if isinstance(size, (int, np.ndarray)) else 1
    assert isinstance(kept, int)
    return kept


def _fold(session: Session, batch: Batch, where: Layout) -> None:
    """Set the whole of *where* to the batch's first entry through the kernel's own set_ptes()."""
    first = batch.entry(0)
    empty(batch)
    _set(session, batch, where, 0, first, where.nr)


def _set(session: Session, batch: Batch, where: Layout, index: int, raw: NDArray[np.uint64], nr: int) -> None:
    session.do(
        "set_ptes(mm, addr, ptep, pte, nr)",
        mm=("struct mm_struct *", session.opaque("vma->vm_mm", "struct mm_struct")),
        addr=("unsigned long", where.addr + index * where.page),
        ptep=("pte_t *", batch.ptep + index * where.size),
        pte=("pte_t", session.entry(raw)),
        nr=("unsigned int", nr),
    )


def _touches(shared: Setting, form: Form, block: int) -> Space:
    """Return lanes in which the MMU has accessed or written none, one or two entries of the block before the call.

    ``entry`` and ``store`` are the first access (entry -1: none); a second one, at the end of the block, is in the
    upper bits of ``request``: 16 a load, 32 a store; 64 is a store to the entry after the first.
    """
    still_states = still(shared.colours, 1, MOST_STATES, 1).states[:, 0]
    calm = [int(s) for s in still_states if not shared.colours.young[s] and not shared.colours.dirty[s]]
    flags = range(form.kind == "youngdirty", requests_of(form))
    rows = [
        (state, flag | second, entry, store)
        for state in calm
        for flag in flags
        for second in (0, 16, 32, 64)
        for entry in (-1, 0, 1, block // 2, block - 1)
        for store in (False, True)
    ]
    table = np.array(rows, dtype=np.int64)
    off = np.full(len(rows), -1, dtype=np.int64)
    return Space(table[:, :1], table[:, 1], off, table[:, 2], table[:, 3].astype(bool), exhaustive=True)


def _run_part(shared: Setting, form: Form, block: int, start: int, nr: int, space: Space) -> Trial:
    whole = layout(shared.program, block, LONGEST_BLOCK)
    part = replace(whole, first=whole.first + start, addr=whole.addr + start * whole.page, nr=nr)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, replace(whole, nr=1), space, base, answers)
        _fold(run.session, run.batch, whole)
        _touch(run, shared, block)
        beside = {index - start: run.batch.entry(index) for index in range(block)}
        batch = copy.copy(run.batch)
        batch.where = part
        batch.initial = np.stack([beside[index] for index in range(nr)], axis=1)
        outside = {index: raw for index, raw in beside.items() if not 0 <= index < nr}
        lanes = replace(run.lanes, request=run.lanes.request & 15)
        ready = Prepared(run.session, batch, lanes, run.usable)
        told = blocks.held(run.session, batch, sorted(outside, key=abs)[-1:])
        ran = finished(shared, form, ready, part, space, beside[0], ALIGNED + start, outside)
        if form.kind == "get":
            folded = _is_folded(run.session, run.batch, block)
            holders = tuple(np.where(folded, raw, beside[0]) for raw in beside.values())
            ran = replace(ran, before=holders, where=replace(part, nr=block))
            return ran.session.machine, batches.check(ran), ran
        kept = blocks.check_beside(ran, told)
        return ran.session.machine, chain(batches.check(ran), blocks.check(ran, block, -start), kept), ran

    return explore(len(space), drive)


BORDER = 2
"""Entries of a batch on each side of the border between two blocks."""


def _run_border(shared: Setting, form: Form, block: int, is_first: bool) -> Trial:
    """Run over the border between a folded block, the first or the second of two, and entries that are in none."""
    whole = layout(shared.program, 2 * block, LONGEST_BLOCK)
    start, nr = block - BORDER, 2 * BORDER
    part = replace(whole, first=whole.first + start, addr=whole.addr + start * whole.page, nr=nr)
    lone = range(block, 2 * block) if is_first else range(block)
    space = _touches_at(shared, form, (-1, 0, start, start + nr - 1, 2 * block - 1))

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, replace(whole, nr=1), space, base, answers)
        first = run.batch.entry(0)
        empty(run.batch)
        _set(
            run.session,
            run.batch,
            whole,
            0 if is_first else block,
            _ahead(run.session, first, not is_first, block),
            block,
        )
        for half in (lone.start, lone.start + block // 2):
            raw = _ahead(run.session, first, True, half)
            _set(run.session, run.batch, whole, half, raw, block // 2)
        for entry in range(2 * block):
            for store in (False, True):
                here = (run.lanes.entry == entry) & (run.lanes.store == store)
                if bool(here.any()):
                    _access(run.batch, shared, entry, here, store)
        beside = {index - start: run.batch.entry(index) for index in range(2 * block)}
        batch = copy.copy(run.batch)
        batch.where = part
        batch.initial = np.stack([beside[index] for index in range(nr)], axis=1)
        outside = {index: raw for index, raw in beside.items() if not 0 <= index < nr}
        apart = {index: raw for index, raw in outside.items() if index + start in lone}
        ready = Prepared(run.session, batch, run.lanes, run.usable)
        ran = finished(shared, form, ready, part, space, beside[0], ALIGNED + start, outside)
        found = chain(batches.check(ran), blocks.check(ran, block, -start), blocks.check_border(ran, apart))
        return ran.session.machine, found, ran

    return explore(len(space), drive)


def _ahead(session: Session, raw: NDArray[np.uint64], is_ahead: bool, pages: int) -> NDArray[np.uint64]:
    """Return the entry of the page so many *pages* ahead of that of *raw*."""
    if not is_ahead or not pages:
        return raw
    return session.raw(session.pte(f"pte_advance_pfn(pte, {pages})", pte=("pte_t", session.entry(raw))))


def _touches_at(shared: Setting, form: Form, entries: tuple[int, ...]) -> Space:
    """Return lanes in which the MMU has accessed or written one of *entries* before the call (-1: none)."""
    states = still(shared.colours, 1, MOST_STATES, 1).states[:, 0]
    calm = [int(state) for state in states if not shared.colours.young[state] and not shared.colours.dirty[state]]
    flags = range(form.kind == "youngdirty", requests_of(form))
    rows = [(state, flag, entry, store) for state in calm for flag in flags for entry in entries for store in (0, 1)]
    table = np.array(rows, dtype=np.int64)
    off = np.full(len(rows), -1, dtype=np.int64)
    return Space(table[:, :1], table[:, 1], off, table[:, 2], table[:, 3].astype(bool), exhaustive=True)


def _is_folded(session: Session, batch: Batch, block: int) -> Mask:
    """Return the lanes in which the whole block that *batch* begins is folded."""
    hint = session.run(
        "pte_batch_hint(ptep, pte)", ptep=("pte_t *", batch.ptep), pte=("pte_t", session.entry(batch.entry(0)))
    )
    folded: Mask = session.lanes_of(scalar(hint)) == np.uint64(block)
    return folded


def _touch(run: Prepared, shared: Setting, block: int) -> None:
    """Let the MMU do the accesses of the space, before the call."""
    second = run.lanes.request & 112
    for entry in range(block):
        for store in (False, True):
            here = (run.lanes.entry == entry) & (run.lanes.store == store)
            if entry == block - 1:
                here = here | (second == (32 if store else 16))
            if entry == 1 and store:
                here = here | (second == 64)
            if bool(here.any()):
                _access(run.batch, shared, entry, here, store)


def _access(batch: Batch, shared: Setting, entry: int, mask: Mask, store: bool) -> None:
    new, changed = shared.hardware.touched(batch.entry(entry), store)
    offset = batch.where.base + entry * batch.where.size
    batch.table.blob.store(offset, batch.where.size, new, changed & mask)
