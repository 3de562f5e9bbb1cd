"""Lines of source and columns as the formats count them. Spans count bytes from 1."""

from functools import lru_cache

from ptlint.core.report import Report
from ptlint.core.span import Span


def source_line(report: Report, path: str, line: int) -> bytes | None:
    """Return line *line* (from 1) of *path* without its end, or None when the report does not hold it."""
    data = report.sources.get(path)
    if data is None or line < 1:
        return None
    lines = _lines(data)
    return lines[line - 1].rstrip(b"\r") if line <= len(lines) else None


@lru_cache(maxsize=8)
def _lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")


def characters_before(line: bytes, column: int) -> str:
    """Return the text before byte *column* (from 1) of *line*; a column past the end means the end."""
    return line[: max(column - 1, 0)].decode("utf-8", errors="replace")


def utf16_column(line: bytes | None, column: int) -> int:
    """Return byte *column* of *line* in UTF-16 code units, from 1. Without the line, bytes are taken for units."""
    if line is None:
        return max(column, 1)
    return len(characters_before(line, column).encode("utf-16-le")) // 2 + 1


def end_of(span: Span) -> tuple[int, int]:
    """Return the line and column of the byte after *span*; its own start when it has no end."""
    if span.end_line < span.line or (span.end_line == span.line and span.end_column < span.column):
        return span.line, span.column
    return span.end_line, span.end_column
