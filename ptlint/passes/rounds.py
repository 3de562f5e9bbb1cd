"""Loops over entries: what moves on with each round, what stays, and what was made before from what moves on."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from ptlint.csrc.ast import (
    Assign,
    Binary,
    Call,
    Declaration,
    Expr,
    For,
    IncDec,
    Index,
    MemberAccess,
    Name,
    PointerType,
    Pos,
    RecordType,
    TypedefName,
    Unary,
    While,
)
from ptlint.passes.functions import View
from ptlint.passes.origins import flag_bits, folded, writes
from ptlint.passes.wording import called, calls_in, names_in, plain, text, walk

_ADDRESS = re.compile(r"\w*(addr(ess)?|va|vaddr)")
_HOOKS = re.compile(
    r"(__)?(huge_)?(set_pte_at|set_ptes|set_huge_pte_at|pte_clear)|(__|huge_)*ptep_(?!get$|get_lockless$)\w+"
)
_SEVERAL = re.compile(
    r"(get_and_)?clear_(full_|flush_young_)?ptes|modify_prot_(start|commit)_ptes|wrprotect_ptes|clear_\w+_ptes"
)
_ENTRY = frozenset({"pte_t", "pmd_t", "pud_t"})


@dataclass(frozen=True, slots=True)
class Round:
    """A loop: the names that it writes, those that every round moves on by a step, and all that stands in it."""

    loop: For | While
    written: frozenset[str]
    moving: frozenset[str]


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """A call in a loop in which the entry ``moves`` moves on and its address ``stays``, or by another ``step``."""

    pos: Pos
    helper: str
    moves: str
    stays: str
    step: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """``value`` was made from ``source`` at ``made``; the loop after it moves ``source`` on and uses ``value``."""

    pos: Pos
    value: str
    source: str
    made: Pos


@dataclass(frozen=True, slots=True)
class SamePage:
    """``value`` was made from one page at ``made``; every round of a loop after it gives it to another entry."""

    pos: Pos
    value: str
    made: Pos


def rounds_of(view: View) -> Iterator[Round]:
    """Yield the loops of *view*, outer ones first."""
    for node in walk(view.definition.body):
        if isinstance(node, For | While):
            yield Round(node, frozenset(_written(node)), frozenset(_moving(node)))


def _parts(loop: For | While) -> tuple[object, ...]:
    """Return what every round does: all of the loop but what a ``for`` begins with."""
    return (loop.cond, loop.body, loop.step if isinstance(loop, For) else None)


def _written(loop: For | While) -> Iterator[str]:
    for node in walk(_parts(loop)):
        if isinstance(node, Assign):
            yield _variable(node.target)
        elif isinstance(node, IncDec) or (isinstance(node, Unary) and node.op == "&"):
            yield _variable(node.operand)
        elif isinstance(node, Declaration):
            yield from (one.name for one in node.declarators if one.name)


def _variable(target: Expr) -> str:
    bare = plain(target)
    return bare.name if isinstance(bare, Name) else ""


def _moving(loop: For | While) -> Iterator[str]:
    """Yield the names that the loop steps: by ``++``, ``--``, ``+=`` or ``-=``, and writes in no other way."""
    steps: dict[str, bool] = {}
    for node in walk(_parts(loop)):
        if isinstance(node, IncDec):
            steps.setdefault(_variable(node.operand), True)
        elif isinstance(node, Assign):
            name = _variable(node.target)
            steps[name] = steps.get(name, True) and node.op in ("+", "-")
        elif isinstance(node, Declaration):
            steps.update({one.name: False for one in node.declarators if one.name})
    return (name for name, steady in steps.items() if name and steady)


def out_of_step(view: View) -> tuple[OutOfStep, ...]:
    """Return the calls in loops that get another entry each round, and always the address of the first.

    The kernel's own page tables are left alone: nothing looks at addresses there, and one page is mapped many times.
    """
    found: dict[Pos, OutOfStep] = {}
    for one in rounds_of(view):
        for call in calls_in(one.loop.body):
            pair = _pair_of(view, call)
            if pair is None:
                continue
            address, entry = pair
            if _varies(entry, one.moving) and _stays(address, one.written) and "init_mm" not in names_in(call.args[0]):
                found.setdefault(call.pos, OutOfStep(call.pos, called(call), text(entry), text(address)))
            steps = _entries_of_step(view, one.loop, entry), _pages_of_step(view, one.loop, address)
            if None not in steps and steps[0] != steps[1]:
                pair_of_steps = (steps[0] or "", steps[1] or "")
                found.setdefault(call.pos, OutOfStep(call.pos, called(call), text(entry), text(address), pair_of_steps))
    return tuple(found.values())


def _only_step(loop: For | While, expr: Expr) -> Expr | str | None:
    """Return by how much each round moves the variable *expr* on: a value, or ``1``; None when that is not one step."""
    name = _variable(expr)
    steps: list[Expr | str] = []
    for node in walk(_parts(loop)):
        if isinstance(node, IncDec) and _variable(node.operand) == name:
            steps.append("1" if node.op == "++" else "")
        elif isinstance(node, Assign) and _variable(node.target) == name:
            steps.append(node.value if node.op == "+" else "")
    return steps[0] if name and len(steps) == 1 and steps[0] != "" else None


def _entries_of_step(view: View, loop: For | While, entry: Expr) -> str | None:
    step = _only_step(loop, entry)
    return step if step is None or isinstance(step, str) else text(step)


def _pages_of_step(view: View, loop: For | While, address: Expr) -> str | None:
    """Return the number of pages by which each round moves the address on, as it is written; None when unknown."""
    step = _only_step(loop, address)
    page = flag_bits(view, "PAGE_SIZE")
    if step is None or isinstance(step, str) or not page:
        return None
    bare = plain(step)
    if folded(view, bare) == page:
        return "1"
    if isinstance(bare, Binary) and bare.op == "*":
        for size, count in ((bare.left, bare.right), (bare.right, bare.left)):
            if folded(view, size) == page:
                return text(count)
    if isinstance(bare, Binary) and bare.op == "<<" and flag_bits(view, "PAGE_SHIFT") == folded(view, bare.right):
        return text(bare.left)
    return None


def _pair_of(view: View, call: Call) -> tuple[Expr, Expr] | None:
    """Return the address and the entry that *call* gets side by side."""
    name = called(call)
    if (_HOOKS.fullmatch(name) or _SEVERAL.fullmatch(name)) and len(call.args) >= 3:
        return call.args[1], call.args[2]
    callee = view.lookup(name) if name else None
    if callee is None or not any("ptep_" in one or "set_pte" in one or "_ptes" in one for one in callee.callees):
        return None
    for at in range(1, min(len(callee.params), len(call.args))):
        is_entry = _is_entry(callee.params[at].type)
        if is_entry and _ADDRESS.fullmatch(callee.param_names[at - 1]):
            return call.args[at - 1], call.args[at]
    return None


def _is_entry(type_: object) -> bool:
    return isinstance(type_, PointerType) and isinstance(type_.to, TypedefName) and type_.to.name in _ENTRY


def _varies(expr: Expr, moving: frozenset[str]) -> bool:
    return bool(names_in(expr) & moving) and not any(isinstance(one, MemberAccess | Index) for one in walk(expr))


def _stays(expr: Expr, written: frozenset[str]) -> bool:
    bare = plain(expr)
    return isinstance(bare, Name) and bare.name not in written


def made_before(view: View) -> Iterator[MadeBefore]:
    """Yield the values that a loop uses although what they were made from has moved on, and nothing looks at that."""
    for one in rounds_of(view):
        for source in sorted(one.moving):
            if _is_read(view, one, source):
                continue
            for call in calls_in(one.loop.body):
                for name in sorted({name for arg in call.args for name in names_in(arg)}):
                    made = _made_from(view, one, name, source)
                    if made is not None and _moving_address(call, one.moving - {source}):
                        yield MadeBefore(call.pos, name, source, made)


def one_page(view: View) -> Iterator[SamePage]:
    """Yield the entries, made from a page before a loop, that it gives to one place of a process after the other."""
    for one in rounds_of(view):
        for call in calls_in(one.loop.body):
            pair = _pair_of(view, call) if len(call.args) == 4 and not _SEVERAL.fullmatch(called(call)) else None
            value = plain(call.args[3]) if pair is not None else None
            if pair is None or not isinstance(value, Name) or value.name in one.written | {*view.param_names}:
                continue
            if all(_varies(part, one.moving) for part in pair) and "init_mm" not in names_in(call.args[0]):
                made = next(filter(None, (_from_page(view, step.value) for step in writes(view, value.name))), None)
                if made is not None:
                    yield SamePage(call.pos, value.name, made)


def _from_page(view: View, value: Expr | None) -> Pos | None:
    """Return the place at which *value* makes an entry of a page or a folio that is not the zero page."""
    bare = plain(value) if value is not None else None
    callee = view.lookup(called(bare)) if isinstance(bare, Call) and called(bare) else None
    if not isinstance(bare, Call) or callee is None or "zero" in text(bare).lower():
        return None
    returned = callee.definition.type.ret
    is_entry = isinstance(returned, TypedefName) and returned.name in _ENTRY
    pointed = [one.type.to for one in callee.params if isinstance(one.type, PointerType)]
    pages = any(isinstance(one, RecordType) and one.tag in ("page", "folio") for one in pointed)
    return bare.pos if is_entry and pages else None


def _moving_address(call: Call, moving: frozenset[str]) -> bool:
    """Return whether *call* gets something that moves on as well: it maps one place after the other."""
    return any(names_in(arg) & moving for arg in call.args)


def _made_from(view: View, one: Round, name: str, source: str) -> Pos | None:
    if name in one.written or name in view.param_names:
        return None
    steps = writes(view, name)
    if len(steps) != 1 or steps[0].value is None or source not in names_in(steps[0].value):
        return None
    return steps[0].pos


def _is_read(view: View, one: Round, name: str) -> bool:
    """Return whether anything in or after the loop reads *name*, its own steps left out."""
    stepping = [node for node in walk(one.loop) if _steps(node, name)]
    apart = {id(part) for node in stepping for part in walk(node)}
    order = _order_of(view)
    found = order.names.get(name, ())
    first = bisect_left(found, order.loops[id(one.loop)], key=lambda place: place[0])
    return any(id(node) not in apart for _, node in islice(found, first, None))


@dataclass(frozen=True)
class _Order:
    """The nodes of a function in the order of the text: names by what they are, and where each loop, by its id, begins
    to count: at itself, or at the beginning within another loop.
    """

    names: Mapping[str, Sequence[tuple[int, Name]]]
    loops: Mapping[int, int]


@lru_cache(maxsize=4)
def _order_of(view: View) -> _Order:
    names: dict[str, list[tuple[int, Name]]] = {}
    loops: dict[int, int] = {}
    end = 0
    for number, node in enumerate(walk(view.definition.body)):
        if isinstance(node, Name):
            names.setdefault(node.name, []).append((number, node))
        elif isinstance(node, For | While):
            loops[id(node)] = 0 if number < end else number
            if number >= end:
                end = number + sum(1 for _ in walk(node))
    return _Order(names, loops)


def _steps(node: object, name: str) -> bool:
    if isinstance(node, IncDec):
        return _variable(node.operand) == name
    return isinstance(node, Assign) and node.op != "" and _variable(node.target) == name
