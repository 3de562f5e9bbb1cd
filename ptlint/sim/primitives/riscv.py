"""Errata of single vendors' cores, patched in at boot: off here (arch/riscv/include/asm/errata_list.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("ALT_THEAD_PMA", "ALT_SVPBMT_THEAD", "ALT_CMO_OP")
def vendor_alternative(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Leave the value as the standard says."""
    return Op(VOID, lambda _frame: None)
