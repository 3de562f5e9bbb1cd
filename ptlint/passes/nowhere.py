"""Steps that lead nowhere: a place is moved on by the difference of two variables that were made equal just before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Assign, Binary, Block, ExprStmt, IncDec, Name, Pos
from ptlint.passes.functions import View
from ptlint.passes.wording import plain, text, walk


@dataclass(frozen=True, slots=True)
class Standstill:
    """At ``pos`` ``moved`` is stepped by ``left - right``, which ``made`` has made 0."""

    pos: Pos
    moved: str
    left: str
    right: str
    made: Pos


def standstills(view: View) -> Iterator[Standstill]:
    """Yield the steps by nothing of *view*: ``a = b; p -= (a - b) / n;`` in one block, with nothing in between that
    writes either.
    """
    for block in walk(view.definition.body):
        if isinstance(block, Block):
            yield from _in_block(block)


def _in_block(block: Block) -> Iterator[Standstill]:
    equal: dict[frozenset[str], Pos] = {}
    for item in block.items:
        step = plain(item.expr) if isinstance(item, ExprStmt) and item.expr is not None else None
        if isinstance(step, Assign) and step.op in ("+", "-"):
            for one in walk(step.value):
                left, right = _difference(one)
                made = equal.get(frozenset((left, right)))
                if made is not None:
                    yield Standstill(step.pos, text(step.target), left, right, made)
        written = frozenset(_written(item))
        equal = {pair: pos for pair, pos in equal.items() if not pair & written}
        if isinstance(step, Assign) and not step.op:
            target, value = plain(step.target), plain(step.value)
            if isinstance(target, Name) and isinstance(value, Name) and target.name != value.name:
                equal[frozenset((target.name, value.name))] = step.pos


def _difference(node: object) -> tuple[str, str]:
    """Return the two variables of which *node* is the difference, nothing twice where it is none."""
    if not isinstance(node, Binary) or node.op != "-":
        return "", ""
    left, right = plain(node.left), plain(node.right)
    return (left.name, right.name) if isinstance(left, Name) and isinstance(right, Name) else ("", "")


def _written(node: object) -> Iterator[str]:
    """Yield the variables that *node* may write: assigned, counted, or handed out by address."""
    for one in walk(node):
        target = one.target if isinstance(one, Assign) else getattr(one, "operand", None)
        if isinstance(one, (Assign, IncDec)) or getattr(one, "op", "") == "&":
            bare = plain(target) if target is not None else None
            if isinstance(bare, Name):
                yield bare.name
