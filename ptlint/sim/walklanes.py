"""Lanes for callers: rows of entries that are alike or differ in one thing, with neighbours, folios and accesses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.driving import Setting, setting
from ptlint.sim.palette import palette
from ptlint.sim.program import Program
from ptlint.sim.properties.pairing import FLAGS
from ptlint.sim.scenarios.blocks import ALIGNED
from ptlint.sim.session import Session
from ptlint.sim.space import Space, lanes_over
from ptlint.sim.stage import AFTER, BEFORE, Stage
from ptlint.sim.values import distinct, distinct_rows

MOST_LANES = 8192
"""Lanes of one run."""

MOST_FOLDED = 32
"""Entries of a folded block that callers run over."""

MOST_BLOCKS = 40
"""Combinations of two blocks."""

FEW_ENTRIES = 4
"""Entries up to which a run takes as many lanes as any."""

MOST_ROWS = 192
"""Combinations of entries of one run, before folios, requests and answers multiply them."""


def space_of(shared: Setting, form: str, nr: int, most: int = MOST_ROWS) -> Space:
    """Return the lanes of a run of a caller of this *form* (``Walk.form``).

    ``request``: 1 a writable protection is asked for, 2 small folios, 4 the folio is the batch; the border of two
    folios from the fourth bit on.
    """
    finds = form in ("range", "count")
    rows = _mixed(shared, nr, most) if finds or form == "steps" else _alike(shared, nr, most)
    borders = [nr + AFTER, *range(1, nr)] if finds else [nr + AFTER]
    shapes = [(border, 0) for border in borders] + [(nr + AFTER, 4)] * (nr > 1)
    shapes += [(nr + AFTER, 2)] * (nr == 1 or finds)
    choices = [writable | shape | border << 3 for border, shape in shapes for writable in (0, 1)]
    pick = np.repeat(np.arange(len(rows)), len(choices))
    request = np.tile(np.array(choices, dtype=np.int64), len(rows))
    most = lanes_over(nr, MOST_LANES, FEW_ENTRIES)
    if len(pick) > most:
        keep = np.sort(np.random.default_rng(nr).permutation(len(pick))[:most])
        pick, request = pick[keep], request[keep]
    off = np.full(len(pick), -1, dtype=np.int64)
    return Space(rows[pick], request, off, np.zeros(len(pick), dtype=np.int64), np.zeros(len(pick), dtype=bool), False)


def _alike(shared: Setting, nr: int, most: int) -> NDArray[np.int64]:
    """Return rows of entries of one kind; the neighbours are as the entry beside them."""
    colours = shared.colours
    rows: list[tuple[int, ...]] = []
    for kind in distinct(colours.kinds):
        variants = [int(v) for v in np.flatnonzero(colours.kinds == kind)]
        rows.extend((one,) * nr for one in variants)
        rows.extend(
            tuple(other if at == odd else one for at in range(nr))
            for one in variants
            for other in variants
            for odd in range(nr)
            if one != other
        )
    return _with_neighbours(rows, most)


def _mixed(shared: Setting, nr: int, most: int) -> NDArray[np.int64]:
    """Return rows in which one entry may differ from the others in one thing: a flag, or what the MMU makes of it."""
    rows = [(one,) * nr for one in range(len(shared.colours.weight))]
    rows.extend(
        tuple(other if at == odd else one for at in range(nr))
        for one, other in (one_off(shared) if nr > 1 else ())
        for odd in range(nr)
    )
    return _with_neighbours(rows, most)


def one_off(shared: Setting) -> list[tuple[int, int]]:
    """Return every two states that differ in one of the architecture's predicates."""
    states, flags = range(len(shared.colours.weight)), flags_of(shared)
    return [
        (one, other)
        for one in states
        for other in states
        if one != other and int((flags[one] != flags[other]).sum()) == 1
    ]


