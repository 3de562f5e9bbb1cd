"""Walks over all feasible paths of a graph with a machine that remembers what happened on the way."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

from ptlint.passes.facts import Facts, follow, stepped, useful
from ptlint.passes.graph import Edge, Graph, Step, Tested

MAX_STATES_PER_NODE = 96
MAX_VISITS = 60_000
S = TypeVar("S", bound=Hashable)


class Machine(Protocol, Generic[S]):
    """What a walk asks. States are immutable; a machine notes what it finds on its own."""

    def start(self) -> S:
        """Return the state at the function's beginning."""

    def step(self, state: S, number: int, step: Step, facts: Facts) -> S | None:
        """Return the state after *step* of node *number*; None ends the path."""

    def edge(self, state: S, edge: Edge, facts: Facts) -> S | None:
        """Return the state behind *edge*; None when the path need not be followed. *facts* hold behind it."""


def explore(graph: Graph, machine: Machine[S]) -> bool:
    """Walk over *graph*, every node once per distinct facts and state; return whether all paths were looked at.

    Where a bound is reached the walk goes on with the paths it has: what a machine noted is still true of its path.
    """
    kept = useful(graph)
    seen: list[set[tuple[Facts, S]]] = [set() for _ in graph.nodes]
    first = (0, Facts(), machine.start())
    pending = [first]
    seen[0].add(first[1:])
    complete, visits = True, 0
    while pending:
        number, facts, state = pending.pop()
        visits += 1
        if visits > MAX_VISITS:
            return False
        node = graph.nodes[number]
        if node.step is not None:
            after = machine.step(state, number, node.step, facts)
            if after is None:
                continue
            state = after
            facts = stepped(facts, node.step)
            if isinstance(node.step, Tested) and node.step.again:
                facts = facts.deciding_anew(node.step.cond)
        for edge in node.edges:
            known = follow(facts, edge)
            if known is None:
                continue
            behind = machine.edge(state, edge, known)
            if behind is None:
                continue
            if edge.back:
                known = known.next_round()
            entry = (known.only(kept[edge.to]), behind)
            if entry in seen[edge.to]:
                continue
            if len(seen[edge.to]) >= MAX_STATES_PER_NODE:
                complete = False
                continue
            seen[edge.to].add(entry)
            pending.append((edge.to, *entry))
    return complete
