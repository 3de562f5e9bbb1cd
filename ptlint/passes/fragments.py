"""Functions of which a patch shows only a part: the shown lines made into a function that can be read.

What such a fragment says is true of the lines in it; nothing is known of what stands between them. Rules that look at
paths are not asked about fragments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.core.patch import FilePatch, Hunk, Patch
from ptlint.csrc.universe import SourceText

_NAMED = re.compile(r"([A-Za-z_]\w*)\s*\(")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'", re.DOTALL)
_WHOLE_LINE = re.compile(r"[;{}:]\s*$|^\s*$")
MAX_LINES = 4_000


@dataclass(frozen=True, slots=True)
class Fragment:
    """The shown lines of function ``name`` as a function; ``added`` are those that the patch brings."""

    name: str
    text: SourceText
    added: frozenset[int]


def fragments_of(patch: Patch) -> Iterator[Fragment]:
    """Yield the functions that *patch* changes inside, with no hunk that shows where they begin or end."""
    for file in patch.files:
        if file.new_path is not None and file.new_path.endswith((".c", ".h")):
            for name, hunks in _inside(file):
                fragment = _fragment(file.new_path, name, hunks)
                if fragment is not None:
                    yield fragment


def _inside(file: FilePatch) -> Iterator[tuple[str, list[Hunk]]]:
    """Yield runs of hunks that lie inside the same function."""
    run: list[Hunk] = []
    current = ""
    for hunk in file.hunks:
        heads = _NAMED.findall(hunk.section.decode("latin-1"))
        name = heads[-1] if heads and not _crosses(hunk) else ""
        if run and name != current:
            yield current, run
            run = []
        current = name
        if name:
            run.append(hunk)
    if run:
        yield current, run


def _crosses(hunk: Hunk) -> bool:
    """Return whether a function begins or ends in *hunk*: something but a label stands in the first column."""
    lines = (one.text.decode("latin-1") for one in hunk.lines)
    return any(re.match(r"[A-Za-z_}#](?!\w*:\s*$)", line) for line in lines)


def _fragment(path: str, name: str, hunks: list[Hunk]) -> Fragment | None:
    first = hunks[0].new_start
    last = hunks[-1].new_start + hunks[-1].new_count
    if first < 2 or last - first > MAX_LINES:
        return None
    lines = [""] * (last - first)
    added = set()
    for hunk in hunks:
        shown = [one for one in hunk.lines if one.kind != "-"]
        texts = _closed(_statements([one.text.decode("latin-1") for one in shown]))
        for offset, (one, text) in enumerate(zip(shown, texts, strict=True)):
            lines[hunk.new_start - first + offset] = text
            if one.kind == "+":
                added.add(hunk.new_start + offset)
    body = "\n".join(lines)
    return Fragment(name, SourceText(path, first - 1, f"static void {name}(void) {{\n{body}\n}}"), frozenset(added))


def _statements(lines: list[str]) -> list[str]:
    """Return *lines* with the pieces of comments and statements that are cut off at both ends left out."""
    text = "\n".join(lines)
    opened, closed = text.find("/*"), text.find("*/")
    if closed >= 0 and (opened < 0 or closed < opened):
        text = re.sub(r"[^\n]", " ", text[: closed + 2]) + text[closed + 2 :]
    opened = text.rfind("/*")
    if opened >= 0 and text.find("*/", opened) < 0:
        text = text[:opened] + re.sub(r"[^\n]", " ", text[opened:])
    bare = _blank(text).split("\n")
    result = text.split("\n")
    end = len(result)
    while end and not _WHOLE_LINE.search(bare[end - 1]):
        end -= 1
    start = next((at for at, line in enumerate(bare) if _begins(line)), 0)
    return [line if start <= at < end else "" for at, line in enumerate(result)]


def _begins(line: str) -> bool:
    """Return whether a statement may begin with *line*: its brackets are balanced, or it opens some."""
    stripped = line.strip()
    return bool(stripped) and stripped.count(")") <= stripped.count("(") and stripped[0] not in "&|+-*/?:=.,<>)"


def _blank(text: str) -> str:
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _closed(lines: list[str]) -> list[str]:
    """Return *lines* with brackets that they close and do not open in front, and the others behind."""
    before: list[str] = []
    behind: list[str] = []
    bare = _blank("\n".join(lines))
    for match in re.finditer(r"[{}]", bare):
        if match[0] == "{":
            behind.append("} while (0);" if re.search(r"\bdo\s*$", bare[: match.start()]) else "}")
        elif behind:
            behind.pop()
        else:
            rest = bare[match.end() :].lstrip()
            kind = "if (shown_in_part) {" if rest.startswith("else") else "do {" if rest.startswith("while") else "{"
            before.append(kind)
    if lines:
        lines = [" ".join(reversed(before)) + lines[0], *lines[1:]]
        lines[-1] += " ".join(reversed(behind))
    return lines
