"""Laws of page frames: what is encoded comes back, and advancing an entry moves its page frame and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ptlint.sim.algebra.entries import Bench, Lanes, Raw, frames
from ptlint.sim.algebra.laws import Broken
from ptlint.sim.algebra.states import ADVANCES, States
from ptlint.sim.algebra.vocabulary import WORDS
from ptlint.sim.algebra.world import World
from ptlint.sim.values import Mask

PROPERTY = "pfn-encoding"

MEMORY_TYPE = "pgprot_noncached"
"""What makes the protection of memory that is not cached, as that of devices."""


def fresh_entries(states: States) -> tuple[Lanes, Lanes]:
    """Return state and column of every fresh entry, over all page frames."""
    fresh = np.flatnonzero(states.weight == 0)
    return np.repeat(fresh, len(states.pfns)), np.tile(np.arange(len(states.pfns)), len(fresh))


def check_encoding(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield what *name*, which makes entries, breaks: the lanes are all fresh entries."""
    table = world.states
    states, columns = (part[base] for part in fresh_entries(table))
    wanted = table.pfns[columns]
    prots = np.array([one.value & _ALL for one in table.protections], dtype=np.uint64)[states]
    text = f"{name}(pfn, __pgprot(prot))"
    made = bench.made(text, pfn=frames(world.program, wanted), prot=("unsigned long long", prots))
    got = bench.pfn(made)
    expected = np.ascontiguousarray(table.raw[states, columns])
    detail = f"the page frame that {name}() was given does not come back"
    wrong = got != wanted
    lane = int(np.argmax(wrong))
    if bool(wrong.any()):
        arguments = (("pfn", f"{int(wanted[lane]):#x}"),)
        yield Broken(PROPERTY, _only(lane, wrong), detail, made, made, f"pfn {int(wanted[lane]):#x}", states, arguments)
    if name == "pfn_pte" and world.program.has(MEMORY_TYPE):
        yield from _of_memory(bench, world, wanted, prots, states)
    usual = np.ascontiguousarray(table.raw[states, 0])
    for word in world.live - {"none"}:
        predicate = world.predicates[word]
        wrong = bench.holds(predicate, made) != bench.holds(predicate, usual)
        detail = f"whether an entry of {name}() is {WORDS[word]} depends on its page frame"
        yield Broken(PROPERTY, wrong, detail, usual, made, expected, states, (("pfn", "another"),))


def _of_memory(bench: Bench, world: World, wanted: Raw, prots: Raw, states: Lanes) -> Iterator[Broken]:
    """Yield the entries of another type of memory whose page frame does not come back: the type lies beside it."""
    text = f"pfn_pte(pfn, {MEMORY_TYPE}(__pgprot(prot)))"
    made = bench.made(text, pfn=frames(world.program, wanted), prot=("unsigned long long", prots))
    wrong = bench.pfn(made) != wanted
    if not bool(wrong.any()):
        return
    lane = int(np.argmax(wrong))
    detail = f"the page frame of an entry whose protection {MEMORY_TYPE}() made does not come back"
    arguments = (("pfn", f"{int(wanted[lane]):#x}"),)
    expected = f"pfn {int(wanted[lane]):#x}"
    yield Broken(PROPERTY, _only(lane, wrong), detail, made, made, expected, states, arguments)


def _only(lane: int, mask: Mask) -> Mask:
    result = np.zeros_like(mask)
    result[lane] = True
    return result


def jumps(states: States) -> tuple[Lanes, Lanes, Lanes]:
    """Return state, column and target column of every advance between two page frames of the table."""
    pairs = [
        (column, target)
        for column in range(states.used)
        for target in range(len(states.pfns))
        if int(states.pfns[target]) - int(states.pfns[column]) in ADVANCES
    ]
    known = {int(pfn): column for column, pfn in enumerate(states.pfns)}
    pairs += [(column, known[int(states.pfns[column]) + 1]) for column in states.carries if column >= states.used]
    count = len(states.weight)
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return (
        np.repeat(np.arange(count, dtype=np.int64), len(pairs)),
        np.tile(table[:, 0], count),
        np.tile(table[:, 1], count),
    )


def check_advance(bench: Bench, world: World, name: str, base: Lanes) -> Iterator[Broken]:
    """Yield what *name*, which advances an entry, breaks: the lanes are ``jumps()``."""
    table = world.states
    states, columns, targets = (part[base] for part in jumps(table))
    by: Raw = table.pfns[targets] - table.pfns[columns]
    before = np.ascontiguousarray(table.raw[states, columns])
    expected = np.ascontiguousarray(table.raw[states, targets])
    after = bench.applied(f"{name}(x, nr)", before, nr=frames(world.program, by))
    moved = bench.pfn(after) != table.pfns[targets]
    for mask, detail in (
        (moved, f"{name}() does not move the page frame by the number of pages"),
        (~moved & (after != expected), f"{name}() changes more than the page frame"),
    ):
        if bool(mask.any()):
            number = _number(world, mask, states, by)
            near = mask & (by == np.uint64(number))
            yield Broken(PROPERTY, near, detail, before, after, expected, states, (("nr", str(number)),))


def _number(world: World, mask: Mask, states: Lanes, by: Raw) -> int:
    """Return the number of pages of the lane that is the least to tell: the lightest state, the shortest way."""
    lanes = np.flatnonzero(mask)
    order = np.lexsort((by[lanes], world.states.weight[states[lanes]]))
    return int(by[lanes[order[0]]])


_ALL = 0xFFFF_FFFF_FFFF_FFFF
