"""Room for recursion over syntax trees, whose depth the parser bounds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FRAMES = 8000
"""What a walk of a few calls per level needs for the deepest tree; frames of Python code take no C stack."""


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Allow as many nested calls as the deepest syntax tree can need. May be nested."""
    before = sys.getrecursionlimit()
    if before >= FRAMES:
        yield
        return
    sys.setrecursionlimit(FRAMES)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
