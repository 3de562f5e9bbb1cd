"""What a look at a function finds wrong, and which of it a patch brought."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
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


Token = tuple[str, str]
"""What a fault is known by wherever its code stands and whatever its names are: its key and the text of its line."""

_NAME = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*\()")


def token_of(fault: Fault, view: View) -> Token:
    """Return what *fault* of *view* is known by."""
    lines = view.book.text(fault.pos.path or view.path).splitlines()
    line = lines[fault.pos.line - 1] if 0 < fault.pos.line <= len(lines) else ""
    return _shape(fault.key, view.name), _shape(line, view.name)


def _shape(text: str, function: str) -> str:
    """Return *text* with one name for all variables, and for the function that it stands in."""
    return "".join(_NAME.sub("_", re.sub(rf"\b{re.escape(function)}\b", "_", text)).split())


def parted(before: View | None, after: View | None, look: Look) -> tuple[list[Fault], list[Fault]]:
    """Return the faults that only the function *before* has, and those that only the one *after* has.

    They are the same when their keys are, else when their lines differ in names of variables alone.
    """
    old = list(look(before)) if before is not None else []
    new = list(look(after)) if after is not None else []
    if not old or not new:
        return old, new
    old, new = _unpaired(old, new, [one.key for one in old], [one.key for one in new])
    if before is None or after is None or not old or not new:
        return old, new
    return _unpaired(old, new, [token_of(one, before) for one in old], [token_of(one, after) for one in new])


def _unpaired(
    old: list[Fault], new: list[Fault], old_names: Sequence[Hashable], new_names: Sequence[Hashable]
) -> tuple[list[Fault], list[Fault]]:
    """Return what is left of both when faults of equal names are taken away in pairs, in their order."""
    here, there = Counter(old_names), Counter(new_names)
    left_old = _beyond(old, old_names, there)
    return left_old, _beyond(new, new_names, here)


def _beyond(faults: list[Fault], names: Sequence[Hashable], known: Counter[Hashable]) -> list[Fault]:
    left = Counter(known)
    found = []
    for fault, name in zip(faults, names, strict=True):
        if left[name]:
            left[name] -= 1
        else:
            found.append(fault)
    return found


def brought(before: View | None, after: View, look: Look) -> Iterator[Fault]:
    """Yield the faults of *after* that *before* has not as often."""
    faults = list(look(after))
    if faults and before is not None:
        faults = parted(before, after, look)[1]
    yield from faults
