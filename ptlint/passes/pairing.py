"""Protocols of two calls: what the first takes, the second gives back, on every path and once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from ptlint.csrc.ast import Call, Declaration, Expr, MemberAccess, Name, PointerType, Pos, TypedefName, Unary
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View
from ptlint.passes.graph import Edge, Evaluated, Graph, Returned, Step, Written
from ptlint.passes.paths import explore
from ptlint.passes.wording import called, calls_in, names_in, plain, root, text, walk

MAX_DEPTH = 3
MAX_HELD = 8


@dataclass(frozen=True)
class Protocol:
    """Which calls take and which give back.

    ``key`` says what a taking call takes: what it returns (``result``), what its argument number ``take_arg`` points to
    (``argument``), or the one thing there is (``single``). ``give_arg`` is the argument of a giving call that names it.
    ``may_fail`` is set when the result is NULL where nothing was taken. ``in_helpers`` lets a called function give back
    what it is handed.
    """

    takes: re.Pattern[str]
    gives: re.Pattern[str]
    key: Literal["result", "argument", "single"]
    take_arg: int = 0
    give_arg: int = 0
    may_fail: bool = False
    in_helpers: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """Something taken at node *at* and not given back: the names it goes by."""

    at: int
    names: frozenset[str]
    key: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A path that breaks a protocol.

    ``kind``: ``kept`` (the function ends with something held), ``not-held`` (given back, but not taken), ``order``
    (given back before what was taken later). ``pos`` is where the path ends or gives back, ``taken`` where it took.
    """

    kind: str
    pos: Pos
    taken: Pos | None
    call: Call | None = None
    taker: str = ""


State = tuple[Held, ...]


