"""C snippets over one machine: how scenarios call helpers and ask about entries, in the kernel's own words."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ctypes import CType
from ptlint.sim.blob import WIDEST, Blob
from ptlint.sim.bounds import Limits
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.frame import Frame, Value
from ptlint.sim.lookup import Answered, Codes, Lookup
from ptlint.sim.machine import Machine
from ptlint.sim.memory import Memory
from ptlint.sim.mmu import Hardware, Walker
from ptlint.sim.opaque import opaque
from ptlint.sim.places import merged
from ptlint.sim.primitives.registry import written
from ptlint.sim.program import Program
from ptlint.sim.values import Mask, Scalar

RECURSION = 12_000
"""Python frames that a run may nest: C calls, statements and expressions within them."""


FEWEST_LANES = 64
"""Lanes from which on looking up what an entry gives is faster than running code over it."""

CODED = 1 << 21
"""Lanes of which a session keeps which entries they hold."""

KEPT = 1 << 23
"""Lanes of which it keeps what expressions give for them."""


class Session:
    """A machine with *lanes* lanes, and the snippets run on it; with ``path``, in the words of that ``.c`` file."""

    path = ""

    def __init__(
        self,
        program: Program,
        lanes: int,
        answers: Mapping[Hashable, Mask] | None = None,
        walker: Walker | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.program = program
        model = program.model
        memory = Memory(model.pointer_size, model.big_endian)
        facts = {question: np.full(lanes, answer) for question, answer in program.facts.items()}
        self.machine = Machine(lanes, memory, answers, walker, limits, program.ration, facts)
        self._coded: dict[int, tuple[NDArray[np.uint64], Lookup, Codes | None]] = {}
        self._given: dict[tuple[str, int], tuple[NDArray[np.uint64], Lookup, NDArray[Any]]] = {}
        self._full: dict[int, NDArray[np.uint64]] = {}

    def begin(self) -> None:
        """Forget the steps and the notes of what prepared the run."""
        self.machine.steps = np.zeros_like(self.machine.steps)
        self.machine.log.clear()

    def run(self, text: str, **variables: tuple[str, Value]) -> Value:
        """Return the value of C expression *text*; variables are given as type and value.

        What is said of ``pte_t`` goes for the level of the program.
        """
        worded = self.program.worded
        types = tuple((name, worded(type)) for name, (type, _) in sorted(variables.items()))
        snippet = self.program.snippet(worded(text), types, self.path)
        frame = Frame(self.machine, snippet.size)
        for slot, (name, _) in enumerate(types):
            frame.slots[slot] = variables[name][1]
        with deep_recursion():
            return snippet.op.run(frame)

    def do(self, statement: str, **variables: tuple[str, Value]) -> None:
        """Run a C statement, of a function or of a macro that is a block."""
        self.run(f"({{ {statement}; }})", **variables)

    def pte(self, text: str, **variables: tuple[str, Value]) -> Value:
        """Return the value of an expression of type ``pte_t``: a blob or, where that is an integer type, a scalar."""
        return self.run(text, **variables)

    def raw(self, pte: Value) -> NDArray[np.uint64]:
        """Return an entry's bytes in memory as one uint64 a lane; of words that repeat the first one, that."""
        width = pte.size if isinstance(pte, Blob) and pte.size <= WIDEST else self.program.pte_word
        value = pte.load(0, width, False) if isinstance(pte, Blob) else scalar(pte)
        return self.lanes_of(value)

    def entry(self, raw: NDArray[np.uint64]) -> Value:
        """Return the ``pte_t`` whose bytes in memory are *raw*."""
        size, word = self.program.pte_size, self.program.pte_word
        if not self.program.pte_is_record:
            return raw
        blob = Blob(size, self.machine.memory.big_endian)
        for at in range(0, size, word):
            blob.store(at, word, raw)
        return blob

    def holds(self, predicate: str, raw: NDArray[np.uint64]) -> Mask:
        """Return where ``predicate(entry)`` is true: ``pte_young``, ``pte_dirty``, …. *raw* is an entry of each lane,
        or several: (entries, lanes).
        """
        kept = self._given.get((predicate, _identity(raw)))
        if kept is not None and kept[1] is self.program.lookup:
            return kept[2]
        text = f"!!{predicate}(pte)"
        found = self._looked_up(text, raw)
        if found is not None:
            return self._keep(predicate, raw, found[0].truths[found[1]])
        result: Mask = self._run_number(text, raw) != 0
        return result

    def valid(self, hardware: Hardware, raw: NDArray[np.uint64]) -> Mask:
        """Return where the walker of *hardware*, the program's, may use an entry."""
        kept = self._given.get(("", _identity(raw)))
        if kept is not None and kept[1] is self.program.lookup:
            return kept[2]
        return self._keep("", raw, hardware.is_valid(raw))

    def _keep(self, what: str, raw: NDArray[np.uint64], found: NDArray[Any]) -> NDArray[Any]:
        """Return *found*, which nobody changes, and keep it as what *what* says of *raw*."""
        found.flags.writeable = False
        if len(self._given) * raw.size > KEPT:
            self._given.clear()
        self._given[what, _identity(raw)] = raw, self.program.lookup, found
        return found

    def number(self, text: str, raw: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the integer that an expression over ``pte`` gives for each lane, or for several entries of each."""
        kept = self._given.get((text, _identity(raw)))
        if kept is not None and kept[1] is self.program.lookup:
            return kept[2]
        found = self._looked_up(text, raw)
        if found is None:
            return self._run_number(text, raw)
        return self._keep(text, raw, found[0].numbers[found[1]])

    def _run_number(self, text: str, raw: NDArray[np.uint64]) -> NDArray[np.uint64]:
        if raw.ndim > 1:
            return np.stack([self._run_number(text, np.ascontiguousarray(row)) for row in raw])
        return self.lanes_of(scalar(self.run(text, pte=("pte_t", self.entry(raw)))))

    def _looked_up(self, text: str, raw: NDArray[np.uint64]) -> tuple[Answered, Codes] | None:
        """Return what is known of *text* and which of its values each lane takes; None where it must be run."""
        if raw.size < FEWEST_LANES:
            return None
        key = _identity(raw)
        lookup = self.program.lookup
        kept = self._coded.get(key)
        if kept is None or kept[1] is not lookup:
            if len(self._coded) * raw.size > CODED:
                self._coded.clear()
            kept = self._coded[key] = (raw, lookup, lookup.codes(raw))
        codes = kept[2]
        known = (
            lookup.answered(text, lambda values: _worked_out(self.program, text, values)) if codes is not None else None
        )
        if codes is None or known is None:
            return None
        self.machine.executed |= known.executed
        return known, codes

    def lanes_of(self, value: Scalar) -> NDArray[np.uint64]:
        """Return a scalar as one uint64 a lane, which nobody changes. Raises CannotExecute for an unknown."""
        if isinstance(value, int):
            return self._everywhere(value & 0xFFFF_FFFF_FFFF_FFFF)
        if isinstance(value, np.ndarray):
            return value.view(np.uint64)
        raise CannotExecute(f"the value of {value} is not known")

    def _everywhere(self, value: int) -> NDArray[np.uint64]:
        """Return *value* in every lane, as one array for all who ask."""
        found = self._full.get(value)
        if found is None:
            if len(self._full) * self.machine.lanes > CODED:
                self._full.clear()
            found = self._full[value] = np.full(self.machine.lanes, value, dtype=np.uint64)
            found.flags.writeable = False
        return found

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


def _identity(raw: NDArray[np.uint64]) -> int:
    """Return what tells an array of entries from others: a view of a whole one is that one."""
    return id(raw if raw.base is None or raw.base.size != raw.size else raw.base)


def _worked_out(program: Program, text: str, values: NDArray[np.uint64]) -> Answered | None:
    """Return what *text* gives for each entry; None when that depends on more, or cannot be run."""
    session = Session(program, len(values))
    try:
        numbers = session._run_number(text, values)
    except (CannotExecute, OutOfBounds):
        return None
    machine = session.machine
    if machine.asked or machine.assumed or machine.asserted or machine.log or machine.memory.objects:
        return None
    return Answered(numbers, numbers != 0, frozenset(machine.executed))


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
