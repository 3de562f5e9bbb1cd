"""The functions that the hunks of a patch, or another piece of C, show whole or in part, and what changed in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ptlint.core.patch import Hunk, Patch
from ptlint.core.span import Span
from ptlint.csrc.items import index_of_text
from ptlint.csrc.segments import without_literals
from ptlint.csrc.universe import SourceText
from ptlint.passes.changes import DEFINE, SOURCES, Change, Item, changed, without_directives

_HEAD = re.compile(r"^(?!else\b|do\b|\w+[ \t]*:)[A-Za-z_]", re.MULTILINE)
"""A line at which an item may begin: in the first column stand labels, too."""
_NAMED = re.compile(r"([A-Za-z_]\w*)\s*\(")


def changes_in_hunks(patch: Patch) -> tuple[Change, ...]:
    """Return the functions that *patch* adds or changes and that one of its hunks shows whole, by path and line."""
    found: list[Change] = []
    for file in sorted(patch.files, key=lambda one: one.path):
        if file.new_path is None or not file.new_path.endswith(SOURCES):
            continue
        old = [item for hunk in file.hunks for item in _whole_functions(hunk.preimage().decode("latin-1"), 1)]
        new = [
            item for hunk in file.hunks for item in _whole_functions(hunk.postimage().decode("latin-1"), hunk.new_start)
        ]
        found.extend(changed(file.new_path, old, new))
    return tuple(found)


def partial_functions(patch: Patch, known: Iterable[Span] = ()) -> tuple[tuple[str, Span], ...]:
    """Return name and first changed line of each function that *patch* changes and no hunk shows whole.

    The name is that of the nearest head above, in the hunk or on its ``@@`` line; empty when neither has one. What
    stands in one of the spans *known* of the new files is left out.
    """
    spans = tuple(known)
    found: dict[tuple[str, str], Span] = {}
    for file in patch.files:
        if file.new_path is None or not file.new_path.endswith(SOURCES):
            continue
        for hunk in file.hunks:
            for name, line in _partial(hunk):
                if any(one.path == file.new_path and one.line <= line <= one.end_line for one in spans):
                    continue
                found.setdefault((file.new_path, name), Span(file.new_path, line))
    return tuple((name, span) for (_, name), span in found.items())


def _partial(hunk: Hunk) -> Iterator[tuple[str, int]]:
    whole = _whole_functions(hunk.postimage().decode("latin-1"), hunk.new_start)
    shown = {number for _, _, line, text, _ in whole for number in range(line, line + text.count("\n") + 1)}
    heads = _NAMED.findall(hunk.section.decode("latin-1"))
    name, number, in_head = heads[-1] if heads else "", hunk.new_start, False
    for one in hunk.lines:
        text = one.text.decode("latin-1")
        if _HEAD.match(text) and (heads := _NAMED.findall(text)):
            name, in_head = heads[-1], True
        is_code = text[:1] in ("\t", " ") and not text.lstrip().startswith(("*", "/*", "//"))
        if one.kind != " " and is_code and not in_head and number not in shown:
            yield name, number
        in_head = in_head and not text.rstrip().endswith((";", "{"))
        number += one.kind != "-"


def names_in(hunk: Hunk) -> frozenset[str]:
    """Return the functions and macros that *hunk* may change: the one that it begins in, and those that begin in it."""
    heads = [hunk.section.decode("latin-1")]
    lines = [one.text.decode("latin-1") for one in hunk.lines]
    heads += [line for line in lines if _HEAD.match(line)]
    found = {names[-1] for head in heads if (names := _NAMED.findall(head))}
    return frozenset(found | {match.group(1) for match in map(DEFINE.match, lines) if match})


def functions_before(patch: Patch) -> dict[str, SourceText]:
    """Return the functions that the hunks of *patch* show whole as they were before it, by name."""
    found: dict[str, SourceText] = {}
    for file in patch.files:
        if file.old_path is not None and file.old_path.endswith(SOURCES):
            for hunk in file.hunks:
                for _, name, line, text, _ in _whole_functions(hunk.preimage().decode("latin-1"), hunk.old_start):
                    found.setdefault(name, SourceText(file.new_path or file.old_path, line, text))
    return found


def changes_in_text(path: str, text: str, line: int = 1) -> tuple[Change, ...]:
    """Return the whole functions of a piece of C that begins at *line* of *path*, all of them as new."""
    return tuple(changed(path, [], _whole_functions(text, line)))


def whole_function(name: str, source: SourceText) -> SourceText | None:
    """Return function *name* where *source* shows it whole, None when it does not."""
    found = (one for one in _whole_functions(source.text, source.line) if one[1] == name)
    return next((SourceText(source.path, line, text) for _, _, line, text, _ in found), None)


def change_of_function(name: str, before: SourceText, after: SourceText) -> Change | None:
    """Return how function *name* changed between two texts; None when nothing that counts did."""
    old, new = (_whole_functions(one.text, one.line) for one in (before, after))
    return next((one for one in changed(after.path, old, new) if one.name == name), None)


@lru_cache(maxsize=256)
def _whole_functions(text: str, line: int) -> tuple[Item, ...]:
    """Return the functions that stand whole in a piece of a file that begins at *line*: heads in the first column."""
    plain = without_directives(text)
    found: list[Item] = []
    end = counted = read = 0
    for match in _HEAD.finditer(plain):
        if match.start() < end:
            continue
        piece = _first_piece(plain, match.start())
        read += len(piece)
        if read > MOST_READ + 8 * len(text):
            break  # heads without an end: the rest is told as not whole
        index = index_of_text(piece)
        if not index.items or index.items[0].kind != "function":
            continue
        item = index.items[0]
        name = next((name for what, name, _ in index.declared_by(0) if what == "function"), "")
        if name:
            start = match.start() + item.start
            line += text.count("\n", counted, start)
            end, counted = match.start() + item.end, start
            found.append(("function", name, line, text[start:end], ()))
    return tuple(found)


MOST_ENDS = 12
"""Closing braces in the first column that one function may have, of which only the last ends it."""


MOST_READ = 1 << 22
"""Characters of a text, besides eight times its own, that are read to find where functions end."""


def _first_piece(text: str, start: int) -> str:
    """Return the text from *start* to the end of the declaration there, or to the closing brace, in the first column,
    that ends the first item.
    """
    semicolon = text.find(";", start)
    if semicolon >= 0 and text.find("{", start, semicolon) < 0:
        code = without_literals(text[start : semicolon + 1])
        if code.endswith(";") and code.count("(") == code.count(")"):
            return text[start : semicolon + 1]
    end = start
    piece = ""
    for _ in range(MOST_ENDS):
        end = text.find("\n}", end + 1)
        piece = text[start : end + 2] if end >= 0 else text[start:]
        if end < 0 or piece.count("{") <= piece.count("}"):
            break
    return piece
