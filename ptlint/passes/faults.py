"""What a look at a function finds wrong, and which of it a patch brought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ptlint.csrc.ast import Pos
from ptlint.passes.functions import View


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a function. ``key`` is the same for the same fault in another version of the function.

    ``related`` are the other places of the story: place, what happens there, function.
    """

    key: str
    pos: Pos
    message: str
    related: tuple[tuple[Pos, str, str], ...] = ()


Look = Callable[[View], Iterable[Fault]]


def brought(before: View | None, after: View, look: Look) -> Iterator[Fault]:
    """Yield the faults of *after* that *before* has not as often."""
    faults = list(look(after))
    known = Counter(fault.key for fault in look(before)) if before is not None and faults else Counter[str]()
    for fault in faults:
        if known[fault.key]:
            known[fault.key] -= 1
        else:
            yield fault
