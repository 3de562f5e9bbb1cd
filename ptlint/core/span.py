"""Places in source text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of one file of a snapshot.

    ``path`` is relative to the kernel's root. ``line`` counts from 1, ``column`` from 1 in bytes; ``end_line`` and
    ``end_column`` name the byte after the last one. Reporters convert columns to what their format asks for.
    """

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
