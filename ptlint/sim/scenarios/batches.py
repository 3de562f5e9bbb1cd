"""The batch helpers beside the transaction: set, clear, collect, write-protect, age and read entries.

A helper's kind follows from its name as the kernel builds it (``wrprotect``, ``get_and_clear``, ``young``) and from the
roles of its parameters; nothing depends on where it is defined. Contracts: include/linux/pgtable.h. Where an
architecture folds entries to blocks that share accessed and dirty (``pte_batch_hint()`` above 1), helpers also run on
parts of such a block.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, layout
from ptlint.sim.convert import scalar
from ptlint.sim.driving import FIRST, MOST_STATES, PFN, Prepared, Ran, Setting, called, prepare, setting
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.explore import Breach, Trial, explore
from ptlint.sim.frame import Value
from ptlint.sim.inventory import names_with
from ptlint.sim.judgement import Judgement
from ptlint.sim.lazy import drain
from ptlint.sim.machine import Machine
from ptlint.sim.palette import palette
from ptlint.sim.program import Program
from ptlint.sim.properties import batches
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.space import Space, raced, still
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask

_KINDS: tuple[tuple[str, str, str, str, int], ...] = (
    # kind, a part of the name, the whole name, result, number of pte_t parameters
    ("set", "set_pte", r"set_ptes|set_pte_at", "void", 1),
    ("collect", "get_and_clear", r"(?:ptep_)?get_and_clear(?:_full)?(?:_ptes)?", "pte", 0),
    ("clear", "clear_", r"clear(?:_full)?_ptes", "void", 0),
    ("wrprotect", "wrprotect", r"(?:ptep_set_)?wrprotect(?:_ptes)?", "void", 0),
    ("youngdirty", "young_dirty", r"clear_young_dirty_ptes?", "void", 0),
    ("young", "_young", r"(?:ptep_)?(?:test_and_clear|clear_flush)_young(?:_ptes)?", "bool", 0),
    ("get", "ptep_get", r"ptep_get", "pte", 0),
)
_REQUESTS = {"youngdirty": 4}
"""Requests of a kind: for clear_young_dirty the flags, 1 young and 2 dirty (CYDP_CLEAR_*); 0 is left out."""

ALIGNED = 0x2000
"""First page frame of a block that may be folded."""

LONGEST_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Form:
    """A helper and its kind."""

    kind: str
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class Batched(Ran):
    """A finished call. ``before`` and ``beside`` are the entries of the batch and its mapped neighbours as they were.

    ``returned`` is what the helper returned as an entry, ``told`` as a truth value, ``asked`` the entry to be set.
    """

    form: Signature
    kind: str
    pfn: int
    before: tuple[NDArray[np.uint64], ...]
    beside: dict[int, NDArray[np.uint64]]
    returned: NDArray[np.uint64]
    told: Mask
    asked: NDArray[np.uint64]
    called_from: int


def subjects(program: Program) -> Iterator[Form]:
    """Yield the helpers of the universe that are of a known kind and may use what is of interest."""
    for kind, part, pattern, result, values in _KINDS:
        for name in names_with(program, part, re.compile(pattern).fullmatch):
            if not program.matters(name):
                continue
            definition = program.definition(name)
            if definition is None:
                continue
            form = signature_of(program, name, definition.type)
            fits = form.returns == result and len(form.of("ptep")) == 1 and len(form.of("pte")) == values
            if fits:
                yield Form(kind, form)


def name(form: Form) -> str:
    """Return the name of the helper."""
    return form.signature.name


def judge(program: Program, form: Form, arch: str) -> Judgement:
    """Run the helper over growing batches and, where entries fold, over parts of a block."""
    tally = Tally(form.signature.name, arch)
    try:
        shared = setting(program, 3)
        sizes = (1, 2, 3) if form.signature.of("nr") else (1,)
        steps = {}
        for nr in sizes[:2]:
            trial = _run(shared, form, nr, _space(shared, form, nr))
            tally.add(trial, raced=False)
            steps[nr] = int(trial.machine.steps.max()) + 1
        _folded(program, form, tally)
        if tally.is_idle(program):
            return tally.judgement(program)
        for nr in sizes[2:]:
            tally.add(_run(shared, form, nr, _space(shared, form, nr)), raced=False)
        if shared.hardware.updates and form.kind not in ("set", "get", "clear"):
            for nr, slots in steps.items():
                tally.add(_run(shared, form, nr, raced(_space(shared, form, nr), nr, slots)), raced=True)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def _space(shared: Setting, form: Form, nr: int) -> Space:
    requests = _REQUESTS.get(form.kind, 1)
    space = still(shared.colours, nr, MOST_STATES, requests)
    return space if requests == 1 else space.take(np.flatnonzero(space.request > 0))


def _run(shared: Setting, form: Form, nr: int, space: Space) -> Trial:
    where = layout(shared.program, nr, FIRST)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, list[Breach], object]:
        run = prepare(shared, where, space, base, answers)
        first = run.batch.entry(0)
        if form.kind == "set":
            _empty(run.batch)
        ran = _finished(shared, form, run, where, space, first, PFN, {})
        return ran.session.machine, list(batches.check(ran)), ran

    return explore(len(space), drive)


def _empty(batch: Batch) -> None:
    """Clear the batch without a step: set_ptes() starts from entries that are not present."""
    for index in range(batch.where.nr):
        offset = batch.where.base + index * batch.where.size
        batch.table.blob.store(offset, batch.where.size, batch.none)


def _finished(
    shared: Setting,
    form: Form,
    run: Prepared,
    where: Layout,
    space: Space,
    asked: NDArray[np.uint64],
    pfn: int,
    beside: dict[int, NDArray[np.uint64]],
) -> Batched:
    session, batch = run.session, run.batch
    before = tuple(batch.entry(i) for i in range(where.nr))
    called_from = len(session.machine.log)
    ptes: list[Value] = [session.entry(asked)] * len(form.signature.of("pte"))
    others = [run.lanes.request.astype(np.uint64)] if form.kind == "youngdirty" else []
    value = called(session, form.signature, batch, 0, ptes, others)
    drain(session.machine)
    nothing = np.zeros(session.machine.lanes, dtype=np.uint64)
    returned = session.raw(value) if value is not None else nothing
    return Batched(
        session=session,
        batch=batch,
        where=where,
        colours=shared.colours,
        space=space,
        lanes=run.lanes,
        hardware=shared.hardware,
        usable=run.usable,
        final=tuple(batch.entry(i) for i in range(where.nr)),
        form=form.signature,
        kind=form.kind,
        pfn=pfn,
        before=before,
        beside=beside,
        returned=returned,
        told=returned != 0,
        asked=asked,
        called_from=called_from,
    )


# --- folded blocks ------------------------------------------------------------------------------------------------


def _folded(program: Program, form: Form, tally: Tally) -> None:
    """Run the helper on parts of a block that the architecture has folded, touched by the MMU at some entries."""
    block = block_size(program)
    if block < 2 or form.kind == "set":
        return
    parts = ((0, block), (1, 3), (block - 2, 2)) if form.signature.of("nr") else ((0, 1), (block - 1, 1))
    shared = _aligned(program)
    for start, nr in parts:
        space = _touches(shared, form, block)
        tally.add(_run_part(shared, form, block, start, nr, space), raced=False)


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
    first = session.entry(batch.entry(0))
    _empty(batch)
    session.do(
        "set_ptes(mm, addr, ptep, pte, nr)",
        mm=("struct mm_struct *", session.opaque("vma->vm_mm", "struct mm_struct")),
        addr=("unsigned long", where.addr),
        ptep=("pte_t *", batch.ptep),
        pte=("pte_t", first),
        nr=("unsigned int", where.nr),
    )


def _touches(shared: Setting, form: Form, block: int) -> Space:
    """Return lanes in which the MMU has accessed or written none, one or two entries of the block before the call.

    ``entry`` and ``store`` are the first access (entry -1: none); a second one, at the end of the block, is in the
    upper bits of ``request``: 16 a load, 32 a store.
    """
    still_states = still(shared.colours, 1, MOST_STATES, 1).states[:, 0]
    calm = [int(s) for s in still_states if not shared.colours.young[s] and not shared.colours.dirty[s]]
    flags = range(1, _REQUESTS[form.kind]) if form.kind in _REQUESTS else range(1)
    rows = [
        (state, flag | second, entry, store)
        for state in calm
        for flag in flags
        for second in (0, 16, 32)
        for entry in (-1, 0, 1, block // 2, block - 1)
        for store in (False, True)
    ]
    table = np.array(rows, dtype=np.int64)
    off = np.full(len(rows), -1, dtype=np.int64)
    return Space(table[:, :1], table[:, 1], off, table[:, 2], table[:, 3].astype(bool), exhaustive=True)


def _run_part(shared: Setting, form: Form, block: int, start: int, nr: int, space: Space) -> Trial:
    whole = layout(shared.program, block, LONGEST_BLOCK)
    part = replace(whole, first=whole.first + start, addr=whole.addr + start * whole.page, nr=nr)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, list[Breach], object]:
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
        ran = _finished(shared, form, ready, part, space, beside[0], ALIGNED + start, outside)
        if form.kind == "get":
            folded = _is_folded(run.session, run.batch, block)
            holders = tuple(np.where(folded, raw, beside[0]) for raw in beside.values())
            ran = replace(ran, before=holders, where=replace(part, nr=block))
        return ran.session.machine, list(batches.check(ran)), ran

    return explore(len(space), drive)


def _is_folded(session: Session, batch: Batch, block: int) -> Mask:
    """Return the lanes in which the whole block that *batch* begins is folded."""
    hint = session.run(
        "pte_batch_hint(ptep, pte)", ptep=("pte_t *", batch.ptep), pte=("pte_t", session.entry(batch.entry(0)))
    )
    folded: Mask = session.lanes_of(scalar(hint)) == np.uint64(block)
    return folded


def _touch(run: Prepared, shared: Setting, block: int) -> None:
    """Let the MMU do the accesses of the space, before the call."""
    second = run.lanes.request & 48
    for entry in range(block):
        for store in (False, True):
            here = (run.lanes.entry == entry) & (run.lanes.store == store)
            if entry == block - 1:
                here = here | (second == (32 if store else 16))
            if bool(here.any()):
                _access(run.batch, shared, entry, here, store)


def _access(batch: Batch, shared: Setting, entry: int, mask: Mask, store: bool) -> None:
    new, changed = shared.hardware.touched(batch.entry(entry), store)
    offset = batch.where.base + entry * batch.where.size
    batch.table.blob.store(offset, batch.where.size, new, changed & mask)
