"""Which helpers a universe has, by name, and what running them used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ptlint.csrc.items import items_of
from ptlint.sim.program import Program

_WORD = re.compile(r"[A-Za-z_]\w*")


def names_with(program: Program, part: str) -> Iterator[str]:
    """Yield the functions with *part* in their names that the headers of the universe define or declare, sorted."""
    found = {name for name in program.universe.overrides if part in name}
    for instance in program.universe.unit.instances:
        if part not in instance.scan.text:
            continue
        for name, places in items_of(instance).names.items():
            if part in name and any(place[0] in ("function", "ordinary") for place in places):
                found.add(name)
    yield from sorted(found)


def named_in(program: Program, texts: Iterable[str]) -> frozenset[str]:
    """Return the macros that C *texts* expand at the end of the unit, those inside other macros included."""
    open_, seen = [name for text in texts for name in _WORD.findall(text)], set[str]()
    while open_:
        name = open_.pop()
        macro = None if name in seen else program.universe.macro(name)
        if macro is not None:
            seen.add(name)
            open_.extend(token.text for token in macro.body if token.kind == "id")
    return frozenset(seen)


def used_by(program: Program, executed: Iterable[str]) -> frozenset[str]:
    """Return the names of functions that ran (given as ``path:name``) and of every macro that their text expands."""
    used: set[str] = set()
    for entry in executed:
        path, _, name = entry.rpartition(":")
        used.add(name)
        definition = program.definition(name, path)
        if definition is not None:
            used |= definition.macros
    return frozenset(used)
