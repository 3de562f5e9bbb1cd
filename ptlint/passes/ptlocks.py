"""Page-table locks: a function that gives one back on some way out, and keeps it on another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.ast import Call, Expr, MemberAccess, Name, Pos, Unary
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Returned, Step, Written
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, names_in, plain, root, text

_LOCK = re.compile(r"(?:raw_)?spin_lock(?:_nested)?")
_FOUND = re.compile(r"(?:pmd|pud|huge_pte|huge_pmd)_(?:trans_huge_)?lock")
"""Calls that return the lock that they took, or NULL where there is nothing to lock."""
_UNLOCK = re.compile(r"(?:raw_)?spin_unlock|pte_unmap_unlock")
_ASKS = re.compile(r"\w*(?:assert|lockdep|held|is_locked|is_contended|needbreak|cond_resched_lock|init)\w*")
_IS_PAGE_TABLES = re.compile(r"&?[\w.>-]+(?:->|\.)page_table_lock|\w+_lockptr\(.*\)|\w*ptl\d?")
"""Locks that this is about, as they are spelt: of a whole mm, of one table, a local variable for either."""
State = tuple[tuple[str, int], ...]
"""The locks that are held, by spelling, each with the node that took it, in order of spelling."""


@dataclass(frozen=True, slots=True)
class KeptLock:
    """``lock``, taken at ``taken`` by ``taker``, is held where a path ends at ``pos``."""

    lock: str
    pos: Pos
    taken: Pos
    taker: str


@dataclass
class _Walk:
    graph: Graph
    kept: dict[tuple[str, Pos], KeptLock] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    """Locks that are free again on some way out."""
    foreign: set[str] = field(default_factory=set)
    """Locks that are given back without having been taken: the caller's."""

    def start(self) -> State:
        return ()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        match step:
            case Evaluated(call=call, result=result):
                return self._called(state, number, call, result)
            case Written(target=target) if isinstance(plain(target), Name):
                name = root(target)
                taking = {at for key, at in state if key == name}
                return state if any(self._is_result(at, step) for at in taking) else _without(state, name)
            case Returned(pos=pos):
                for key, at in state:
                    self.kept.setdefault((key, pos), KeptLock(key, pos, *self._taking(at)))
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        same = [key for key, known in facts.known if known and " == " in key]
        alias = {side for key in same for side in key.split(" == ")}  # two names of one lock: given back by either
        return tuple(one for one in state if facts.get(one[0]) != 0 and one[0] not in alias)

    def _called(self, state: State, number: int, call: Call, result: Expr | None) -> State:
        name = called(call)
        if _FOUND.fullmatch(name) and result is not None and isinstance(plain(result), Name):
            return tuple(sorted((*_without(state, root(result)), (root(result), number))))
        if not call.args:
            return state
        key = text(call.args[-1] if name == "pte_unmap_unlock" else call.args[0])
        if _LOCK.fullmatch(name) and _IS_PAGE_TABLES.fullmatch(key):
            return tuple(sorted((*_without(state, key), (key, number))))
        if _UNLOCK.fullmatch(name):
            (self.given if any(one[0] == key for one in state) else self.foreign).add(key)
            return _without(state, key)
        return state

    def _is_result(self, at: int, step: Written) -> bool:
        taking = self.graph.nodes[at].step
        return isinstance(taking, Evaluated) and step.value is not None and plain(step.value) is taking.call

    def _taking(self, at: int) -> tuple[Pos, str]:
        taking = self.graph.nodes[at].step
        assert isinstance(taking, Evaluated)
        return taking.call.pos, called(taking.call)


def _without(state: State, key: str) -> State:
    return tuple(one for one in state if one[0] != key)


def locks_kept(view: View) -> tuple[KeptLock, ...]:
    """Return the ways out of *view* that keep a page-table lock which it took and gives back elsewhere, in text order.

    A lock that is handed to other code, stored or returned may be given back there, and one that the function also
    gives back without having taken it is its caller's: neither is told.
    """
    graph = view.graph
    names = view.callees
    if graph is None or not any(map(_UNLOCK.fullmatch, names)):
        return ()
    if not any(_LOCK.fullmatch(name) or _FOUND.fullmatch(name) for name in names):
        return ()
    walk = _Walk(graph)
    explore(graph, walk)
    left = walk.given - walk.foreign - set(_handed_on(graph)) if walk.kept else set()
    found = (one for one in walk.kept.values() if one.lock in left)
    return tuple(sorted(found, key=lambda one: (one.pos.line, one.pos.column, one.lock)))


def _handed_on(graph: Graph) -> Iterator[str]:
    """Yield the spelling of what other code gets to keep: arguments, values stored in memory or returned."""
    for node in graph.nodes:
        match node.step:
            case Evaluated(call=call):
                name = called(call)
                if not any(one.fullmatch(name) for one in (_LOCK, _UNLOCK, _ASKS)):
                    for arg in call.args:
                        yield text(arg)
                        if isinstance(plain(arg), Unary):
                            yield root(arg)
            case Written(target=target, value=value) if value is not None:
                if isinstance(plain(target), MemberAccess | Unary):
                    yield text(value)
            case Returned(value=value) if value is not None:
                yield from names_in(value)
