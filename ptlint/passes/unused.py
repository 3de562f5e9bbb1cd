"""Results that nobody uses, of functions that do nothing but give one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ptlint.csrc.ast import Call
from ptlint.passes.flow import Evaluated
from ptlint.passes.functions import View
from ptlint.passes.wording import called


def unused_results(view: View, functions: re.Pattern[str]) -> Iterator[tuple[Call, str]]:
    """Yield the calls of *functions* in *view* whose result is dropped, and the name that is written there."""
    for node in view.graph.nodes if view.graph is not None else ():
        if isinstance(node.step, Evaluated) and node.step.dropped:
            call = node.step.call
            written = call.pos.macro or called(call)
            if functions.fullmatch(written):
                yield call, written
