"""Entering and leaving the lazy MMU mode (include/linux/pgtable.h, "Lazy MMU mode"; older trees: arch_*_lazy_mmu_mode).

The task's counters are the machine's own here (``ptlint.sim.lazy``); leaving and pausing flush what is queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.lazy import drain, is_active
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import BOOL, VOID
from ptlint.sim.values import of_mask

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("is_lazy_mmu_mode_active", "__task_lazy_mmu_mode_active", "in_lazy_mmu_mode")
def active(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Tell whether updates may be queued."""

    def run(frame: Frame) -> Value:
        answer = is_active(frame.machine)
        return of_mask(answer).astype("uint64") if bool(answer.any()) else 0

    return Op(BOOL, run)


@lowers("lazy_mmu_mode_enable", "arch_enter_lazy_mmu_mode")
def enable(_expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Enter a section."""

    def run(frame: Frame) -> Value:
        machine = frame.machine
        machine.pos = call.pos
        machine.lazy.entered = machine.lazy.entered + machine.mask
        return None

    return Op(VOID, run)


@lowers("lazy_mmu_mode_disable", "arch_leave_lazy_mmu_mode", "arch_flush_lazy_mmu_mode")
def disable(_expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Leave a section, which flushes even when another one is around it; ``flush`` only flushes."""

    def run(frame: Frame) -> Value:
        machine = frame.machine
        machine.pos = call.pos
        if "flush" not in name:
            machine.lazy.entered = machine.lazy.entered - (machine.mask & (machine.lazy.entered > 0))
        drain(machine)
        return None

    return Op(VOID, run)


@lowers("lazy_mmu_mode_pause", "lazy_mmu_mode_resume")
def pause(_expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Leave all sections for a while, or take them up again."""
    by = 1 if name.endswith("pause") else -1

    def run(frame: Frame) -> Value:
        machine = frame.machine
        machine.pos = call.pos
        if by > 0:
            drain(machine)
        machine.lazy.paused = machine.lazy.paused + by * machine.mask
        return None

    return Op(VOID, run)
