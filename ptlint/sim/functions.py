"""The functions of ``.c`` files: which files hold something of interest, and what they define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction
from ptlint.csrc.items import items_of
from ptlint.csrc.universe import SourceText
from ptlint.sim.errors import CannotExecute
from ptlint.sim.program import Program

CALLERS = 3
"""Levels of callers in the same file that run for a function of interest."""


def files_of_interest(program: Program) -> set[str]:
    """Return the ``.c`` files outside ``arch`` that define something of interest: below it are the helpers."""
    return {path for path in all_files_of_interest(program) if not path.startswith("arch/")}


def all_files_of_interest(program: Program) -> set[str]:
    """Return the ``.c`` files that define something of interest."""
    universe = program.universe
    found = set()
    for name in program.interest or ():
        if name in universe.overrides:
            found.add(universe.overrides[name].path)
        elif not program.places and not universe.headers.sites(name, "function"):
            found.add(universe.source_of(name) or "")
    found |= program.places
    return {path for path in found if path.endswith(".c")}


def functions_of(program: Program, path: str) -> Mapping[str, str]:
    """Return the functions that a file defines: name -> body as text."""
    known: dict[str, dict[str, str]] = program.kept.setdefault("bodies", {})
    if path not in known:
        known[path] = _bodies(program, path)
    return known[path]


def _bodies(program: Program, path: str) -> dict[str, str]:
    found = {name: text[text.find("{") :] for name, text in written_in(program, path)}
    for name, source in overrides_of(program, path).items():
        found[name] = source.looked_at[source.looked_at.find("{") :]
    return found


def written_in(program: Program, path: str) -> Iterator[tuple[str, str]]:
    """Yield name and text of the functions that a file itself defines under its configuration."""
    for instance in program.universe.in_file(path).unit.instances:
        if instance.path == path:
            text, index = instance.active_text(), items_of(instance)
            for name, places in index.names.items():
                for what, number, _ in places:
                    if what == "function":
                        yield name, text[index.items[number].start : index.items[number].end]


def overrides_of(program: Program, path: str) -> Mapping[str, SourceText]:
    """Return what stands in for functions of a file, by name."""
    by_path: dict[str, dict[str, SourceText]] | None = program.kept.get("overrides")
    if by_path is None:
        by_path = program.kept["overrides"] = {}
        for name, source in program.universe.overrides.items():
            by_path.setdefault(source.path, {})[name] = source
    return by_path.get(path, {})


def function_of(program: Program, path: str, name: str) -> tuple[ast.FunctionDef, CFunction] | None:
    """Return a function that *path* itself defines, and its type; None when it cannot be read."""
    definition = program.definition(name, path)
    if definition is None or definition.pos.path != path:
        return None
    try:
        resolved = program.resolve(definition.type)
    except CannotExecute:
        return None
    assert isinstance(resolved, CFunction)
    return definition, resolved
