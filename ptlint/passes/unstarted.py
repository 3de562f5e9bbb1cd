"""Second calls of a protocol without the first: where the value that the second one gives back came from."""

from __future__ import annotations

import re

from ptlint.csrc.ast import Call, Expr, Name, Pos, Unary
from ptlint.passes.flow import Written
from ptlint.passes.functions import View
from ptlint.passes.pairing import MAX_DEPTH, Protocol
from ptlint.passes.wording import called, calls_in, plain, text

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
    writes = _writes(view, bare.name)
    if any(step.value is None or step.op or not _is_read(plain(step.value), reads) for step in writes):
        return None
    if writes:
        return tuple((view.name, step.pos) for step in writes)
    if bare.name not in view.param_names:
        return None
    return _from_callers(view, view.param_names.index(bare.name), protocol, reads, depth)


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


def _writes(view: View, name: str) -> list[Written]:
    nodes = view.graph.nodes if view.graph is not None else ()
    return [node.step for node in nodes if isinstance(node.step, Written) and text(node.step.target) == name]
