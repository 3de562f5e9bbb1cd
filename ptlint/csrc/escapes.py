"""Lines with more escaped quotes than any code has: reading literals there costs the square of their number."""

from __future__ import annotations

from collections.abc import Iterator

MOST_ESCAPED = 2000
"""Escaped quotes of one line, continued lines included."""


def is_overfull(text: str) -> bool:
    """Return whether a line has more escaped quotes than are read."""
    return _escaped(text) > MOST_ESCAPED and any(count > MOST_ESCAPED for _, count in _lines(text))


def without_overfull(text: str) -> str:
    """Return *text* with such lines blanked: same length, same lines."""
    if _escaped(text) <= MOST_ESCAPED:
        return text
    blank = str.maketrans(dict.fromkeys(set(text) - {"\n"}, " "))
    return "\n".join(line.translate(blank) if count > MOST_ESCAPED else line for line, count in _lines(text))


def _escaped(text: str) -> int:
    return text.count('\\"') + text.count("\\'")


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield the lines, those that a backslash continues as one, with their escaped quotes."""
    parts: list[str] = []
    for line in text.split("\n"):
        parts.append(line)
        if not line.rstrip(" \t\r").endswith("\\"):
            whole = "\n".join(parts)
            yield whole, _escaped(whole)
            parts = []
    if parts:
        whole = "\n".join(parts)
        yield whole, _escaped(whole)
