"""Who calls a name: functions and macros of the headers, and functions of the files that are built."""

import re
from collections.abc import Iterator
from itertools import islice

from ptlint.calls.facts import Caller
from ptlint.calls.tablenames import raw_items
from ptlint.core.span import Span
from ptlint.csrc.directives import FileScan
from ptlint.csrc.instance import Instance
from ptlint.csrc.items import FileItems, ItemIndex, items_of
from ptlint.csrc.segments import words_of
from ptlint.csrc.universe import Universe

MAX_CALLERS = 200


def callers_of(universe: Universe, name: str) -> tuple[Caller, ...]:
    """Return who calls *name*, sorted by place; a file of C that is built counts with all its branches."""
    word = re.compile(rf"\b{re.escape(name)}\s*\(")
    found: dict[tuple[str, str], Caller] = {}
    for one in islice(_all(universe, name, word), MAX_CALLERS):
        found.setdefault((one.span.path, one.name), one)
    return tuple(sorted(found.values(), key=lambda one: (one.span, one.name)))


def _all(universe: Universe, name: str, word: re.Pattern[str]) -> Iterator[Caller]:
    for instance in universe.unit.instances:
        if name in words_of(instance.scan):
            yield from _in_header(instance, name, word)
    for path in universe.c_files():
        if name in universe.text_of(path):
            scan = universe.scan_of(path)
            if scan is not None:
                yield from _in_source(scan, name, word)


def _in_header(instance: Instance, name: str, word: re.Pattern[str]) -> Iterator[Caller]:
    text = instance.active_text()
    yield from _in_functions(instance.path, text, items_of(instance), name, word)
    reached = {start for start, _ in instance.blanks()}
    for one in instance.scan.directives:
        if one.kind == "define" and one.start in reached and word.search(one.text):
            macro = re.match(r"\s*(\w+)", one.text)
            if macro is not None and macro.group(1) != name:
                yield Caller(macro.group(1), Span(instance.path, one.line))


def _in_source(scan: FileScan, name: str, word: re.Pattern[str]) -> Iterator[Caller]:
    text, index = raw_items(scan)
    yield from _in_functions(scan.path, text, index, name, word)


def _in_functions(
    path: str, text: str, index: ItemIndex | FileItems, name: str, word: re.Pattern[str]
) -> Iterator[Caller]:
    for other, number, _ in index.functions:
        item = index.items[number]
        if other != name and (match := word.search(text, item.start, item.end)):
            yield Caller(other, Span(path, text.count("\n", 0, match.start()) + 1))
