"""Which helpers a universe has, by name, and what running them used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from ptlint.csrc import ast
from ptlint.csrc.items import items_of
from ptlint.sim.program import Program
from ptlint.sim.scope import nodes

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


_ENUMS: WeakKeyDictionary[Program, dict[tuple[str, str], frozenset[str]]] = WeakKeyDictionary()


def _enums_in(program: Program, definition: ast.FunctionDef) -> frozenset[str]:
    """Return tag and constants of the enums that a function takes a constant of."""
    known = _ENUMS.setdefault(program, {})
    key = (definition.pos.path, definition.name)
    if key not in known:
        found: set[str] = set()
        for name in {node.name for node in nodes(definition.body) if isinstance(node, ast.Name)}:
            type = program.universe.headers.enum_of(name)
            if type is not None:
                found |= {one.name for one in type.members or ()} | ({type.tag} if type.tag else set())
        known[key] = frozenset(found)
    return known[key]


def used_by(program: Program, executed: Iterable[str]) -> frozenset[str]:
    """Return the names of functions that ran (given as ``path:name``), of every macro that their text expands, and of
    the enums whose constants stand in it, with all that they declare.
    """
    used: set[str] = set()
    for entry in executed:
        path, _, name = entry.rpartition(":")
        used.add(name)
        definition = program.definition(name, path)
        if definition is not None:
            used |= definition.macros | _enums_in(program, definition)
    return frozenset(used)
