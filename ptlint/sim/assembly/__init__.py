"""Inline assembly, executed: the few instructions that page-table code of an architecture uses.

A module is named after the folder of its architecture and has ``INSTRUCTIONS`` (mnemonic to what it does) and may have
``chosen`` (the lines that are left after boot-time patching). Anything else in a template is not understood, and a
lane that reaches it stops the run.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from ptlint.csrc import ast
from ptlint.sim.assembly.execution import Execution, Step
from ptlint.sim.assembly.template import Argument, Instruction, NotUnderstood, instruction, lines_of
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Place
from ptlint.sim.types import is_record, size_of
from ptlint.sim.values import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable

    from ptlint.sim.expressions import Expressions


@cache
def _module(folder: str) -> Any:
    name = f"{__name__}.{folder}"
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None


def is_understood(folder: str, stmt: ast.Asm) -> bool:
    """Return whether the architecture's instructions are enough to execute *stmt*."""
    try:
        _instructions(folder, stmt)
    except NotUnderstood:
        return False
    return not stmt.labels


def _instructions(folder: str, stmt: ast.Asm) -> list[tuple[Step, Instruction]]:
    module = _module(folder)
    if module is None:
        raise NotUnderstood("")
    operands = (*stmt.outputs, *stmt.inputs)
    names = {one.name: number for number, one in enumerate(operands) if one.name}
    lines = lines_of(stmt.text.decode("latin-1"))
    if hasattr(module, "chosen"):
        lines = module.chosen(lines)
    known: Mapping[str, Step] = module.INSTRUCTIONS
    found = [instruction(line.text, names) for line in lines]
    for one in found:
        if one.name not in known:
            raise NotUnderstood(one.name)
        if any(arg.kind in ("operand", "part") and arg.index >= len(operands) for arg in one.args):
            raise NotUnderstood(one.name)
    return [(known[one.name], one) for one in found]


def lower(expressions: Expressions, stmt: ast.Asm) -> Callable[[Frame], None]:
    """Return what executes *stmt*. Raises CannotExecute when it is not understood."""
    folder = expressions.program.universe.profile.folder
    try:
        plan = _instructions(folder, stmt)
    except NotUnderstood as error:
        raise CannotExecute(f"inline assembly ({error})" if str(error) else "inline assembly", stmt.pos) from None
    if stmt.labels:
        raise CannotExecute("inline assembly with jumps", stmt.pos)
    outputs = [(one.constraint, expressions.place(one.expr)) for one in stmt.outputs]
    inputs = [_Input(expressions, one) for one in stmt.inputs]
    sizes = [_size(place) for _, place in outputs] + [one.size for one in inputs]

    def run(frame: Frame) -> None:
        values: list[Scalar | None] = []
        places: dict[int, Scalar] = {}
        located = []
        for number, (constraint, place) in enumerate(outputs):
            at = place.locate(frame)
            located.append(at)
            if "m" in constraint:
                places[number] = scalar(at)
            values.append(_number(place.load(frame, at), sizes[number]) if "+" in constraint else None)
        for number, given in enumerate(inputs, len(outputs)):
            values.append(given.value(frame, values, number, places))
        execution = Execution(frame.machine, values, sizes, places)
        frame.machine.pos = stmt.pos
        try:
            for step, one in plan:
                step(execution, one.args)
        finally:
            execution.release()
        for number, (constraint, place) in enumerate(outputs):
            value = values[number]
            if "m" not in constraint and value is not None:
                place.store(frame, located[number], _held(frame, place, value, sizes[number]))

    return run


class _Input:
    """An input operand: a value, the same place as an output, or memory."""

    def __init__(self, expressions: Expressions, operand: ast.AsmOperand) -> None:
        constraint = operand.constraint.strip()
        self.same = int(constraint) if constraint.isdigit() else None
        self.place = expressions.place(operand.expr) if constraint.lstrip("=&+") in ("m", "Q", "o", "ZC") else None
        op = expressions.expr(operand.expr)
        self.run = op.run
        self.size = size_of(op.type)

    def value(self, frame: Frame, values: list[Scalar | None], number: int, places: dict[int, Scalar]) -> Scalar | None:
        """Return the operand's value; memory gives its address to *places* instead."""
        if self.place is not None:
            places[number] = scalar(self.place.locate(frame))
            return None
        value = _number(self.run(frame), self.size)
        if self.same is not None:
            values[self.same] = value
        return value


def _size(place: Place) -> int:
    return size_of(place.type)


def _number(value: object, size: int) -> Scalar:
    if isinstance(value, Blob):
        return value.load(0, size, False)
    return scalar(value)  # type: ignore[arg-type]


def _held(frame: Frame, place: Place, value: Scalar, size: int) -> Scalar | Blob:
    if not is_record(place.type):
        from ptlint.sim.types import is_signed
        from ptlint.sim.values import narrow

        return narrow(value, size, is_signed(place.type))
    blob = Blob(size, frame.machine.memory.big_endian)
    blob.store(0, size, value)
    return blob


__all__ = ["Argument", "Execution", "is_understood", "lower"]
