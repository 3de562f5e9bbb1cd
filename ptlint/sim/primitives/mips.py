"""The hardware page-table walker of MIPS is stopped around changes of entries (arch/mips/include/asm/mmu_context.h).

It only reads: stopping and starting it orders the CPU's own stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("htw_stop", "htw_start")
def walker(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Do nothing."""
    return Op(VOID, lambda _frame: None)
