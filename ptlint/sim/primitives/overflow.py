"""Arithmetic that tells of overflow (gcc's __builtin_*_overflow, include/linux/overflow.h)."""

from __future__ import annotations

from operator import add, mul, sub
from typing import TYPE_CHECKING, Any

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import BOOL
from ptlint.sim.values import Array, Unknown, arithmetic, narrow, of_mask

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
    lowest = -1 << 8 * size - 1 if signed else 0
    highest = lowest + (1 << 8 * size) - 1

    def run(frame: Frame) -> Value:
        machine = frame.machine
        a, b, where = scalar(left.run(frame)), scalar(right.run(frame)), scalar(target.run(frame))
        machine.pos = call.pos
        if isinstance(a, Unknown) or isinstance(b, Unknown):
            machine.store(where, size, arithmetic(op, a, b, size, signed))
            return 0
        exact: Any = _EXACT[op](_whole(a), _whole(b))
        fits = (exact >= lowest) & (exact <= highest)
        if isinstance(exact, int):
            machine.store(where, size, narrow(exact, size, signed))
            return int(not fits)
        machine.store(where, size, (exact & _WORD).astype(np.uint64))
        return of_mask(~fits.astype(bool), signed=False)

    return Op(BOOL, run)


_WORD = (1 << 64) - 1
_EXACT = {"+": add, "-": sub, "*": mul}


def _whole(value: int | Array) -> Any:
    """Return integers without a width: what is exact may have 128 bits."""
    return value.astype(object) if isinstance(value, np.ndarray) else value
