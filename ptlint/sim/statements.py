"""Lowering of statements: control flow splits the lanes, and joins them again.

Every action leaves in the machine's mask the lanes that go on to the next statement. Lanes on their way to a label (by
``goto``, or by ``switch`` to a case) wait in the frame; an action whose statement holds such a label runs even when no
lane falls into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CType
from ptlint.sim import assembly
from ptlint.sim.blob import Blob
from ptlint.sim.convert import constant, converted, scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.expressions import Expressions
from ptlint.sim.frame import Action, Frame, Op, Run, Value, nothing_of
from ptlint.sim.localtypes import declare_tags, localised
from ptlint.sim.scope import Local, nodes
from ptlint.sim.types import INT, VOID, has_array, is_record, is_signed, is_void, promoted, size_of
from ptlint.sim.values import Mask, Scalar, Unknown, compare

if TYPE_CHECKING:
    from ptlint.sim.program import Program

_LEAVING = (ast.Return, ast.Break, ast.Continue, ast.Goto, ast.Switch, ast.Label, ast.Case, ast.Default)


@dataclass(frozen=True, slots=True)
class Step:
    """A lowered statement: its labels (of itself and below) and whether lanes may leave in it."""

    run: Action
    labels: frozenset[str] = frozenset()
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """A variable with a cleanup function: ``armed`` is the slot of the lanes whose variable is alive."""

    armed: int
    cleanup: Run


class Statements:
    """Lowers the statements of one function that returns *returns*."""

    def __init__(self, expressions: Expressions, program: Program, returns: CType) -> None:
        self.expressions = expressions
        self.program = program
        self.returns = returns
        self._cases: list[dict[int, str]] = []
        self._guards: list[list[Guard]] = [[]]

    # --- blocks ---------------------------------------------------------------------------------------------------

    def block(self, block: ast.Block) -> Step:
        """Return the step of ``{ … }``."""
        with self._inside() as guards:
            step = self._items(block.items)
        return _guarded(step, guards)

    def valued_block(self, block: ast.Block) -> Op:
        """Return the op of ``({ … })``: the value of its last statement."""
        last = block.items[-1] if block.items else None
        if not isinstance(last, ast.ExprStmt) or last.expr is None:
            return Op(VOID, self.block(block).run)
        with self._inside() as guards:
            before = self._items(block.items[:-1])
            value = self.expressions.expr(last.expr)
        if before.run is _nothing:
            return value
        slot = self.expressions.scope.declare("", value.type, boxed=False).slot
        evaluate, signed = value.run, is_signed(value.type)
        type, big_endian = value.type, self.program.model.big_endian

        def keep(frame: Frame) -> None:
            result = evaluate(frame)
            if result is not None:
                frame.assign(slot, result, signed)

        run_all = _guarded(sequence([before, Step(keep)]), guards).run

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
        try:
            step = self._statement(stmt)
        except CannotExecute as error:
            return _failing(error, stmt, self.expressions.function)
        return _placed(step, stmt.pos)

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
                return _jump(isinstance(stmt, ast.Break))
            case ast.NestedFunction():
                raise CannotExecute(f"{stmt.function.name}() is defined inside a function", stmt.pos)
            case ast.Goto() if stmt.computed is not None:
                raise CannotExecute("a goto to a computed place", stmt.pos)
            case ast.Goto():
                return _goto(stmt.label)
            case ast.Label() | ast.Case() | ast.Default():
                return self._labelled(stmt)
            case ast.Asm():
                return self._asm(stmt)
            case ast.StaticAssert():
                return Step(_nothing)
            case _:
                raise CannotExecute(f"cannot execute {type(stmt).__name__}", stmt.pos)

    # --- simple statements ----------------------------------------------------------------------------------------

    def _expression(self, stmt: ast.ExprStmt) -> Step:
        if stmt.expr is None:
            return Step(_nothing)
        op = self.expressions.expr(stmt.expr)
        if op.const is not None:
            return Step(_nothing)
        run = op.run

        def action(frame: Frame) -> None:
            run(frame)

        return Step(action, leaves=_may_leave(stmt))

    def _asm(self, stmt: ast.Asm) -> Step:
        """Assembly without results orders or synchronises: nothing to do here. Any other is executed if it can be."""
        self.expressions.assembly.append(stmt)
        if stmt.outputs or stmt.labels:
            return Step(assembly.lower(self.expressions, stmt))
        return Step(_nothing)

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
        value = converted(op, self.returns).run
        signed = is_signed(self.returns)
        return Step(lambda frame: frame.returned(value(frame), signed), leaves=True)

    # --- declarations ---------------------------------------------------------------------------------------------

    def _declaration(self, stmt: ast.Declaration) -> Step:
        if "typedef" in stmt.storage:
            for declarator in stmt.declarators:
                type = localised(self.expressions, declare_tags(self.expressions, declarator.type))
                self.expressions.scope.declare_typedef(declarator.name, type)
            return Step(_nothing)
        self._tags(stmt)
        return sequence([self._declarator(stmt, declarator) for declarator in stmt.declarators])

    def _tags(self, stmt: ast.Declaration) -> None:
        """Define the structures and enums that a declaration holds."""
        type = declare_tags(self.expressions, stmt.type)
        if type is not stmt.type:
            self.expressions.resolve(type)

    def _declarator(self, stmt: ast.Declaration, declarator: ast.Declarator) -> Step:
        if isinstance(declarator.type, ast.FunctionType) or "extern" in stmt.storage:
            return Step(_nothing)
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
            return Step(_nothing) if init is None else _stored(self.expressions.local_place(local).locate, size, init)
        if init is not None:
            return Step(lambda frame: frame.assign(slot, init(frame), signed), leaves=leaves)
        if is_record(local.type):
            return Step(lambda frame: frame.assign(slot, Blob(size, frame.machine.memory.big_endian), False))
        return Step(lambda frame: _forget(frame, slot))

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
        return Step(_nothing)

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
            return Step(_nothing) if taken is None else self.statement(taken)
        then = self.statement(stmt.then)
        other = Step(_nothing) if stmt.other is None else self.statement(stmt.other)
        return _branch(cond.run, then, other, _may_leave(stmt.cond))

    def _while(self, stmt: ast.While) -> Step:
        cond = self.condition(stmt.cond)
        if cond.const == 0 and stmt.do:
            return _once(self.statement(stmt.body))
        return _loop(cond, self.statement(stmt.body), None, stmt.do)

    def _for(self, stmt: ast.For) -> Step:
        with self._inside() as guards:
            first = Step(_nothing)
            if isinstance(stmt.init, ast.Declaration):
                first = self.statement(stmt.init)
            elif stmt.init is not None:
                first = self.statement(ast.ExprStmt(stmt.init, stmt.init.pos))
            cond = constant(1, INT) if stmt.cond is None else self.condition(stmt.cond)
            step = None if stmt.step is None else self.expressions.expr(stmt.step).run
            body = self.statement(stmt.body)
        return _guarded(sequence([first, _loop(cond, body, step, do=False)]), guards)

    def _switch(self, stmt: ast.Switch) -> Step:
        value = self.expressions.expr(stmt.cond)
        type = promoted(value.type)
        run = converted(value, type).run
        self._cases.append({})
        body = self.statement(stmt.body)
        names = self._cases.pop()
        arms = [(node, names[id(node)]) for node in _own_cases(stmt.body) if id(node) in names]
        if len(arms) < len(_own_cases(stmt.body)):
            raise CannotExecute("a case label inside a statement that cannot be executed", stmt.pos)
        tests = [self._case_test(node, type, label) for node, label in arms if isinstance(node, ast.Case)]
        default = next((label for node, label in arms if isinstance(node, ast.Default)), None)
        return _switched(run, tests, default, body)

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


# --- actions --------------------------------------------------------------------------------------------------------


def _nothing(_frame: Frame) -> None:
    return None


def _stored(locate: Callable[[Frame], Scalar | None], size: int, init: Run) -> Step:
    """Return the step that stores the initial value of a variable in memory."""

    def action(frame: Frame) -> None:
        value, address = init(frame), locate(frame)
        assert address is not None
        if isinstance(value, Blob):
            frame.machine.store_blob(address, value)
        else:
            frame.machine.store(address, size, scalar(value))

    return Step(action, leaves=True)


def _guarded(step: Step, guards: Sequence[Guard]) -> Step:
    """Return *step* and, for the lanes that left it by whatever way, the cleanups, last variable first."""
    if not guards:
        return step
    run, plan = step.run, [(guard.armed, guard.cleanup) for guard in reversed(guards)]

    def action(frame: Frame) -> None:
        run(frame)
        machine = frame.machine
        for slot, cleanup in plan:
            armed = frame.slots[slot]
            frame.slots[slot] = None
            if not isinstance(armed, np.ndarray) or not bool(machine.without_dead(armed).any()):
                continue
            after, machine.mask = machine.mask, machine.without_dead(armed)
            cleanup(frame)
            machine.mask = machine.without_dead(after)
            frame.forget_dead()

    return Step(action, step.labels, step.leaves)


def _failing(error: CannotExecute, stmt: ast.Stmt, function: str) -> Step:
    """Return a step that reports what could not be lowered when a lane reaches it."""
    pos = error.pos or stmt.pos
    what, where, labels = error.what, error.function or function, _labels_in(stmt)

    def action(frame: Frame) -> None:
        if bool(frame.machine.mask.any()) or not labels.isdisjoint(frame.pending):
            raise CannotExecute(what, pos, where)

    return Step(action, labels, leaves=False)


def _placed(step: Step, pos: ast.Pos) -> Step:
    run = step.run
    if run is _nothing:
        return step

    def action(frame: Frame) -> None:
        machine = frame.machine
        machine.pos = pos
        machine.tick()
        run(frame)

    return Step(action, step.labels, step.leaves)


def sequence(steps: Sequence[Step]) -> Step:
    """Return steps run one after the other, with jumps among them."""
    steps = [step for step in steps if step.run is not _nothing]
    labels = frozenset().union(*(step.labels for step in steps))
    if not steps:
        return Step(_nothing)
    if len(steps) == 1 and not labels:
        return steps[0]
    leaves = any(step.leaves for step in steps)
    plan = [(step.run, step.labels, step.leaves) for step in steps]

    def straight(frame: Frame) -> None:
        machine = frame.machine
        for run, _labels, may_leave in plan:
            run(frame)
            if may_leave and not bool(machine.mask.any()):
                return

    def jumping(frame: Frame) -> None:
        machine = frame.machine
        through: Mask | None = None
        while True:
            for run, inside, _may_leave in plan:
                if bool(machine.mask.any()) or not inside.isdisjoint(frame.pending):
                    run(frame)
            through = machine.mask if through is None else through | machine.mask
            if labels.isdisjoint(frame.pending):
                break
            machine.tick()
            frame.leave()
        machine.mask = through

    return Step(jumping if labels else straight, labels, leaves)


def _branch(cond: Run, then: Step, other: Step, cond_leaves: bool) -> Step:
    run_then, run_other = then.run, other.run
    labels = then.labels | other.labels

    def action(frame: Frame) -> None:
        machine = frame.machine
        truth = machine.truth(scalar(cond(frame))) if not labels or bool(machine.mask.any()) else False
        entered = machine.mask
        if isinstance(truth, bool):
            yes, no = (entered, entered & False) if truth else (entered & False, entered)
        else:
            yes, no = entered & truth, entered & ~truth
        machine.mask = yes
        if bool(yes.any()) or not then.labels.isdisjoint(frame.pending):
            run_then(frame)
        after_then = machine.mask
        machine.mask = no
        if bool(no.any()) or not other.labels.isdisjoint(frame.pending):
            run_other(frame)
        if after_then is yes and machine.mask is no:
            machine.mask = entered
        else:
            machine.mask = after_then | machine.mask

    return Step(action, labels, then.leaves or other.leaves or cond_leaves)


def _once(body: Step) -> Step:
    """Return ``do body while (0)``: a block that break and continue may leave."""
    if not body.leaves:
        return body
    run = body.run

    def action(frame: Frame) -> None:
        brk, cont = frame.brk, frame.cont
        frame.brk = frame.cont = None
        run(frame)
        for left in (frame.brk, frame.cont):
            if left is not None:
                frame.machine.mask = frame.machine.mask | left
        frame.brk, frame.cont = brk, cont

    return Step(action, body.labels, body.leaves)


def _loop(cond: Op, body: Step, step: Run | None, do: bool) -> Step:
    run_cond, run_body, labels = cond.run, body.run, body.labels
    always = bool(cond.const)

    def action(frame: Frame) -> None:
        machine = frame.machine
        started, ended = machine.mask, None
        brk, cont = frame.brk, frame.cont
        frame.brk = None
        first, rounds = do, 0
        while True:
            rounds += 1
            machine.tick()
            if rounds > machine.limits.iterations:
                raise OutOfBounds(f"more than {machine.limits.iterations} iterations", machine.pos, machine.function)
            if not first and not always and bool(machine.mask.any()):
                truth = machine.truth(scalar(run_cond(frame)))
                stop = _stopping(machine.mask, truth)
                ended = stop if ended is None else ended | stop
                machine.mask = machine.mask & ~stop
            first = False
            if not bool(machine.mask.any()) and labels.isdisjoint(frame.pending):
                break
            frame.cont = None
            run_body(frame)
            if frame.cont is not None:
                machine.mask = machine.mask | frame.cont
            if step is not None and bool(machine.mask.any()):
                step(frame)
        result = machine.mask if ended is None else ended
        if frame.brk is not None:
            result = result | frame.brk
        frame.brk, frame.cont = brk, cont
        result = machine.without_dead(result)
        machine.mask = started if bool((result == started).all()) else result

    return Step(action, labels, leaves=True)


def _stopping(mask: Mask, truth: bool | Mask) -> Mask:
    if isinstance(truth, bool):
        return mask & False if truth else mask
    return mask & ~truth


def _jump(is_break: bool) -> Step:
    def action(frame: Frame) -> None:
        mask = frame.machine.mask
        if is_break:
            frame.brk = mask if frame.brk is None else frame.brk | mask
        else:
            frame.cont = mask if frame.cont is None else frame.cont | mask
        frame.leave()

    return Step(action, leaves=True)


def _goto(label: str) -> Step:
    def action(frame: Frame) -> None:
        _send(frame, label, frame.machine.mask)
        frame.leave()

    return Step(action, leaves=True)


def _send(frame: Frame, label: str, mask: Mask) -> None:
    if bool(mask.any()):
        waiting = frame.pending.get(label)
        frame.pending[label] = mask if waiting is None else waiting | mask


def _switched(value: Run, tests: list[tuple[int, int, str]], default: str | None, body: Step) -> Step:
    own = {label for _, _, label in tests} | ({default} if default else set())

    def action(frame: Frame) -> None:
        machine = frame.machine
        brk = frame.brk
        frame.brk = None
        started = machine.mask
        if bool(started.any()):
            rest = _dispatch(frame, scalar(value(frame)), tests)
            if default is not None:
                _send(frame, default, rest)
                rest = rest & False
        else:
            rest = started
        frame.leave()
        body.run(frame)
        result = machine.mask | rest
        if frame.brk is not None:
            result = result | frame.brk
        frame.brk = brk
        machine.mask = started if bool((result == started).all()) else result

    return Step(action, body.labels - own, leaves=True)


def _dispatch(frame: Frame, value: Scalar, tests: list[tuple[int, int, str]]) -> Mask:
    """Send the current lanes to the cases they match; return those that match none."""
    machine = frame.machine
    rest = machine.mask
    for low, high, label in tests:
        if isinstance(value, Unknown):
            if low != high:
                raise CannotExecute("an unknown value in a case range", machine.pos, machine.function)
            hit = machine.truth(compare("==", value, low))
        elif isinstance(value, int):
            hit = low <= value <= high
        else:
            hit = (value >= low) & (value <= high)
        here = (rest if hit else rest & False) if isinstance(hit, bool) else rest & hit
        _send(frame, label, here)
        rest = rest & ~here
    return rest


def _forget(frame: Frame, slot: int) -> None:
    if bool((frame.machine.mask | ~frame.entry).all()):
        frame.slots[slot] = None


# --- questions about syntax -----------------------------------------------------------------------------------------


def _may_leave(node: object) -> bool:
    return any(isinstance(item, _LEAVING) for item in nodes(node))


def _labels_in(stmt: object) -> frozenset[str]:
    return frozenset(item.name for item in nodes(stmt) if isinstance(item, ast.Label))


def _is_jumped_into(stmt: ast.Stmt) -> bool:
    """Return whether a goto or a switch around it may lead into a statement."""
    return bool(_labels_in(stmt) or _own_cases(stmt))


def _own_cases(body: ast.Stmt) -> list[ast.Case | ast.Default]:
    """Return the case labels that belong to a switch with this body, not those of switches inside."""
    return [node for node in nodes(body, into_switches=False) if isinstance(node, (ast.Case, ast.Default))]
