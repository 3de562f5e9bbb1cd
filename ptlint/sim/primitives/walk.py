"""Finding the page table of an address and letting it go again (include/linux/mm.h, pte_offset_map_lock() and kin).

The tables are those of the scenario (``ptlint.sim.stage``); the lock is held from mapping to unmapping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CRecord, CType
from ptlint.sim import absent
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers, written
from ptlint.sim.stage import distance
from ptlint.sim.types import BOOL, VOID, size_of
from ptlint.sim.values import Mask, Scalar, Unknown, arithmetic, of_mask

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.machine import Machine
    from ptlint.sim.program import Program
    from ptlint.sim.stage import Stage


def stage_of(machine: Machine) -> Stage:
    """Return the scenario's stage. Raises CannotExecute when the scenario has none."""
    if machine.stage is None:
        raise CannotExecute("walks page tables, of which this scenario has none", machine.pos, machine.function)
    return machine.stage


@lowers(
    "pte_offset_map_lock",
    "pte_offset_map",
    "pte_offset_map_nolock",
    "pte_offset_map_ro_nolock",
    "pte_offset_map_rw_nolock",
    "__pte_offset_map_lock",
    "__pte_offset_map",
    "pte_offset_kernel",
    "pte_alloc_map_lock",
    "pte_alloc_map",
)
def offset_map(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """The entry of an address in the table that a pmd leads to; NULL where the stage says that it is gone.

    Without a stage the tables are linked by the kernel's own code, and ``pte_offset_kernel()``, which maps nothing,
    runs from its source.
    """
    from ptlint.sim.calls import direct  # calls finds the primitives

    program = expressions.program
    source = program.definition(name, expressions.path) if name == "pte_offset_kernel" else None
    followed = None if source is None else direct(program, expressions, source, call).run
    entry = expressions.resolve(written("pte_t *"))
    first = 0 if name in ("pte_offset_map", "__pte_offset_map", "pte_offset_kernel") else 1
    runs = [expressions.expr(arg).run for arg in call.args]
    if len(runs) < first + 2:
        raise CannotExecute(f"{name}() with {len(runs)} arguments", call.pos)
    pmd, address = runs[first], converted(expressions.expr(call.args[first + 1]), program.size_type).run
    ptl = next((at for at, arg in enumerate(call.args[first + 2 :], first + 2) if _is_lock(expressions, arg)), None)
    upper = expressions.resolve(written("pmd_t"))
    seen = next(
        (at for at, arg in enumerate(call.args[first + 2 :], first + 2) if _leads_to(expressions, arg, upper)), None
    )

    def run(frame: Frame) -> Value:
        machine = frame.machine
        if machine.stage is None and followed is not None:
            return followed(frame)
        stage = stage_of(machine)
        where, addr = scalar(pmd(frame)), scalar(address(frame))
        if program.level != "pte":
            return _kept_entry(program, stage, addr)
        if ptl is not None:
            lock = scalar(runs[ptl](frame))
            if not isinstance(lock, Unknown):
                machine.store(lock, machine.memory.pointer_size, Unknown("ptl"))
        machine.pos = call.pos
        if seen is not None and isinstance(where, int):  # what it has read of the pmd is given back
            kept = scalar(runs[seen](frame))
            if not isinstance(kept, Unknown) and not (isinstance(kept, int) and not kept):
                size = size_of(upper)
                machine.store(kept, size, machine.load(where, size, False))
        if isinstance(addr, Unknown):
            raise CannotExecute("the page table of an unknown address", call.pos, machine.function)
        if isinstance(where, np.ndarray):
            where = int(where[int(machine.mask.argmax())])
        table = stage.table_of(where & 0xFFFF_FFFF_FFFF_FFFF) if isinstance(where, int) else stage.source.table
        layout = stage.where
        page = arithmetic("/", addr, layout.page, 8, False)
        offset = arithmetic("*", arithmetic("&", page, layout.entries - 1, 8, False), layout.size, 8, False)
        place = arithmetic("+", offset, table.base, machine.memory.pointer_size, False)
        failed = None if name in _ALWAYS_THERE else stage.fails_to_map()
        if failed is None or not bool(failed.any()):
            return place
        return np.where(failed, np.uint64(0), np.asarray(place).view(np.uint64))

    return Op(entry, run)


def _kept_entry(program: Program, stage: Stage, addr: Scalar) -> Value:
    """Return the entry of an address in the table that is kept for a split; NULL without: a huge page is mapped."""
    if stage.kept is None:
        return 0
    if isinstance(addr, Unknown):
        raise CannotExecute("the page table of an unknown address")
    size = size_of(program.resolve(written("pte_t")))
    page = arithmetic("/", addr, program.constant("PAGE_SIZE"), 8, False)
    index = arithmetic("&", page, stage.kept.blob.size // size - 1, 8, False)
    return arithmetic("+", arithmetic("*", index, size, 8, False), stage.kept.base, program.model.pointer_size, False)


_ALWAYS_THERE = ("pte_offset_kernel",)
"""The kernel's own tables are not taken away."""


def _leads_to(expressions: Expressions, arg: ast.Expr, type: CType) -> bool:
    pointer = expressions.expr(arg).type
    return isinstance(pointer, CPointer) and pointer.to == type


def _is_lock(expressions: Expressions, arg: ast.Expr) -> bool:
    type = expressions.expr(arg).type
    return isinstance(type, CPointer) and isinstance(type.to, CPointer)


@lowers("pte_unmap_unlock", "pte_unmap")
def unmap(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """The end of a table's use; with its lock, of what this CPU may leave undone."""
    run_entry = expressions.expr(call.args[0]).run

    def run(frame: Frame) -> Value:
        entry = run_entry(frame)
        frame.machine.pos = call.pos
        data = {} if entry is None else {"ptep": entry}
        frame.machine.record("unlock" if "unlock" in name else "unmap", name, data)
        return None

    return Op(VOID, run)


@lowers("page_vma_mapped_walk")
def mapped_walk(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The next entry of the batch that maps its page, or with PVMW_MIGRATION waits for it (mm/page_vma_mapped.c)."""
    op = expressions.expr(call.args[0])
    record = op.type.to if isinstance(op.type, CPointer) else None
    if not isinstance(record, CRecord):
        raise CannotExecute("page_vma_mapped_walk() of what is no walk", call.pos)
    program = expressions.program
    pte, address, flags = (program.member(record, name)[0] for name in (program.level, "address", "flags"))

    def run(frame: Frame) -> Value:
        machine = frame.machine
        stage = stage_of(machine)
        walk = scalar(op.run(frame))
        assert isinstance(walk, int)
        machine.pos = call.pos
        where, width = stage.where, machine.memory.pointer_size
        before = machine.load(walk + pte, width, False)
        old = 0 if isinstance(before, Unknown) else before
        first = stage.source.table.base + where.base
        begun = np.broadcast_to(np.asarray(old != 0), (machine.lanes,))
        index = np.where(begun, distance(old, first, machine.lanes) // where.size + 1, 0)
        wanted = machine.load(walk + flags, 4, False)
        for at in range(where.nr):
            index = np.where((index == at) & _is_passed(stage, at, wanted), at + 1, index)
        more = index < where.nr
        machine.store(walk + pte, width, (index * where.size).view(np.uint64) + np.uint64(first))
        machine.store(walk + address, width, (where.addr + index * where.page).view(np.uint64))
        return of_mask(more, signed=False)

    return Op(BOOL, run)


MIGRATION = 2
"""PVMW_MIGRATION (include/linux/rmap.h)."""


def _is_passed(stage: Stage, at: int, flags: Scalar) -> Mask:
    """Return the lanes in which a walk with *flags* passes entry *at*: it maps no page, or one of another folio."""
    lanes = stage.session.machine.lanes
    heads = [stage.folios.head(np.full(lanes, index, dtype=np.int64)) for index in (0, at)]
    empty: Mask = _is_none(stage, at) | (heads[0] != heads[1])
    session, words = stage.session, stage.absent
    wants = np.zeros(lanes, dtype=bool)
    if not isinstance(flags, Unknown):
        wants = (session.lanes_of(flags) & np.uint64(MIGRATION)) != 0
    if words is None:
        return empty | wants
    raw = stage.source.entry(at)
    migrates = words.is_of(session, raw, *absent.MIGRATION)
    present = session.holds("pte_present", raw)
    passed: Mask = np.where(wants, present | ~migrates, ~present)
    return empty | passed


def _is_none(stage: Stage, at: int) -> Mask:
    value = stage.source.table.blob.load(stage.where.base + at * stage.where.size, stage.where.width, False)
    if isinstance(value, Unknown):
        return np.zeros(stage.session.machine.lanes, dtype=bool)
    none = np.uint64(stage.source.none)
    result: Mask = stage.session.lanes_of(value) == none
    return result


@lowers("page_vma_mapped_walk_done", "page_vma_mapped_walk_restart")
def walk_done(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The walk ends: the lock is dropped."""

    def run(frame: Frame) -> Value:
        frame.machine.pos = call.pos
        frame.machine.note("unlock", "page_vma_mapped_walk_done")
        return None

    return Op(VOID, run)


@lowers("vma_next", "vma_find", "vma_iter_load", "find_vma_intersection")
def next_mapping(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The mapping behind that of the stage: there is none."""
    ops = [expressions.expr(arg).run for arg in call.args]

    def run(frame: Frame) -> Value:
        for op in ops:
            op(frame)
        return 0

    return Op(expressions.resolve(written("struct vm_area_struct *")), run)
