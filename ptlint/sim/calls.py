"""Calls: of primitives, of functions from source, through pointers, and of code that nobody can see."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CInt, CPointer, CType
from ptlint.sim.blob import Blob
from ptlint.sim.convert import constant, converted, scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds, SimError
from ptlint.sim.frame import Frame, Op, Run, Value, nothing_of
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.opaque import member_path, opaque, pointed_at
from ptlint.sim.places import mixed
from ptlint.sim.primitives import find_primitive
from ptlint.sim.types import (
    IMPLICIT,
    INT,
    is_bool,
    is_integer,
    is_pointer,
    is_record,
    is_signed,
    is_void,
    promoted,
    size_or_none,
)
from ptlint.sim.values import Mask, Unknown, every, of_mask, some

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.program import Lowered, Program

MAX_QUESTIONS = 64
"""Different arguments with which one call of unknown code is asked, over all lanes."""


def lower_call(program: Program, expressions: Expressions, expr: ast.Call) -> Op:
    """Return the op of a call."""
    target = expr.function
    while isinstance(target, ast.Unary) and target.op in ("*", "&"):
        target = target.operand
    if isinstance(target, ast.Name) and expressions.scope.find(target.name) is None:
        answer = program.answers.get(target.name)
        if answer is not None:
            return constant(int(answer), INT)
        primitive = find_primitive(target.name)
        if primitive is not None:
            return primitive.lower(expressions, expr, target.name)
        definition = program.definition(target.name, expressions.path)
        if definition is not None:
            return direct(program, expressions, definition, expr)
        if program.variable(target.name, expressions.path) is None:
            return _unseen(program, expressions, target.name, expr)
    return _indirect(program, expressions, expr)


def arguments(expressions: Expressions, expr: ast.Call, types: Sequence[CType], variadic: bool) -> list[Op]:
    """Return the arguments converted to the parameters' types. Raises CannotExecute when their number is wrong."""
    if len(expr.args) < len(types) or (len(expr.args) > len(types) and not variadic):
        raise CannotExecute(f"a call with {len(expr.args)} arguments of a function that takes {len(types)}", expr.pos)
    ops = [expressions.expr(arg) for arg in expr.args]
    fixed = [converted(op, type) for op, type in zip(ops, types, strict=False)]
    return fixed + [_promoted(op) for op in ops[len(types) :]]


def _promoted(op: Op) -> Op:
    return converted(op, promoted(op.type)) if is_integer(op.type) else op


def direct(program: Program, expressions: Expressions, definition: ast.FunctionDef, expr: ast.Call) -> Op:
    """Return the op of a call of a function whose source is at hand. The body is lowered when it first runs."""
    signature = program.resolve(definition.type, expressions)
    assert isinstance(signature, CFunction)
    ops = arguments(expressions, expr, [_decay(program, t) for t in signature.params], signature.variadic)
    runs = [op.run for op in ops]
    types = [op.type for op in ops]

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in runs]
        frame.machine.pos = expr.pos
        return invoke(program, frame.machine, definition, values, types)

    return Op(signature.ret, run)


def _decay(program: Program, type: CType) -> CType:
    if isinstance(type, CArray):
        return program.pointer_to(type.of)
    return program.pointer_to(type) if isinstance(type, CFunction) else type


def invoke(
    program: Program, machine: Machine, definition: ast.FunctionDef, values: Sequence[Value], types: Sequence[CType]
) -> Value:
    """Run a function in the current lanes and return its value; a predicate that cannot be run becomes a question."""
    lowered = program.lowered(definition, machine)
    if lowered.hardware and not any(is_pointer(t) or is_record(t) for t in types) and _can_ask(lowered.returns):
        return ask(machine, lowered.name, values, types, lowered.returns)
    before, entry, depth, nested = len(machine.log), machine.mask, machine.depth, len(machine.stack)
    outer = machine.function, machine.pos
    try:
        return run_lowered(machine, lowered, values)
    except CannotExecute as error:
        if not _harmless(machine, before, values, types) or not _can_ask(lowered.returns):
            raise
        machine.mask, machine.depth = machine.without_dead(entry), depth
        machine.function, machine.pos = outer
        del machine.stack[nested:]
        machine.assumed.setdefault(lowered.name, (error.what, error.pos or lowered.definition.pos))
        del machine.log[before:]
        try:
            return ask(machine, lowered.name, values, types, lowered.returns)
        except CannotExecute:
            raise error from None


