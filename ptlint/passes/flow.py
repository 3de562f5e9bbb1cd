"""Control-flow graphs of functions: what is evaluated, in order, and under which condition the next thing is.

Short circuits, ``?:``, statement expressions, ``switch`` with fall-through, ``goto`` and calls that do not return are
edges like any other. The condition of a loop stands twice in the graph, before the first round and after each, so that
the way around a loop (no round at all) is told from the way out of it. Leaving a scope calls the cleanups of what was
declared in it (``guard()``, ``__free()``), the last one first: by its end, ``return``, ``break``, ``continue``, and by
a ``goto`` to a label outside of it or in front of the declaration.
"""

from __future__ import annotations

from ptlint.csrc.ast import (
    Asm,
    Binary,
    Block,
    Break,
    Call,
    Case,
    Continue,
    Declaration,
    Default,
    Expr,
    ExprStmt,
    For,
    FunctionDef,
    Goto,
    If,
    InitList,
    Label,
    Name,
    Pos,
    Return,
    Stmt,
    Switch,
    Unary,
    While,
)
from ptlint.csrc.recursion import deep_recursion
from ptlint.passes.evaluation import Evaluation, Open, stored
from ptlint.passes.graph import Edge, Evaluated, Graph, Returned, Tested, Written

_Chain = tuple[tuple[list[Call], int], ...]
"""The scopes around a place, the outermost first: the cleanups of each, and how many are declared before the place."""


def graph_of(function: FunctionDef) -> Graph:
    """Return the control flow of *function*. TooLarge when it has more than ``MAX_NODES`` steps."""
    builder = _Builder()
    with deep_recursion():
        builder.emit(None)
        builder.statement(function.body)
        if builder.open:
            builder.emit(Returned(None, function.end))
    builder.resolve()
    return Graph(function, tuple(builder.nodes))