@dataclass
class _Walk:
    view: View
    protocol: Protocol
    graph: Graph
    breaches: dict[tuple[str, Pos, Pos | None], Breach] = field(default_factory=dict)
    giving: frozenset[int] = frozenset()

    def start(self) -> State:
        return ()

    def step(self, state: State, number: int, step: Step, facts: Facts) -> State | None:
        if isinstance(step, Evaluated):
            return self._called(state, number, step, facts)
        if isinstance(step, Written):
            return self._written(state, step)
        if isinstance(step, Returned):
            self._returned(state, step)
        return state

    def edge(self, state: State, edge: Edge, facts: Facts) -> State | None:
        if edge.around is not None and state and any(edge.around[0] <= at < edge.around[1] for at in self.giving):
            return None  # the loop that gives back runs at least once when something is held
        if self.protocol.may_fail and edge.cond is not None:
            return tuple(one for one in state if not any(facts.get(name) == 0 for name in one.names))
        return state

    def _called(self, state: State, number: int, step: Evaluated, facts: Facts) -> State:
        name = called(step.call)
        protocol = self.protocol
        if protocol.takes.fullmatch(name):
            return self._taken(state, number, step)
        if protocol.gives.fullmatch(name):
            arg = step.call.args[protocol.give_arg] if len(step.call.args) > protocol.give_arg else None
            return self._given(state, step.call, arg)
        given = given_by(self.view, step.call, protocol) if protocol.in_helpers and state else None
        if given is not None:
            return self._given(state, step.call, given)
        if protocol.key == "single" or not state:
            return state
        lost = lent_by(self.view, step.call, frozenset(name for one in state for name in one.names))
        return tuple(one for one in state if not one.names & lost)

    def _taken(self, state: State, number: int, step: Evaluated) -> State:
        if len(state) >= MAX_HELD or any(one.at == number for one in state):
            return state
        if self.protocol.key == "single":
            return (*state, Held(number, frozenset(), ""))
        result = None if step.result is None else plain(step.result)
        names = frozenset({result.name} if isinstance(result, Name) else ())
        if self.protocol.key == "result":
            return (*state, Held(number, names, "")) if names else state
        args = step.call.args
        if len(args) <= self.protocol.take_arg or (result is not None and not names):
            return state
        return (*state, Held(number, names, text(args[self.protocol.take_arg])))

    def _given(self, state: State, call: Call, arg: Expr | None) -> State:
        match = self._match(state, arg)
        if match is None:
            if arg is not None and self.protocol.key == "result" and root(arg) not in self._own:
                return state
            self._note(Breach("not-held", call.pos, None, call))
            return state
        if match is not state[-1] and self.protocol.key == "result":
            self._note(Breach("order", call.pos, self._pos(state[-1]), call, self._taker(state[-1])))
        return tuple(one for one in state if one is not match)

    def _match(self, state: State, arg: Expr | None) -> Held | None:
        if not state:
            return None
        if self.protocol.key == "single" or arg is None:
            return state[-1]
        wanted, name = text(arg), root(arg)
        for one in reversed(state):
            if (one.key and one.key == wanted) or (name and name in one.names):
                return one
        for one in reversed(state):
            if one.key and re.match(rf"{re.escape(name)}\b", one.key):
                return one
        return None if self.protocol.key == "result" and name in self._own else state[-1]

    @cached_property
    def _own(self) -> frozenset[str]:
        """Return the variables that hold what this function took and that nothing else can give back."""
        own = takers_of(self.graph, self.protocol)
        for node in self.graph.nodes:
            step = node.step
            if isinstance(step, Written) and _leaves(plain(step.target)) and step.value is not None:
                own -= {root(step.value)}
            elif isinstance(step, Evaluated) and not self.protocol.gives.fullmatch(called(step.call)):
                own -= lent_by(self.view, step.call, own)
                given = given_by(self.view, step.call, self.protocol) if self.protocol.in_helpers else None
                own -= {root(given)} if given is not None else set()
        return own

    def _written(self, state: State, step: Written) -> State:
        if step.op or not state:
            return state
        target = plain(step.target)
        source = "" if step.value is None else root(step.value)
        if not isinstance(target, Name):
            return tuple(one for one in state if not (source and source in one.names)) if _leaves(target) else state
        result: list[Held] = []
        for one in state:
            own = isinstance(step.value, Expr) and self._takes_now(one, step)
            if source and source in one.names:
                one = replace(one, names=one.names | {target.name})
            elif target.name in one.names and not own and len(one.names) > 1:
                one = replace(one, names=one.names - {target.name})
            result.append(one)
        return tuple(result)

    def _takes_now(self, one: Held, step: Written) -> bool:
        taking = self.graph.nodes[one.at].step
        return isinstance(taking, Evaluated) and step.value is not None and plain(step.value) is taking.call

    def _returned(self, state: State, step: Returned) -> None:
        used = names_in(step.value) if step.value is not None else frozenset[str]()
        for one in state:
            if not used & one.names:
                self._note(Breach("kept", step.pos, self._pos(one), None, self._taker(one)))

    def _pos(self, one: Held) -> Pos:
        step = self.graph.nodes[one.at].step
        assert isinstance(step, Evaluated)
        return step.call.pos

    def _taker(self, one: Held) -> str:
        step = self.graph.nodes[one.at].step
        assert isinstance(step, Evaluated)
        return called(step.call)

    def _note(self, breach: Breach) -> None:
        self.breaches.setdefault((breach.kind, breach.pos, breach.taken), breach)


def breaches_of(view: View, protocol: Protocol) -> tuple[Breach, ...]:
    """Return how *view* breaks *protocol*, each place once, in text order. Its own implementations do not."""
    graph = view.graph
    if graph is None or protocol.takes.fullmatch(view.name) or protocol.gives.fullmatch(view.name):
        return ()
    if not any(protocol.takes.fullmatch(name) or protocol.gives.fullmatch(name) for name in view.callees):
        return ()
    walk = _Walk(view, protocol, graph, giving=_giving(view, graph, protocol))
    explore(graph, walk)
    return tuple(sorted(walk.breaches.values(), key=lambda one: (one.pos.line, one.pos.column, one.kind)))


def _giving(view: View, graph: Graph, protocol: Protocol) -> frozenset[int]:
    found = set()
    for number, node in enumerate(graph.nodes):
        if isinstance(node.step, Evaluated):
            name = called(node.step.call)
            helper = protocol.in_helpers and given_by(view, node.step.call, protocol) is not None
            if protocol.gives.fullmatch(name) or helper:
                found.add(number)
    return frozenset(found)


