"""What all scenarios of a batch share: the setting, a prepared run, and calls by the roles of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ast import Declaration, FunctionDef
from ptlint.csrc.ctypes import CInt
from ptlint.csrc.nodes import nodes
from ptlint.sim.batch import Batch, Layout, none_of
from ptlint.sim.bounds import Limits
from ptlint.sim.errors import CannotExecute
from ptlint.sim.explore import contradictory
from ptlint.sim.frame import Value
from ptlint.sim.mmu import Hardware, Walker, hardware_of
from ptlint.sim.palette import Palette, palette
from ptlint.sim.program import Program
from ptlint.sim.roles import Signature
from ptlint.sim.session import Session
from ptlint.sim.space import Space
from ptlint.sim.tables import empty_of
from ptlint.sim.values import Mask

PFN = 0x1FFE
"""First page frame of a batch: advancing it carries through many bits."""

WIDE = 1 << 20
"""Added where entries are wider than the machine's words: the page frame stands in both halves of one."""

FIRST = 19
"""Index of a batch in its table: not aligned to any block, with room on both sides."""

MOST_STATES = 4096
"""Lanes of one run before questions multiply them."""

FEW_STATES = 256
"""Lanes of a run over a long batch."""

LONG = 17
"""Entries of a long batch: more than any loop over one is unrolled to, and no power of two."""

WIDER = 259
"""Entries of a long batch where something counts in 8 bits."""

Intercept = Callable[[str, Sequence[str], list[Any]], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all runs of one program share."""

    program: Program
    hardware: Hardware
    colours: Palette
    none: int


def setting(program: Program, nr: int) -> Setting:
    """Return what runs with up to *nr* entries need. Raises CannotExecute when the entry's setters cannot run."""
    kept = program.settings.get(nr)
    if kept is None:
        hardware, pfn = hardware_of(program), PFN
        if program.level == "pte":
            none = none_of(program)
        else:
            pfn, none = 3 * program.mapped // program.constant("PAGE_SIZE"), empty_of(program, program.level)
        kept = program.settings[nr] = Setting(program, hardware, _palette(program, hardware, pfn, nr), none)
    assert isinstance(kept, Setting)
    return kept


def _palette(program: Program, hardware: Hardware, pfn: int, nr: int) -> Palette:
    """Return the states of entries from page frame *pfn* on, or from further up where entries have two words for it."""
    if program.pte_word > program.model.pointer_size:
        with suppress(CannotExecute):  # no more than one word of it is used for the page frame (sh)
            return palette(program, hardware, pfn + WIDE, nr)
    return palette(program, hardware, pfn, nr)


def long_batch(program: Program, executed: Iterable[str]) -> int:
    """Return how many entries a long batch has for helpers that *executed* (``path:name``) these functions."""
    for entry in sorted(executed):
        path, _, name = entry.rpartition(":")
        definition = program.definition(name, path) if program.interest is None or name in program.interest else None
        if definition is not None and _counts_in_bytes(program, definition):
            return WIDER
    return LONG


def _counts_in_bytes(program: Program, definition: FunctionDef) -> bool:
    declared = [one.type for node in nodes(definition) if isinstance(node, Declaration) for one in node.declarators]
    for written in (*declared, *(parameter.type for parameter in definition.type.params)):
        try:
            resolved = program.resolve(written)
        except CannotExecute:
            continue
        if isinstance(resolved, CInt) and resolved.size == 1 and resolved.name != "_Bool":
            return True
    return False


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A finished run as properties and counterexamples see it.

    ``lanes`` is the space lane by lane. ``landmarks`` are lines to show at a place of the log: position, text with
    ``{}`` for each of the entries, and their bytes. ``usable`` leaves out lanes whose answers contradict each other.
    """

    session: Session
    batch: Batch
    where: Layout
    colours: Palette
    space: Space
    lanes: Space
    hardware: Hardware
    usable: Mask
    final: tuple[NDArray[np.uint64], ...]
    landmarks: tuple[tuple[int, str, tuple[NDArray[np.uint64], ...]], ...] = ()

    @property
    def live(self) -> Mask:
        """Return the lanes that count: usable ones that no fault has stopped."""
        dead = self.session.machine.dead
        return self.usable if dead is None else self.usable & ~dead


class Common(TypedDict):
    """The fields of a finished run that are got in the same way whatever ran."""

    session: Session
    batch: Batch
    where: Layout
    colours: Palette
    space: Space
    lanes: Space
    hardware: Hardware
    usable: Mask
    final: tuple[NDArray[np.uint64], ...]


def common(
    shared: Setting,
    batch: Batch,
    space: Space,
    lanes: Space,
    usable: Mask,
    final: tuple[NDArray[np.uint64], ...] | None = None,
) -> Common:
    """Return what finished runs have in common. Without *final* the entries of the batch are read now."""
    return Common(
        session=batch.session,
        batch=batch,
        where=batch.where,
        colours=shared.colours,
        space=space,
        lanes=lanes,
        hardware=shared.hardware,
        usable=usable,
        final=tuple(batch.entry(index) for index in range(batch.where.nr)) if final is None else final,
    )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is about to begin."""

    session: Session
    batch: Batch
    lanes: Space
    usable: Mask


def prepare(
    shared: Setting,
    where: Layout,
    space: Space,
    base: NDArray[np.int64],
    answers: dict[Hashable, Mask],
    limits: Limits | None = None,
    intercept: Intercept | None = None,
) -> Prepared:
    """Return a session whose table holds the batch in its initial states, with the MMU's schedule."""
    lanes = space.take(base)
    walker = None
    if bool((lanes.slot >= 0).any()):
        none = np.zeros(len(base), dtype=bool)
        walker = Walker(shared.hardware, lanes.slot, lanes.entry, lanes.store, where.base, none)
    session = Session(shared.program, len(base), answers, walker, limits)
    raw = shared.colours.entries(lanes.states)
    batch = Batch(session, where, raw, shared.none)
    session.machine.intercept = intercept
    session.machine.page_base_pfn = shared.colours.pfn & ~0xFF
    return Prepared(session, batch, lanes, ~contradictory(answers, len(base)))


def called(
    session: Session, form: Signature, batch: Batch, index: int, ptes: Sequence[Value], others: Sequence[Value] = ()
) -> Value:
    """Return what *form* returns when it is called at entry *index*.

    ``pte`` parameters take *ptes* in order, parameters without a role *others* (0 when they run out).
    """
    where = batch.where
    rest, more = list(ptes), list(others)
    typed: dict[str, tuple[str, Value]] = {}
    for at, parameter in enumerate(form.parameters):
        match parameter.role:
            case "vma":
                value: Value = session.opaque("vma", "struct vm_area_struct")
            case "mm":
                value = session.opaque("vma->vm_mm", "struct mm_struct")
            case "addr":
                value = where.addr + index * where.page
            case "ptep":
                value = batch.ptep + index * where.size
            case "pte":
                value = rest.pop(0)
            case "nr":
                value = where.nr
            case "tlb":
                value = session.opaque("tlb", "struct mmu_gather")
            case _:
                value = more.pop(0) if more else 0
        typed[f"a{at}"] = (parameter.written, value)
    text = f"{form.name}({', '.join(typed)})"
    if form.returns == "void":
        session.do(text, **typed)
        return None
    return session.run(text, **typed)
