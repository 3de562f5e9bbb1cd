"""Results that nobody uses, of functions that do nothing but give one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.csrc.ast import BuiltinType, Call
from ptlint.passes.functions import View
from ptlint.passes.graph import Evaluated
from ptlint.passes.wording import called

_ASSIGNS = re.compile(r"(?:[-+*/%&|^]|<<|>>)?=|\+\+|--")


def unused_results(view: View, functions: re.Pattern[str]) -> Iterator[tuple[Call, str]]:
    """Yield the calls of *functions* in *view* whose result is dropped, and the name that is written there."""
    for node in view.graph.nodes if view.graph is not None else ():
        if isinstance(node.step, Evaluated) and node.step.dropped:
            call = node.step.call
            written = call.pos.macro or called(call)
            if functions.fullmatch(written) and not _has_effect(view, written):
                yield call, written


def _has_effect(view: View, name: str) -> bool:
    """Return whether *name* is a macro that assigns, or a function that returns nothing: then it is none of those."""
    universe = view.universe
    macro = universe.macro(name)
    if macro is not None:
        return any(_ASSIGNS.fullmatch(token.text) for token in macro.body)
    function = universe.function(name)
    return function is not None and function.type.ret == BuiltinType("void")
