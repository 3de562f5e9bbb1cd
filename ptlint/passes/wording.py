"""Expressions as text: one spelling for expressions that mean the same, the names in them, and walks over syntax."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from ptlint.csrc.ast import (
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
    SizeofExpr,
    StmtExpr,
    StrConst,
    Unary,
)
from ptlint.csrc.nodes import parts_of

HINTS = frozenset({"likely", "unlikely", "__builtin_expect", "data_race"})
"""Calls whose value is that of their first argument and that do nothing else."""
WARNINGS = frozenset({"WARN_ON", "WARN_ON_ONCE", "WARN", "WARN_ONCE", "VM_WARN_ON_ONCE", "VM_WARN_ON"})
"""Calls that are true when their first argument is."""
_NO_PARTS = frozenset({"pos", "end", "type", "storage", "macros"})
_OPPOSITE = {"!=": "==", ">=": "<", ">": "<="}
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def plain(expr: Expr) -> Expr:
    """Return *expr* without casts, hints for the compiler, and statement expressions of one value."""
    while True:
        match expr:
            case Cast(value=value):
                expr = value
            case Call(function=Name(name=name), args=args) if args and name in HINTS:
                expr = args[0]
            case StmtExpr(body=Block(items=(ExprStmt(expr=inner),))) if inner is not None:
                expr = inner
            case Unary(op="!", operand=Unary(op="!", operand=inner)):
                expr = inner
            case _:
                return expr


def called(expr: object) -> str:
    """Return the name of the function that *expr* calls, ``""`` when it is no call by name."""
    if isinstance(expr, Call):
        function = plain(expr.function)
        if isinstance(function, Name):
            return function.name
    return ""


def constant(expr: Expr) -> int | None:
    """Return the value of an integer constant, also a negative one and NULL."""
    match plain(expr):
        case IntConst(value=value):
            return value
        case Unary(op="-", operand=operand):
            negated = constant(operand)
            return None if negated is None else -negated
        case Unary(op="+", operand=operand):
            return constant(operand)
    return None


def text(expr: object) -> str:
    """Return the spelling of *expr*: the same for expressions that differ in casts, hints and brackets only."""
    if isinstance(expr, Expr):
        expr = plain(expr)
    match expr:
        case Name(name=name):
            return name
        case IntConst(value=value):
            return str(value)
        case StrConst(value=raw):
            return repr(raw)
        case Unary(op=op, operand=operand):
            return f"{op}{_inner(operand)}"
        case IncDec(op=op, prefix=prefix, operand=operand):
            return f"{op}{_inner(operand)}" if prefix else f"{_inner(operand)}{op}"
        case Binary(op=op, left=left, right=right):
            return f"{_inner(left)} {op} {_inner(right)}"
        case Assign(op=op, target=target, value=value):
            return f"{text(target)} {op}= {text(value)}"
        case Conditional(cond=cond, then=then, other=other):
            return f"{_inner(cond)} ? {'' if then is None else _inner(then)} : {_inner(other)}"
        case Comma(left=left, right=right):
            return f"{text(left)}, {text(right)}"
        case Call(function=function, args=args):
            return f"{_inner(function)}({', '.join(text(arg) for arg in args)})"
        case Index(base=base, index=index):
            return f"{_inner(base)}[{text(index)}]"
        case MemberAccess(base=Unary(op="&", operand=inner), name=name, arrow=True):
            return f"{_inner(inner)}.{name}"
        case MemberAccess(base=base, name=name, arrow=arrow):
            return f"{_inner(base)}{'->' if arrow else '.'}{name}"
        case SizeofExpr(operand=operand):
            return f"sizeof({text(operand)})"
    return f"<{type(expr).__name__} {id(expr):x}>"


def _inner(expr: Expr) -> str:
    spelt = text(expr)
    return f"({spelt})" if isinstance(plain(expr), Binary | Conditional | Comma | Assign) else spelt


def walk(node: object) -> Iterator[object]:
    """Yield every syntax node below and including *node*, each before its parts, in the order of the text."""
    return iter(_nodes_of(node) if isinstance(node, Block) else _walked(node))


def _walked(node: object) -> list[object]:
    found: list[object] = []
    stack = [node]
    while stack:
        here = stack.pop()
        kind = here.__class__
        if kind is tuple and isinstance(here, tuple):  # a Pos is another kind
            stack.extend(reversed(here))
            continue
        parts = _PARTS.get(kind)
        if parts is None:
            parts = _PARTS[kind] = _parts_of(kind)
        if parts is not _NO_NODE:
            found.append(here)
            stack.extend([getattr(here, name) for name in parts])
    return found


_NO_NODE = ("",)
_PARTS: dict[type, tuple[str, ...]] = {}


def _parts_of(kind: type) -> tuple[str, ...]:
    """Return the fields of a class of nodes that may hold further ones, last first; ``_NO_NODE`` for no node."""
    names = parts_of(kind)
    return _NO_NODE if names is None else tuple(name for name in names if name not in _NO_PARTS)


MOST_KEPT = 16
_KEPT: OrderedDict[int, tuple[Block, tuple[object, ...]]] = OrderedDict()
"""The nodes of the bodies that were walked last: several rules look at the same function, one after the other."""


def _nodes_of(body: Block) -> tuple[object, ...]:
    known = _KEPT.get(id(body))
    if known is not None and known[0] is body:
        _KEPT.move_to_end(id(body))
        return known[1]
    nodes = tuple(_walked(body))
    _KEPT[id(body)] = body, nodes
    if len(_KEPT) > MOST_KEPT:
        _KEPT.popitem(last=False)
    return nodes


def calls_in(node: object) -> Iterator[Call]:
    """Yield the calls below *node*, in the order of the text."""
    return (one for one in walk(node) if isinstance(one, Call))


def names_in(node: object) -> frozenset[str]:
    """Return the names that stand below *node*, those of called functions left out."""
    functions = {id(one.function) for one in calls_in(node)}
    return frozenset(one.name for one in walk(node) if isinstance(one, Name) and id(one) not in functions)


def root(expr: Expr) -> str:
    """Return the variable that an lvalue or a pointer begins with: ``pte`` of ``pte - 1``, ``p`` of ``p->x``.

    ``""`` when there is none or more than one may be meant.
    """
    while True:
        match plain(expr):
            case Name(name=name):
                return name
            case Unary(op="*" | "&", operand=operand) | IncDec(operand=operand):
                expr = operand
            case Binary(op="+" | "-", left=left):
                expr = left
            case MemberAccess(base=base) | Index(base=base):
                expr = base
            case _:
                return ""


def truth(expr: Expr) -> tuple[Expr, bool]:
    """Return what decides *expr* as a condition, and whether it must be true: ``!x`` is (x, False).

    Comparisons come as ``==``, ``<`` or ``<=``.
    """
    wanted = True
    while True:
        expr = plain(expr)
        if isinstance(expr, Unary) and expr.op == "!":
            expr, wanted = expr.operand, not wanted
        elif called(expr) in WARNINGS and isinstance(expr, Call) and expr.args:
            expr = expr.args[0]
        elif isinstance(expr, Binary) and expr.op in ("==", "!=") and constant(expr.right) == 0:
            wanted = wanted != (expr.op == "==")
            expr = expr.left
        elif isinstance(expr, Binary) and expr.op in ("==", "!=") and constant(expr.left) == 0:
            wanted = wanted != (expr.op == "==")
            expr = expr.right
        elif isinstance(expr, Binary) and expr.op in _OPPOSITE:
            return Binary(_OPPOSITE[expr.op], expr.left, expr.right, expr.pos), not wanted
        else:
            return expr, wanted


def comparison(expr: Expr) -> tuple[Expr, str, Expr] | None:
    """Return the sides of a comparison, a constant on the right when there is one."""
    if not isinstance(expr, Binary) or expr.op not in _SWAPPED:
        return None
    if constant(expr.left) is not None and constant(expr.right) is None:
        return expr.right, _SWAPPED[expr.op], expr.left
    return expr.left, expr.op, expr.right


def is_null(expr: Expr) -> bool:
    """Return whether *expr* is the null pointer."""
    bare = plain(expr)
    return constant(bare) == 0 or (isinstance(bare, Name) and bare.name == "NULL")
