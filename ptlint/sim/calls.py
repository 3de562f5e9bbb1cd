"""Calls: of primitives, of functions from source, through pointers, and of code that nobody can see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CPointer, CType
from ptlint.sim.blob import Blob
from ptlint.sim.convert import constant, converted, scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds, SimError
from ptlint.sim.frame import Frame, Op, Value, nothing_of
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Object
from ptlint.sim.places import mixed
from ptlint.sim.primitives import find_primitive
from ptlint.sim.questions import ask, can_ask, reaches, refuse_reach
from ptlint.sim.types import (
    IMPLICIT,
    INT,
    is_integer,
    is_pointer,
    is_record,
    is_signed,
    is_void,
    promoted,
    size_or_none,
)
from ptlint.sim.values import Mask, Unknown, some

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.flow import Returned
    from ptlint.sim.program import Lowered, Program


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
    runs, pos = [op.run for op in ops], expr.pos
    types = [op.type for op in ops]

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in runs]
        machine = frame.machine
        machine.pos = pos
        return invoke(program, machine, definition, values, types)

    def test(frame: Frame) -> bool | Mask:
        values = [op(frame) for op in runs]
        machine = frame.machine
        machine.pos = pos
        return machine.truth(scalar(invoke(program, machine, definition, values, types, is_test=True)))

    return Op(signature.ret, run, test=test if is_integer(signature.ret) else None)


def _decay(program: Program, type: CType) -> CType:
    if isinstance(type, CArray):
        return program.pointer_to(type.of)
    return program.pointer_to(type) if isinstance(type, CFunction) else type


def invoke(
    program: Program,
    machine: Machine,
    definition: ast.FunctionDef,
    values: Sequence[Value],
    types: Sequence[CType],
    is_test: bool = False,
) -> Value:
    """Run a function in the current lanes and return its value; a predicate that cannot be run becomes a question.

    With *is_test* the value may be one that only ``Machine.truth`` understands: whether it is not 0.
    """
    lowered = program.lowered(definition, machine)
    if lowered.hardware and not any(is_pointer(t) or is_record(t) for t in types) and can_ask(lowered.returns):
        return ask(machine, lowered.name, values, types, lowered.returns)
    before, entry, depth, nested = len(machine.log), machine.mask, machine.depth, len(machine.stack)
    nesting = machine.nesting
    function, pos = machine.function, machine.pos
    try:
        if lowered.returned is not None and lowered.returned.plain and not lowered.tables and machine.runs():
            return _run_plain(machine, lowered, lowered.returned, values, is_test)
        return run_lowered(machine, lowered, values, is_test)
    except CannotExecute as error:
        if not _harmless(machine, before, values, types) or not can_ask(lowered.returns):
            raise
        machine.mask, machine.depth, machine.nesting = machine.without_dead(entry), depth, nesting
        machine.function, machine.pos = function, pos
        del machine.stack[nested:]
        machine.assumed.setdefault(lowered.name, (error.what, error.pos or lowered.definition.pos))
        del machine.log[before:]
        try:
            return ask(machine, lowered.name, values, types, lowered.returns)
        except CannotExecute:
            raise error from None


def run_lowered(machine: Machine, lowered: Lowered, values: Sequence[Value], is_test: bool = False) -> Value:
    """Run a lowered function in the current lanes and return its value (0 or nothing when there are none)."""
    if machine.mask is not machine.running and not machine.runs():
        return nothing_of(lowered.returns, machine.memory.big_endian)
    if machine.depth >= machine.limits.depth:
        raise OutOfBounds(f"calls nested deeper than {machine.limits.depth}", machine.pos, machine.function)
    if machine.nesting + lowered.nesting > machine.limits.nesting:
        raise OutOfBounds("calls and expressions nested too deeply", machine.pos, machine.function)
    if machine.intercept is not None:
        values = list(values)
        machine.intercept(lowered.name, lowered.names, values)
    frame = Frame(machine, lowered.size)
    if lowered.slots is None:
        _take(frame, lowered, values)
    else:
        for slot, value in zip(lowered.slots, values, strict=False):
            frame.slots[slot] = value
    entry, caller = machine.mask, machine.function
    if lowered.tables:
        data = {name: value for name, value in zip(lowered.names, values, strict=False) if value is not None}
        machine.record("call", lowered.name, data)
    machine.stack.append((lowered.name, machine.pos))
    machine.function = lowered.name
    machine.executed.add(lowered.where)
    machine.depth += 1
    machine.nesting += lowered.nesting
    try:
        result = (
            _run_body(frame, lowered) if lowered.returned is None else _run_returned(frame, lowered.returned, is_test)
        )
    except SimError as error:
        if error.pos is None:
            error.pos, error.function = machine.pos, machine.function
        raise
    machine.depth -= 1
    machine.nesting -= lowered.nesting
    machine.function = caller
    machine.stack.pop()
    machine.mask = entry if machine.dead is None else machine.without_dead(entry)
    for slot in lowered.boxes:
        address = frame.slots[slot]
        if isinstance(address, int):
            machine.release(address)
    if lowered.tables and machine.stage is not None and result is not None:
        machine.record("return", lowered.name, {"value": result})
    return nothing_of(lowered.returns, machine.memory.big_endian) if result is None else result


def _run_plain(machine: Machine, lowered: Lowered, returned: Returned, values: Sequence[Value], is_test: bool) -> Value:
    """Return what a function makes of its arguments alone: nothing that happens needs to know where."""
    if machine.intercept is not None:
        values = list(values)
        machine.intercept(lowered.name, lowered.names, values)
    frame = Frame(machine, lowered.size)
    for local, value in zip(lowered.params, values, strict=False):
        frame.slots[local.slot] = value
    machine.executed.add(lowered.where)
    try:
        return _run_returned(frame, returned, is_test)
    except SimError as error:
        if error.pos is None:
            error.pos, error.function = machine.pos, lowered.name
        raise


def _take(frame: Frame, lowered: Lowered, values: Sequence[Value]) -> None:
    """Give the parameters their values, some of them in memory."""
    for local, value in zip(lowered.params, values, strict=False):
        frame.slots[local.slot] = boxed(frame.machine, local.name, local.type, value) if local.boxed else value


def _run_returned(frame: Frame, returned: Returned, is_test: bool) -> Value:
    """Run the only statement of a function, which returns something."""
    machine = frame.machine
    machine.pos = returned.pos
    machine.done += 1
    if machine.done > machine.pause:
        machine.tick(0)
    test = returned.op.test
    return test(frame) if is_test and test is not None else returned.op.run(frame)


def _run_body(frame: Frame, lowered: Lowered) -> Value:
    """Run the body of a function and return what its lanes return."""
    machine = frame.machine
    lowered.body.run(frame)
    if frame.brk is not None or frame.cont is not None:
        raise CannotExecute("a break or continue outside a loop", machine.pos, lowered.name)
    if frame.pending:
        raise CannotExecute(f"a goto to {next(iter(frame.pending))}, which is not there", machine.pos, lowered.name)
    if machine.mask is not machine.nobody and not is_void(lowered.returns) and some(machine.mask):
        raise CannotExecute(
            "the end of a function that returns a value is reached", lowered.definition.end, lowered.name
        )
    return frame.ret


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
        refuse_reach(machine, name, values, types)
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
    refuse_reach(machine, name, values, types)
    return ask(machine, name, values, types, returns)


def _harmless(machine: Machine, since: int, values: Sequence[Value], types: Sequence[CType]) -> bool:
    """Return whether what ran since then touched no page table and got no pointer to one or to a variable."""
    if any(record.kind not in ("call", "return", "unseen", "warn", "unsure") for record in machine.log[since:]):
        return False
    return not any(reaches(machine, value, type) for value, type in zip(values, types, strict=False))