def run_lowered(machine: Machine, lowered: Lowered, values: Sequence[Value]) -> Value:
    """Run a lowered function in the current lanes and return its value (0 or nothing when there are none)."""
    if not machine.runs():
        return nothing_of(lowered.returns, machine.memory.big_endian)
    if machine.depth >= machine.limits.depth:
        raise OutOfBounds(f"calls nested deeper than {machine.limits.depth}", machine.pos, machine.function)
    if machine.intercept is not None:
        values = list(values)
        machine.intercept(lowered.name, [local.name for local in lowered.params], values)
    frame = Frame(machine, lowered.size)
    slots = frame.slots
    for local, value in zip(lowered.params, values, strict=False):
        if local.boxed:
            slots[local.slot] = boxed(machine, local.name, local.type, value)
        else:
            slots[local.slot] = value.copy() if isinstance(value, Blob) else value
    entry, caller = machine.mask, machine.function
    if lowered.tables:
        data = {local.name: value for local, value in zip(lowered.params, values, strict=False) if value is not None}
        machine.record("call", lowered.name, data)
    machine.stack.append((lowered.name, machine.pos))
    machine.function = lowered.name
    machine.executed.add(lowered.where)
    machine.depth += 1
    try:
        lowered.body.run(frame)
    except SimError as error:
        if error.pos is None:
            error.pos, error.function = machine.pos, machine.function
        raise
    machine.depth -= 1
    machine.function = caller
    machine.stack.pop()
    if frame.brk is not None or frame.cont is not None:
        raise CannotExecute("a break or continue outside a loop", machine.pos, lowered.name)
    if frame.pending:
        raise CannotExecute(f"a goto to {next(iter(frame.pending))}, which is not there", machine.pos, lowered.name)
    if machine.mask is not machine.nobody and not is_void(lowered.returns) and some(machine.mask):
        raise CannotExecute(
            "the end of a function that returns a value is reached", lowered.definition.end, lowered.name
        )
    machine.mask = machine.without_dead(entry)
    for slot in lowered.boxes:
        address = frame.slots[slot]
        if isinstance(address, int):
            machine.release(address)
    if lowered.tables and machine.stage is not None and frame.ret is not None:
        machine.record("return", lowered.name, {"value": frame.ret})
    return nothing_of(lowered.returns, machine.memory.big_endian) if frame.ret is None else frame.ret


def boxed(machine: Machine, name: str, type: CType, value: Value) -> int:
    size = size_or_none(type)
    if size is None or value is None:
        raise CannotExecute(f"passes an incomplete {type}")
    blob = Blob(size, machine.memory.big_endian)
    if isinstance(value, Blob):
        blob.put(0, value)
    else:
        blob.store(0, size, value)
    made = machine.memory.add(name, blob, type)
    made.lanes = machine.mask
    return made.base


# --- code that nobody can see -----------------------------------------------------------------------------------------


def _unseen(program: Program, expressions: Expressions, name: str, expr: ast.Call) -> Op:
    """Return the op of a call of a function without source: a question, an opaque structure, or no effect."""
    unread = program.unreadable(name)
    if unread:
        raise CannotExecute(f"{name}() cannot be read: {unread}", expr.pos)
    prototype = program.prototype(name, expressions.path)
    if prototype is None:
        ops = [_promoted(expressions.expr(arg)) for arg in expr.args if not isinstance(arg, ast.TypeArg)]
        returns: CType = IMPLICIT
    else:
        signature = program.resolve(prototype, expressions)
        assert isinstance(signature, CFunction)
        params = () if prototype.oldstyle else signature.params
        ops = arguments(
            expressions, expr, [_decay(program, t) for t in params], signature.variadic or prototype.oldstyle
        )
        returns = signature.ret
    runs, types = [op.run for op in ops], [op.type for op in ops]

    def run(frame: Frame) -> Value:
        machine = frame.machine
        values = [op(frame) for op in runs]
        machine.pos = expr.pos
        _refuse_reach(machine, name, values, types)
        machine.record("unseen", name, {f"arg{i}": v for i, v in enumerate(values) if v is not None})
        return ask(machine, name, values, types, returns)

    return Op(returns, run)


