"""The CPU that a lane runs on: number 0, throughout (include/linux/smp.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import constant
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import INT, VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("/(?:__|raw_|debug_)?smp_processor_id/", "get_cpu")
def this_cpu(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """The number of this CPU."""
    return constant(0, INT)


@lowers("put_cpu", "put_cpu_no_resched")
def put(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Allow migration again."""
    return Op(VOID, lambda _frame: None)
