"""What a call through an operations table may run: initialisers and assignments of one of its fields.

``pv_ops.mmu.set_pte`` is filled by the initialiser of ``pv_ops`` and, under Xen, by copying a structure whose
initialiser names other functions. Both spell the field as ``.set_pte = NAME`` or ``….set_pte = NAME``; the text of the
files that are built is searched for that, and the place is kept when it is active there.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ptlint.core.span import Span
from ptlint.csrc.universe import Universe

_WORD = r"[A-Za-z_]\w*"
_VALUE = r"\s*([^,;{}]+)"


def _writing(field: str) -> str:
    """Return the pattern of what comes before the value that is written to a field whose name is like *field*."""
    return rf"(?:\.|->)\s*({field})\s*=(?!=)"


_NAME = re.compile(_WORD)
_ASSIGNED = re.compile(_writing(_WORD))
_FILLED = re.compile(_writing(_WORD) + _VALUE)


@dataclass(frozen=True, slots=True)
class OpsTarget:
    """A function that a table's field may hold. ``how`` is ``initialiser`` or ``assignment``; ``span`` is that line."""

    function: str
    how: str
    span: Span


def ops_targets(universe: Universe, path: str) -> tuple[OpsTarget, ...]:
    """Return what field *path* (``"pv_ops.mmu.set_pte"``) may hold, sorted by place.

    A value that is a macro around a function (``PV_CALLEE_SAVE(f)``) stands for the function. Made once per universe.
    """
    known: dict[str, tuple[OpsTarget, ...]] = universe.kept.setdefault("ops targets", {})
    if path not in known:
        known[path] = _ops_targets(universe, path)
    return known[path]


@lru_cache(maxsize=4096)
def _assigned_in(text: str) -> frozenset[str]:
    """Return the names of the fields that something in *text* is assigned to."""
    return frozenset(_ASSIGNED.findall(text))


def _assigning(universe: Universe, table: str) -> Mapping[str, list[str]]:
    """Return, by the name of a field, the files that assign to such a field and name *table*."""
    known: dict[str, Mapping[str, list[str]]] = universe.kept.setdefault("assigned fields", {})
    if table not in known:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for source in universe.c_files():
            text = universe.text_of(source)
            for field in _assigned_in(text) if table in text else ():
                found[field].append(source)
        known[table] = found
    return known[table]


_OWNER_SIGNS = re.compile(r"[\w.\]>-]")


def _ops_targets(universe: Universe, path: str) -> tuple[OpsTarget, ...]:
    field = path.rsplit(".", 1)[-1].rsplit(">", 1)[-1]
    table = path.split(".", 1)[0].split("-", 1)[0]
    pattern = re.compile(_writing(re.escape(field)) + _VALUE)
    found: set[OpsTarget] = set()
    for source in _assigning(universe, table).get(field, ()):
        for instance in universe.in_file(source).unit.by_path.get(source, ()):
            active = instance.active_text()
            for match in pattern.finditer(active):
                function = _function_in(universe, source, match.group(2))
                if function:
                    owner = _OWNER_SIGNS.match(active, match.start() - 1) if match.start() else None
                    line = active.count("\n", 0, match.start(2)) + 1
                    found.add(OpsTarget(function, "assignment" if owner else "initialiser", Span(source, line)))
    return tuple(sorted(found, key=lambda one: (one.span, one.function)))


def ops_fields(universe: Universe, table: str) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Return what the fields of *table* may hold by the looks of the text, active or not: field -> (path, name).

    The name is the last word of what is written to the field. Made once per universe and table.
    """
    tables: dict[str, Mapping[str, tuple[tuple[str, str], ...]]] = universe.kept.setdefault("ops fields", {})
    if table not in tables:
        found: dict[str, set[tuple[str, str]]] = {}
        for path in universe.c_files():
            text = universe.text_of(path)
            for match in _FILLED.finditer(text) if table in text else ():
                names = _NAME.findall(match.group(2))
                if names:
                    found.setdefault(match.group(1), set()).add((path, names[-1]))
        tables[table] = {name: tuple(sorted(held)) for name, held in found.items()}
    return tables[table]


def _function_in(universe: Universe, source: str, value: str) -> str:
    """Return the function that initialiser *value* names: the innermost name that is one, ``""`` for none."""
    view = universe.in_file(source)
    names: list[str] = _NAME.findall(value)
    for name in reversed(names):
        name = universe.resolve_alias(name)
        if view.sites(name, "function") or universe.headers.sites(name, "function", "ordinary"):
            return name
    return ""
