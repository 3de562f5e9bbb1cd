"""Kernel-doc comments: which parameters the comment above a function describes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ptlint.csrc.ast import Pos
from ptlint.passes.functions import View

MAX_LINES = 400
"""How far above a function its comment may begin."""
_PARAM = re.compile(r"^\s*\*?\s*@(\w+)(?:\.\.\.)?\s*:")
_GUARD = re.compile(r"\s*#\s*(ifndef|ifdef|if|define)\b")
_TITLE = re.compile(r"^\s*\*\s*(\w+)\s*(\(\))?\s*(-|:|$)")


@dataclass(frozen=True, slots=True)
class KernelDoc:
    """A kernel-doc comment: the function that it names, the line of that, and the parameters that it describes."""

    name: str
    line: int
    described: tuple[tuple[str, int], ...]


def kernel_doc_of(view: View) -> KernelDoc | None:
    """Return the kernel-doc comment right above *view* that names a function, None when there is none.

    One that names another is meant for *view* all the same, unless that is a macro between the two.
    """
    lines = _lines(view.book.text(view.path))
    at = _head(lines, view) - 1
    if at > len(lines):
        return None  # a patch shows the function, and nothing of the file above it
    between = at
    while at > 0 and (not lines[at - 1].strip() or _GUARD.match(lines[at - 1])):
        at -= 1  # what lets an architecture have its own stands between comment and function
    if at <= 0 or not lines[at - 1].strip().endswith("*/"):
        return None
    start = at - 1
    while start > 0 and "/*" not in lines[start] and at - start < MAX_LINES:
        start -= 1
    if not re.match(r"\s*/\*\*\s*$", lines[start]) or start + 1 >= at:
        return None
    title = _TITLE.match(lines[start + 1])
    if title is None or (title[1] != documented_name(view) and not _is_name(title, lines[at:between])):
        return None
    found = [(match[1], number + 1) for number in range(start, at) if (match := _PARAM.match(lines[number]))]
    return KernelDoc(title[1], start + 2, tuple(found))


def documented_name(view: View) -> str:
    """Return the name that kernel-doc goes by: without the suffix of functions that a macro counts allocations for."""
    return view.name.removesuffix("_noprof")


@lru_cache(maxsize=16)
def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a file, whose functions are looked at one after the other."""
    return tuple(text.splitlines())


def _is_name(title: re.Match[str], between: Sequence[str]) -> bool:
    """Return whether *title*, ``other() - what it does``, names a function, and none of the lines *between* has it."""
    return bool(title[2]) and title[3] == "-" and not any(re.search(rf"\b{title[1]}\b", line) for line in between)


def _head(lines: Sequence[str], view: View) -> int:
    """Return the line on which the definition begins: that of its type when it stands above the name."""
    line = view.definition.pos.line
    while 1 < line <= len(lines) and re.match(r"[A-Za-z_][\w \t*]*$", lines[line - 2]):
        line -= 1
    return line


def undescribed(view: View, doc: KernelDoc) -> tuple[str, ...]:
    """Return the parameters of *view* that *doc*, which describes others, leaves out."""
    known = {name for name, _ in doc.described}
    return tuple(name for name in view.param_names if name and name not in known) if known else ()


def invented(view: View, doc: KernelDoc) -> tuple[tuple[str, Pos], ...]:
    """Return what *doc* describes and *view* does not have."""
    own = set(view.param_names)
    return tuple((name, Pos(view.path, line, 1)) for name, line in doc.described if name not in own)
