"""What changed between two trees, by name: functions, macros, and anything else of file scope.

Text is compared without comments and white space, so that a reworded comment or moved code is no change.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.items import index_of_text

_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\(?:\n|.))*", re.MULTILINE)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)((?:[^\n\\]|\\(?:\n|.))*)", re.MULTILINE)
_NOISE = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|\s+|\\\n", re.DOTALL)
_SOURCES = (".c", ".h")


@dataclass(frozen=True, slots=True)
class Change:
    """A function, macro or other item that a patch adds or changes.

    ``kind`` is ``function``, ``macro`` or ``other``. ``span`` is the item in the new file, ``text`` its text; ``line``
    is the first line in it that differs (from 1).
    """

    kind: str
    name: str
    span: Span
    line: int
    text: str
    is_new: bool


def changes_between(before: SourceTree, after: SourceTree, paths: Iterable[str]) -> tuple[Change, ...]:
    """Return what differs in the C files among *paths*, in order of path and line. Removed items are not in it."""
    found: list[Change] = []
    for path in sorted(set(paths)):
        if not path.endswith(_SOURCES) or before.blob_id(path) == after.blob_id(path):
            continue
        new = after.read(path)
        if new is not None:
            old = before.read(path) or b""
            found.extend(_changes(path, old.decode("latin-1"), new.decode("latin-1")))
    return tuple(found)


def _changes(path: str, old: str, new: str) -> list[Change]:
    known: dict[tuple[str, str], list[str]] = {}
    for kind, name, _, text in _items(old):
        known.setdefault((kind, name), []).append(text)
    result = []
    for kind, name, line, text in _items(new):
        versions = known.get((kind, name), [])
        if any(_bare(text) == _bare(version) for version in versions):
            continue
        first = _first_difference(versions, text)
        span = Span(path, line, 1, line + text.count("\n"), 1)
        result.append(Change(kind, name, span, line + first, text, not versions))
    return result


def _items(text: str) -> list[tuple[str, str, int, str]]:
    """Return kind, name, line and text of every named item, macros included."""
    found = [
        ("macro", match.group(1), text.count("\n", 0, match.start()) + 1, match.group(0))
        for match in _DEFINE.finditer(text)
    ]
    plain = _DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
    index = index_of_text(plain)
    named: dict[int, tuple[str, str]] = {}
    for name, places in index.names.items():
        for what, number, _ in places:
            if what == "function":
                named[number] = ("function", name)
            elif number not in named:
                named[number] = ("other", name)
    for number, (kind, name) in named.items():
        item = index.items[number]
        found.append((kind, name, item.line, text[item.start : item.end]))
    return sorted(found, key=lambda one: one[2])


def _bare(text: str) -> str:
    return _NOISE.sub(" ", text).strip()


def _first_difference(versions: list[str], text: str) -> int:
    """Return the offset of the first line that the nearest old version has otherwise."""
    lines = text.splitlines()
    if not versions:
        return 0
    old = max(versions, key=lambda version: difflib.SequenceMatcher(None, version, text).quick_ratio()).splitlines()
    for tag, _, _, start, end in difflib.SequenceMatcher(None, old, lines).get_opcodes():
        if tag != "equal":
            return min(start, len(lines) - 1) if start < end or start < len(lines) else len(lines) - 1
    return 0
