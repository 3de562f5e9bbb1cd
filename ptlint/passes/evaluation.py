"""The part of a control-flow graph that evaluating an expression adds, in the order of C."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable

from ptlint.csrc.ast import (
    NOWHERE,
    Assign,
    Binary,
    Block,
    Call,
    Cast,
    Comma,
    Conditional,
    Expr,
    ExprStmt,
    IncDec,
    Index,
    IntConst,
    MemberAccess,
    Name,
    Pos,
    Stmt,
    StmtExpr,
    Unary,
)
from ptlint.passes.graph import MAX_NODES, Edge, Evaluated, Node, Returned, Step, Tested, TooLarge, Written
from ptlint.passes.wording import WARNINGS, called, constant, plain

NORETURN = frozenset(
    {"panic", "BUG", "do_exit", "make_task_dead", "__builtin_unreachable", "unreachable", "__builtin_trap", "die"}
)
_CONFIGURED = re.compile(r"IS_ENABLED|IS_BUILTIN|IS_REACHABLE|\w*supports?_\w+|[a-z]\w*_(enabled|supported|support)")
"""Macros that ask for the configuration: code that the one at hand leaves out is looked at all the same."""
Open = tuple[int, Expr | None, bool, tuple[int, int] | None]
"""An edge that does not lead anywhere yet: from, condition, truth, loop passed by."""


class Evaluation(ABC):
    """A graph that grows: its nodes, and the edges of the last ones that are still open."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.open: list[Open] = []
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

    def connect(self, edge: Open, to: int) -> None:
        """Let an open edge lead to node *to*."""
        source, cond, holds, around = edge
        self.nodes[source].edges.append(Edge(to, cond, holds, around))

    @abstractmethod
    def statement(self, stmt: Stmt) -> None:
        """Append a statement, which may stand in an expression."""

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
            after: list[Open] = []
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
            self.emit(Written(target, stored(value), op, pos))

    def condition(self, expr: Expr) -> tuple[list[Open], list[Open]]:
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
                return self._tested(Binary(op, stored(left), stored(right), pos))
            case StmtExpr(body=body) if body.items and isinstance(body.items[-1], ExprStmt):
                self.statement(Block(body.items[:-1], body.pos, body.end))
                last = body.items[-1].expr
                return self.condition(last) if last is not None else (self.open, [])
        self.value(bare)
        return self._tested(bare)

    def _tested(self, cond: Expr) -> tuple[list[Open], list[Open]]:
        if not self.open:
            return [], []
        number = self.emit(Tested(cond, self.again))
        return [(number, cond, True, None)], [(number, cond, False, None)]


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


def stored(expr: Expr) -> Expr:
    """Return what holds the value of *expr* once it is evaluated."""
    bare = plain(expr)
    return bare.target if isinstance(bare, Assign) else expr
