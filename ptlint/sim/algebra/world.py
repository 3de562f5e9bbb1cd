"""What all laws of one level share: its states, its predicates, and which bits of an entry belong to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.algebra.entries import Bench, Level, Raw
from ptlint.sim.algebra.states import Protection, States, predicates_of, setters_of, states_of
from ptlint.sim.algebra.vocabulary import Setter
from ptlint.sim.mmu import Hardware
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.values import Mask

SEED = 1


@dataclass(frozen=True, slots=True)
class World:
    """``live`` are the predicates that some entry fulfils, ``seen`` the bits that a predicate or
    the page frame depends on.

    ``gates`` are the bits that let the hardware write through an entry; ``changed`` those that each setter changes, by
    name, in entries with any bits that are not seen.
    """

    program: Program
    level: Level
    states: States
    predicates: Mapping[str, str]
    live: frozenset[str]
    setters: Mapping[str, Setter]
    changed: Mapping[str, int]
    seen: int
    gates: int

    @property
    def lanes(self) -> NDArray[np.int64]:
        """Return the state of every lane that laws run over."""
        return np.repeat(np.arange(len(self.states.weight), dtype=np.int64), self.states.used)

    def applies(self, setter: Setter, bench: Bench, raw: Raw, states: NDArray[np.int64]) -> Mask:
        """Return where the kernel would use *setter*: an entry marked for userfaultfd is never made writable."""
        if not setter.needs_writable:
            return np.ones(len(raw), dtype=bool)
        allowed: Mask = self.states.writable[states]
        return allowed & ~bench.holds(self.predicates["uffd"], raw) if "uffd" in self.live else allowed


def world_of(
    program: Program, hardware: Hardware, level: Level, protections: tuple[Protection, ...] | None = None
) -> World:
    """Return the world of *level*, of user memory if no *protections* are given.

    Raises CannotExecute when entries cannot be made.
    """
    states = states_of(program, hardware, level, protections)
    predicates = predicates_of(program, level)
    first = np.ascontiguousarray(states.raw[:, 0])
    live, seen = _noticed(program, level, predicates, first)
    setters = {name: setter for name, setter in setters_of(program, level) if "vma" not in setter.call}
    bench = Bench(Session(program, len(first)), level)
    bare = World(program, level, states, predicates, live, dict(setters_of(program, level)), {}, seen, hardware.gates)
    changed = {}
    mixed = first ^ noise(bare, len(first))
    for name, setter in setters.items():
        usual = bare.applies(setter, bench, first, np.arange(len(first)))
        changed[name] = int(np.bitwise_or.reduce((bench.applied(f"{name}(x)", mixed) ^ mixed)[usual], initial=0))
    program.settle(bench.session.machine.asked)
    return World(program, level, states, predicates, live, bare.setters, changed, seen, hardware.gates)


def noise(world: World, lanes: int) -> Raw:
    """Return drawn bits, one word a lane, in the places of an entry that no predicate sees."""
    unseen = np.uint64(((1 << (8 * world.level.size)) - 1) & ~world.seen)
    drawn: Raw = np.random.default_rng(SEED).integers(0, 1 << 63, (2, lanes)).astype(np.uint64)
    result: Raw = (drawn[0] ^ (drawn[1] << np.uint64(1))) & unseen
    return result


def _noticed(program: Program, level: Level, predicates: Mapping[str, str], first: Raw) -> tuple[frozenset[str], int]:
    """Return which predicates some entry fulfils, and the bits that a predicate or the page frame depends on."""
    bits = np.uint64(1) << np.arange(8 * level.size, dtype=np.uint64)
    flipped = (first[:, None] ^ bits[None, :]).reshape(-1)
    every = np.concatenate([first, flipped])
    bench = Bench(Session(program, len(every)), level)
    live, seen, count = set(), 0, len(first)
    for word, name in predicates.items():
        holds = bench.holds(name, every)
        if bool(holds.any()):
            live.add(word)
        seen |= _dependent(holds, count, bits)
    seen |= _dependent(bench.pfn(every), count, bits)
    program.settle(bench.session.machine.asked)
    return frozenset(live), seen


def _dependent(values: NDArray[np.generic], count: int, bits: Raw) -> int:
    differs = values[count:].reshape(count, len(bits)) != values[:count, None]
    return int(np.bitwise_or.reduce(bits[differs.any(axis=0)], initial=0))
