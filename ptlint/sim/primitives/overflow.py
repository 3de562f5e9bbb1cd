"""Arithmetic that tells of overflow (gcc's __builtin_*_overflow, include/linux/overflow.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import BOOL
from ptlint.sim.values import Scalar, Unknown, arithmetic, narrow, of_mask

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("__builtin_add_overflow", "__builtin_sub_overflow", "__builtin_mul_overflow")
def overflow(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Store the wrapped result, return whether it is not the true one; of unknown numbers it is."""
    if len(call.args) != 3:
        raise CannotExecute(f"{name}() without three arguments", call.pos)
    left, right, target = (expressions.expr(arg) for arg in call.args)
    result = target.type.to if isinstance(target.type, CPointer) else None
    if not isinstance(result, CInt):
        raise CannotExecute(f"{name}() with a result that is no integer", call.pos)
    op = {"add": "+", "sub": "-", "mul": "*"}[name.split("_")[3]]
    size, signed = result.size, result.signed

    def run(frame: Frame) -> Value:
        machine = frame.machine
        a, b, where = scalar(left.run(frame)), scalar(right.run(frame)), scalar(target.run(frame))
        machine.pos = call.pos
        exact = _exact(op, a, b)
        if exact is None:
            machine.store(where, size, arithmetic(op, a, b, size, signed))
            return 0
        wrapped = narrow(exact, size, signed)
        machine.store(where, size, wrapped)
        if isinstance(exact, int):
            return int(exact != wrapped)
        return of_mask(np.asarray(exact != wrapped), signed=False)

    return Op(BOOL, run)


def _exact(op: str, a: Scalar, b: Scalar) -> Scalar | None:
    """Return the result where it can be told exactly, None for unknown numbers."""
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return None
    if isinstance(a, int) and isinstance(b, int):
        return a + b if op == "+" else a - b if op == "-" else a * b
    return arithmetic(op, a, b, 8, True)
