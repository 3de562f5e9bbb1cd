"""Folios: which pages they have is the scenario's; their counts, locks and lists are the rest of the kernel's.

``struct folio`` stands where its first ``struct page`` does (include/linux/mm_types.h). What code tells of pages
(mapped once more, no longer mapped, dirty) is noted with the pages it names; it changes no page table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer, CType
from ptlint.sim.convert import converted, scalar
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.opaque import opaque
from ptlint.sim.primitives.pages import DEFAULT_PAGE_STRUCT
from ptlint.sim.primitives.registry import lowers, parameter_names, runs, values_of, written
from ptlint.sim.primitives.walk import stage_of
from ptlint.sim.stage import distance
from ptlint.sim.types import BOOL, INT, VOID, size_or_none
from ptlint.sim.values import Mask, Scalar, Unknown, of_mask

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.machine import Machine


def entry_of_page(machine: Machine, page: Scalar) -> NDArray[np.int64] | None:
    """Return, lane by lane, the entry that maps a page (given by its address), None for an unknown one."""
    stage = stage_of(machine)
    array = machine.memory.named("page")
    if array is None or isinstance(page, Unknown):
        return None
    size = (size_or_none(array.type) if array.type is not None else None) or DEFAULT_PAGE_STRUCT
    return distance(page, array.base, machine.lanes) // size + machine.page_base_pfn - stage.pfn


def page_of_entry(machine: Machine, entry: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the addresses of the pages that entries map."""
    stage = stage_of(machine)
    array = machine.memory.named("page")
    assert array is not None
    size = (size_or_none(array.type) if array.type is not None else None) or DEFAULT_PAGE_STRUCT
    return ((entry + stage.pfn - machine.page_base_pfn) * size).view(np.uint64) + np.uint64(array.base)


