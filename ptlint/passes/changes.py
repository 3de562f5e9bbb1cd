"""What changed between two trees, by name: functions, macros, and anything else of file scope.

Text is compared without comments and white space, so that a reworded comment or moved code is no change. What a patch
removes, or puts under another ``#if``, is a change too: another definition may be the effective one afterwards.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.directives import MAX_FILE_BYTES, refusal
from ptlint.csrc.items import index_of_text
from ptlint.csrc.segments import without_literals

_DIRECTIVE = re.compile(r"^[ \t]*#[^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*", re.MULTILINE)
DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+([A-Za-z_]\w*)([^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*)", re.MULTILINE)
_CONDITION = re.compile(
    r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b([^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*)", re.MULTILINE
)
_HEADER_GUARD = re.compile(r"[ \t]*#[ \t]*ifndef[ \t]+(\w+)\s*\n\s*#[ \t]*define[ \t]+\1[ \t]*$", re.MULTILINE)
_NOISE = re.compile(r"(?:/\*.*?(?:\*/|\Z)|//[^\n]*|\s+|\\\n)+", re.DOTALL)
SOURCES = (".c", ".h")


@dataclass(frozen=True, slots=True)
class Change:
    """A function, macro or other item that a patch adds, changes or takes away.

    ``kind`` is ``function``, ``macro`` or ``other``; ``guard`` for one that only stands under other conditions than
    before, ``removed`` for one that is gone. ``span`` is the item in the new file, or the place where a removed one
    stood; ``text`` is its text there. ``line`` is the first line in it that differs (from 1).
    """

    kind: str
    name: str
    span: Span
    line: int
    text: str
    is_new: bool


def is_unfinished(change: Change) -> bool:
    """Return whether a bracket that an item opens is closed nowhere, so that it takes in the rest of the file."""
    code = without_literals(change.text)
    return code.count("(") > code.count(")") or code.count("{") > code.count("}")


def changes_between(before: SourceTree, after: SourceTree, paths: Iterable[str]) -> tuple[Change, ...]:
    """Return what differs in the C files among *paths*, in order of path and line."""
    found: list[Change] = []
    for path in sorted(set(paths)):
        if not path.endswith(SOURCES) or before.blob_id(path) == after.blob_id(path):
            continue
        texts = [(tree.read(path) or b"").decode("latin-1") for tree in (before, after)]
        shift = 0
        if any(map(refusal, texts)):
            texts, shift = _differing(*texts)
        old, new = map(_items, texts)
        changes = sorted([*changed(path, old, new), *_removed(path, old, new)], key=lambda one: one.span.line)
        found.extend(_moved(one, shift) for one in changes)
    return tuple(found)


def _differing(old: str, new: str) -> tuple[list[str], int]:
    """Return what differs between two texts that are too long to be read, whole functions as far as that can be seen,
    and the lines above it. As many functions as are looked at of a patch fit into what is returned.
    """
    start = old.rfind("\n}\n", 0, _same(old, new)) + 3
    start = start if start > 2 else 0
    same = _same(old[start:][::-1], new[start:][::-1])
    ends = [text.find("\n}\n", len(text) - same) for text in (old, new)]
    pieces = [text[start : end + 3 if end >= 0 else len(text)] for text, end in zip((old, new), ends, strict=True)]
    return [piece[:MAX_FILE_BYTES] for piece in pieces], old.count("\n", 0, start)


def _same(one: str, other: str) -> int:
    """Return with how many characters both begin."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _moved(change: Change, lines: int) -> Change:
    if not lines:
        return change
    span = replace(change.span, line=change.span.line + lines, end_line=change.span.end_line + lines)
    return replace(change, span=span, line=change.line + lines)


def functions_in(path: str, text: str) -> tuple[Change, ...]:
    """Return the functions of a whole file, all of them as new: each once, where it stands first."""
    found: dict[str, Change] = {}
    for kind, name, line, body, _ in _items(text):
        if kind == "function":
            span = Span(path, line, 1, line + body.count("\n"), 1)
            found.setdefault(name, Change(kind, name, span, line, body, True))
    return tuple(found.values())


def names_defined(tree: SourceTree, path: str) -> frozenset[str]:
    """Return the names of everything that *path* defines: functions, macros and other items; none of a file that is
    too large to be read.
    """
    text = (tree.read(path) or b"").decode("latin-1")
    return frozenset() if refusal(text) else frozenset(name for _, name, *_ in _items(text))


Conditions = tuple[str, ...]
Item = tuple[str, str, int, str, Conditions]
"""Kind, name, line, text, and the conditions that it stands under, the outermost first."""


def changed(path: str, old: Sequence[Item], new: Sequence[Item]) -> list[Change]:
    """Return the items of *new*, in *path*, that *old* has not, has otherwise, or has under other conditions."""
    known: dict[tuple[str, str], dict[str, set[Conditions]]] = {}
    texts: dict[tuple[str, str], list[str]] = {}
    as_it_was = {(kind, name, text, conditions) for kind, name, _, text, conditions in old}
    new = [one for one in new if (one[0], one[1], one[3], one[4]) not in as_it_was]  # most need no closer look
    asked = {one[:2] for one in new}
    for kind, name, _, text, conditions in old:
        if (kind, name) not in asked:
            continue
        known.setdefault((kind, name), {}).setdefault(bare(text), set()).add(conditions)
        texts.setdefault((kind, name), []).append(text)
    result = []
    for kind, name, line, text, conditions in new:
        versions = texts.get((kind, name), [])
        same = known[kind, name].get(bare(text), ()) if versions else ()
        if conditions in same:
            continue
        first = 0 if same else _first_difference(versions[:MOST_COMPARED], text)
        span = Span(path, line, 1, line + text.count("\n"), 1)
        result.append(Change("guard" if same else kind, name, span, line + first, text, not versions))
    return result


