"""The state of one run: lanes, memory, and the log of what happened.

All lanes run the same code at once; ``mask`` says which of them are at the current statement. Accesses to a live page
table are atomic steps: before each, the MMU agent may act in the lanes whose schedule says so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ptlint.csrc.ast import NOWHERE, Pos
from ptlint.sim import lazy
from ptlint.sim.blob import Blob
from ptlint.sim.bounds import FEW_LANES, LANES_OF_WORK, MIN_ARRAYS, PORTION, Limits, Ration
from ptlint.sim.errors import CannotExecute, NoEnd, OutOfBounds
from ptlint.sim.memory import Memory, Object
from ptlint.sim.values import Mask, Scalar, Unknown, choose, every, narrow, some

if TYPE_CHECKING:
    from ptlint.sim.stage import Stage

_TRUTH = np.dtype(np.bool_)


@dataclass(slots=True)
class Record:
    """One thing that happened, in the lanes of ``mask``.

    ``kind``: ``read``, ``write`` or ``update`` (one atomic step on a live table, ``data`` has ``offset``, ``old``,
    ``new``, the ``width`` of a number that is written, and ``atomic`` where it is a part of one that reads and writes),
    ``call``, ``flush``, ``warn``, ``unsure`` (an assertion that cannot be decided), ``fault``, ``mmu``, ``unseen``;
    with a stage also ``return`` (``value``) of functions that get an entry pointer, ``told`` (what the rest of the
    kernel hears of pages), ``unlock`` and ``unmap`` (``ptep``), and ``misread`` (the page of an entry that is not
    present is asked for). ``data`` holds scalars and blobs by name.
    ``stack`` is the chain of calls, outermost first, each with the place it was called from.
    """

    kind: str
    mask: Mask
    pos: Pos
    function: str
    name: str = ""
    data: dict[str, Scalar | Blob] = field(default_factory=dict)
    stack: tuple[tuple[str, Pos], ...] = ()


class Answers(dict[Hashable, Mask]):
    """Answers of every lane to questions. With ``draw`` those to questions that are not among them are drawn, but no in
    the first ``plain`` lanes; else they are no.
    """

    def __init__(self, draw: np.random.Generator | None = None, plain: int = 0) -> None:
        super().__init__()
        self.draw = draw
        self.plain = plain

    def drawn(self, lanes: int) -> Mask:
        """Return the answers to a question that is not among them."""
        if self.draw is None:
            return np.zeros(lanes, dtype=bool)
        found: Mask = self.draw.integers(0, 2, lanes, dtype=bool)
        found[: self.plain] = False
        return found


class Agent(Protocol):
    """Hardware that changes live entries on its own."""

    def before_step(self, machine: Machine, table: Object) -> None:
        """Act before the CPU's next atomic step on *table*, in the lanes whose schedule says so."""


