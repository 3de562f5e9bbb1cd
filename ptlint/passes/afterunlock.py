"""Page tables that a function changes after it has given back the lock that it took for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.ast import Pos
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, calls_in, names_in, text

_LOCKS = re.compile(r"(?!\w*unlock)\w*lock\w*")
_UNLOCKS = re.compile(r"(?:raw_)?spin_unlock|pte_unmap_unlock")
_CHANGES = re.compile(r"set_(?:pte|pmd|pud)_at|set_ptes|pgtable_trans_huge_(?:withdraw|deposit)")
_HELD = re.compile(r"\w*ptl\d?|\*\w*ptlp?")
"""Locks of page tables, as they are spelt."""
MAX_DEPTH = 1
_Held, _Free = "held", "free"
State = tuple[str, int]


@dataclass(frozen=True, slots=True)
class AfterUnlock:
    """At ``pos`` the function changes, through ``helper``, what ``lock`` guarded; it gave that back at ``freed``."""

    pos: Pos
    helper: str
    lock: str
    freed: Pos


@dataclass
class _Walk:
    view: View
    graph: Graph
    found: dict[Pos, AfterUnlock] = field(default_factory=dict)

    def start(self) -> State:
        return "", -1

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if not isinstance(step, Evaluated):
            return state
        name, args = called(step.call), step.call.args
        if _UNLOCKS.fullmatch(name) and args and _HELD.fullmatch(text(args[-1])):
            return (_Free, number) if state[0] == _Held else ("", -1)
        if _LOCKS.fullmatch(name):
            return _Held, number
        if state[0] == _Free and _changes(self.view, name, 0) and "init_mm" not in names_in(step.call):
            freed = self.graph.nodes[state[1]].step
            assert isinstance(freed, Evaluated)
            lock = text(freed.call.args[-1])
            self.found.setdefault(step.call.pos, AfterUnlock(step.call.pos, name, lock, freed.call.pos))
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        return state


def _changes(view: View, name: str, depth: int) -> bool:
    if _CHANGES.fullmatch(name):
        return True
    helper = view.lookup(name) if depth < MAX_DEPTH else None
    if helper is None or helper.path != view.path:
        return False
    names = {called(call) for call in calls_in(helper.definition.body)}
    return not any(map(_LOCKS.fullmatch, names)) and any(map(_CHANGES.fullmatch, names))


def after_unlock(view: View) -> Iterator[AfterUnlock]:
    """Yield the changes of *view* behind the place where it gives back the last page-table lock that it took."""
    if view.graph is None or not any(map(_UNLOCKS.fullmatch, view.callees)):
        return
    walk = _Walk(view, view.graph)
    explore(view.graph, walk)
    yield from sorted(walk.found.values(), key=lambda one: (one.pos.line, one.pos.column))
