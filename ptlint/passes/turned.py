"""Questions about a change, asked with what an entry was and what it becomes in the wrong order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.csrc.ast import Call, Expr, Name
from ptlint.passes.functions import View
from ptlint.passes.origins import MAX_DEPTH, writes
from ptlint.passes.wording import called, calls_in, names_in, plain

_ASKS = re.compile(r"pte_needs_flush|huge_pmd_needs_flush|pte_flags_need_flush")


def turned(view: View) -> Iterator[Call]:
    """Yield the calls of *view* that ask whether a change needs a flush, and get the new value as the old one.

    The new value is the one that is made from the other, whatever they are called.
    """
    if not any(map(_ASKS.fullmatch, view.callees)):
        return
    for call in calls_in(view.definition.body):
        if _ASKS.fullmatch(called(call)) and len(call.args) > 1:
            old, new = (plain(arg) for arg in call.args[:2])
            if _is_made_of(view, old, new) and not _is_made_of(view, new, old):
                yield call


def _is_made_of(view: View, value: Expr, source: Expr) -> bool:
    """Return whether variable *value* gets what is made from variable *source*."""
    if not isinstance(value, Name) or not isinstance(source, Name) or value.name == source.name:
        return False
    pending, seen = [value.name], {value.name}
    while pending and len(seen) <= MAX_DEPTH:
        for step in writes(view, pending.pop()):
            names = names_in(step.value) if step.value is not None else frozenset()
            if source.name in names:
                return True
            fresh = names - seen
            pending += sorted(fresh)
            seen |= fresh
    return False
