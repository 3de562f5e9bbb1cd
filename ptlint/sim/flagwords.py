"""Flags that say which bits of entries may differ in a batch and which are merged, by the words of their names.

``FPB_RESPECT_WRITE``, ``FPB_IGNORE_DIRTY``, ``FPB_MERGE_YOUNG_DIRTY`` (mm/internal.h): a verb, and what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.program import Program
from ptlint.sim.values import Mask

_VERBS = {"RESPECT": "respect", "HONOR": "respect", "HONOUR": "respect", "IGNORE": "ignore", "MERGE": "merge"}
_WORDS = {
    "SOFT_DIRTY": "soft-dirty",
    "UFFD_WP": "userfaultfd",
    "UFFD": "userfaultfd",
    "WRITABLE": "write",
    "WRITE": "write",
    "DIRTY": "dirty",
    "YOUNG": "accessed",
}
"""The words for bits in the names of flags and of variables; where one is a part of another, the longer one first."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a batch: the bits it is about, and what it does: ``respect``, ``ignore`` or ``merge``."""

    value: int
    verb: str
    bits: frozenset[str]


@dataclass(frozen=True, slots=True)
class Meanings:
    """What the flags of each lane let differ, what they merge, and what they do not, by bit."""

    free: dict[str, Mask]
    merges: dict[str, Mask]
    keeps: dict[str, Mask]


def bits_of(words: str) -> frozenset[str]:
    """Return the bits of an entry that the words of a name in upper case are about."""
    found = set()
    for word, bit in _WORDS.items():
        if re.search(rf"(?:^|_){word}(?:_|$)", words):
            found.add(bit)
            words = re.sub(rf"(?:(?<=_)|^){word}(?=_|$)", "", words)
    return frozenset(found)


def flags_of(program: Program, path: str, type: str) -> Iterator[Flag]:
    """Yield the flags that the files *path* reads define as being of *type*: macros that cast to it."""
    cast = rf"\(\s*(?:__force\s+)?{re.escape(type)}\s*\)"
    define = re.compile(rf"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(\(?\s*{cast}.+)$", re.MULTILINE)
    seen = set()
    for instance in program.universe.in_file(path).unit.instances:
        if type not in instance.scan.text:
            continue
        for name, value in define.findall(instance.scan.text):
            verb = next((verb for word, verb in _VERBS.items() if f"_{word}_" in f"_{name}"), "")
            if verb and name not in seen and bits_of(name):
                seen.add(name)
                yield Flag(program.constant(re.sub(cast, "", value)), verb, bits_of(name))


def meanings_of(known: Sequence[Flag], flags: NDArray[np.uint64]) -> Meanings:
    """Return what *flags* mean, one value a lane, where the flags *known* are all.

    Write, dirty, accessed and soft-dirty may differ unless a flag has them respected, or there is one that would have
    them ignored and it is not set. Without flags to know, what is merged is not known.
    """
    nothing = np.zeros(len(flags), dtype=bool)
    free: dict[str, Mask] = dict.fromkeys(("write", "dirty", "accessed", "soft-dirty"), ~nothing)
    merges: dict[str, Mask] = {}
    keeps = dict.fromkeys(("write", "dirty", "accessed"), ~nothing) if known else {}
    for flag in known:
        is_set = (flags & np.uint64(flag.value)) != 0
        for bit in flag.bits:
            if flag.verb == "merge":
                merges[bit] = merges.get(bit, nothing) | is_set
                keeps[bit] = keeps.get(bit, ~nothing) & ~is_set
            else:
                free[bit] = is_set if flag.verb == "ignore" else free.get(bit, ~nothing) & ~is_set
    return Meanings(free, merges, keeps)
