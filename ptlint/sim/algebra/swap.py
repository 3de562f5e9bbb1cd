"""Laws of swap entries: type and offset come back, and the marks beside them keep to themselves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlint.sim.algebra.entries import Bench, Lanes, Raw, frames
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.world import World
from ptlint.sim.program import Program
from ptlint.sim.session import Session
from ptlint.sim.swapped import ENTRY, marks_of
from ptlint.sim.values import Mask

TYPE_BITS = 5
"""``MAX_SWAPFILES_SHIFT``: kernels agree on 32 types (include/linux/swap.h)."""

_TYPE, _OFFSET = "__swp_type(__pte_to_swp_entry(x))", "__swp_offset(__pte_to_swp_entry(x))"


def numbers(program: Program, world: World) -> tuple[Raw, Raw]:
    """Return type and offset of every swap entry that laws run over."""
    bench = Bench(Session(program, 1), world.level)
    long = (1 << (8 * program.model.long_size)) - 1
    every = np.array([long], dtype=np.uint64)
    raw = bench.made(ENTRY, type=("unsigned long", 0), offset=frames(program, every))
    widest = int(bench.number(_OFFSET, raw)[0])
    program.settle(bench.session.machine.asked)
    even, odd = 0x5555_5555_5555_5555, 0xAAAA_AAAA_AAAA_AAAA
    offsets = [value for value in (1, 0x1FFE, even & widest, odd & widest, widest - 1) if 0 < value <= widest]
    types = [0, 1, (1 << TYPE_BITS) - 2, (1 << TYPE_BITS) - 1]
    table = np.array([(type_, offset) for type_ in types for offset in dict.fromkeys(offsets)], dtype=np.uint64)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1])


def entries(bench: Bench, types: Raw, offsets: Raw) -> Raw:
    """Return the swap entries of *types* and *offsets*."""
    program = bench.program
    return bench.made(ENTRY, type=frames(program, types), offset=frames(program, offsets))


def check_encoding(bench: Bench, world: World, types: Raw, offsets: Raw) -> Iterator[Broken]:
    """Yield swap entries that do not give back what they were made of, or that are taken for something else."""
    raw, states = entries(bench, types, offsets), np.zeros(len(types), dtype=np.int64)
    told = _Told(world, raw, states, types, offsets)
    yield told.broken("pfn-encoding", bench.number(_TYPE, raw) != types, "the type of a swap entry does not come back")
    yield told.broken(
        "pfn-encoding", bench.number(_OFFSET, raw) != offsets, "the offset of a swap entry does not come back"
    )
    yield told.broken("pfn-encoding", bench.holds("pte_present", raw), "a swap entry counts as present")
    yield told.broken("pfn-encoding", bench.holds("pte_none", raw), "a swap entry counts as empty")
    for predicate in marks_of(bench.program):
        detail = f"{predicate}() holds for a swap entry that was not marked"
        yield told.broken("pfn-encoding", bench.holds(predicate, raw), detail)


def check_mark(bench: Bench, world: World, name: str, types: Raw, offsets: Raw) -> Iterator[Broken]:
    """Yield what the mark setter *name* breaks on entries without and with every other mark."""
    marks = marks_of(bench.program)
    own, value = next((p, v) for p, setters in marks.items() for setter, v in setters if setter == name)
    on = next((setter for setter, v in marks[own] if v), name)
    plain, states = entries(bench, types, offsets), np.zeros(len(types), dtype=np.int64)
    there = _is_there(bench, own, on, plain)
    for before in _marked(bench, marks, plain):
        after = bench.applied(f"{name}(x)", before)
        told = _Told(world, after, states, types, offsets, before)
        if there:
            wrong = bench.holds(own, after) != value
            yield told.broken("setter", wrong, f"after {name}() {own}() is {'false' if value else 'true'}")
        for predicate in marks:
            if predicate != own:
                changed = bench.holds(predicate, before) != bench.holds(predicate, after)
                yield told.broken("setter", changed, f"{name}() changes what {predicate}() says")
        moved = (bench.number(_TYPE, after) != types) | (bench.number(_OFFSET, after) != offsets)
        yield told.broken("setter", moved, f"{name}() changes the swap entry")
        for predicate in ("pte_present", "pte_none"):
            lost = bench.holds(predicate, after) & ~bench.holds(predicate, before)
            yield told.broken("setter", lost, f"after {name}() {predicate}() holds for a swap entry")


def _is_there(bench: Bench, predicate: str, on: str, plain: Raw) -> bool:
    """Return whether any bit of an entry makes *predicate* true: generic code has empty ones for what is not there."""
    if bool(bench.holds(predicate, bench.applied(f"{on}(x)", plain)).any()):
        return True
    bits = np.uint64(1) << (np.arange(len(plain), dtype=np.uint64) % np.uint64(8 * bench.level.size))
    for shift in range(0, 8 * bench.level.size, max(len(plain), 1)):
        if bool(bench.holds(predicate, plain ^ (bits << np.uint64(shift))).any()):
            return True
    return False


def _marked(bench: Bench, marks: dict[str, tuple[tuple[str, bool], ...]], plain: Raw) -> Iterator[Raw]:
    """Yield the entries without marks, with each, and with all."""
    yield plain
    every = plain
    for setters in marks.values():
        for name, value in setters:
            if value:
                yield bench.applied(f"{name}(x)", plain)
                every = bench.applied(f"{name}(x)", every)
    yield every


class _Told:
    """How to show a swap entry."""

    def __init__(
        self, world: World, raw: Raw, states: Lanes, types: Raw, offsets: Raw, before: Raw | None = None
    ) -> None:
        self.world, self.raw, self.states, self.types, self.offsets = world, raw, states, types, offsets
        self.before = raw if before is None else before

    def broken(self, prop: str, mask: Mask, detail: str) -> Broken:
        lane = int(np.argmax(mask))
        arguments = (("type", str(int(self.types[lane]))), ("offset", f"{int(self.offsets[lane]):#x}"))
        expected = f"type {int(self.types[lane])}, offset {int(self.offsets[lane]):#x}, and nothing else changed"
        one = np.zeros_like(mask)
        one[lane] = mask[lane]
        return Broken(prop, one, detail, self.before, self.raw, expected, self.states, arguments)
