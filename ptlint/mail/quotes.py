"""Quoted text: its depth, who wrote it, and patches found in it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ptlint.core.patch import FilePatch
from ptlint.mail.recover import Piece, recover_files

MAX_DEPTH = 40
"""Quote marks beyond these belong to the text."""

RESTORED_SPACES = "no-break spaces (U+00A0) were restored to spaces"

_MARKS = re.compile(rf"(?:[ \t]?>){{1,{MAX_DEPTH}}}")
_CUT = re.compile(
    r"\W*(?:\[\s*(?:\.{2,}|…|snip\w*|cut|skip\w*|trimmed?)\s*\]|<\s*snip\w*\s*>|\.{3,}|…|-+8<-+)\W*\Z", re.I
)
_DIFF_LINE = re.compile(r"(?:diff --git \S|@@ -\d+(?:,\d+)? \+\d+)")
_WROTE = re.compile(
    r"(?:^|[,>\d] )(?P<name>[^,<>:\d][^,<>:]*?)\s*(?:<[^>]*>)?\s*(?:via [\w-]+\s*)?(?:wrote|writes|said):?\s*\Z"
)
_SIGN_TIGHT = re.compile(r"[-+@][^>]")
_ENDS_WHOLE = re.compile(r"(?:[;{}\\]|\*/)\s*\Z")


@dataclass(frozen=True, slots=True)
class Quoted:
    """One line of a body. ``number`` counts from 1, ``depth`` is how many quote marks stood before ``text``."""

    number: int
    depth: int
    text: str
    width: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """A patch found in quotes at ``depth``: its files, the lines of its commit message, and what was done to get it.

    ``lost`` lists what could not be recovered, each in a sentence.
    """

    depth: int
    files: tuple[FilePatch, ...]
    message: tuple[str, ...]
    notes: tuple[str, ...]
    lost: tuple[str, ...]


def split_quotes(lines: Sequence[str]) -> tuple[Quoted, ...]:
    """Return *lines* with their quote marks taken off and U+00A0 restored to a space."""
    parsed = [_marks_of(line.replace("\xa0", " ")) for line in lines]
    tight = _tight_depths(parsed)
    return tuple(
        Quoted(number, depth, rest.removeprefix(" ") if depth and depth not in tight else rest, len(lines[number - 1]))
        for number, (depth, rest) in enumerate(parsed, 1)
    )


def _marks_of(line: str) -> tuple[int, str]:
    marks = _MARKS.match(line) if line.lstrip(" ").startswith(">") else None
    return (marks[0].count(">"), line[marks.end() :]) if marks else (0, line)


def _tight_depths(parsed: Sequence[tuple[int, str]]) -> frozenset[int]:
    """Return the depths at which the quote mark is not followed by a space of its own (``>+code``)."""
    tight, loose = Counter[int](), Counter[int]()
    for depth, rest in parsed:
        if depth and _SIGN_TIGHT.match(rest):
            tight[depth] += 1
        elif depth and _SIGN_TIGHT.match(rest[1:]) and rest.startswith(" "):
            loose[depth] += 1
    return frozenset(depth for depth, count in tight.items() if count > loose[depth])


def recover_patch(lines: Sequence[str]) -> Recovery | None:
    """Return the patch that is quoted in a body, from the depth at which most of it can be read; None without one."""
    quoted = split_quotes(lines)
    depths = sorted({line.depth for line in quoted if line.depth and _DIFF_LINE.match(line.text)})
    found = [recovery for depth in depths if (recovery := recover_at(quoted, depth)).files or recovery.lost]
    if not found:
        return None
    best = max(found, key=_amount)
    note = (RESTORED_SPACES,) if any("\xa0" in line for line in lines) else ()
    return Recovery(best.depth, best.files, best.message, note + best.notes, best.lost)


def _amount(recovery: Recovery) -> int:
    return sum(len(hunk.lines) for file in recovery.files for hunk in file.hunks)


def recover_at(quoted: Sequence[Quoted], depth: int) -> Recovery:
    """Return what the quoted text at *depth* gives when it is read as a patch."""
    pieces = _pieces(quoted, depth)
    start = next((at for at, piece in enumerate(pieces) if _starts_diff(pieces, at)), None)
    if start is None:
        lost = "a quoted hunk stands without the name of its file" if _has_hunk(pieces) else ""
        return Recovery(depth, (), (), (), (lost,) if lost else ())
    outcome = recover_files(pieces[start:])
    end = next((at for at in range(start) if pieces[at].text.rstrip() == "---"), start)
    message = tuple(piece.text for piece in pieces[:end])
    return Recovery(depth, outcome.files, message, outcome.notes, outcome.lost)


def _has_hunk(pieces: Sequence[Piece]) -> bool:
    return any(piece.text.startswith("@@ -") for piece in pieces)


def _starts_diff(pieces: Sequence[Piece], at: int) -> bool:
    text = pieces[at].text
    if text.startswith("diff --git "):
        return True
    return text.startswith("--- ") and at + 1 < len(pieces) and pieces[at + 1].text.startswith("+++ ")


def _pieces(quoted: Sequence[Quoted], depth: int) -> list[Piece]:
    """Return the lines at *depth* in order, each with what stood between it and the one before."""
    pieces: list[Piece] = []
    interrupted = cut = False
    for at, line in enumerate(quoted):
        if _CUT.match(line.text) and not (line.depth == depth and line.text.startswith((" ", "+", "-"))):
            cut = True
        elif line.depth == depth:
            pieces.append(Piece(line.number, line.text, line.width, interrupted, cut))
            interrupted = cut = False
        elif pieces and not interrupted and _continues(quoted, at, depth):
            pieces.append(Piece(line.number, line.text.strip(), line.width, False, False, is_continuation=True))
        elif pieces:
            interrupted = True
    return pieces


def _continues(quoted: Sequence[Quoted], at: int, depth: int) -> bool:
    """Return whether a line of less depth is the end of the quoted line above it, wrapped without quote marks."""
    line, before = quoted[at], quoted[at - 1]
    after = quoted[at + 1] if at + 1 < len(quoted) else None
    return (
        line.depth < depth
        and before.depth == depth
        and before.width >= 40
        and before.width + 1 + len(line.text.split(" ", 1)[0]) > 70
        and bool(line.text.strip())
        and len(line.text) < 45
        and after is not None
        and after.depth == depth
        and not _ENDS_WHOLE.search(before.text)
    )


def with_wrapped_ends(quoted: Sequence[Quoted]) -> tuple[Quoted, ...]:
    """Return the lines with those that end a quoted line, but lost its quote marks, put at the depth of that line."""
    return tuple(
        replace(line, depth=quoted[at - 1].depth) if at and _continues(quoted, at, quoted[at - 1].depth) else line
        for at, line in enumerate(quoted)
    )


def authors_by_depth(quoted: Sequence[Quoted]) -> dict[int, str]:
    """Return who wrote the text at each quote depth, from the attribution lines above it (``NAME wrote:``)."""
    names: dict[int, str] = {}
    for at, line in enumerate(quoted):
        text = line.text
        if not text.rstrip().endswith((":", "wrote", "writes")) or not re.search(r"(?:wrote|writes|said):?\s*\Z", text):
            continue
        if at and quoted[at - 1].depth == line.depth and quoted[at - 1].text.strip().lower().startswith("on "):
            text = f"{quoted[at - 1].text.strip()} {text}"
        found = _WROTE.search(text.strip())
        if found:
            names.setdefault(line.depth + 1, found["name"].strip().strip('"'))
    return names
