"""Second calls of a protocol without the first: where the value that the second one gives back came from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.csrc.ast import Call, Expr, Name, Pos, Unary
from ptlint.passes.functions import View
from ptlint.passes.graph import Evaluated, Written
from ptlint.passes.pairing import MAX_DEPTH, Protocol
from ptlint.passes.wording import called, calls_in, names_in, plain, root, text

_CHANGES = re.compile(r"(huge_)?p(te|md)_(mk|clear_|wrprotect|modify|swp_mk|swp_clear_)\w*")
Places = tuple[tuple[str, Pos], ...]
"""Function and place of the reads that the value came from, nearest last."""


def unstarted(view: View, call: Call, protocol: Protocol, arg: int, reads: re.Pattern[str]) -> Places | None:
    """Return where the value in argument *arg* of *call* was read, when nothing was taken before on any path to it.

    A parameter is followed to the callers; None when the value may have another origin than one of *reads*.
    """
    return _origin(view, call.args[arg], protocol, reads, 0) if len(call.args) > arg else None


def _origin(view: View, value: Expr, protocol: Protocol, reads: re.Pattern[str], depth: int) -> Places | None:
    bare = plain(value)
    if depth > MAX_DEPTH:
        return None
    if _is_read(bare, reads):
        return ((view.name, getattr(bare, "pos", view.definition.pos)),)
    if not isinstance(bare, Name):
        return None
    writes = [step for step in _writes(view, bare.name) if not _is_changed(step)]
    if writes:
        found: list[tuple[str, Pos]] = []
        for step in writes:
            behind = _behind(view, step, bare.name, protocol, reads, depth)
            if behind is None:
                return None
            found += behind
        return tuple(found)
    if bare.name not in view.param_names:
        return None
    return _from_callers(view, view.param_names.index(bare.name), protocol, reads, depth)


def _behind(
    view: View, step: Written, name: str, protocol: Protocol, reads: re.Pattern[str], depth: int
) -> Places | None:
    """Return where the value that *step* gives variable *name* was read."""
    if step.value is None or step.op:
        return None
    source = plain(step.value)
    if _is_read(source, reads):
        return ((view.name, step.pos),)
    copied = isinstance(source, Name) and source.name != name
    return _origin(view, source, protocol, reads, depth + 1) if copied else None


def _from_callers(view: View, at: int, protocol: Protocol, reads: re.Pattern[str], depth: int) -> Places | None:
    """Return where a caller reads what it hands to parameter *at*, when it has taken nothing before the call."""
    for caller in view.callers():
        if protocol.takes.fullmatch(caller.name) or any(protocol.takes.fullmatch(name) for name in caller.callees):
            continue
        for call in calls_in(caller.definition.body):
            if called(call) == view.name and len(call.args) > at:
                found = _origin(caller, call.args[at], protocol, reads, depth + 1)
                if found is not None:
                    return found
    return None


def _is_read(expr: Expr, reads: re.Pattern[str]) -> bool:
    if isinstance(expr, Unary) and expr.op == "*":
        return True
    return reads.fullmatch(called(expr)) is not None


def _is_changed(step: Written) -> bool:
    """Return whether *step* gives a value other bits: it stays the value of the same entry."""
    return step.value is not None and not step.op and _CHANGES.fullmatch(called(plain(step.value))) is not None


def _writes(view: View, name: str) -> list[Written]:
    nodes = view.graph.nodes if view.graph is not None else ()
    return [node.step for node in nodes if isinstance(node.step, Written) and text(node.step.target) == name]


def foreign_commits(view: View, protocol: Protocol, new: int) -> Iterator[tuple[Call, Call]]:
    """Yield the commits of *view* whose new value, argument *new*, has nothing of what a start returned, and the start.

    Only where *view* starts every transaction itself, and keeps what the start returns.
    """
    nodes = view.graph.nodes if view.graph is not None else ()
    starts = [
        node.step
        for node in nodes
        if isinstance(node.step, Evaluated) and protocol.takes.fullmatch(called(node.step.call))
    ]
    kept = {target.name for one in starts if (target := _target(one)) is not None}
    if not starts or not kept or any(one.dropped for one in starts):
        return
    writes = [node.step for node in nodes if isinstance(node.step, Written) and node.step.value is not None]
    derived = set(kept)
    size = 0
    while size != len(derived):
        size = len(derived)
        derived |= {root(step.target) for step in writes if names_in(step.value) & derived}
    for call in calls_in(view.definition.body):
        if protocol.gives.fullmatch(called(call)) and len(call.args) > new:
            names = names_in(call.args[new])
            if names and not names & (derived - {""}):
                yield call, starts[0].call


def exchanged_commits(view: View, protocol: Protocol, old: int, new: int) -> Iterator[tuple[Call, Call]]:
    """Yield the commits of *view* that get what a start returned as the new value and what was made of it as the old
    one, and the start.
    """
    nodes = view.graph.nodes if view.graph is not None else ()
    writes = [node.step for node in nodes if isinstance(node.step, Written)]
    for call in calls_in(view.definition.body):
        if not protocol.gives.fullmatch(called(call)) or len(call.args) <= max(old, new):
            continue
        given, made = plain(call.args[new]), plain(call.args[old])
        if not isinstance(given, Name) or not isinstance(made, Name) or given.name == made.name:
            continue
        own = [plain(step.value) for step in writes if step.value is not None and text(step.target) == given.name]
        starts = [one for one in own if isinstance(one, Call) and protocol.takes.fullmatch(called(one))]
        changed = any(
            isinstance(value := plain(step.value), Call)
            and _CHANGES.fullmatch(called(value))
            and given.name in names_in(value.args[0] if value.args else value)
            for step in writes
            if step.value is not None and text(step.target) == made.name
        )
        if changed and starts and len(starts) == len(own):
            yield call, starts[0]


def _target(step: Evaluated) -> Name | None:
    bare = None if step.result is None else plain(step.result)
    return bare if isinstance(bare, Name) else None
