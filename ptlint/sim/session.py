"""C snippets over one machine: how scenarios call helpers and ask about entries, in the kernel's own words."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ctypes import CType
from ptlint.sim.blob import Blob
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.frame import Frame, Value
from ptlint.sim.machine import Limits, Machine
from ptlint.sim.memory import Memory
from ptlint.sim.mmu import Walker
from ptlint.sim.opaque import opaque
from ptlint.sim.places import merged
from ptlint.sim.primitives.registry import written
from ptlint.sim.program import Program
from ptlint.sim.values import Mask, Scalar

RECURSION = 12_000
"""Python frames that a run may nest: C calls, statements and expressions within them."""


class Session:
    """A machine with *lanes* lanes, and the snippets run on it."""

    def __init__(
        self,
        program: Program,
        lanes: int,
        answers: Mapping[object, Mask] | None = None,
        walker: Walker | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.program = program
        model = program.model
        memory = Memory(model.pointer_size, model.big_endian)
        facts = {question: np.full(lanes, answer) for question, answer in program.facts.items()}
        self.machine = Machine(lanes, memory, {**facts, **(answers or {})}, walker, limits)

    def run(self, text: str, **variables: tuple[str, Value]) -> Value:
        """Return the value of C expression *text*; variables are given as type and value.

        What is said of ``pte_t`` goes for the level of the program.
        """
        worded = self.program.worded
        types = tuple((name, worded(type)) for name, (type, _) in sorted(variables.items()))
        snippet = self.program.snippet(worded(text), types)
        frame = Frame(self.machine, snippet.size)
        for slot, (name, _) in enumerate(types):
            value = variables[name][1]
            frame.slots[slot] = value.copy() if isinstance(value, Blob) else value
        with deep_recursion():
            return snippet.op.run(frame)

    def do(self, statement: str, **variables: tuple[str, Value]) -> None:
        """Run a C statement, of a function or of a macro that is a block."""
        self.run(f"({{ {statement}; }})", **variables)

    def pte(self, text: str, **variables: tuple[str, Value]) -> Value:
        """Return the value of an expression of type ``pte_t``: a blob or, where that is an integer type, a scalar."""
        return self.run(text, **variables)

    def raw(self, pte: Value) -> NDArray[np.uint64]:
        """Return an entry's bytes in memory as one uint64 a lane."""
        value = pte.load(0, pte.size, False) if isinstance(pte, Blob) else scalar(pte)
        return self.lanes_of(value)

    def entry(self, raw: NDArray[np.uint64]) -> Value:
        """Return the ``pte_t`` whose bytes in memory are *raw*."""
        size = self.program.pte_size
        if not self.program.pte_is_record:
            return raw
        blob = Blob(size, self.machine.memory.big_endian)
        blob.store(0, size, raw)
        return blob

    def holds(self, predicate: str, raw: NDArray[np.uint64]) -> Mask:
        """Return where ``predicate(entry)`` is true: ``pte_young``, ``pte_dirty``, …."""
        value = scalar(self.run(f"!!{predicate}(pte)", pte=("pte_t", self.entry(raw))))
        result: Mask = self.lanes_of(value) != 0
        return result

    def number(self, text: str, raw: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the integer that an expression over ``pte`` gives for each lane."""
        return self.lanes_of(scalar(self.run(text, pte=("pte_t", self.entry(raw)))))

    def lanes_of(self, value: Scalar) -> NDArray[np.uint64]:
        """Return a scalar as one uint64 a lane. Raises CannotExecute for an unknown."""
        if isinstance(value, int):
            return np.full(self.machine.lanes, value & 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)
        if isinstance(value, np.ndarray):
            return value.view(np.uint64)
        raise CannotExecute(f"the value of {value} is not known")

    def where(self, mask: Mask, then: Value, other: Value) -> Value:
        """Return *then* in the lanes of *mask* and *other* elsewhere."""
        saved, self.machine.mask = self.machine.mask, mask
        frame = Frame(self.machine, 0)
        result = merged(frame, then, other, False)
        self.machine.mask = saved
        return result

    def opaque(self, name: str, type: str) -> int:
        """Return the address of the opaque object *name*, a ``struct`` of the kernel's."""
        resolved: CType | None = self.program.resolve(written(type))
        return opaque(self.machine, name, resolved).base


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Let Python nest as deep as the bounds on C calls and on the syntax allow. Raises OutOfBounds past that."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    except RecursionError:
        raise OutOfBounds("calls and expressions nested too deeply") from None
    finally:
        sys.setrecursionlimit(before)
