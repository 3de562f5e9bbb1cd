"""Old values that are read too late: the entry has been overwritten, or taken, by then."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ptlint.csrc.ast import Call, Expr, Index, Name, Pos, Unary
from ptlint.passes.entries import COMMITS, READS, TAKES
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, plain, text

_SETS = re.compile(r"_*set_(?:pte|pmd|pud|huge_pte)\w*|_*set_p(?:te|md|ud)s\w*|p(?:te|md|ud)_clear|huge_pte_clear")
_OLD = re.compile(r"(?:old|orig|prev)(?:_?(?:pte|pmd|pud|entry|val|pteval|pmdval))?")
_COMPARES = re.compile(r"\w*needs_flush")
"""What decides on a flush by the old value, its first argument or the one before the new one."""

_ENTRY = re.compile(r"(?:\w+_)?(?:pte|pmd|pud)p?")
MAX_ENTRIES = 6


@dataclass(frozen=True, slots=True)
class LateRead:
    """``entry`` is read at ``pos`` for what it held, and was overwritten at ``written``, by ``helper``."""

    pos: Pos
    entry: str
    written: Pos
    helper: str


KNOWN = -1
"""Stands for the node where an entry is overwritten, where its old value was read before: a retry reads it again."""

State = tuple[tuple[str, int], ...]
"""Pointers to entries that are overwritten, each with the node that did it."""


@dataclass
class _Walk:
    graph: Graph
    found: dict[Pos, LateRead] = field(default_factory=dict)

    def start(self) -> State:
        return ()

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        return state

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Evaluated):
            return self._called(state, number, step.call)
        if isinstance(step, Written):
            return self._written(state, number, step)
        return state

    def _called(self, state: State, number: int, call: Call) -> State:
        name = called(call)
        if _COMPARES.fullmatch(name):
            for arg in call.args[:-1]:
                self._read(state, arg, call.pos)
        if not (_SETS.fullmatch(name) or TAKES.fullmatch(name) or COMMITS.fullmatch(name)):
            return state
        return _with(state, next((one for one in map(plain, call.args) if _is_entry(one)), None), number)

    def _written(self, state: State, number: int, step: Written) -> State:
        target = plain(step.target)
        if not isinstance(target, Name):
            base = None
            if isinstance(target, Index):
                base = plain(target.base)
            elif isinstance(target, Unary) and target.op == "*":
                base = plain(target.operand)
            return _with(state, base if _is_entry(base) else None, number)
        state = tuple(one for one in state if one[0] != target.name)
        if step.value is not None and not step.op and _OLD.fullmatch(target.name):
            self._read(state, step.value, step.pos)
            entry = _read_entry(plain(step.value))
            if entry and entry not in dict(state) and len(state) < MAX_ENTRIES:
                return tuple(sorted((*state, (entry, KNOWN))))
        return state

    def _read(self, state: State, value: Expr, pos: Pos) -> None:
        entry = _read_entry(plain(value))
        at = dict(state).get(entry, -1)
        step = self.graph.nodes[at].step if at >= 0 else None
        if isinstance(step, Evaluated):
            self.found.setdefault(pos, LateRead(pos, entry, step.call.pos, f"{called(step.call)}()"))
        elif isinstance(step, Written):
            self.found.setdefault(pos, LateRead(pos, entry, step.pos, "this"))


def late_reads(view: View) -> tuple[LateRead, ...]:
    """Return where *view* reads an entry for what it held, and has overwritten it on a path to there."""
    if view.graph is None or not _keeps_old(view, view.graph):
        return ()
    walk = _Walk(view.graph)
    explore(view.graph, walk)
    return tuple(sorted(walk.found.values(), key=lambda one: (one.pos.line, one.pos.column)))


def _keeps_old(view: View, graph: Graph) -> bool:
    targets = (plain(node.step.target) for node in graph.nodes if isinstance(node.step, Written))
    return any(isinstance(one, Name) and _OLD.fullmatch(one.name) for one in targets) or any(
        map(_COMPARES.fullmatch, view.callees)
    )


def _with(state: State, entry: Expr | None, number: int) -> State:
    if not isinstance(entry, Name) or len(state) >= MAX_ENTRIES or dict(state).get(entry.name) == KNOWN:
        return state
    return tuple(sorted({**dict(state), entry.name: number}.items()))


def _is_entry(expr: Expr | None) -> bool:
    return isinstance(expr, Name) and _ENTRY.fullmatch(expr.name) is not None


def _read_entry(value: Expr) -> str:
    """Return the pointer that *value* reads an entry by, empty when it reads none."""
    if isinstance(value, Call) and value.args and (READS.fullmatch(called(value)) or called(value) == "READ_ONCE"):
        inner = plain(value.args[0] if called(value) == "READ_ONCE" else value.args[-1])
        return _read_entry(inner) if called(value) == "READ_ONCE" else text(inner)
    if isinstance(value, Unary) and value.op == "*":
        return text(plain(value.operand))
    if isinstance(value, Index):
        return text(plain(value.base))
    return ""
