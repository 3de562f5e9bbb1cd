"""The batch helpers beside the transaction: set, clear, collect, write-protect, age and read entries.

A helper's kind follows from its name as the kernel builds it (``wrprotect``, ``get_and_clear``, ``young``) and from the
roles of its parameters; nothing depends on where it is defined. Contracts: include/linux/pgtable.h.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, layout
from ptlint.sim.driving import (
    FEW_STATES,
    FIRST,
    MOST_STATES,
    Prepared,
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
from ptlint.sim.program import Program
from ptlint.sim.properties import batches, owed
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.space import Space, lanes_over, raced, still
from ptlint.sim.tally import Tally
from ptlint.sim.values import Mask

KINDS: tuple[tuple[str, str, str, str, int], ...] = (
    # kind, a part of the name, the whole name, result, number of pte_t parameters
    ("set", "set_pte", r"set_ptes|set_pte_at", "void", 1),
    ("collect", "clear", r"(?:ptep_)?get_and_clear(?:_full)?(?:_ptes)?|ptep_clear_flush", "pte", 0),
    ("clear", "clear", r"clear(?:_full|_nonpresent)?_ptes|ptep?_clear", "void", 0),
    ("wrprotect", "wrprotect", r"(?:ptep_set_)?wrprotect(?:_ptes)?", "void", 0),
    ("youngdirty", "young_dirty", r"clear_young_dirty_ptes?", "void", 0),
    ("young", "_young", r"(?:ptep_)?(?:test_and_clear|clear_flush)_young(?:_ptes)?", "bool", 0),
    ("get", "ptep_get", r"ptep_get(?:_lockless)?", "pte", 0),
    ("access", "access_flags", r"ptep_set_access_flags", "bool", 1),
)
REQUESTS = {"youngdirty": 4, "access": 3}
"""Requests of a kind.

For clear_young_dirty the flags, 1 young and 2 dirty (CYDP_CLEAR_*); 0 is left out. For set_access_flags what a fault
asks for: 0 a load, 1 a store through an entry that permits it, 2 a store that makes it writable.
"""

FULL = ("collect", "clear")
"""Kinds whose helpers may be told that the whole address space goes: request 1.