@lowers("page_folio", "_compound_head", "compound_head", "virt_to_folio")
def page_folio(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """The folio of a page: the address of its first page."""
    op = expressions.expr(call.args[0])
    result = expressions.resolve(written("struct folio *" if name == "page_folio" else "struct page *"))

    def run(frame: Frame) -> Value:
        page = scalar(op.run(frame))
        if frame.machine.stage is None:
            return page
        entry = entry_of_page(frame.machine, page)
        if entry is None:
            return page
        return page_of_entry(frame.machine, stage_of(frame.machine).folios.head(entry))

    return Op(result, run)


def pages_of(machine: Machine, folio: Scalar) -> NDArray[np.int64] | None:
    """Return, lane by lane, the number of pages of a folio, None where the scenario does not know it."""
    if machine.stage is None:
        return None
    entry = entry_of_page(machine, folio)
    return None if entry is None else stage_of(machine).folios.pages(entry)


@runs("folio_nr_pages", "folio_large_nr_pages", "compound_nr", returns="long")
def nr_pages(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """The number of pages of a folio."""
    count = pages_of(frame.machine, scalar(values[0]))
    return Unknown(f"{name}()") if count is None else count


@runs("folio_mapcount", "folio_large_mapcount", "folio_entire_mapcount", returns="int")
def mapcount(frame: Frame, values: Sequence[Value], _types: Sequence[CType], name: str) -> Value:
    """How often a folio is mapped: each of its pages once, or once more by somebody else."""
    count = pages_of(frame.machine, scalar(values[0]))
    shared = frame.machine.ask("the folio is mapped elsewhere, too")
    return Unknown(f"{name}()") if count is None else count + shared


@lowers("folio_test_large", "PageCompound", "PageTransCompound", "PageHead")
def is_large(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Whether a folio has more than one page."""
    op = expressions.expr(call.args[0])

    def run(frame: Frame) -> Value:
        count = pages_of(frame.machine, scalar(op.run(frame)))
        large: Mask = frame.machine.ask(f"{name}()") if count is None else count > 1
        return of_mask(large, signed=False)

    return Op(BOOL, run)


@lowers("vm_normal_page", "vm_normal_folio", "_vm_normal_page")
def normal_page(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """The page (folio) that a present entry of a mapping maps, or none where the mapping is a special one."""
    entry = expressions.expr(call.args[2])
    text = "page_folio(pfn_to_page(pte_pfn(pte)))" if "folio" in name else "pfn_to_page(pte_pfn(pte))"
    page = expressions.program.snippet(text, (("pte", "pte_t"),))
    special = "the mapping has no struct page"

    def run(frame: Frame) -> Value:
        machine = frame.machine
        machine.pos = call.pos
        inner = Frame(machine, page.size)
        inner.slots[0] = entry.run(frame)
        value = scalar(page.op.run(inner))
        if isinstance(value, Unknown):
            return value
        return np.where(machine.ask(special), np.uint64(0), np.asarray(value).view(np.uint64))

    return Op(page.op.type, run)


_EFFECT = (
    r"/(?:__)?folio_(?:add|remove|dup)_\w*rmap\w*/",
    r"/(?:__)?folio_(?:get|put|put_refs|ref_add|ref_sub|ref_inc|ref_dec|lock|unlock|unlock_\w+|deactivate|end_\w+)/",
    r"/(?:__)?folio_(?:mark|set|clear|cancel|add|remove|putback|wake|put|wait|activate|migrate|rotate)_\w+/",
    r"/(?:get|put)_page/",
    r"/set_page_dirty\w*/",
    r"/(?:add|inc|dec)_mm_counter\w*/",
    r"/(?:update_hiwater|mm_trace)_\w+/",
    r"/mm_prepare_\w+/",
    r"/(?:m|mun)lock_\w+/",
    r"/ksm_might_\w+/",
    r"/list_(?:add|del|move)\w*/",
    r"/(?:__)?(?:mod|inc|dec|add)_(?:node|zone|lruvec|memcg)_\w+/",
    "add_mm_rss_vec",
    r"/(?:mem_cgroup|lruvec_stat)_\w+/",
    r"/swap_(?:free|put|dup)\w*/",
    "lru_add_drain",
    "tlb_change_page_size",
    "set_tlb_ubc_flush_pending",
    r"/print_bad_\w+/",
    "task_numa_fault",
    r"/(?:lock|unlock)_page\w*/",
    "pte_free",
    r"/(?:__)?split_huge_pmd\w*/",
)


@lowers(*_EFFECT)
def told(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """What the rest of the kernel is told of pages: noted with its arguments, without an effect here."""
    ops = values_of(expressions, call, name)
    names = parameter_names(expressions, name, len(ops))
    evaluate = [op.run for op in ops]
    returns = INT if name.startswith("folio_dup") or "try" in name or _gives_number(expressions, name) else VOID

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in evaluate]
        frame.machine.pos = call.pos
        if frame.machine.stage is not None:
            data = {key: value for key, value in zip(names, values, strict=True) if value is not None}
            frame.machine.record("told", name, data)
        return None if returns is VOID else 0

    return Op(returns, run)


def _gives_number(expressions: Expressions, name: str) -> bool:
    prototype = expressions.program.prototype(name, expressions.path)
    return prototype is not None and isinstance(expressions.resolve(prototype.ret), CInt)


@lowers(
    r"/(?:__)?folio_(?:try\w*|isolate_\w+|maybe_\w+|is_\w+|has_\w+|free_swap|needs_\w+|can_\w+|within_\w+|memcg\w*)/",
    r"/folio_try_dup_\w+/",
    r"/folio_try_share_\w+/",
    "folio_dup_swap",
    "__tlb_remove_folio_pages",
    "__tlb_remove_page",
    "tlb_delay_rmap",
    "trylock_page",
    r"/mmu_notifier_(?:clear|test)_\w+/",
    r"/vma_is_(?!anonymous|shared|cow)\w+/",
)
def asked(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """What the rest of the kernel answers about pages: either way, the same throughout a run."""
    ops = values_of(expressions, call, name)
    names = parameter_names(expressions, name, len(ops))
    evaluate = [op.run for op in ops]

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in evaluate]
        machine = frame.machine
        machine.pos = call.pos
        if machine.stage is not None and ("rmap" in name or "remove" in name):
            data = {key: value for key, value in zip(names, values, strict=True) if value is not None}
            failed = machine.ask(f"{name}()") if "_try_" in name else np.zeros(machine.lanes, dtype=bool)
            machine.record("told", name, data, machine.mask & ~failed)
        answer = machine.ask(f"{name}()")
        if machine.stage is not None and "delay" in name and bool((answer & machine.mask).any()):
            machine.note("told", name, answer & machine.mask)
        return of_mask(answer, signed=False)

    return Op(BOOL, run)


@lowers("page_address_in_vma", "vma_address", "__vma_address")
def address_of_page(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Where a mapping has the first page of a folio: at the first entry of the batch."""
    ops = [expressions.expr(arg).run for arg in call.args]

    def run(frame: Frame) -> Value:
        for op in ops:
            op(frame)
        return stage_of(frame.machine).where.addr

    return Op(expressions.program.size_type, run)


@lowers("vma_is_anonymous")
def is_anonymous(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Whether a mapping is of no file: either way, and the same for what is copied or moved from it."""
    run_vma = expressions.expr(call.args[0]).run

    def run(frame: Frame) -> Value:
        run_vma(frame)
        frame.machine.pos = call.pos
        return of_mask(frame.machine.ask("the mapping is anonymous"), signed=False)

    return Op(BOOL, run)


@lowers("split_folio", "split_folio_to_list", "split_folio_to_order", "split_huge_page")
def split(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Splitting a folio: it fails, or every page is a folio of its own from then on."""
    ops = [expressions.expr(arg).run for arg in call.args]

    def run(frame: Frame) -> Value:
        machine = frame.machine
        for op in ops:
            op(frame)
        machine.pos = call.pos
        failed = machine.ask(f"{name}() fails")
        stage = stage_of(machine)
        stage.folios = replace(stage.folios, small=stage.folios.small | (machine.mask & ~failed))
        return of_mask(failed)

    return Op(INT, run)


@lowers(
    r"/(?:vma_|folio_|__folio_)alloc(?:_folio|_zeroed_movable_folio)?(?:_noprof)?/",
    "folio_prealloc",
    r"/alloc_pages?(?:_vma|_noprof)?/",
    "pte_alloc_one",
)
def allocated(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """A page, folio or table that nobody else has: one of unknown code's, or none."""
    kinds = {"alloc_page": "struct page *", "pte_alloc": "pgtable_t"}
    kind = next((type for prefix, type in kinds.items() if name.startswith(prefix)), "struct folio *")
    result = expressions.resolve(written(kind))
    ops = [expressions.expr(arg).run for arg in call.args if not isinstance(arg, ast.TypeArg)]

    def run(frame: Frame) -> Value:
        machine = frame.machine
        for op in ops:
            op(frame)
        machine.pos = call.pos
        assert isinstance(result, CPointer)
        new = np.uint64(opaque(machine, f"what {name}() gives", result.to).base)
        return np.where(machine.ask(f"{name}() fails"), np.uint64(0), new)

    return Op(result, run)


@lowers("page_swap_entry", "folio_swap_entry")
def swap_entry(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The swap entry of a page that is in the swap cache: one of the first device."""
    where = expressions.path if expressions.path.endswith(".c") else ""
    entry = expressions.program.snippet("swp_entry(1, 0x100)", (), where)
    return Op(entry.op.type, lambda frame: entry.op.run(Frame(frame.machine, entry.size)))


@lowers("folio_pfn")
def folio_pfn(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The page frame of a folio's first page."""
    as_page = ast.Cast(ast.PointerType(ast.RecordType("struct", "page")), call.args[0], call.pos)
    pfn = expressions.expr(ast.Call(ast.Name("page_to_pfn", call.pos), (as_page,), call.pos))
    return converted(pfn, expressions.program.size_type)
