"""Lowering of statements: syntax to steps of ``sim.flow``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CType
from ptlint.csrc.nodes import nodes
from ptlint.sim import assembly
from ptlint.sim.blob import Blob
from ptlint.sim.convert import constant, converted, tested
from ptlint.sim.errors import CannotExecute
from ptlint.sim.expressions import Expressions
from ptlint.sim.flow import (
    Guard,
    Returned,
    Step,
    branch,
    failing,
    forget,
    goto,
    guarded,
    jump,
    loop,
    nothing,
    once,
    placed,
    sequence,
    stored,
    switched,
)
from ptlint.sim.frame import Frame, Op, Run, Value, nothing_of
from ptlint.sim.localtypes import declare_tags, localised
from ptlint.sim.scope import Local, Scope
from ptlint.sim.types import INT, VOID, has_array, is_record, is_signed, is_void, promoted, size_of

if TYPE_CHECKING:
    from ptlint.sim.program import Program

LEVELS = 3
"""Calls in Python that a statement takes in its block: of the block, of its place, its own."""

_LEAVING = (ast.Return, ast.Break, ast.Continue, ast.Goto, ast.Switch, ast.Label, ast.Case, ast.Default)


class Statements:
    """Lowers the statements of one function that returns *returns*."""

    def __init__(self, expressions: Expressions, program: Program, returns: CType) -> None:
        self.expressions = expressions
        self.program = program
        self.returns = returns
        self._cases: list[dict[int, str]] = []
        self._guards: list[list[Guard]] = [[]]
        self._returned: Op | None = None

    def returned(self, body: ast.Block) -> Returned | None:
        """Return what *body*, which was lowered, returns, if it does nothing else and no lane leaves in between."""
        only = body.items[0] if len(body.items) == 1 else None
        if self._returned is None or not isinstance(only, ast.Return) or _may_leave(only.value):
            return None
        return Returned(self._returned, only.pos, _is_plain(only.value, self.expressions.scope))

    # --- blocks ---------------------------------------------------------------------------------------------------

    def block(self, block: ast.Block) -> Step:
        """Return the step of ``{ … }``."""
        with self._inside() as guards:
            step = self._items(block.items)
        return guarded(step, guards)

    def valued_block(self, block: ast.Block) -> Op:
        """Return the op of ``({ … })``: the value of its last statement."""
        last = block.items[-1] if block.items else None
        if not isinstance(last, ast.ExprStmt) or last.expr is None:
            return Op(VOID, self.block(block).run)
        with self._inside() as guards:
            before = self._items(block.items[:-1])
            value = self.expressions.expr(last.expr)
        if before.run is nothing:
            return value
        slot = self.expressions.scope.declare("", value.type, boxed=False).slot
        evaluate, signed = value.run, is_signed(value.type)
        type, big_endian = value.type, self.program.model.big_endian

        def keep(frame: Frame) -> None:
            result = evaluate(frame)
            if result is not None:
                frame.assign(slot, result, signed)

        run_all = guarded(sequence([before, Step(keep)]), guards).run

        def run(frame: Frame) -> Value:
            frame.slots[slot] = None
            run_all(frame)
            given = frame.slots[slot]
            return nothing_of(type, big_endian) if given is None else given

        return Op(value.type, run)

    def _items(self, items: Sequence[ast.Stmt]) -> Step:
        steps = []
        for item in items:
            armed = len(self._guards[-1])
            steps.append(self.statement(item))
            if len(self._guards[-1]) > armed and any(step.labels for step in steps):
                raise CannotExecute("a label before a variable with a cleanup in one block", item.pos)
        return sequence(steps)

    @contextmanager
    def _inside(self) -> Iterator[list[Guard]]:
        """Lower the body in a block of its own; yield the list that gets the variables with cleanups."""
        guards: list[Guard] = []
        self.expressions.scope.enter()
        self._guards.append(guards)
        try:
            yield guards
        finally:
            self._guards.pop()
            self.expressions.scope.leave()

    def statement(self, stmt: ast.Stmt) -> Step:
        """Return the step of a statement. What cannot be lowered fails only when a lane gets there."""
        self.expressions.enter(LEVELS)
        try:
            step = self._statement(stmt)
        except CannotExecute as error:
            return failing(error, stmt.pos, self.expressions.function, _labels_in(stmt))
        finally:
            self.expressions.enter(-LEVELS)
        return placed(step, stmt.pos)

    def _statement(self, stmt: ast.Stmt) -> Step:
        match stmt:
            case ast.ExprStmt():
                return self._expression(stmt)
            case ast.Declaration():
                return self._declaration(stmt)
            case ast.Block():
                return self.block(stmt)
            case ast.If():
                return self._if(stmt)
            case ast.While():
                return self._while(stmt)
            case ast.For():
                return self._for(stmt)
            case ast.Switch():
                return self._switch(stmt)
            case ast.Return():
                return self._return(stmt)
            case ast.Break() | ast.Continue():
                return jump(isinstance(stmt, ast.Break))
            case ast.NestedFunction():
                raise CannotExecute(f"{stmt.function.name}() is defined inside a function", stmt.pos)
            case ast.Goto() if stmt.computed is not None:
                raise CannotExecute("a goto to a computed place", stmt.pos)
            case ast.Goto():
                return goto(stmt.label)
            case ast.Label() | ast.Case() | ast.Default():
                return self._labelled(stmt)
            case ast.Asm():
                return self._asm(stmt)
            case ast.StaticAssert():
                return Step(nothing)
            case _:
                raise CannotExecute(f"cannot execute {type(stmt).__name__}", stmt.pos)

    # --- simple statements ----------------------------------------------------------------------------------------

    def _expression(self, stmt: ast.ExprStmt) -> Step:
        if stmt.expr is None:
            return Step(nothing)
        op = self.expressions.expr(stmt.expr)
        if op.const is not None:
            return Step(nothing)
        return Step(op.run, leaves=_may_leave(stmt))

    def _asm(self, stmt: ast.Asm) -> Step:
        """Assembly without results orders or synchronises: nothing to do here. Any other is executed if it can be."""
        self.expressions.assembly.append(stmt)
        if stmt.outputs or stmt.labels:
            return Step(assembly.lower(self.expressions, stmt))
        return Step(nothing)

    def _return(self, stmt: ast.Return) -> Step:
        if stmt.value is None:
            return Step(lambda frame: frame.returned(None, False), leaves=True)
        op = self.expressions.expr(stmt.value)
        run = op.run
        if is_void(self.returns):

            def void(frame: Frame) -> None:
                run(frame)
                frame.returned(None, False)

            return Step(void, leaves=True)
        result = self._returned = converted(op, self.returns)
        value, signed = result.run, is_signed(self.returns)
        return Step(lambda frame: frame.returned(value(frame), signed), leaves=True)

    # --- declarations ---------------------------------------------------------------------------------------------

    def _declaration(self, stmt: ast.Declaration) -> Step:
        if "typedef" in stmt.storage:
            for declarator in stmt.declarators:
                type = localised(self.expressions, declare_tags(self.expressions, declarator.type))
                self.expressions.scope.declare_typedef(declarator.name, type)
            return Step(nothing)
        self._tags(stmt)
        return sequence([self._declarator(stmt, declarator) for declarator in stmt.declarators])

    def _tags(self, stmt: ast.Declaration) -> None:
        """Define the structures and enums that a declaration holds."""
        type = declare_tags(self.expressions, stmt.type)
        if type is not stmt.type:
            self.expressions.resolve(type)

    def _declarator(self, stmt: ast.Declaration, declarator: ast.Declarator) -> Step:
        if isinstance(declarator.type, ast.FunctionType) or "extern" in stmt.storage:
            return Step(nothing)
        type = self._declared_type(declarator)
        size = size_of(type)
        if "static" in stmt.storage:
            return self._static(declarator, type)
        scope = self.expressions.scope
        local = scope.declare(declarator.name, type, has_array(type) or bool(declarator.cleanup))
        init = None if declarator.init is None else self._initial(declarator, type)
        step = self._initialised(local, size, init, _may_leave(declarator))
        return sequence([step, self._armed(declarator)]) if declarator.cleanup else step

    def _initialised(self, local: Local, size: int, init: Run | None, leaves: bool) -> Step:
        slot, signed = local.slot, is_signed(local.type)
        if local.boxed:
            if init is None:
                return Step(nothing)
            return stored(self.expressions.local_place(local).locate, size, init, self.expressions.scope.falls)
        if init is not None:
            if self.expressions.scope.falls:
                return Step(lambda frame: frame.begin(slot, init(frame)), leaves=leaves)
            return Step(lambda frame: frame.assign(slot, init(frame), signed), leaves=leaves)
        if is_record(local.type):
            return Step(lambda frame: frame.assign(slot, Blob(size, frame.machine.memory.big_endian), False))
        return Step(lambda frame: forget(frame, slot))

    def _armed(self, declarator: ast.Declarator) -> Step:
        """Return the step that notes the lanes whose variable its cleanup function must see at the end of the block."""
        pos = declarator.pos
        variable = ast.Unary("&", ast.Name(declarator.name, pos), pos)
        call = self.expressions.expr(ast.Call(ast.Name(declarator.cleanup, pos), (variable,), pos))
        slot = self.expressions.scope.declare("", VOID, boxed=False).slot
        self._guards[-1].append(Guard(slot, call.run))

        def action(frame: Frame) -> None:
            armed, mask = frame.slots[slot], frame.machine.mask
            frame.slots[slot] = armed | mask if isinstance(armed, np.ndarray) else mask

        return Step(action)

    def _declared_type(self, declarator: ast.Declarator) -> CType:
        type = self.expressions.resolve(declarator.type)
        if isinstance(type, CArray) and type.count is None and declarator.init is not None:
            return self.program.completed(self.expressions, type, declarator.init)
        return type

    def _initial(self, declarator: ast.Declarator, type: CType) -> Run:
        init = declarator.init
        assert init is not None
        if isinstance(init, ast.InitList) and not is_record(type) and not isinstance(type, CArray):
            init = self.program.single(init)
        if isinstance(init, ast.InitList) or isinstance(type, CArray):
            return self.program.initialiser(self.expressions, type, init)
        return converted(self.expressions.expr(init), type).run

    def _static(self, declarator: ast.Declarator, type: CType) -> Step:
        """A static variable has one object for the whole run, named after the function."""
        program, scope, pos = self.program, self.expressions.scope, declarator.pos
        key = f"{self.expressions.function}.{declarator.name} ({pos.path}:{pos.line}:{pos.column})"
        inits: list[Run] = []

        def address(frame: Frame) -> int:
            return program.static(frame, key, type, inits[0] if inits else None)

        scope.declare_static(declarator.name, type, address)
        if declarator.init is not None:
            inits.append(self._initial(declarator, type))
        return Step(nothing)

    # --- branches and loops ---------------------------------------------------------------------------------------

    def condition(self, expr: ast.Expr) -> Op:
        """Return the op of a controlling expression."""
        op = self.expressions.expr(expr)
        if is_record(op.type) or is_void(op.type):
            raise CannotExecute(f"asks whether {op.type} is true", expr.pos)
        return op

    def _if(self, stmt: ast.If) -> Step:
        cond = self.condition(stmt.cond)
        if cond.const is not None and not _is_jumped_into(stmt):
            taken = stmt.then if cond.const else stmt.other
            return Step(nothing) if taken is None else self.statement(taken)
        then = self.statement(stmt.then)
        other = Step(nothing) if stmt.other is None else self.statement(stmt.other)
        return branch(tested(cond), then, other, _may_leave(stmt.cond))

    def _while(self, stmt: ast.While) -> Step:
        cond = self.condition(stmt.cond)
        if cond.const == 0 and stmt.do:
            return once(self.statement(stmt.body))
        return loop(cond, self.statement(stmt.body), None, stmt.do)

    def _for(self, stmt: ast.For) -> Step:
        with self._inside() as guards:
            first = Step(nothing)
            if isinstance(stmt.init, ast.Declaration):
                first = self.statement(stmt.init)
            elif stmt.init is not None:
                first = self.statement(ast.ExprStmt(stmt.init, stmt.init.pos))
            cond = constant(1, INT) if stmt.cond is None else self.condition(stmt.cond)
            step = None if stmt.step is None else self.expressions.expr(stmt.step).run
            body = self.statement(stmt.body)
        return guarded(sequence([first, loop(cond, body, step, do=False)]), guards)

    def _switch(self, stmt: ast.Switch) -> Step:
        value = self.expressions.expr(stmt.cond)
        type = promoted(value.type)
        run = converted(value, type).run
        self._cases.append({})
        body = self.statement(stmt.body)
        names = self._cases.pop()
        cases = _own_cases(stmt.body)
        arms = [(node, names[id(node)]) for node in cases if id(node) in names]
        if len(arms) < len(cases):
            raise CannotExecute("a case label inside a statement that cannot be executed", stmt.pos)
        tests = [self._case_test(node, type, label) for node, label in arms if isinstance(node, ast.Case)]
        default = next((label for node, label in arms if isinstance(node, ast.Default)), None)
        return switched(run, tests, default, body)

    def _case_test(self, node: ast.Case, type: CType, label: str) -> tuple[int, int, str]:
        low = converted(self.expressions.expr(node.low), type).const
        high = low if node.high is None else converted(self.expressions.expr(node.high), type).const
        if low is None or high is None:
            raise CannotExecute("a case label that is not constant", node.pos)
        return low, high, label

    def _labelled(self, stmt: ast.Label | ast.Case | ast.Default) -> Step:
        if isinstance(stmt, ast.Label):
            name = stmt.name
        else:
            name = f"case {next(self.expressions.scope.numbers)}"
            if not self._cases:
                raise CannotExecute("a case label outside a switch", stmt.pos)
            self._cases[-1][id(stmt)] = name
        body = self.statement(stmt.body)

        def action(frame: Frame) -> None:
            arrived = frame.pending.pop(name, None)
            if arrived is not None:
                frame.machine.mask = frame.machine.mask | arrived
            body.run(frame)

        return Step(action, body.labels | {name}, leaves=True)


# --- questions about syntax -----------------------------------------------------------------------------------------


def _may_leave(node: object) -> bool:
    return any(isinstance(item, _LEAVING) for item in nodes(node))


def _is_plain(value: object, scope: Scope) -> bool:
    """Return whether an expression takes what variables in slots hold, and makes a value of it."""
    pending = [value]
    while pending:
        node = pending.pop()
        match node:
            case ast.Name():
                local = scope.find(node.name)
                if local is None or local.boxed or local.value is not None:
                    return False
            case ast.MemberAccess(arrow=False):
                pending.append(node.base)
            case ast.Unary(op="-" | "+" | "~" | "!"):
                pending.append(node.operand)
            case ast.Binary() if node.op not in ("/", "%"):
                pending.extend((node.left, node.right))
            case ast.Cast():
                pending.append(node.value)
            case ast.CompoundLiteral():
                pending.extend(item.value for item in node.init.items)
            case ast.IntConst():
                continue
            case _:
                return False
    return True


def _labels_in(stmt: object) -> frozenset[str]:
    return frozenset(item.name for item in nodes(stmt) if isinstance(item, ast.Label))


def _is_jumped_into(stmt: ast.Stmt) -> bool:
    """Return whether a goto or a switch around it may lead into a statement."""
    return bool(_labels_in(stmt) or _own_cases(stmt))


def _own_cases(body: ast.Stmt) -> list[ast.Case | ast.Default]:
    """Return the case labels that belong to a switch with this body, not those of switches inside."""
    return [node for node in nodes(body, into_switches=False) if isinstance(node, (ast.Case, ast.Default))]