class _Builder(Evaluation):
    def __init__(self) -> None:
        super().__init__()
        self.labels: dict[str, tuple[int, _Chain]] = {}
        self.gotos: list[tuple[list[Open], str, _Chain]] = []
        self.computed: list[Open] = []
        self.breaks: list[list[Open]] = []
        self.continues: list[list[Open]] = []
        self.scopes: list[list[Call]] = [[]]
        self.break_depths: list[int] = []
        self.continue_depths: list[int] = []
        self.switches: list[tuple[int, Expr, list[bool]]] = []

    def resolve(self) -> None:
        for edges, label, chain in self.gotos:
            if label in self.labels and edges:
                number, target = self.labels[label]
                self.open = edges
                for call in _left(chain, target):
                    self.emit(Evaluated(call, None, True))
                for edge in self.open:
                    self.connect(edge, number)
        for edge in self.computed:
            for number, _ in self.labels.values():
                self.connect(edge, number)

    def chain(self) -> _Chain:
        return tuple((scope, len(scope)) for scope in self.scopes)

    def statement(self, stmt: Stmt) -> None:
        """Append *stmt*. Code that nothing leads to is appended as well: a label in it may."""
        match stmt:
            case Block(items=items):
                self.scopes.append([])
                for item in items:
                    self.statement(item)
                self._end_scope()
            case Declaration(declarators=declarators, storage=storage):
                for one in declarators if "static" not in storage else ():
                    self._declared(Name(one.name, one.pos), one.init)
                    if one.cleanup:
                        variable = Unary("&", Name(one.name, one.pos), one.pos)
                        self.scopes[-1].append(Call(Name(one.cleanup, one.pos), (variable,), one.pos))
            case ExprStmt(expr=expr):
                if expr is not None:
                    self.value(expr, dropped=True)
            case If(cond=cond, then=then, other=other, pos=pos):
                self.configured = not pos.macro
                yes, no = self.condition(cond)
                self.configured = False
                self.open = yes
                self.statement(then)
                yes, self.open = self.open, no
                if other is not None:
                    self.statement(other)
                self.open = yes + self.open
            case While():
                self._while(stmt)
            case For():
                self._for(stmt)
            case Switch():
                self._switch(stmt)
            case Case(low=low, high=high, body=body, pos=pos):
                self._case(low, high, pos)
                self.statement(body)
            case Default(body=body):
                self._case(None, None, stmt.pos)
                self.statement(body)
            case Label(name=name, body=body):
                self.labels[name] = self.emit(None), self.chain()
                self.statement(body)
            case _:
                self._jump(stmt)

    def _cleaned(self, depth: int) -> None:
        """Append the cleanups of the scopes from *depth* on, the last declared first: what leaving them calls."""
        for scope in reversed(self.scopes[depth:]):
            for call in reversed(scope):
                if self.open:
                    self.emit(Evaluated(call, None, True))

    def _end_scope(self) -> None:
        self._cleaned(len(self.scopes) - 1)
        self.scopes.pop()

    def _declared(self, name: Name, init: Expr | InitList | None) -> None:
        if isinstance(init, InitList):
            for item in init.items:
                if not isinstance(item.value, InitList):
                    self.value(item.value)
            self.emit(Written(name, None, "", name.pos))
        elif init is not None:
            self._assign("", name, init, name.pos)

    def _jump(self, stmt: Stmt) -> None:
        match stmt:
            case Goto(label=label, computed=computed):
                if computed is not None:
                    self.value(computed)
                    self.computed += self.open
                else:
                    self.gotos.append((self.open, label, self.chain()))
                self.open = []
            case Break():
                if self.breaks:
                    self._cleaned(self.break_depths[-1])
                    self.breaks[-1].extend(self.open)
                self.open = []
            case Continue():
                if self.continues:
                    self._cleaned(self.continue_depths[-1])
                    self.continues[-1].extend(self.open)
                self.open = []
            case Return(value=value, pos=pos):
                if value is not None:
                    self.value(value)
                self._cleaned(0)
                if self.open:
                    self.emit(Returned(value, pos))
            case Asm(inputs=inputs, outputs=outputs, labels=labels, pos=pos):
                for operand in inputs:
                    self.value(operand.expr)
                for operand in outputs:
                    self.emit(Written(operand.expr, None, "", pos))
                self.gotos += [(self.open, label, self.chain()) for label in labels]

    def _while(self, loop: While) -> None:
        if loop.do:
            head = self.emit(None)
            left, again = self._body(loop.body)
            self.open = self.open + again
            yes, no = self._repeated(loop.cond)
            self._back(yes, head)
            self.open = no + left
            return
        yes, around = self.condition(loop.cond)
        self.open = yes
        head = self.emit(None)
        left, again = self._body(loop.body)
        self.open = self.open + again
        yes, no = self._repeated(loop.cond)
        self._back(yes, head)
        self._leave(head, around, no + left)

    def _for(self, loop: For) -> None:
        self.scopes.append([])
        if isinstance(loop.init, Declaration):
            self.statement(loop.init)
        elif loop.init is not None:
            self.value(loop.init, dropped=True)
        yes, around = self.condition(loop.cond) if loop.cond is not None else (self.open, [])
        self.open = yes
        head = self.emit(None)
        left, again = self._body(loop.body)
        self.open = self.open + again
        if loop.step is not None:
            self.value(loop.step, dropped=True)
        yes, no = self._repeated(loop.cond) if loop.cond is not None else (self.open, [])
        self._back(yes, head)
        self._leave(head, around, no + left)
        self._end_scope()

    def _repeated(self, cond: Expr) -> tuple[list[Open], list[Open]]:
        before, self.again = self.again, True
        ways = self.condition(cond)
        self.again = before
        return ways

    def _leave(self, head: int, around: list[Open], left: list[Open]) -> None:
        body = (head, len(self.nodes))
        self.open = [(source, cond, holds, body) for source, cond, holds, _ in around] + left

    def _back(self, edges: list[Open], head: int) -> None:
        for source, cond, holds, around in edges:
            self.nodes[source].edges.append(Edge(head, cond, holds, around, back=True))

    def _body(self, body: Stmt) -> tuple[list[Open], list[Open]]:
        self.breaks.append([])
        self.continues.append([])
        self.break_depths.append(len(self.scopes))
        self.continue_depths.append(len(self.scopes))
        self.statement(body)
        self.break_depths.pop()
        self.continue_depths.pop()
        return self.breaks.pop(), self.continues.pop()

    def _switch(self, stmt: Switch) -> None:
        self.value(stmt.cond)
        number = self.emit(Tested(stmt.cond))
        self.open = []
        self.breaks.append([])
        self.break_depths.append(len(self.scopes))
        has_default: list[bool] = []
        self.switches.append((number, stored(stmt.cond), has_default))
        self.statement(stmt.body)
        self.switches.pop()
        self.break_depths.pop()
        if not has_default:
            self.open.append((number, None, True, None))
        self.open += self.breaks.pop()

    def _case(self, low: Expr | None, high: Expr | None, pos: Pos) -> None:
        if not self.switches:
            return
        number, subject, has_default = self.switches[-1]
        if low is None:
            has_default.append(True)
        cond = Binary("==", subject, low, pos) if low is not None and high is None else None
        self.open.append((number, cond, True, None))
        self.emit(None)


def _left(source: _Chain, target: _Chain) -> list[Call]:
    """Return the cleanups, in order, of what a jump from *source* to *target* takes out of scope."""
    common = 0
    for (one, _), (other, _) in zip(source, target, strict=False):
        if one is not other:
            break
        common += 1
    calls = [call for scope, declared in reversed(source[common:]) for call in reversed(scope[:declared])]
    for (scope, declared), (_, before) in zip(source[common - 1 : common], target[common - 1 : common], strict=True):
        calls += reversed(scope[before:declared])
    return calls