def _indirect(program: Program, expressions: Expressions, expr: ast.Call) -> Op:
    pointer = expressions.expr(expr.function)
    signature = pointer.type.to if isinstance(pointer.type, CPointer) else pointer.type
    if not isinstance(signature, CFunction):
        raise CannotExecute(f"calls {pointer.type}, which is no function", expr.pos)
    ops = arguments(expressions, expr, [_decay(program, t) for t in signature.params], signature.variadic)
    runs, types, run_pointer = [op.run for op in ops], [op.type for op in ops], pointer.run
    path, returns, signed = expressions.path, signature.ret, is_signed(signature.ret)

    def run(frame: Frame) -> Value:
        machine = frame.machine
        target = scalar(run_pointer(frame))
        values = [op(frame) for op in runs]
        machine.pos = expr.pos
        if isinstance(target, Unknown):
            raise CannotExecute("calls through an unknown pointer", expr.pos)
        result: Value = None
        for obj, offset, mask in machine.memory.split(target, machine.mask):
            if mask is machine.mask:
                return _call_at(program, machine, obj, offset, values, types, returns, path)
            with machine.narrowed(mask):
                value = _call_at(program, machine, obj, offset, values, types, returns, path)
            result = value if result is None or value is None else mixed(mask, value, result, signed)
        return result

    return Op(signature.ret, run)


def _call_at(
    program: Program,
    machine: Machine,
    obj: Object | None,
    offset: int,
    values: Sequence[Value],
    types: Sequence[CType],
    returns: CType,
    path: str,
) -> Value:
    """Call what an address stands for: a function, or code that nobody can see; nothing there is a fault."""
    if obj is None or offset:
        machine.note("fault", "call through an invalid pointer")
        machine.kill(machine.mask)
        return nothing_of(returns, machine.memory.big_endian)
    name = f"(*{obj.name})"
    if obj.function:
        name = obj.function
        definition = program.definition(name, path)
        if definition is not None:
            return invoke(program, machine, definition, values, types)
    _refuse_reach(machine, name, values, types)
    return ask(machine, name, values, types, returns)


def _can_ask(returns: CType) -> bool:
    return is_void(returns) or is_integer(returns) or isinstance(returns, CPointer)


def _harmless(machine: Machine, since: int, values: Sequence[Value], types: Sequence[CType]) -> bool:
    """Return whether what ran since then touched no page table and got no pointer to one or to a variable."""
    if any(record.kind not in ("call", "return", "unseen", "warn", "unsure") for record in machine.log[since:]):
        return False
    return not any(_reaches(machine, value, type) for value, type in zip(values, types, strict=False))


def _refuse_reach(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> None:
    for value, type in zip(values, types, strict=False):
        reached = _reaches(machine, value, type)
        if reached:
            raise CannotExecute(f"{name}() is not known and gets a pointer to {reached}", machine.pos, machine.function)


def _reaches(machine: Machine, value: Value, type: CType) -> str:
    """Return the name of the table or variable that an argument points into, empty for opaque and no objects."""
    if not is_pointer(type) or value is None or isinstance(value, (Blob, Unknown)):
        return ""
    for obj, _offset, mask in machine.memory.split(value, machine.mask):
        if obj is None or obj.function or not some(mask):
            continue
        if obj.live or machine.memory.named(obj.name) is not obj:
            return obj.name
    return ""


def ask(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType], returns: CType) -> Value:
    """Return what unknown code answers: the same for the same arguments in a run, either way between scenarios."""
    if is_void(returns):
        return None
    if not _can_ask(returns):
        raise CannotExecute(f"{name}() is not known and returns {returns}", machine.pos, machine.function)
    varying = [v for v in values if isinstance(v, np.ndarray) and not every(v == v[0])]
    if not varying and not any(isinstance(v, Blob) for v in values):
        key = _question(machine, name, values, types)
        if is_bool(returns):
            return of_mask(machine.ask(key), signed=False)
        unknown = Unknown(key)
        if isinstance(returns, CPointer):
            return pointed_at(machine, unknown, returns.to)
        return unknown
    if not (is_bool(returns) or (isinstance(returns, CInt) and returns.size == 4)):
        raise CannotExecute(
            f"{name}() is not known and its arguments differ between scenarios", machine.pos, machine.function
        )
    return of_mask(_ask_each(machine, name, values, types), signed=is_signed(returns))


