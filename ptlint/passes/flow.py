"""Control-flow graphs of functions: what is evaluated, in order, and under which condition the next thing is.

Short circuits, ``?:``, statement expressions, ``switch`` with fall-through, ``goto`` and calls that do not return are
edges like any other. The condition of a loop stands twice in the graph, before the first round and after each, so that
the way around a loop (no round at all) is told from the way out of it. Leaving a scope calls the cleanups of what was
declared in it (``guard()``, ``__free()``), the last one first: by its end, ``return``, ``break``, ``continue``, and by
a ``goto`` to a label outside of it or in front of the declaration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ptlint.csrc.ast import (
    NOWHERE,
    Asm,
    Assign,
    Binary,
    Block,
    Break,
    Call,
    Case,
    Cast,
    Comma,
    Conditional,
    Continue,
    Declaration,
    Default,
    Expr,
    ExprStmt,
    For,
    FunctionDef,
    Goto,
    If,
    IncDec,
    Index,
    InitList,
    IntConst,
    Label,
    MemberAccess,
    Name,
    Pos,
    Return,
    Stmt,
    StmtExpr,
    Switch,
    Unary,
    While,
)
from ptlint.csrc.recursion import deep_recursion
from ptlint.passes.wording import WARNINGS, called, constant, plain

NORETURN = frozenset(
    {"panic", "BUG", "do_exit", "make_task_dead", "__builtin_unreachable", "unreachable", "__builtin_trap", "die"}
)
_CONFIGURED = re.compile(r"IS_ENABLED|IS_BUILTIN|IS_REACHABLE|\w*supports?_\w+|[a-z]\w*_(enabled|supported|support)")
"""Macros that ask for the configuration: code that the one at hand leaves out is looked at all the same."""
MAX_NODES = 20_000


class TooLarge(Exception):
    """A function has more steps than are looked at."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A call, its arguments evaluated before. ``result`` is the target when its value is assigned at once.

    ``dropped`` is set when nothing uses the value.
    """

    call: Call
    result: Expr | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """An assignment. ``value`` is None for one that is not known; ``op`` as in ``Assign``, ``++`` counts as ``+``."""

    target: Expr
    value: Expr | None
    op: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class Tested:
    """A condition is decided here; the edges say how. ``again`` is set for that of a loop after a round."""

    cond: Expr
    again: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """The function ends. ``value`` is None without one; ``pos`` is the statement or the closing brace."""

    value: Expr | None
    pos: Pos


Step = Evaluated | Written | Tested | Returned


@dataclass(frozen=True, slots=True)
class Edge:
    """A way to go on: where *cond* has the truth *holds* (None: in any case).

    ``around`` is the range of nodes (first, behind the last) of a loop whose body this way passes by without a round.
    ``back`` is set for the way to the next round.
    """

    to: int
    cond: Expr | None = None
    holds: bool = True
    around: tuple[int, int] | None = None
    back: bool = False


@dataclass(slots=True)
class Node:
    """A step, None where ways only meet, and the ways on from it."""

    step: Step | None
    edges: list[Edge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Graph:
    """The control flow of one function: node 0 is entered first, ``Returned`` nodes have no edges."""

    function: FunctionDef
    nodes: tuple[Node, ...]


_Open = tuple[int, Expr | None, bool, tuple[int, int] | None]
"""An edge that does not lead anywhere yet: from, condition, truth, loop passed by."""

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


class _Builder:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.open: list[_Open] = []
        self.labels: dict[str, tuple[int, _Chain]] = {}
        self.gotos: list[tuple[list[_Open], str, _Chain]] = []
        self.computed: list[_Open] = []
        self.breaks: list[list[_Open]] = []
        self.continues: list[list[_Open]] = []
        self.scopes: list[list[Call]] = [[]]
        self.break_depths: list[int] = []
        self.continue_depths: list[int] = []
        self.switches: list[tuple[int, Expr, list[bool]]] = []
        self.again = False
        self.configured = False

    def emit(self, step: Step | None) -> int:
        """Append a node that all open edges lead to, and leave one open edge from it."""
        if len(self.nodes) >= MAX_NODES:
            raise TooLarge
        number = len(self.nodes)
        self.nodes.append(Node(step))
        for edge in self.open:
            self.connect(edge, number)
        self.open = [] if isinstance(step, Returned) else [(number, None, True, None)]
        return number

    def connect(self, edge: _Open, to: int) -> None:
        source, cond, holds, around = edge
        self.nodes[source].edges.append(Edge(to, cond, holds, around))

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

    # --- expressions ------------------------------------------------------------------------------------------------

    def value(self, expr: Expr, result: Expr | None = None, dropped: bool = False) -> None:
        """Append what evaluating *expr* does, in the order of C (left to right where it is open)."""
        match expr:
            case Call(function=function, args=args):
                self._call(expr, function, args, result, dropped)
            case Assign(op=op, target=target, value=value, pos=pos):
                self._assign(op, target, value, pos)
            case IncDec(op=op, operand=operand, pos=pos):
                self.value(operand)
                self.emit(Written(operand, IntConst(1, "int", pos), op[0], pos))
            case Binary(op="&&" | "||"):
                yes, no = self.condition(expr)
                self.open = yes + no
            case Binary(left=left, right=right) | Comma(left=left, right=right) | Index(base=left, index=right):
                self.value(left)
                self.value(right)
            case Conditional(cond=cond, then=then, other=other):
                yes, no = self.condition(cond)
                self.open = yes
                if then is not None:
                    self.value(then, result)
                yes, self.open = self.open, no
                self.value(other, result)
                self.open += yes
            case Unary(operand=inner) | MemberAccess(base=inner):
                self.value(inner)
            case Cast(value=inner):
                self.value(inner, result, dropped)
            case StmtExpr(body=body):
                *items, last = body.items or (ExprStmt(None, body.pos),)
                for item in items:
                    self.statement(item)
                if isinstance(last, ExprStmt) and last.expr is not None:
                    self.value(last.expr, result, dropped)
                else:
                    self.statement(last)

    def _call(self, call: Call, function: Expr, args: Iterable[Expr], result: Expr | None, dropped: bool) -> None:
        if not isinstance(function, Name):
            self.value(function)
        for arg in args:
            self.value(arg)
        self.emit(Evaluated(call, result, dropped))
        name = called(call)
        if name in NORETURN:
            self.open = []
        elif name in ("BUG_ON", "VM_BUG_ON") and call.args:
            _, self.open = self.condition(call.args[0])

    def _assign(self, op: str, target: Expr, value: Expr, pos: Pos) -> None:
        self.value(target)
        inner = plain(value)
        if not op and _is_logical(inner):
            after: list[_Open] = []
            for number, way in enumerate(reversed(self.condition(inner))):
                self.open = way
                if way:
                    self.emit(Written(target, IntConst(number, "int", pos), "", pos))
                after += self.open
            self.open = after
        elif not op and isinstance(inner, Conditional) and inner.then is not None:
            yes, no = self.condition(inner.cond)
            self.open = yes
            self._assign("", target, inner.then, pos)
            yes, self.open = self.open, no
            self._assign("", target, inner.other, pos)
            self.open += yes
        else:
            self.value(value, target if not op else None)
            self.emit(Written(target, _stored(value), op, pos))

    def condition(self, expr: Expr) -> tuple[list[_Open], list[_Open]]:
        """Append the evaluation of a condition; return the ways on when it is true and when it is false."""
        bare = plain(expr)
        known = constant(bare)
        if known is not None and self.configured and _CONFIGURED.fullmatch(_macro(bare)):
            return self._tested(Name(_macro(bare), NOWHERE))
        if known is not None:
            return (self.open, []) if known else ([], self.open)
        match bare:
            case Unary(op="!", operand=operand):
                yes, no = self.condition(operand)
                return no, yes
            case Binary(op="&&", left=left, right=right):
                yes, no = self.condition(left)
                self.open = yes
                yes, other = self.condition(right)
                return yes, no + other
            case Binary(op="||", left=left, right=right):
                yes, no = self.condition(left)
                self.open = no
                other, no = self.condition(right)
                return yes + other, no
            case Comma(left=left, right=right):
                self.value(left)
                return self.condition(right)
            case Assign(target=target):
                self.value(bare)
                return self._tested(target)
            case Call(args=args) if called(bare) in WARNINGS and args:
                return self.condition(args[0])
            case Binary(op=op, left=left, right=right, pos=pos) if op in ("==", "!=", "<", ">", "<=", ">="):
                self.value(left)
                self.value(right)
                return self._tested(Binary(op, _stored(left), _stored(right), pos))
            case StmtExpr(body=body) if body.items and isinstance(body.items[-1], ExprStmt):
                self.statement(Block(body.items[:-1], body.pos, body.end))
                last = body.items[-1].expr
                return self.condition(last) if last is not None else (self.open, [])
        self.value(bare)
        return self._tested(bare)

    def _tested(self, cond: Expr) -> tuple[list[_Open], list[_Open]]:
        if not self.open:
            return [], []
        number = self.emit(Tested(cond, self.again))
        return [(number, cond, True, None)], [(number, cond, False, None)]

    # --- statements -------------------------------------------------------------------------------------------------

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

    def _repeated(self, cond: Expr) -> tuple[list[_Open], list[_Open]]:
        before, self.again = self.again, True
        ways = self.condition(cond)
        self.again = before
        return ways

    def _leave(self, head: int, around: list[_Open], left: list[_Open]) -> None:
        body = (head, len(self.nodes))
        self.open = [(source, cond, holds, body) for source, cond, holds, _ in around] + left

    def _back(self, edges: list[_Open], head: int) -> None:
        for source, cond, holds, around in edges:
            self.nodes[source].edges.append(Edge(head, cond, holds, around, back=True))

    def _body(self, body: Stmt) -> tuple[list[_Open], list[_Open]]:
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
        self.switches.append((number, _stored(stmt.cond), has_default))
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


def _macro(expr: Expr) -> str:
    pos = getattr(expr, "pos", NOWHERE)
    return pos.macro if isinstance(pos, Pos) else ""


def _is_logical(expr: Expr) -> bool:
    match expr:
        case Binary(op=op):
            return op in ("&&", "||", "==", "!=", "<", ">", "<=", ">=")
        case Unary(op="!"):
            return True
    return False


def _stored(expr: Expr) -> Expr:
    """Return what holds the value of *expr* once it is evaluated."""
    bare = plain(expr)
    return bare.target if isinstance(bare, Assign) else expr
