"""Values of entries that a function takes for present and for not present, and never asks what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import (
    Assign,
    Binary,
    Block,
    Break,
    Call,
    Conditional,
    Continue,
    Declaration,
    Declarator,
    ExprStmt,
    Goto,
    If,
    Name,
    Pos,
    Return,
    StmtExpr,
    Unary,
)
from ptlint.passes.functions import View
from ptlint.passes.origins import writes
from ptlint.passes.wording import called, calls_in, names_in, plain, text, walk

_OF_PRESENT = re.compile(r"p(?:te|md|ud)_(?:soft_dirty|uffd(?:_wp)?|dirty|young|write)")
_OF_OTHER = re.compile(
    r"p(?:te|md|ud)_swp_(?:soft_dirty|uffd(?:_wp)?|exclusive)|softleaf_from_p(?:te|md)|p(?:te|md)_to_swp_entry"
)
_SETS_MANY = re.compile(r"_*set_p(?:te|md|ud)s")
_MAKES_ABSENT = re.compile(r"make_pte_marker|(?:swp_entry|softleaf)_to_p(?:te|md)|p(?:te|md)_swp_\w+")
_TELLS = re.compile(
    r"p(?:te|md|ud)_(?:present|none|leaf|trans_huge|is_\w+|protnone)|is_\w*(?:swap|migration|softleaf|marker)\w*|"
    r"pte_(?:is_|swp_uffd_any)\w*"
)
"""Questions that tell what an entry is."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """``helper`` is for one kind of entry; ``other``, for the other kind, gets the same ``value``."""

    pos: Pos
    helper: str
    value: str
    other: str


def mixed_kinds(view: View) -> Iterator[Mixed]:
    """Yield the calls of *view* that take a value for what all its other calls do not."""
    of_present: dict[str, list[Call]] = {}
    of_other: dict[str, list[Call]] = {}
    for call in calls_in(view.definition.body):
        name = called(call)
        if not call.args:
            continue
        value = text(plain(call.args[0]))
        if _OF_PRESENT.fullmatch(name):
            of_present.setdefault(value, []).append(call)
        elif _OF_OTHER.fullmatch(name):
            of_other.setdefault(value, []).append(call)
    both = of_present.keys() & of_other.keys()
    if not both or any(_TELLS.fullmatch(name) for name in view.callees):
        return
    for value in sorted(both):
        if not _stays(view, of_present[value][0]):
            continue
        few, many = of_present[value], of_other[value]
        if len(few) > len(many):
            few, many = many, few
        for call in few:
            yield Mixed(call.pos, called(call), value, called(many[0]))


def mixed_in_sequence(view: View) -> Iterator[Mixed]:
    """Yield the calls that take a value for one kind in statements of which others take it for the other kind.

    All of them run, or none: they follow each other in one block, and no jump stands between them.
    """
    for block in walk(view.definition.body):
        if isinstance(block, Block):
            for calls in _sequences(block):
                yield from _mixed_among(calls)


@dataclass(frozen=True, slots=True)
class Numbered:
    """``setter`` gives each of several entries the next page frame; what ``maker`` makes has none."""

    pos: Pos
    setter: str
    maker: str


def numbered_absent(view: View) -> Iterator[Numbered]:
    """Yield the calls of *view* that set several entries to one that maps no page, and count its page frame up."""
    for call in calls_in(view.definition.body):
        if not _SETS_MANY.fullmatch(called(call)) or len(call.args) < 5 or text(plain(call.args[4])) in ("1", "1U"):
            continue
        bare = plain(call.args[3])
        steps = writes(view, bare.name) if isinstance(bare, Name) and bare.name not in view.param_names else ()
        made = [plain(step.value) if step.value is not None else None for step in steps] or [bare]
        makers = [called(one) for one in made if isinstance(one, Call)]
        if len(makers) == len(made) and all(map(_MAKES_ABSENT.fullmatch, makers)):
            yield Numbered(call.pos, called(call), makers[0])


def _sequences(block: Block) -> Iterator[list[object]]:
    """Yield what is always evaluated together: calls of conditions and statements, and writes between them."""
    found: list[object] = []
    for item in block.items:
        inner = item.cond if isinstance(item, If) else item
        if isinstance(item, ExprStmt | Declaration | If):
            found += [node for node in _always(inner) if isinstance(node, _Noted)]
        if isinstance(item, If):
            found += [node for node in walk((item.then, item.other)) if isinstance(node, Assign)]
        if not isinstance(item, ExprStmt | Declaration) and (not isinstance(item, If) or _jumps(item)):
            yield found
            found = []
    yield found


_Noted = Call | Assign | Declarator | Unary


def _always(node: object) -> Iterator[object]:
    """Yield the syntax below *node* that is evaluated whenever it is, what it writes behind what it reads for that."""
    pending: list[object] = [node]
    written: list[object] = []
    while pending:
        for one in walk(pending.pop()):
            if isinstance(one, StmtExpr):
                break
            if isinstance(one, Conditional) or (isinstance(one, Binary) and one.op in ("&&", "||")):
                pending.append(one.cond if isinstance(one, Conditional) else one.left)
                break
            if isinstance(one, Assign | Declarator):
                written.append(one)
            else:
                yield one
    yield from written


def _jumps(item: If) -> bool:
    return any(isinstance(node, Return | Goto | Break | Continue) for node in walk((item.then, item.other)))


def _mixed_among(nodes: list[object]) -> Iterator[Mixed]:
    seen: dict[str, Call] = {}
    for node in nodes:
        if isinstance(node, Call) and node.args and isinstance(plain(node.args[0]), Name):
            name, value = called(node), text(plain(node.args[0]))
            kinds = [bool(one.fullmatch(name)) for one in (_OF_PRESENT, _OF_OTHER)]
            if not any(kinds):
                continue
            first = seen.setdefault(value, node)
            if kinds[0] and _OF_OTHER.fullmatch(called(first)):
                yield Mixed(node.pos, name, value, called(first))
            elif kinds[1] and _OF_PRESENT.fullmatch(called(first)):
                yield Mixed(first.pos, called(first), value, name)
        elif isinstance(node, Assign):
            seen.pop(text(plain(node.target)), None)
        elif isinstance(node, Unary) and node.op == "&":
            seen.pop(text(plain(node.operand)), None)
        elif isinstance(node, Declarator):
            seen.pop(node.name or "", None)


def _stays(view: View, call: Call) -> bool:
    """Return whether what *call* looks at is one value throughout the function."""
    bare = plain(call.args[0])
    names = names_in(bare)
    steps = {name: writes(view, name) for name in names}
    given = {name for name in names if name in view.param_names}
    if isinstance(bare, Name):
        return all(len(found) <= (0 if name in given else 1) for name, found in steps.items())
    return bool(given) and all(not found for name, found in steps.items() if name in given)