def flags_of(shared: Setting) -> NDArray[np.bool_]:
    """Return what the architecture's predicates say of each state: (states, flags)."""
    raw = np.ascontiguousarray(shared.colours.raw[:, 0])
    session = Session(shared.program, len(raw))
    found = [session.holds(predicate, raw) for predicate in FLAGS if shared.program.has(predicate)]
    return np.stack(found, axis=1)


def _with_neighbours(rows: list[tuple[int, ...]], most: int) -> NDArray[np.int64]:
    table = distinct_rows(np.array(rows, dtype=np.int64))
    if len(table) > most:
        draw = np.random.default_rng(len(table)).permutation(len(table))[:most]
        same = np.flatnonzero((table == table[:, :1]).all(axis=1))
        table = table[distinct(np.concatenate([draw, same]))]
    return between_neighbours(table)


def between_neighbours(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows with neighbours that are as the entries beside them."""
    first, last = table[:, :1], table[:, -1:]
    return np.concatenate([np.repeat(first, BEFORE, axis=1), table, np.repeat(last, AFTER, axis=1)], axis=1)


def with_accesses(space: Space, nr: int, steps: int) -> Space:
    """Return lanes of *space* with an access of the MMU at one of the first *steps* steps, to one of the entries."""
    events = [(slot, entry, store) for slot in range(min(steps, 48)) for entry in range(nr) for store in (False, True)]
    most = lanes_over(nr, MOST_LANES, FEW_ENTRIES) // 2
    if len(events) > most:
        draw = np.random.default_rng(nr).permutation(len(events))[:most]
        events = [events[at] for at in sorted(draw)]
    table = np.array(events, dtype=np.int64)
    room = max(1, most // len(events))
    keep = np.random.default_rng(nr).permutation(len(space))[:room]
    pick, event = np.repeat(keep, len(events)), np.tile(np.arange(len(events)), len(keep))
    return Space(
        space.states[pick], space.request[pick], table[event, 0], table[event, 1], table[event, 2].astype(bool), False
    )


def folded_setting(program: Program, nr: int) -> Setting:
    """Return a setting in which the first entry of the batch maps a page frame that may begin a folded block."""
    kept = program.settings.get(-1 - nr)
    if kept is None:
        base = setting(program, BEFORE + 3 + AFTER)
        colours = palette(program, base.hardware, ALIGNED - BEFORE, BEFORE + nr + AFTER)
        kept = program.settings[-1 - nr] = replace(base, colours=colours)
    assert isinstance(kept, Setting)
    return kept


def blocks_of(shared: Setting, block: int) -> Space:
    """Return lanes of two folded blocks, alike or different in one thing, of one folio."""
    pairs = [row[1:3] for row in _mixed(shared, 2, MOST_BLOCKS)]
    states = np.array([[one] * (BEFORE + block) + [other] * (block + AFTER) for one, other in pairs], dtype=np.int64)
    choices = np.array([writable | (2 * block + AFTER) << 3 for writable in (0, 1)], dtype=np.int64)
    pick = np.repeat(np.arange(len(states)), len(choices))
    nothing = np.zeros(len(pick), dtype=np.int64)
    return Space(
        states[pick], np.tile(choices, len(states)), nothing - 1, nothing, np.zeros(len(pick), dtype=bool), False
    )


def fold_blocks(session: Session, stage: Stage, block: int) -> None:
    """Set each block of the batch again, by the kernel's own set_ptes(): it folds what it may."""
    where, table = stage.where, stage.source.table
    for first in range(0, where.nr, block):
        value = session.entry(stage.source.entry(first))
        for index in range(first, first + block):
            table.blob.store(where.base + index * where.size, where.size, stage.source.none)
        session.do(
            "set_ptes(mm, addr, ptep, pte, nr)",
            mm=("struct mm_struct *", session.opaque("vma->vm_mm", "struct mm_struct")),
            addr=("unsigned long", where.addr + first * where.page),
            ptep=("pte_t *", stage.source.ptep + first * where.size),
            pte=("pte_t", value),
            nr=("unsigned int", block),
        )
    stage.source.initial = np.stack([stage.source.entry(index) for index in range(where.nr)], axis=1)
