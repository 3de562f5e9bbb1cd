"""The generic body that an architecture's definition switches off: text that no compiler of that architecture reads."""

from collections.abc import Iterator

from ptlint.calls.definition import locate
from ptlint.calls.guards import Guard, enclosing
from ptlint.calls.hooks import GENERIC
from ptlint.calls.tablenames import raw_items
from ptlint.csrc.directives import FileScan
from ptlint.csrc.segments import words_of
from ptlint.csrc.universe import SourceText, Universe


def generic_body(universe: Universe, name: str) -> SourceText | None:
    """Return the function that generic code would give *name* without the architecture's own.

    None where the architecture gives none, or generic code has no body for it. Of several the one whose other
    conditions the configuration does not contradict comes first.
    """
    given = universe.overrides.get(name)
    if given is not None and given.path.startswith("arch/"):
        site = universe.site_of(name)
        if site is not None and not site.instance.path.startswith("arch/"):
            return next(iter(_bodies(site.instance.scan, name)), None)
    found = generic_texts(universe, name)
    definition = locate(universe, name) if found else None
    if definition is None or definition.kind != "arch":
        return None
    return min(found, key=lambda one: _contradicted(universe, one))


def generic_texts(universe: Universe, name: str) -> list[SourceText]:
    """Return the functions that generic code has for *name* in any branch, in force or not."""
    return [one for scan in _scans(universe, name) for one in _bodies(scan, name)]


def _scans(universe: Universe, name: str) -> Iterator[FileScan]:
    for scan in universe.headers.files():
        if scan.path.startswith(GENERIC) and name in words_of(scan):
            yield scan
    for path in universe.defining_files(name):
        held = universe.scan_of(path) if path.startswith(GENERIC) else None
        if held is not None:
            yield held


def _bodies(scan: FileScan, name: str) -> Iterator[SourceText]:
    _, index = raw_items(scan)
    for what, number, _ in index.names.get(name, ()):
        if what == "function":
            item = index.items[number]
            yield SourceText(scan.path, item.line, scan.text[item.start : item.end])


def _contradicted(universe: Universe, body: SourceText) -> int:
    """Return how many conditions on the configuration around *body* do not hold."""
    scan = universe.scan_of(body.path)
    guards = enclosing(scan, body.line) if scan is not None else ()
    return sum(_is_contradicted(universe, guard) for guard in guards)


def _is_contradicted(universe: Universe, guard: Guard) -> bool:
    wanted, unwanted = guard.wants_config, [word for word in guard.wants_undefined if word.startswith("CONFIG_")]
    return bool(wanted and universe.macro(wanted) is None) or any(universe.macro(word) is not None for word in unwanted)