MOST_COMPARED = 64
"""Items of one name in a file that are compared with a changed one, line by line, to say where it differs."""


def _removed(path: str, old: Sequence[Item], new: Sequence[Item]) -> list[Change]:
    """Return the items of *old* that *new* has none of, each behind what stood before it and still stands."""
    ends: dict[tuple[str, str], list[int]] = {}
    for kind, name, line, text, _ in new:
        ends.setdefault((kind, name), []).append(line + text.count("\n") + 1)
    left = Counter((kind, name) for kind, name, *_ in old)
    result = []
    place = 1
    for kind, name, *_ in old:
        here = ends.get((kind, name), [])
        if len(here) >= left[kind, name]:  # of fewer than there were, nobody knows which still stand
            place = here[-left[kind, name]]
        left[kind, name] -= 1
        if not here:
            result.append(Change("removed", name, Span(path, place), place, "", False))
    return result


def parameters_in(text: str, name: str) -> frozenset[tuple[str, ...]]:
    """Return the types of the parameters, as written, of each function *name* that *text* defines."""
    found = set()
    for kind, own, _, item, _ in _items(text):
        head = re.search(rf"\b{re.escape(own)}\s*\(([^{{;]*)\)", item) if (kind, own) == ("function", name) else None
        if head is not None:
            found.add(tuple(re.sub(r"\s+|\b\w+\s*$", "", bare(one)) for one in head.group(1).split(",")))
    return frozenset(found)


def without_directives(text: str) -> str:
    """Return the text without directives, and with the first branch alone where each opens, or closes, a block.

    Else a function whose ``if (…) {`` is written once in each branch would not end.
    """
    bared = _DIRECTIVE.sub(lambda m: _blank(m.group(0)), text)
    open_: list[list[int]] = []
    for match in _CONDITION.finditer(text):
        word = match.group(1)
        if word.startswith("if"):
            open_.append([match.end()])
        elif open_:
            open_[-1].extend((match.start(), match.end()))
            if word == "endif":
                bared = _one_branch(bared, open_.pop()[:-1])
    return bared


def _one_branch(text: str, ends: Sequence[int]) -> str:
    """Return *text* without the other branches of a conditional, if each changes the depth of braces alike.

    *ends* are start and end of each branch in turn.
    """
    branches = list(zip(ends[::2], ends[1::2], strict=True))
    if len(branches) < 2:
        return text
    depths = {text.count("{", start, end) - text.count("}", start, end) for start, end in branches}
    if len(depths) > 1 or not depths.pop():
        return text
    first, last = branches[0][1], branches[-1][1]
    return text[:first] + _blank(text[first:last]) + text[last:]


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


def _items(text: str) -> list[Item]:
    """Return every named item, macros included, in order of line."""
    found = []
    line, at = 1, 0
    for match in DEFINE.finditer(text):
        line, at = line + text.count("\n", at, match.start()), match.start()
        found.append(("macro", match.group(1), line, match.group(0)))
    index = index_of_text(without_directives(text))
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
    conditions = _conditions(text)
    starts = [line for line, _ in conditions]
    return [
        (kind, name, line, piece, conditions[bisect_right(starts, line) - 1][1])
        for kind, name, line, piece in sorted(found, key=lambda one: one[2])
    ]


MOST_CONDITION = 1000
"""Characters of a condition that are kept as they are."""

MOST_CONDITIONS = 64
"""How many of the conditions around an item are looked at, the outermost first: nobody nests more by hand."""


def _conditions(text: str) -> list[tuple[int, Conditions]]:
    """Return from which line on which conditions hold, in order; the guard of a whole header is none."""
    found: list[tuple[int, Conditions]] = [(0, ())]
    stack: list[str] = []
    directives = list(_CONDITION.finditer(text))
    line, at = 1, 0
    for match in directives:
        line, at = line + text.count("\n", at, match.start()), match.start()
        word, rest = match.group(1), bare(match.group(2))
        if word in ("if", "ifdef", "ifndef"):
            is_header = word == "ifndef" and not stack and _HEADER_GUARD.match(text, match.start())
            stack.append("" if is_header else f"{word} {rest}")
        elif word == "endif":
            stack[-1:] = []
        elif stack:
            stack[-1] = _short(f"{stack[-1]}, {word} {rest}".rstrip())
        found.append((line, tuple(filter(None, stack[:MOST_CONDITIONS]))))
    return found


def _short(text: str) -> str:
    """Return what stands for a condition: for a long chain of ``#elif``, of which each branch has all, its digest."""
    if len(text) <= MOST_CONDITION:
        return text
    return hashlib.blake2b(text.encode("latin-1", "replace"), digest_size=16).hexdigest()


def bare(text: str) -> str:
    """Return *text* without comments, with single spaces."""
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
