"""Results that may be NULL and are used before anybody has asked: mapped page tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ptlint.csrc.ast import Expr, Name, Pos
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, names_in, plain, root


@dataclass(frozen=True, slots=True)
class Unchecked:
    """``user`` gets ``variable`` at ``pos``, which ``taker`` may have set to NULL at ``taken``."""

    pos: Pos
    variable: str
    user: str
    taken: Pos
    taker: str


State = frozenset[tuple[str, int]]
"""Variables that nobody has asked about since a call set them, with the node of the call."""


@dataclass
class _Walk:
    graph: Graph
    takes: re.Pattern[str]
    uses: re.Pattern[str]
    found: dict[str, Unchecked] = field(default_factory=dict)

    def start(self) -> State:
        return frozenset()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Written):
            return self._written(state, step)
        if not isinstance(step, Evaluated):
            return state
        name = called(step.call)
        if self.takes.fullmatch(name):
            result = _variable(step.result)
            return state | {(result, number)} if result else state
        if self.uses.fullmatch(name):
            for variable, at in state:
                if any(root(arg) == variable for arg in step.call.args):
                    self._note(variable, at, step, name)
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        if edge.cond is None or not state:
            return state
        asked = names_in(edge.cond)
        nodes = {at for variable, at in state if variable in asked}
        return frozenset(one for one in state if one[1] not in nodes)

    def _written(self, state: State, step: Written) -> State:
        target = _variable(step.target)
        if step.op or not target:
            return state
        source = _variable(step.value)
        value = None if step.value is None else plain(step.value)
        if self.takes.fullmatch(called(value)):
            return state
        kept = frozenset(one for one in state if one[0] != target)
        return kept | {(target, at) for variable, at in state if source and variable == source}

    def _note(self, variable: str, at: int, step: Evaluated, name: str) -> None:
        taking = self.graph.nodes[at].step
        assert isinstance(taking, Evaluated)
        found = Unchecked(step.call.pos, variable, name, taking.call.pos, called(taking.call))
        self.found.setdefault(variable, found)


def _variable(expr: Expr | None) -> str:
    bare = None if expr is None else plain(expr)
    return bare.name if isinstance(bare, Name) else ""


def unchecked_uses(view: View, takes: re.Pattern[str], uses: re.Pattern[str]) -> tuple[Unchecked, ...]:
    """Return where *view* hands what a call of *takes* returned to one of *uses* and no condition has asked for it."""
    if view.graph is None or not any(map(takes.fullmatch, view.callees)):
        return ()
    walk = _Walk(view.graph, takes, uses)
    explore(view.graph, walk)
    return tuple(sorted(walk.found.values(), key=lambda one: (one.pos.line, one.pos.column)))