No CPU uses it any more then, so no access comes between the steps and no flush is owed; what is returned and cleared is
the same (include/linux/pgtable.h).
"""


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
    for kind, part, pattern, result, values in KINDS:
        for name in names_with(program, part, re.compile(pattern).fullmatch):
            if not program.is_asked_for(name) or not program.matters(name):
                continue
            definition = program.definition(name)
            if definition is None:
                continue
            form = signature_of(program, name, definition.type)
            if fits(form, result, values):
                yield Form(kind, form)


def fits(form: Signature, result: str, values: int) -> bool:
    """Return whether a helper takes one place and *values* entries, and returns a *result*."""
    return form.returns == result and len(form.of("ptep")) == 1 and len(form.of("pte")) == values


def name(form: Form) -> str:
    """Return the name of the helper."""
    return form.signature.name


def judge(program: Program, form: Form, arch: str) -> Judgement:
    """Run the helper over growing batches and, where entries fold, over parts of a block."""
    tally = Tally(form.signature.name, arch)
    try:
        shared = setting(program, max(3, *program.sizes))
        sizes = program.sizes if form.signature.of("nr") else (1,)
        steps = {}
        for nr in sizes[:2]:
            trial = tally.attempt(partial(_run, shared, form, nr, space_of(shared, form, nr)), raced=False)
            if trial is not None:
                steps[nr] = int(trial.machine.steps.max()) + 1
        if tally.is_idle(program):
            return tally.judgement(program)
        for nr in sizes[2:]:
            tally.attempt(partial(_run, shared, form, nr, space_of(shared, form, nr)), raced=False)
        if len(sizes) > 1:
            nr = long_batch(program, tally.executed)
            long = setting(program, nr)
            tally.attempt(partial(_run, long, form, nr, space_of(long, form, nr, FEW_STATES)), raced=False)
        if shared.hardware.updates and form.kind not in ("set", "get", "clear"):
            for nr, slots in steps.items():
                space = space_of(shared, form, nr)
                space = space.take(np.flatnonzero(space.request == 0)) if form.kind in FULL else space
                tally.attempt(partial(_run, shared, form, nr, raced(space, nr, slots)), raced=True)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(program)


def requests_of(form: Form) -> int:
    """Return how many requests a helper knows."""
    told = any(one.role == "other" and one.name.strip("_") == "full" for one in form.signature.parameters)
    return 2 if form.kind in FULL and told else REQUESTS.get(form.kind, 1)


def space_of(shared: Setting, form: Form, nr: int, limit: int = MOST_STATES) -> Space:
    """Return the lanes of a batch of *nr* entries, with each request of the kind; some of them above *limit*."""
    space = still(shared.colours, nr, limit, requests_of(form))
    return space.take(np.flatnonzero(space.request > 0)) if form.kind == "youngdirty" else space


def _run(shared: Setting, form: Form, nr: int, space: Space) -> Trial:
    where = layout(shared.program, nr, FIRST)

    def drive(base: NDArray[np.int64], answers: dict[Hashable, Mask]) -> tuple[Machine, Iterable[Breach], object]:
        run = prepare(shared, where, space, base, answers)
        first = run.batch.entry(0)
        if form.kind == "set":
            empty(run.batch)
        ran = finished(shared, form, run, where, space, first, shared.colours.pfn, {})
        return ran.session.machine, batches.check(ran), ran

    return explore(len(space), drive, lanes_over(nr, MAX_LANES))


def _granted(session: Session, batch: Batch, request: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the entry that a fault asks ptep_set_access_flags() for: what the kernel reads, young, dirty, writable."""
    mm = ("struct mm_struct *", session.opaque("vma->vm_mm", "struct mm_struct"))
    old = session.run("ptep_get(ptep)", ptep=("pte_t *", batch.ptep), mm=mm)
    young = session.pte("pte_mkyoung(pte)", pte=("pte_t", old))
    dirty = session.pte("pte_mkdirty(pte)", pte=("pte_t", young))
    writable = next(name for name in ("pte_mkwrite_novma", "pte_mkwrite") if session.program.has(name))
    written = session.pte(f"{writable}(pte_mkdirty(pte))", pte=("pte_t", young))
    return session.raw(session.where(request == 0, young, session.where(request == 1, dirty, written)))


def empty(batch: Batch) -> None:
    """Clear the batch without a step: set_ptes() starts from entries that are not present."""
    for index in range(batch.where.nr):
        offset = batch.where.base + index * batch.where.size
        for at in range(0, batch.where.size, batch.where.width):
            batch.table.blob.store(offset + at, batch.where.width, batch.none)


def finished(
    shared: Setting,
    form: Form,
    run: Prepared,
    where: Layout,
    space: Space,
    asked: NDArray[np.uint64],
    pfn: int,
    beside: dict[int, NDArray[np.uint64]],
) -> Batched:
    """Return the finished call of *form* on the batch of *run*; *asked* is what a setter is to set."""
    session, batch = run.session, run.batch
    before = tuple(batch.entry(i) for i in range(where.nr))
    owed.prepare(session)
    called_from = len(session.machine.log)
    others: list[Value] = []
    if form.kind in ("youngdirty", "collect", "clear"):  # the flags, or whether the whole address space goes
        others = [run.lanes.request.astype(np.uint64)]
    elif form.kind == "access":
        asked = _granted(session, batch, run.lanes.request)
        others = [(run.lanes.request > 0).astype(np.uint64)]
    elif form.kind == "establish":
        asked = session.raw(session.pte("pte_mkinvalid(pte)", pte=("pte_t", session.entry(asked))))
    ptes: list[Value] = [session.entry(asked)] * len(form.signature.of("pte"))
    value = called(session, form.signature, batch, 0, ptes, others)
    drain(session.machine)
    nothing = np.zeros(session.machine.lanes, dtype=np.uint64)
    returned = session.raw(value) if value is not None else nothing
    return Batched(
        **common(shared, batch, space, run.lanes, run.usable),
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
