"""Batches that are looked for from one entry, with the value of another as the first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Call, Expr, Name, Param, PointerType, Pos, TypedefName, Unary
from ptlint.passes.functions import View
from ptlint.passes.origins import writes
from ptlint.passes.wording import called, calls_in, plain, text

_FORMS = re.compile(r"\w*pte_batch\w*")
_READS = re.compile(r"(?:__)?ptep_get(?:_lockless)?")


@dataclass(frozen=True, slots=True)
class OtherFirst:
    """``helper`` looks for a batch from ``entry`` on, and what it gets as the first value was read from ``read``."""

    pos: Pos
    helper: str
    entry: str
    value: str
    read: str
    made: Pos


def other_first(view: View) -> Iterator[OtherFirst]:
    """Yield the calls of *view* that look for a batch whose first value is another entry's, wherever it was read."""
    for call in calls_in(view.definition.body):
        helper = view.lookup(called(call)) if _FORMS.fullmatch(called(call)) else None
        if helper is None or len(helper.params) != len(call.args):
            continue
        pointers = [arg for param, arg in zip(helper.params, call.args, strict=True) if _is_entry(param, pointer=True)]
        values = [arg for param, arg in zip(helper.params, call.args, strict=True) if _is_entry(param, pointer=False)]
        values += pointers[1:2]
        if pointers and len(values) == 1:
            yield from _compared(view, call, pointers[0], values[0])


def _is_entry(param: Param, *, pointer: bool) -> bool:
    inner = param.type.to if isinstance(param.type, PointerType) else param.type
    return isinstance(inner, TypedefName) and inner.name == "pte_t" and isinstance(param.type, PointerType) == pointer


def _compared(view: View, call: Call, entry: Expr, value: Expr) -> Iterator[OtherFirst]:
    bare = plain(value)
    bare = plain(bare.operand) if isinstance(bare, Unary) and bare.op == "&" else bare
    if not isinstance(bare, Name) or bare.name in view.param_names:
        return
    steps = writes(view, bare.name)
    reads = [plain(step.value) for step in steps if step.value is not None and not step.op]
    places = [one.args[0] for one in reads if isinstance(one, Call) and _READS.fullmatch(called(one)) and one.args]
    if len(places) != len(steps) or not places or text(plain(entry)) in {text(plain(one)) for one in places}:
        return
    if not _is_named(view, entry, [text(one) for one in places]):
        yield OtherFirst(call.pos, called(call), text(entry), bare.name, text(places[0]), steps[0].pos)


def _is_named(view: View, entry: Expr, places: list[str]) -> bool:
    """Return whether *entry* is a variable that was given one of *places*: another name of the same entry."""
    bare = plain(entry)
    if not isinstance(bare, Name) or bare.name in view.param_names:
        return False
    return any(step.value is not None and text(plain(step.value)) in places for step in writes(view, bare.name))
