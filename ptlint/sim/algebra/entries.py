"""Entries of one level of a page table (``pte_t``, ``pmd_t``), as numbers and as values of C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CRecord
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.frame import Value
from ptlint.sim.names import word_count
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.types import size_of
from ptlint.sim.values import Mask

Raw = NDArray[np.uint64]
Lanes = NDArray[np.int64]

LEVELS = ("pte", "pmd")
"""The levels that may hold entries of pages."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level by the prefix of its helpers, ``pte`` or ``pmd``; ``size`` is that of an entry in bytes.

    ``step`` is how many page frames an entry maps, ``copies`` how often it repeats what ``size`` bytes say.
    """

    name: str
    size: int
    is_record: bool
    step: int
    copies: int = 1

    def named(self, *endings: str) -> tuple[str, ...]:
        """Return the names of helpers of this level: ``mkdirty`` becomes ``pte_mkdirty``."""
        return tuple(f"{self.name}_{ending}" for ending in endings)


def levels_of(program: Program) -> tuple[Level, ...]:
    """Return the levels that hold entries of pages: the last one, and the one above where it maps huge pages."""
    found = []
    for name in LEVELS:
        typedef = f"{name}_t"
        if program.universe.typedef(typedef) is None or not program.has(f"{name}_mkdirty"):
            continue
        type = program.resolve(ast.TypedefName(typedef))
        copies = word_count(type)
        size = size_of(type) // copies
        if size in (4, 8) and program.has(f"pfn_{name}"):
            step = 1 if name == "pte" else program.constant("1UL << (PMD_SHIFT - PAGE_SHIFT)")
            found.append(Level(name, size, isinstance(type, CRecord), step, copies))
    return tuple(found)


class Bench:
    """Runs C over entries of one level: numbers (the bytes of an entry in memory, one uint64 a lane) in and out.

    ``texts`` is the C that was run.
    """

    def __init__(self, session: Session, level: Level) -> None:
        self.session = session
        self.level = level
        self.program = session.program
        self.texts: set[str] = set()

    def entry(self, raw: Raw) -> Value:
        """Return the entry whose bytes in memory are *raw*."""
        if not self.level.is_record:
            return raw
        size, copies = self.level.size, self.level.copies
        blob = Blob(size * copies, self.session.machine.memory.big_endian)
        for number in range(copies):
            blob.store(number * size, size, raw)
        return blob

    def applied(self, text: str, raw: Raw, **variables: tuple[str, Value]) -> Raw:
        """Return what C expression *text* of the level's type makes of the entries called ``x``."""
        self.texts.add(text)
        return self.session.raw(self.session.run(text, x=(f"{self.level.name}_t", self.entry(raw)), **variables))

    def made(self, text: str, **variables: tuple[str, Value]) -> Raw:
        """Return the entries that C expression *text* makes."""
        self.texts.add(text)
        return self.session.raw(self.session.run(text, **variables))

    def number(self, text: str, raw: Raw) -> Raw:
        """Return the integer that *text*, over an entry ``x``, gives for each lane."""
        self.texts.add(text)
        value = self.session.run(text, x=(f"{self.level.name}_t", self.entry(raw)))
        return self.session.lanes_of(scalar(value))

    def holds(self, predicate: str, raw: Raw) -> Mask:
        """Return where ``predicate(x)`` is true."""
        mask: Mask = self.number(f"!!{predicate}(x)", raw) != 0
        return mask

    def pfn(self, raw: Raw) -> Raw:
        """Return the page frame that each entry maps."""
        return self.number(f"{self.level.name}_pfn(x)", raw)


def frames(program: Program, pfns: Raw) -> tuple[str, Value]:
    """Return page frame numbers as a variable of C."""
    narrow = program.model.long_size == 4
    return "unsigned long", pfns & np.uint64(0xFFFF_FFFF) if narrow else pfns
