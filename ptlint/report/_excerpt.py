"""Source excerpts: the lines of a story, each with its place underlined and said what happened there."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.core.span import Span
from ptlint.report._source import characters_before, end_of, source_line
from ptlint.report._text import one_line, plain

TAB = 8


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what it says. The main place of a finding is underlined with ``^``, the others with ``-``."""

    span: Span
    text: str
    function: str
    is_main: bool
    line_text: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of an excerpt. ``kind``: ``source``, ``main`` or ``second`` (an underline with its text), ``gap``."""

    kind: str
    number: int
    text: str


def labels_of(finding: Finding) -> tuple[Label, ...]:
    """Return the places of *finding*, the main one first; they are numbered when there are several."""
    main = Label(finding.span, "", finding.function, True, finding.line_text)
    if not finding.related:
        return (main,)
    story = [Label(one.span, one.text, one.function, False, one.line_text) for one in finding.related]
    ordered = [Label(main.span, "reported here", main.function, True, main.line_text), *story]
    return tuple(
        Label(label.span, f"({number}) {one_line(label.text)}", label.function, label.is_main, label.line_text)
        for number, label in enumerate(ordered, start=1)
    )


def excerpt(report: Report, labels: Sequence[Label], width: int) -> Iterator[Piece]:
    """Yield the lines that *labels*, all of one file, stand on, each with one line of context before it.

    *width* is what a line of text may take. Nothing is yielded for a line that the report does not hold.
    """
    by_line: dict[tuple[int, bytes], list[Label]] = {}
    for label in sorted(labels, key=lambda label: (label.span.line, label.span.column)):
        own = label.line_text.encode(errors="replace") or None
        held = source_line(report, label.span.path, label.span.line)
        line = held if own is None or (label.is_main and held is not None) else own
        if line is not None:
            by_line.setdefault((label.span.line, line.rstrip()), []).append(label)
    last = 0
    for (number, line), here in by_line.items():
        path = here[0].span.path
        # What stands before a line is only known of the file at hand.
        is_held = _printed(source_line(report, path, number) or b"") == _printed(line)
        before = source_line(report, path, number - 1) if is_held else None
        if last and number - last > 2:
            yield Piece("gap", 0, "...")
        if before is not None and before.strip() and number - 1 > last:
            yield Piece("source", number - 1, _shown(before, width))
        yield Piece("source", number, _shown(line, width))
        for label in here:
            yield from _underlined(line, label, width)
        last = number


def _printed(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip()


def _shown(line: bytes, width: int) -> str:
    text = _expanded(line.decode("utf-8", errors="replace"))
    return text if len(text) <= width else text[: width - 1] + "…"


def _expanded(text: str) -> str:
    return plain(text.replace("\n", " ").expandtabs(TAB))


def _underlined(line: bytes, label: Label, width: int) -> Iterator[Piece]:
    first, last = _extent(line, label.span)
    start, end = (len(_expanded(characters_before(line, column))) for column in (first, last))
    whole = len(_expanded(line.decode("utf-8", errors="replace").rstrip()))
    start = min(start, width - 1)
    length = max(min(end, whole, width) - start, 1)
    kind, mark = ("main", "^") if label.is_main else ("second", "-")
    text = " " * start + mark * length
    if label.text and len(text) + 1 + len(label.text) <= width:
        yield Piece(kind, 0, f"{text} {label.text}")
    else:
        yield Piece(kind, 0, text)
        for part in textwrap.wrap(label.text, width):
            yield Piece(kind, 0, part)


def _extent(line: bytes, span: Span) -> tuple[int, int]:
    """Return the columns, from 1 in bytes, at which the underline of *span* begins and ends on its first line.

    A span without an end is the word that it begins with, or all of the line when it begins in front of it.
    """
    if span.end_line:
        end_line, end_column = end_of(span)
        return span.column, end_column if end_line == span.line else len(line) + 1
    if not line[: span.column].strip() and line.strip():
        return len(line) - len(line.lstrip()) + 1, len(line.rstrip()) + 1
    word = _WORD.match(line, max(span.column - 1, 0))
    return span.column, (word.end() if word else span.column) + 1


_WORD = re.compile(rb"\w*")