def given_by(view: View, call: Call, protocol: Protocol, depth: int = 0) -> Expr | None:
    """Return the argument of *call* that the called function gives back, None when it gives nothing of the caller's."""
    name = called(call)
    if depth >= MAX_DEPTH or not name or protocol.takes.fullmatch(name) or protocol.key == "single":
        return None
    candidates = [(at, arg) for at, arg in enumerate(call.args) if root(arg)]
    callee = view.lookup(name) if candidates else None
    if callee is None or any(protocol.takes.fullmatch(one) for one in callee.callees):
        return None
    for at, arg in candidates:
        fits = at < len(callee.params) and _is_entry_pointer(callee.params[at].type)
        if fits and _gives_param(callee, callee.param_names[at], protocol, depth):
            return arg
    return None


def _is_entry_pointer(type_: object) -> bool:
    return isinstance(type_, PointerType) and isinstance(type_.to, TypedefName)


def lent_by(view: View, call: Call, names: frozenset[str]) -> frozenset[str]:
    """Return those of *names* that *call* may keep: it gets their address, or stores what it is handed."""
    found: set[str] = set()
    for at, arg in enumerate(call.args):
        bare = plain(arg)
        if isinstance(bare, Unary) and bare.op == "&":
            found.add(root(bare))
        elif isinstance(bare, Name) and bare.name in names:
            callee = view.lookup(called(call))
            if callee is not None and at < len(callee.params) and _stores(callee, callee.param_names[at]):
                found.add(bare.name)
    return names & found


def _stores(callee: View, param: str) -> bool:
    nodes = callee.graph.nodes if callee.graph is not None else ()
    steps = [node.step for node in nodes if isinstance(node.step, Written)]
    return any(_leaves(plain(step.target)) and step.value is not None and root(step.value) == param for step in steps)


def _gives_param(callee: View, param: str, protocol: Protocol, depth: int) -> bool:
    for call in calls_in(callee.definition.body):
        if protocol.gives.fullmatch(called(call)):
            if len(call.args) > protocol.give_arg and _comes_from(callee, call.args[protocol.give_arg], param):
                return True
        elif any(param in names_in(arg) for arg in call.args):
            given = given_by(callee, call, protocol, depth + 1)
            if given is not None and _comes_from(callee, given, param):
                return True
    return False


def _comes_from(view: View, expr: Expr, param: str) -> bool:
    """Return whether a pointer is *param*, or a local that is set from it."""
    if param in names_in(expr):
        return True
    return any(
        isinstance(node.step, Written) and root(node.step.target) == root(expr) and _mentions(node.step, param)
        for node in (view.graph.nodes if view.graph is not None else ())
    )


def _mentions(step: Written, name: str) -> bool:
    return step.value is not None and name in names_in(step.value)


def takers_of(graph: Graph, protocol: Protocol) -> frozenset[str]:
    """Return the variables that only ever hold what a taking call returned, or what was derived from such."""
    steps = [node.step for node in graph.nodes if isinstance(node.step, Written)]
    written: dict[str, list[Written]] = {}
    for step in steps:
        target = plain(step.target)
        if isinstance(target, Name):
            written.setdefault(target.name, []).append(step)
    good = set(written)
    changed = True
    while changed:
        changed = False
        for name in sorted(good):
            if not all(_taken_value(step, protocol, good) for step in written[name]):
                good.discard(name)
                changed = True
    return frozenset(good - {param.name for param in graph.function.type.params if param.name})


def _taken_value(step: Written, protocol: Protocol, good: set[str]) -> bool:
    if step.op:
        return True
    if step.value is None:
        return False
    return protocol.takes.fullmatch(called(plain(step.value))) is not None or root(step.value) in good


def _leaves(target: Expr) -> bool:
    return isinstance(target, MemberAccess) or (isinstance(target, Unary) and target.op == "*")


def copies_given(view: View, gives: re.Pattern[str], arg: int) -> Iterator[tuple[Call, str]]:
    """Yield the calls of *gives* that get the address of a local variable, which is never taken, and its name."""
    local = {name for name in _locals(view) if name not in view.param_names}
    for call in calls_in(view.definition.body):
        if gives.fullmatch(called(call)) and len(call.args) > arg:
            bare = plain(call.args[arg])
            is_variable = isinstance(bare, Unary) and bare.op == "&" and isinstance(plain(bare.operand), Name)
            if is_variable and root(bare) in local:
                yield call, root(bare)


def _locals(view: View) -> Iterator[str]:
    for node in walk(view.definition.body):
        if isinstance(node, Declaration) and "static" not in node.storage:
            yield from (one.name for one in node.declarators if one.name)
