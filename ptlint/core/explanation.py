"""The fixed headings that every rule is explained under, and the marks in its examples."""

import re
from dataclasses import dataclass

from ptlint.core.rule import Example

HEADINGS = ("What it reports", "Why it matters", "What to do", "When it is wrong")
"""In the order in which they are written and shown."""

_HEADING = re.compile(rf"[*#_ \t]*({'|'.join(HEADINGS)})[*_:. \t]*", re.IGNORECASE)
_WANT = re.compile(r'//\s*want\s+"((?:[^"\\]|\\.)*)"\s*$')


def sections(explanation: str) -> dict[str, str]:
    """Return the text under each heading of *explanation*, in the order of the text.

    A heading stands alone on its line, plain or marked as Markdown (``*What it reports*``, ``## What it reports``).
    Text before the first heading is not part of any section.
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in explanation.splitlines():
        match = _HEADING.fullmatch(line)
        if match:
            name = next(heading for heading in HEADINGS if heading.lower() == match[1].lower())
            current = found.setdefault(name, [])
        else:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


@dataclass(frozen=True, slots=True)
class Want:
    """A finding that an example promises: on *line* (from 1), with a message that *pattern* is found in."""

    line: int
    pattern: str


def wanted(example: Example) -> tuple[Want, ...]:
    """Return what the ``// want "regex"`` marks of *example* promise, in line order."""
    marks = ((number, _WANT.search(line)) for number, line in enumerate(example.code.splitlines(), start=1))
    return tuple(Want(number, mark[1].replace('\\"', '"')) for number, mark in marks if mark)


def without_marks(code: str) -> str:
    """Return *code* with its ``// want`` marks removed and every line where it was."""
    return "\n".join(_WANT.sub("", line).rstrip() for line in code.splitlines()) + "\n"
