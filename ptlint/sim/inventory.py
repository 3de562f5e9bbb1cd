"""Which helpers a universe has, by name, and what running them used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ptlint.csrc import ast
from ptlint.csrc.nodes import nodes
from ptlint.csrc.outermost import outer_words_with
from ptlint.sim.program import Program

_WORD = re.compile(r"[A-Za-z_]\w*")


def names_with(program: Program, part: str, fits: Callable[[str], object] = bool) -> Iterator[str]:
    """Yield the functions with *part* in their names that the headers of the universe define or declare, sorted.

    Only those that *fits* is true for: it is asked before anything is looked up.
    """
    headers = program.universe.headers
    found = {name for name in program.universe.overrides if part in name and fits(name)}
    headers.files()  # makes their words known
    for name in outer_words_with(part):
        if name not in found and fits(name) and headers.written(name, "function", "ordinary"):
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


def _enums_in(program: Program, definition: ast.FunctionDef) -> frozenset[str]:
    """Return tag and constants of the enums that a function takes a constant of."""
    known: dict[tuple[str, str], frozenset[str]] = program.kept.setdefault("enums", {})
    key = (definition.pos.path, definition.name)
    if key not in known:
        found: set[str] = set()
        for name in _free_names(definition):
            type = program.universe.headers.enum_of(name)
            if type is not None:
                found |= {one.name for one in type.members or ()} | ({type.tag} if type.tag else set())
        known[key] = frozenset(found)
    return known[key]


def used_names(definition: ast.FunctionDef) -> frozenset[str]:
    """Return the names in the body of a function that it does not declare: what it calls, and what else it needs."""
    called = {
        node.function.name
        for node in nodes(definition.body)
        if isinstance(node, ast.Call) and isinstance(node.function, ast.Name)
    }
    return _free_names(definition) | called


_FREE: dict[int, tuple[ast.FunctionDef, frozenset[str]]] = {}  # by identity, which the value keeps from being reused
MAX_FREE = 20_000


def _free_names(definition: ast.FunctionDef) -> frozenset[str]:
    """Return the names in the body of a function that it neither declares nor calls."""
    held = _FREE.get(id(definition))
    if held is None:
        used: set[str] = set()
        own = {param.name for param in definition.type.params}
        for node in nodes(definition.body):
            match node:
                case ast.Name(name=name):
                    used.add(name)
                case ast.Declaration(declarators=declarators):
                    own.update(one.name for one in declarators)
                case ast.Call(function=ast.Name(name=name)):
                    own.add(name)
        if len(_FREE) >= MAX_FREE:
            _FREE.clear()
        held = _FREE[id(definition)] = definition, frozenset(used - own)
    return held[1]


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
