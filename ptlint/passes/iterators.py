"""Iterators over entries (``page_vma_mapped_walk()``): members that name one entry and are moved on together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Assign, Call, Expr, For, IncDec, MemberAccess, Pos, Unary, While
from ptlint.passes.functions import View
from ptlint.passes.wording import plain, text, walk

_ENTRY = re.compile(r"(?:\w+_)?p(?:te|md)p?")
_ADDRESS = re.compile(r"(?:\w+_)?addr(?:ess)?")


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """At ``pos`` member ``moves`` of an iterator is moved on, and ``stays`` nowhere."""

    pos: Pos
    moves: str
    stays: str


def left_behind_in(view: View) -> Iterator[LeftBehind]:
    """Yield where a loop moves the entry of what iterates for it on, and not the address that goes with it."""
    for loop in walk(view.definition.body):
        if not isinstance(loop, While | For) or loop.cond is None:
            continue
        for iterator in _handed(loop.cond):
            moved = [pos for name, pos, op in _stores(loop.body, iterator) if op and _ENTRY.fullmatch(name)]
            written = {name for name, _, _ in _stores(view.definition.body, iterator)}
            named = {one.name for one in _members(view.definition.body, iterator) if _ADDRESS.fullmatch(one.name)}
            if moved and named and not named & written:
                entry = next(name for name, pos, _ in _stores(loop.body, iterator) if pos == moved[0])
                yield LeftBehind(moved[0], f"{iterator}.{entry}", f"{iterator}.{min(named)}")


def _handed(cond: Expr) -> Iterator[str]:
    """Yield what the calls of a condition get the place of."""
    for call in walk(cond):
        for arg in call.args if isinstance(call, Call) else ():
            bare = plain(arg)
            yield text(bare.operand) if isinstance(bare, Unary) and bare.op == "&" else text(bare)


def _members(node: object, iterator: str) -> Iterator[MemberAccess]:
    for one in walk(node):
        if isinstance(one, MemberAccess) and text(plain(one.base)) == iterator:
            yield one


def _stores(node: object, iterator: str) -> Iterator[tuple[str, Pos, str]]:
    """Yield the members of *iterator* that are written: name, place and operator."""
    for one in walk(node):
        target = one.target if isinstance(one, Assign) else one.operand if isinstance(one, IncDec) else None
        bare = None if target is None else plain(target)
        if isinstance(one, Assign | IncDec) and isinstance(bare, MemberAccess) and text(plain(bare.base)) == iterator:
            yield bare.name, one.pos, one.op
