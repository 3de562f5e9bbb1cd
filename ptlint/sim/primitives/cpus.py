"""The CPU that a lane runs on: number 0, throughout; its copy of a per-CPU variable is the variable itself.

Sources: include/linux/smp.h, include/linux/percpu-defs.h.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import constant
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import INT, VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("/(?:__|raw_|debug_)?smp_processor_id/", "get_cpu")
def this_cpu(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """The number of this CPU."""
    return constant(0, INT)


@lowers("put_cpu", "put_cpu_no_resched", "put_cpu_var", "put_cpu_ptr")
def put(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Allow migration again."""
    return Op(VOID, lambda _frame: None)


@lowers("/(?:this|raw|per)_cpu_ptr/", "/(?:__)?(?:this|raw)_cpu_read(?:_stable)?/")
def own(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """This CPU's copy of a variable, by pointer or by name."""
    return expressions.expr(call.args[0])


_CHANGES = {"write": "", "add": "+", "sub": "-", "and": "&", "or": "|"}


@lowers("/(?:__)?(?:this|raw)_cpu_(?:write|add|sub|and|or|inc|dec)/")
def change(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """this_cpu_write(x, value), this_cpu_add(x, value), this_cpu_inc(x): assignments."""
    what = re.sub(r".*_", "", name)
    one = ast.IntConst(1, "int", call.pos)
    if what in ("inc", "dec"):
        return expressions.expr(ast.Assign("+" if what == "inc" else "-", call.args[0], one, call.pos))
    if len(call.args) != 2:
        raise CannotExecute(f"{name}() without two arguments", call.pos)
    return expressions.expr(ast.Assign(_CHANGES[what], call.args[0], call.args[1], call.pos))
