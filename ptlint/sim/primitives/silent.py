"""What has no effect that ptlint looks at: ordering, locking, tracing, bookkeeping. Arguments are not evaluated.

A lane runs on one CPU with the page-table lock held: orders and locks add nothing. page_table_check_*() and tracepoints
only observe (mm/page_table_check.c, include/trace).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import constant
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers(
    r"/(?:__)?(?:smp_|dma_|virt_|io_)?(?:mb|rmb|wmb)(?:__before_atomic|__after_atomic)?/",
    "/smp_mb__(?:before|after)_(?:atomic|spinlock|unlock_lock)/",
    "smp_read_barrier_depends",
    "barrier",
    "barrier_data",
    "__smp_mb",
    "isb",
    "dsb",
    "dmb",
    "eieio",
    "isync",
    "cpu_relax",
    "cond_resched",
    "might_sleep",
    "might_fault",
    "might_alloc",
    "/(?:raw_)?(?:spin|read|write)_(?:un)?lock(?:_irq|_bh|_irqsave|_irqrestore|_nested|_nest_lock)?/",
    "/mutex_(?:un)?lock(?:_nested)?/",
    "/(?:down|up|downgrade)_(?:read|write)(?:_nested)?/",
    "/rcu_read_(?:un)?lock(?:_sched|_bh)?/",
    "/preempt_(?:disable|enable)(?:_notrace|_no_resched)?/",
    "/(?:local_irq|local_bh)_(?:disable|enable|save|restore)/",
    "/migrate_(?:disable|enable)/",
    "/pagefault_(?:disable|enable)/",
    "/lockdep_(?:assert|is|init|set)_\\w+/",
    "/(?:rwsem|mmap|vma)_assert_\\w+/",
    "assert_pte_locked",
    "assert_spin_locked",
    "/trace_(?!\\w+_enabled)\\w+/",
    "/page_table_check_\\w+/",
    "/(?:k[mac]san|kcsan|kmemleak|debug_check)_\\w+/",
    "/instrument_\\w+/",
    "/count_(?:vm|memcg)_\\w+/",
    "/count_mthp_stat/",
    "/__?count_vm_\\w+/",
    "prefetch",
    "prefetchw",
    "__builtin_prefetch",
    "BUILD_BUG_ON",
    "BUILD_BUG_ON_MSG",
    "compiletime_assert",
    "compiletime_assert_rwonce_type",
    "compiletime_assert_atomic_type",
    "__builtin_assume",
    "static_assert",
    "/(?:pr|dev|netdev)_(?:emerg|alert|crit|err|warn|notice|info|debug|devel|cont)(?:_once|_ratelimited)?/",
    "printk",
    "_printk",
    "printk_once",
    "dump_page",
    "dump_vma",
    "dump_mm",
    "dump_stack",
)
def nothing(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Do nothing."""
    return Op(VOID, lambda _frame: None)


@lowers("BUILD_BUG", "__bad_size_call_parameter")
def build_bug(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """A place that the compiler has proved dead."""
    return Op(VOID, lambda _frame: None)


@lowers("BUILD_BUG_ON_ZERO", "__must_be_array", "BUILD_BUG_ON_INVALID", "__is_constexpr_check")
def zero(expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """A check of the compiler's with the value 0."""
    return constant(0, expressions.program.builtin("int"))


@lowers("/__list_(?:add|del_entry)_valid(?:_or_report)?/")
def sound(expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Lists are not corrupted (include/linux/list.h)."""
    return constant(1, expressions.program.builtin("int"))


@lowers("/trace_\\w+_enabled/", "lockdep_is_held", "lock_is_held", "need_resched", "irqs_disabled", "in_interrupt")
def off(expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Tracing is off, nothing waits, and interrupts change nothing here."""
    return constant(0, expressions.program.builtin("int"))
