"""The kernel's own assertions (include/asm-generic/bug.h): a WARN that fires is noted, a BUG stops its lanes.

One whose condition is not known is taken not to fire, and is noted as ``unsure``.

They are checked whatever the configuration says of debugging: with the check off the kernel goes on just as wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.sim.convert import constant, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Run, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import INT
from ptlint.sim.values import Mask, Unknown, of_mask, some

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.machine import Machine

_MM = r"(?:_PAGE|_FOLIO|_VMA|_MM|_VMG)?"


@lowers(
    r"/(?:__)?WARN(?:_ON)?(?:_ONCE|_TAINT|_TAINT_ONCE|_RATELIMIT|_ON_ONCE|_ON_SMP|_ON_ONCE_SMP)?/",
    rf"/VM_WARN(?:_ON)?(?:_ONCE)?{_MM}/",
    rf"/VM_WARN_ON(?:_ONCE)?{_MM}/",
    "WARN_ON_PAGEFAULT",
    "VM_WARN_ON_IRQS_ENABLED",
    "MMU_WARN_ON",
)
def warn(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """WARN_ON(condition): note the lanes in which it is true; the value is the condition's."""
    op = _condition(expressions, call)
    run_cond, text = op.run, name

    def run(frame: Frame) -> Value:
        machine = frame.machine
        value = scalar(run_cond(frame))
        machine.pos = call.pos
        machine.asserted.add(call.pos)
        if isinstance(value, Unknown):
            machine.note("unsure", f"{text}({value})")
            return 0
        truth = machine.truth(value)
        fired = _fired(machine.mask, truth)
        if some(fired):
            machine.note("warn", text, fired)
        return int(truth) if isinstance(truth, bool) else of_mask(truth)

    return Op(INT, run)


@lowers(r"/(?:__)?BUG(?:_ON)?/", rf"/VM_BUG_ON{_MM}/", "VIRTUAL_BUG_ON", "panic")
def bug(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """BUG_ON(condition): the lanes in which it is true stop here, with a fault."""
    op = constant(1, INT) if name in ("BUG", "__BUG", "panic") else _condition(expressions, call)
    run_cond = op.run

    def run(frame: Frame) -> Value:
        machine = frame.machine
        value = scalar(run_cond(frame))
        machine.pos = call.pos
        machine.asserted.add(call.pos)
        if isinstance(value, Unknown):
            machine.note("unsure", f"{name}({value})")
            return None
        fired = _fired(machine.mask, machine.truth(value))
        if some(fired):
            machine.note("fault", f"{name}()", fired)
            machine.kill(fired)
        return None

    return Op(expressions.program.builtin("void"), run)


def _fired(mask: Mask, truth: bool | Mask) -> Mask:
    if isinstance(truth, bool):
        return mask if truth else np.zeros(mask.shape, dtype=bool)
    return mask & truth


def _condition(expressions: Expressions, call: ast.Call) -> Op:
    """Return the asserted condition, an unknown where it cannot be executed: an assertion has no say in the result."""
    if not call.args or isinstance(call.args[0], ast.TypeArg):
        return Op(INT, lambda _frame: Unknown("no condition"))
    try:
        op = expressions.expr(call.args[0])
    except CannotExecute as error:
        what = error.what
        return Op(INT, lambda _frame: Unknown(what))
    run_cond = op.run

    def run(frame: Frame) -> Value:
        machine = frame.machine
        if machine.stage is None:
            return _asserted(machine, frame, run_cond, call.pos)
        was, machine.asserting = machine.asserting, True  # an assertion is no reason to explore
        try:
            return _asserted(machine, frame, run_cond, call.pos)
        finally:
            machine.asserting = was

    return Op(op.type, run, op.const)


def _asserted(machine: Machine, frame: Frame, run_cond: Run, pos: ast.Pos) -> Value:
    """Return the value of a condition, an unknown when it cannot be executed."""
    entered, stack, depth, function = machine.mask, len(machine.stack), machine.depth, machine.function
    nesting = machine.nesting
    try:
        return run_cond(frame)
    except CannotExecute as error:
        if not machine.asserting:
            machine.assumed.setdefault("an assertion", (error.what, error.pos or pos))
        machine.mask, machine.depth, machine.function = machine.without_dead(entered), depth, function
        machine.nesting = nesting
        del machine.stack[stack:]
        return Unknown(error.what)
