"""What is called while something is held: the calls inside lazy MMU mode, in a function and in those that call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.ast import Pos
from ptlint.passes.facts import Facts
from ptlint.passes.functions import View, functions_around
from ptlint.passes.graph import Edge, Evaluated, Step
from ptlint.passes.paths import explore
from ptlint.passes.wording import called

MAX_LOOKED_AT = 40


@dataclass
class _Inside:
    enters: re.Pattern[str]
    leaves: re.Pattern[str]
    calls: dict[str, Pos] = field(default_factory=dict)

    def start(self) -> bool:
        return False

    def step(self, state: bool, number: int, step: Step, facts: Facts) -> bool | None:
        if not isinstance(step, Evaluated):
            return state
        name = called(step.call)
        if self.enters.fullmatch(name):
            return True
        if self.leaves.fullmatch(name):
            return False
        if state and name:
            self.calls.setdefault(name, step.call.pos)
        return state

    def edge(self, state: bool, edge: Edge, facts: Facts) -> bool | None:
        return state


def called_inside(view: View, enters: re.Pattern[str], leaves: re.Pattern[str]) -> dict[str, Pos]:
    """Return what *view* calls between a call of *enters* and one of *leaves*, with the place of one call each."""
    if view.graph is None or not any(enters.fullmatch(name) for name in view.callees):
        return {}
    walk = _Inside(enters, leaves)
    explore(view.graph, walk)
    return walk.calls


def users_inside(
    view: View, enters: re.Pattern[str], leaves: re.Pattern[str], words: re.Pattern[str]
) -> Iterator[tuple[View, Pos]]:
    """Yield functions that call *view* between *enters* and *leaves*, with the place of the call.

    Macros that call it count as it. *words* finds the text of *enters* in a file.
    """
    names = {view.name, *macros_calling(view)}
    word = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})\s*\(")
    looked_at = 0
    for caller in view.book.replaced_with(sorted(names), word):
        inside = called_inside(caller, enters, leaves)
        yield from ((caller, inside[one]) for one in sorted(names & inside.keys()))
    for path in view.universe.c_files():
        text = view.universe.text_of(path)
        if not words.search(text) or not word.search(text):
            continue
        for name in functions_around(text, words):
            looked_at += 1
            found = view.book.view(path, name)
            if found is not None:
                inside = called_inside(found, enters, leaves)
                yield from ((found, inside[one]) for one in sorted(names & inside.keys()))
            if looked_at >= MAX_LOOKED_AT:
                return


def macros_calling(view: View) -> tuple[str, ...]:
    """Return the function-like macros of the headers whose text calls *view*."""
    universe = view.universe
    found = []
    for name in universe.unit.table:
        if name in view.book.kept(universe):
            macro = universe.macro(name)
            if macro is not None and any(token.text == view.name for token in macro.body):
                found.append(name)
    return tuple(found)
