"""Typestates: an automaton that follows what happens to entries, locks and modes on every feasible path.

A rule names the calls that count as events and the moves between states; what it forbids is a move that is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ptlint.csrc.ast import Call, Pos
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, text

MAX_KEYS = 6
Key = str
"""What a state belongs to: the spelling of an argument, ``""`` for the one thing there is."""


@dataclass(frozen=True, slots=True)
class Event:
    """Calls that count as one event: those of *calls*, with the key in argument *arg* (None: it concerns every key).

    ``when`` decides on the call where its name is not enough.
    """

    name: str
    calls: re.Pattern[str]
    arg: int | None = None
    when: Callable[[View, Call], bool] | None = None


@dataclass(frozen=True)
class Automaton:
    """Events and moves. ``start`` is the state of a key before its first event; a pair that is not in *moves* stays.

    A state that begins with ``!`` is a fault: it is noted with the place, and the key goes on in ``start``.
    """

    start: str
    events: tuple[Event, ...]
    moves: Mapping[tuple[str, str], str]

    def classified(self, view: View, call: Call) -> Event | None:
        """Return the event that *call* is."""
        name = called(call)
        for one in self.events:
            if one.calls.fullmatch(name) and (one.when is None or one.when(view, call)):
                return one
        return None


@dataclass(frozen=True, slots=True)
class Slip:
    """A forbidden move: which fault, at which call, and the call that led to the state before."""

    fault: str
    pos: Pos
    call: Call
    since: Pos | None
    since_name: str = ""


_Entry = tuple[Key, str, int]
"""Key, state, and the node that led to it (-1: none)."""
State = tuple[_Entry, ...]


@dataclass
class _Walk:
    view: View
    graph: Graph
    automaton: Automaton
    begins: str = ""
    slips: dict[tuple[str, Pos], Slip] = field(default_factory=dict)

    def start(self) -> State:
        return (("", self.begins, -1),) if self.begins else ()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Evaluated):
            event = self.automaton.classified(self.view, step.call)
            if event is not None:
                return self._moved(state, number, step.call, event)
        elif isinstance(step, Written):
            return self._written(state, step)
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        return state

    def _moved(self, state: State, number: int, call: Call, event: Event) -> State:
        if event.arg is None:
            keys = sorted({"", *(one[0] for one in state)})
        elif event.arg < len(call.args):
            keys = [text(call.args[event.arg])]
        else:
            return state
        for key in keys:
            state = self._one(state, number, call, event, key)
        return state

    def _one(self, state: State, number: int, call: Call, event: Event, key: Key) -> State:
        # What holds for everything holds for a key that is new.
        before = next((one for of in (key, "") for one in state if one[0] == of), (key, self.automaton.start, -1))
        after = self.automaton.moves.get((before[1], event.name))
        if after is None:
            return state
        if after.startswith("!"):
            self._note(after[1:], call, before[2])
            after = self.automaton.start
        rest = [one for one in state if one[0] != key]
        if (after != self.automaton.start or (key and self._common(state))) and len(rest) < MAX_KEYS:
            rest.append((key, after, before[2] if after == before[1] else number))
        return tuple(sorted(rest))

    def _common(self, state: State) -> bool:
        return any(not one[0] for one in state)

    def _note(self, fault: str, call: Call, at: int) -> None:
        step = self.graph.nodes[at].step if at >= 0 else None
        since = step.call if isinstance(step, Evaluated) else None
        slip = Slip(fault, call.pos, call, since.pos if since else None, called(since))
        self.slips.setdefault((fault, call.pos), slip)

    def _written(self, state: State, step: Written) -> State:
        """Forget the states of keys that speak of a variable which gets another value."""
        spelt = text(step.target)
        word = re.compile(rf"(?<![\w.>]){re.escape(spelt)}(?!\w)")
        return tuple(one for one in state if not one[0] or not word.search(one[0]))


def slips_of(view: View, automaton: Automaton, begins: str = "") -> tuple[Slip, ...]:
    """Return the forbidden moves of *view*, in text order, each place once; *begins* is the state that it is called in.

    The state of the empty key holds for every key that has none of its own.
    """
    graph = view.graph
    if graph is None or not _may_matter(view, automaton, begins):
        return ()
    walk = _Walk(view, graph, automaton, begins)
    explore(graph, walk)
    return tuple(sorted(walk.slips.values(), key=lambda one: (one.pos.line, one.pos.column, one.fault)))


def _may_matter(view: View, automaton: Automaton, begins: str) -> bool:
    """Return whether the calls of *view* can lead to a fault, in whatever order they come."""
    present = {one.name for one in automaton.events if any(map(one.calls.fullmatch, view.callees))}
    reached = {automaton.start, begins}
    pending = list(reached)
    while pending:
        state = pending.pop()
        after = {to for (of, event), to in automaton.moves.items() if of == state and event in present}
        if any(to.startswith("!") for to in after):
            return True
        pending.extend(after - reached)
        reached |= after
    return False