def _ask_each(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> Mask:
    """Ask once for each different tuple of arguments among the current lanes, in the order of the tuples."""
    here = np.flatnonzero(machine.mask)
    columns = [_column(value, machine.lanes)[here] for value in values]
    firsts, groups = _distinct(columns, len(here))
    if len(firsts) > MAX_QUESTIONS:
        raise CannotExecute(f"{name}() is not known and asked with too many arguments", machine.pos, machine.function)
    answer = np.zeros(machine.lanes, dtype=bool)
    for number, first in enumerate(firsts):
        key = _question(machine, name, [int(column[first]) for column in columns], types)
        asking = np.zeros(machine.lanes, dtype=bool)
        asking[here[groups == number]] = True
        with machine.narrowed(asking):
            answer |= machine.ask(key) & asking
    return answer


def _distinct(
    columns: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.uint64]]], size: int
) -> tuple[list[int], np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return the place of each different row of *columns*, in the order of the rows, and for every row its number."""
    groups = np.zeros(size, dtype=np.int64)
    firsts = [0] if size else []
    for column in columns:
        if not size or bool((column == column[0]).all()):
            continue
        values, codes = np.unique(column, return_inverse=True)
        _, places, groups = np.unique(groups * len(values) + codes, return_index=True, return_inverse=True)
        firsts = places.tolist()
    return firsts, groups


def _column(value: Value, lanes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    if isinstance(value, Blob):
        value = value.load(0, value.size, False) if value.size in (1, 2, 4, 8) else None
    if value is None or isinstance(value, Unknown):
        raise CannotExecute("unknown code gets a structure")
    if isinstance(value, int):
        return np.full(lanes, value & 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)
    return value.view(np.uint64)


def _question(machine: Machine, name: str, values: Sequence[Value], types: Sequence[CType]) -> Hashable:
    shown = [_shown(machine, value, type) for value, type in zip(values, types, strict=False)]
    return f"{name}({', '.join(shown)})"


def _shown(machine: Machine, value: Value, type: CType) -> str:
    """Return an argument as a reader would write it: an object by name, anything else by value."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, np.ndarray):
        value = int(value[0])
    if not isinstance(value, int):
        return "…"
    if is_pointer(type):
        obj, offset = machine.memory.find(value)
        if obj is not None:
            return obj.name + _offset_in(obj.type, offset)
        return "NULL" if value == 0 else f"{value:#x}"
    return str(value) if -4096 < value < 4096 else f"{value & 0xFFFF_FFFF_FFFF_FFFF:#x}"


def _offset_in(type: CType | None, offset: int) -> str:
    if not offset:
        return ""
    size = size_or_none(type) if type is not None else None
    if size and offset % size == 0:
        return f" + {offset // size}"
    return member_path(type, offset)


Handler = Callable[[Frame, list[Value]], Value]


def fixed_run(runs: Sequence[Run], handler: Handler) -> Run:
    """Return a closure that evaluates arguments and hands them to *handler*."""

    def run(frame: Frame) -> Value:
        return handler(frame, [op(frame) for op in runs])

    return run


__all__ = ["arguments", "ask", "direct", "fixed_run", "invoke", "lower_call", "opaque", "run_lowered"]
