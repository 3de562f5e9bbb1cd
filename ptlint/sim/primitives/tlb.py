"""TLB maintenance, as events: which addresses lose their translations (Documentation/core-api/cachetlb.rst).

An entry point is known by its name; the range it covers by the names of its parameters in the tree's own prototype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CType
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers, parameter_names, runs, values_of
from ptlint.sim.types import VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

_NAMES = (
    "/(?:__|local_|native_|radix__|hash__|arch_|smp_|do_|__local_)*flush_tlb_\\w+/",
    "/[a-z]\\w*_flush_tlb_(?:page|range|mm|all|kernel_range)/",
    "/(?:__|local_|native_|radix__|hash__|arch_)*flush_all_tlb\\w*/",
    "/__flush_tlb\\w*/",
    "/__tlb_flush_\\w+/",
    "/__tlbi\\w*/",
    "/tlb_flush_(?:pte|pmd|pud|p4d)_range/",
    "/tlb_(?:flush|flush_mmu|flush_mmu_tlbonly)/",
    "/tlb_remove_tlb_(?:entry|entries)/",
    "/(?:__)?tlb_remove_tlb_entry/",
    "/(?:__)?local_flush_tlb\\w*/",
    "hpte_need_flush",
    "/(?:__)?flush_hash_\\w+/",
    "/arch_tlbbatch_\\w+/",
    "um_tlb_mark_sync",
    "/tlb_batch_add\\w*/",
)


_DOCUMENTED = {
    "flush_tlb_range": {"arg1": "start", "arg2": "end"},
    "flush_tlb_page": {"arg1": "addr"},
    "flush_tlb_kernel_range": {"arg0": "start", "arg1": "end"},
}
"""What parameters are called where a prototype gives them no name."""


@lowers(*_NAMES)
def flush(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Note a flush with its arguments by parameter name."""
    ops = values_of(expressions, call, name)
    names = parameter_names(expressions, name, len(ops))
    if name in _DOCUMENTED:  # whose prototypes may leave them unnamed
        names = [_DOCUMENTED[name].get(given, given) for given in names]
    evaluate = [op.run for op in ops]

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in evaluate]
        frame.machine.pos = call.pos
        data = {key: value for key, value in zip(names, values, strict=True) if value is not None}
        frame.machine.record("flush", name, data)
        return None

    return Op(VOID, run)


@runs(
    "/update_mmu_(?:cache|tlb)(?:_range|_pmd|_pud)?/",
    "/(?:__)?sync_(?:icache|cache)\\w*/",
    "/__sync_icache_dcache/",
    "/__update_(?:cache|tlb)/",
    "/mte_sync_tags/",
    "/flush_(?:icache|dcache|cache)_\\w+/",
    "/(?:arch_)?sync_dma_\\w+/",
    "/mmu_notifier_(?!range_init|(?:clear|test)_)\\w+/",
    "/queue_pte_barriers/",
    "/emit_pte_barriers/",
    returns="void",
)
def caches(_frame: Frame, _values: Sequence[Value], _types: Sequence[CType], _name: str) -> Value:
    """Caches of data, instructions and tags, and listeners: not part of the page table's contract."""
    return None
