"""The prot-modification transaction: start over a batch, change the protection, commit over the same batch.

Contract: the comments of modify_prot_start_ptes() and modify_prot_commit_ptes() in include/linux/pgtable.h. Start
returns the first entry with young and dirty collected from all; commit gets that value and the new one, both for the
first entry, and sets nr entries to the new value with the PFN advanced by one each.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.batch import Batch, Layout, layout, none_of
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.explore import Breach, Trial, contradictory, explore
from ptlint.sim.frame import Value
from ptlint.sim.machine import Limits, Machine
from ptlint.sim.mmu import Hardware, Walker, hardware_of
from ptlint.sim.palette import Palette, palette, protection
from ptlint.sim.program import Program
from ptlint.sim.properties import transaction
from ptlint.sim.roles import Signature
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
) -> Ran:
    lanes, program = len(base), shared.program
    walker = _walker(shared.hardware, where, space, base)
    session = Session(program, lanes, answers, walker, limits)
    raw = np.stack([shared.colours.raw[space.states[base, i], i] for i in range(where.nr)], axis=1)
    batch = Batch(session, where, raw, shared.none)
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
        shared.hardware, walker, commit_from, usable,
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


__all__ = ["Blob", "Pair", "Ran", "Setting", "Space", "raced", "run_pair", "scalar", "setting", "still"]
