"""Sizes of batches over the rounds of a loop: which one of an earlier round is used for the entries of this one."""

from __future__ import annotations

from dataclasses import dataclass, field

from ptlint.csrc.ast import Expr, Name, Pos
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.origins import batches_behind
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, names_in, plain


@dataclass(frozen=True, slots=True)
class StaleCount:
    """``variable`` is used at ``pos`` and may be the size of an earlier batch, found at ``counted``."""

    pos: Pos
    variable: str
    counted: Pos
    user: str


_Fresh = tuple[str, int, bool]
"""Variable, the node that gave it the size of a batch, and whether a round has ended since."""
State = tuple[_Fresh, ...]


@dataclass
class _Walk:
    graph: Graph
    counting: dict[int, str]
    bodies: dict[int, tuple[int, int]]
    found: dict[tuple[str, Pos], StaleCount] = field(default_factory=dict)

    def start(self) -> State:
        return ()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Written):
            name = _variable(step.target)
            if step.value is not None:
                self._used(state, number, step.value, step.pos, "")
            if name and not step.op:
                state = tuple(one for one in state if one[0] != name)
                if number in self.counting:
                    state = tuple(sorted((*state, (name, number, False))))
        elif isinstance(step, Evaluated):
            for arg in step.call.args:
                self._used(state, number, arg, step.call.pos, called(step.call))
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        if not edge.back:
            return state
        first, last = self.bodies[id(edge)]
        return tuple((name, at, old or first <= at <= last) for name, at, old in state)

    def _used(self, state: State, number: int, expr: Expr, pos: Pos, user: str) -> None:
        names = names_in(expr)
        for name, at, old in state:
            inside = any(first <= at <= last and first <= number <= last for first, last in self.bodies.values())
            if old and inside and name in names:
                step = self.graph.nodes[at].step
                assert isinstance(step, Written)
                self.found.setdefault((name, pos), StaleCount(pos, name, step.pos, user))


def _variable(target: Expr) -> str:
    bare = plain(target)
    return bare.name if isinstance(bare, Name) else ""


def stale_counts(view: View) -> tuple[StaleCount, ...]:
    """Return where *view* uses the size of a batch of an earlier round, in text order, one place a variable."""
    graph = view.graph
    if graph is None or not any("batch" in name for name in view.callees):
        return ()
    counting = {
        number: _variable(node.step.target)
        for number, node in enumerate(graph.nodes)
        if isinstance(node.step, Written) and not node.step.op and _variable(node.step.target)
        if node.step.value is not None and "batch" in called(plain(node.step.value))
        if batches_behind(view, node.step.value)
    }
    bodies = {
        id(edge): (edge.to, number) for number, node in enumerate(graph.nodes) for edge in node.edges if edge.back
    }
    if not counting or not bodies:
        return ()
    walk = _Walk(graph, counting, bodies)
    explore(graph, walk)
    first: dict[str, StaleCount] = {}
    for one in sorted(walk.found.values(), key=lambda one: (one.pos.line, one.pos.column)):
        first.setdefault(one.variable, one)
    return tuple(first.values())