class Machine:
    """See the module. ``answers`` gives, for each known question about unknown code, the answer of every lane, as do
    ``facts``, which hold of the hardware.

    ``intercept`` sees every call before it runs (name, parameter names, values) and may put other values in.
    """

    def __init__(
        self,
        lanes: int,
        memory: Memory,
        answers: Mapping[Hashable, Mask] | None = None,
        agent: Agent | None = None,
        limits: Limits | None = None,
        ration: Ration | None = None,
        facts: Mapping[Hashable, Mask] | None = None,
    ) -> None:
        self.lanes = lanes
        self.memory = memory
        self.mask: Mask = np.ones(lanes, dtype=bool)
        self.nobody: Mask = np.zeros(lanes, dtype=bool)
        self.nobody.flags.writeable = False
        self.dead: Mask | None = None
        self.answers: dict[Hashable, Mask] = {**(facts or {}), **(answers or {})}
        self._new = answers if isinstance(answers, Answers) else Answers()
        self.asked: dict[Hashable, Pos] = {}
        self.asked_in: dict[Hashable, Mask] = {}
        self.used_in: dict[Hashable, Mask] = {}
        self.agent = agent
        self.limits = limits or Limits()
        self.log: list[Record] = []
        self._everybody = self.running = self.mask
        self._steps, self._steps_of_all = np.zeros(lanes, dtype=np.int64), 0
        self.pos: Pos = NOWHERE
        self.function = ""
        self.depth = self.nesting = 0
        self.executed: set[str] = set()
        self.stack: list[tuple[str, Pos]] = []
        self.assumed: dict[str, tuple[str, Pos]] = {}
        self.asserted: set[Pos] = set()
        self.page_base_pfn = 0
        self.lazy = lazy.off(lanes)
        self.intercept: Callable[[str, Sequence[str], list[Any]], None] | None = None
        self.stage: Stage | None = None
        self.asserting = False
        self._atomic: dict[str, Scalar | Blob] = {}
        self.done = 0
        self._held = 0
        self._weight = 1 + lanes // LANES_OF_WORK
        self._most = min(self.limits.statements, self.limits.work // self._weight)
        self._ration = ration or Ration()
        self.pause = min(self._most, PORTION // 10 // self._weight)  # then more of the ration is taken
        self._ration.taken += PORTION // 100
        self._read = 0

    def finish(self) -> None:
        """Let go of what the run was about, which holds the machine in turn: its memory is free for the next run."""
        self.stage = self.intercept = None

    # --- bounds ---------------------------------------------------------------------------------------------------

    def tick(self, work: int = 1) -> None:
        """Count a statement, an iteration, or as much *work*. Raises OutOfBounds past the limit."""
        self.done += work
        if self.done > self.pause:
            self._go_on()

    def _go_on(self) -> None:
        if self.done > self._most:
            limits = self.limits
            what = f"{limits.statements} statements" if self._most == limits.statements else f"{limits.work} of work"
            raise self.no_end(what)
        if len(self.log) * max(self.lanes, FEW_LANES) > self.limits.records:
            raise OutOfBounds(f"more than {len(self.log)} records of what happened", self.pos, self.function)
        self.pause = min(self._most, self.done + PORTION // self._weight)
        self._ration.take(PORTION, PORTION // self._weight, self.done)
        refusal = self._ration.refusal(self.done)
        if refusal:
            raise OutOfBounds(refusal, self.pos, self.function)

    def no_end(self, what: str) -> NoEnd:
        """Return the error of a run that takes more than *what*."""
        return NoEnd(f"more than {what}", self.pos, self.function, self.executed)

    def read(self, expressions: int) -> None:
        """Count source that was met for the first time and read. Raises OutOfBounds past the limit."""
        self._read += expressions
        if self._read > self.limits.reading:
            raise OutOfBounds(f"more than {self.limits.reading} expressions to read", self.pos, self.function)

    def _hold(self, arrays: int) -> None:
        """Count arrays of one word a lane that objects keep. Raises OutOfBounds past the limit."""
        self._held += arrays
        if self._held > MIN_ARRAYS and 8 * self._held * self.lanes > self.limits.bytes:
            raise OutOfBounds(f"more than {self.limits.bytes >> 20} MiB in objects", self.pos, self.function)

    # --- lanes ----------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> NDArray[np.int64]:
        """Return, lane by lane, how many steps the CPU has made on live tables."""
        return self._steps + self._steps_of_all

    @steps.setter
    def steps(self, steps: NDArray[np.int64]) -> None:
        self._steps, self._steps_of_all = steps, 0

    def runs(self) -> bool:
        """Return whether there is a current lane."""
        if self.mask is not self.running:
            if not some(self.mask):
                return False
            self.running = self.mask
        return True

    def truth(self, value: Scalar) -> bool | Mask:
        """Return whether *value* is not 0: one bool where all lanes agree, else one a lane. Unknowns are answered."""
        if isinstance(value, int):
            return value != 0
        if isinstance(value, Unknown):
            return self.ask(value.key)
        if value.dtype is _TRUTH:  # told by a test
            return value
        result: Mask = value != 0
        return result

    def ask(self, key: Hashable) -> Mask:
        """Return every lane's answer to a question about unknown code; a new one is noted."""
        if isinstance(key, tuple) and len(key) == 2 and key[0] == "!":
            return ~self.ask(key[1])
        if key not in self.answers:
            if self.asserting:
                raise CannotExecute("a question that only an assertion asks", self.pos, self.function)
            self.asked.setdefault(key, self.pos)
            self.answers[key] = self._new.drawn(self.lanes)
        noted = self.used_in if self.asserting else self.asked_in
        noted[key] = noted[key] | self.mask if key in noted else self.mask
        return self.answers[key]

    def was_asked(self, key: Hashable) -> Mask | None:
        """Return the lanes in which the answer to *key* made a difference, if only to an assertion; None for none."""
        asked, used = self.asked_in.get(key), self.used_in.get(key)
        return asked if used is None else used if asked is None else asked | used

    def kill(self, mask: Mask) -> None:
        """Stop the lanes of *mask*: what they would do next has no meaning."""
        self.dead = mask.copy() if self.dead is None else self.dead | mask
        self.mask = self.mask & ~mask

    def without_dead(self, mask: Mask) -> Mask:
        """Return *mask* less the stopped lanes; the same object when there are none in it."""
        if self.dead is None or not some(mask & self.dead):
            return mask
        return mask & ~self.dead

    @contextmanager
    def narrowed(self, mask: Mask) -> Iterator[None]:
        """Run the body in the lanes of *mask* only."""
        saved = self.mask
        self.mask = mask
        try:
            yield
        finally:
            self.mask = self.without_dead(saved)

    # --- the log --------------------------------------------------------------------------------------------------

    def note(self, kind: str, name: str = "", mask: Mask | None = None, **data: Scalar | Blob) -> None:
        """Append a record at the current place."""
        self.record(kind, name, data, mask)

    def record(self, kind: str, name: str, data: dict[str, Scalar | Blob], mask: Mask | None = None) -> None:
        """Append a record with *data* at the current place."""
        where = self.mask if mask is None else mask
        self.log.append(Record(kind, where, self.pos, self.function, name, data, tuple(self.stack)))

    # --- memory ---------------------------------------------------------------------------------------------------

    def load(self, address: Scalar, size: int, signed: bool) -> Scalar:
        """Return the integer of *size* bytes at *address*; lanes without an object there fault and stop."""
        result: Scalar | None = None
        for obj, offset, mask in self._targets(address):
            if obj is None or not self._inside(obj, offset, size):
                self._fault("read", address, obj, offset, mask)
                continue
            if obj.live:
                self._step(obj)
            value = self._loaded(obj, offset, size)
            if obj.live:
                self.note("read", obj.name, mask, offset=offset, old=value)
            result = value if result is None else choose(mask, value, result, False)
        return narrow(0 if result is None else result, size, signed)

    def store(self, address: Scalar, size: int, value: Scalar) -> None:
        """Store the low *size* bytes of *value* at *address*."""
        for obj, offset, mask in self._targets(address):
            if obj is None or not self._inside(obj, offset, size):
                self._fault("write", address, obj, offset, mask)
                continue
            if obj.live:
                self._step(obj)
                old = obj.blob.load(offset, size, False)
                self.note("write", obj.name, mask, offset=offset, old=old, new=value, width=size, **self._atomic)
            self._put(obj, offset, size, value, mask)

    def load_blob(self, address: Scalar, size: int) -> Blob:
        """Return the structure of *size* bytes at *address*: one step on a live table."""
        result: Blob | None = None
        for obj, offset, mask in self._targets(address):
            if obj is None or not self._inside(obj, offset, size):
                self._fault("read", address, obj, offset, mask)
                continue
            if obj.live:
                self._step(obj)
            self.tick(1 + len(obj.blob.cells) // 32)
            part = obj.blob.sub(offset, size)
            if obj.live:
                self.note("read", obj.name, mask, offset=offset, old=part.load(0, size, False) if size <= 8 else part)
            if result is None:
                result = part
            else:
                result.put(0, part, mask)
        return result if result is not None else Blob(size, self.memory.big_endian, lambda _at, _size: 0)

    def store_blob(self, address: Scalar, value: Blob) -> None:
        """Store a structure at *address*: one step on a live table."""
        for obj, offset, mask in self._targets(address):
            if obj is None or not self._inside(obj, offset, value.size):
                self._fault("write", address, obj, offset, mask)
                continue
            if obj.live:
                self._step(obj)
                small = value.size in (1, 2, 4, 8)
                old: Scalar | Blob = (
                    obj.blob.load(offset, value.size, False) if small else obj.blob.sub(offset, value.size)
                )
                new: Scalar | Blob = value.load(0, value.size, False) if small else value
                self.note("write", obj.name, mask, offset=offset, old=old, new=new, **self._atomic)
            self.tick(1 + len(value.cells) // 32 + len(obj.blob.backdrops) // 4)
            before = obj.blob.arrays(offset, value.size)
            obj.blob.put(offset, value, None if self._has_all(obj, mask) else mask)
            self._hold(obj.blob.arrays(offset, value.size) - before)

    @contextmanager
    def atomic(self, address: Scalar, size: int) -> Iterator[None]:
        """Make all accesses of the body one step on the live tables that *address* names."""
        tables = [obj for obj, _, _ in self._targets(address) if obj is not None and obj.live]
        for table in tables:
            self._step(table)
        agent, self.agent = self.agent, None
        outer, self._atomic = self._atomic, {"atomic": 1}
        steps = self.steps
        try:
            yield
        finally:
            self.agent = agent
            self._atomic = outer
            self.steps = steps

    def _targets(self, address: Scalar) -> Iterator[tuple[Object | None, int, Mask]]:
        if isinstance(address, Unknown):
            if self.stage is None:
                raise CannotExecute(f"follows an unknown pointer ({address})", self.pos, self.function)
            from ptlint.sim.opaque import opaque  # opaque objects are made by machines

            return iter(((opaque(self, f"*({address})", None), 0, self.mask),))
        if isinstance(address, int):
            return iter(((*self.memory.find(address), self.mask),))
        return self._each_target(address)

    def _each_target(self, address: Scalar) -> Iterator[tuple[Object | None, int, Mask]]:
        for obj, offset, mask in self.memory.split(address, self.mask):
            yield obj, offset, mask
            self.tick()

    def _has_all(self, obj: Object, mask: Mask) -> bool:
        """Return whether *mask* has all lanes that have *obj*: then nobody needs what it held."""
        if obj.lanes is None:
            return every(mask)
        return mask is obj.lanes or not some(self.without_dead(obj.lanes & ~mask))

    def _put(self, obj: Object, offset: int, size: int, value: Scalar, mask: Mask) -> None:
        blob = obj.blob
        old = blob.cells.get(offset)
        blob.store(offset, size, value, None if self._has_all(obj, mask) else mask)
        if isinstance(blob.cells[offset][1], np.ndarray) and not (old and isinstance(old[1], np.ndarray)):
            self._hold(1)

    def release(self, address: int) -> None:
        """End the life of a variable's object: its bytes are given back, and a pointer to it leads nowhere."""
        self._emptied(address, 0, None)

    def begin(self, address: int, size: int) -> None:
        """Begin the life of a variable's object in the current lanes: what an earlier round of a loop left is gone."""
        self._emptied(address, size, self.mask)

    def _emptied(self, address: int, size: int, lanes: Mask | None) -> None:
        obj = self.memory.find(address)[0]
        if obj is not None:
            self._held -= obj.blob.arrays(0, obj.blob.size)
            obj.blob, obj.lanes = Blob(size, self.memory.big_endian), lanes

    def _inside(self, obj: Object, offset: int, size: int) -> bool:
        return not obj.function and offset >= 0 and offset + size <= obj.blob.size

    def _loaded(self, obj: Object, offset: int, size: int) -> Scalar:
        try:
            return obj.blob.load(offset, size, False)
        except CannotExecute as error:
            raise CannotExecute(f"{error.what} ({obj.name})", self.pos, self.function) from None

    def _step(self, table: Object) -> None:
        if self.agent is not None:
            self.agent.before_step(self, table)
        if self.mask is self._everybody:
            self._steps_of_all += 1
        else:
            self._steps = self._steps + self.mask

    def _fault(self, what: str, address: Scalar, obj: Object | None, offset: int, mask: Mask) -> None:
        if not some(mask):
            return
        name = obj.name if obj is not None else ""
        self.note("fault", what, mask, address=address, offset=offset, **({} if obj is None else {"inside": 1}))
        self.log[-1].name = f"{what} outside {name}" if name else f"{what} through an invalid pointer"
        self.kill(mask)
