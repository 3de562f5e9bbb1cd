"""A broken law: in which lanes, and how to show it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.core.outcome import Counterexample
from ptlint.sim.algebra.entries import Bench, Raw
from ptlint.sim.algebra.vocabulary import WORDS
from ptlint.sim.algebra.world import World
from ptlint.sim.values import Mask


@dataclass(slots=True)
class Broken:
    """A law that fails in the lanes of ``mask``, whose entries are ``before`` and became ``after``.

    ``expected`` is a sentence, or the entries that should have come out. ``states`` are the states that the lanes stand
    for; ``arguments`` are what else was passed.
    """

    property: str
    mask: Mask
    detail: str
    before: Raw
    after: Raw
    expected: str | Raw
    states: NDArray[np.int64]
    arguments: tuple[tuple[str, str], ...] = ()


TOLD = ("write", "young", "dirty", "special", "soft_dirty", "uffd", "protnone")
"""The predicates that an entry is described by, in order."""


def lightest(world: World, broken: Broken) -> int:
    """Return the lane of *broken* that is the least to tell."""
    lanes = np.flatnonzero(broken.mask)
    return int(lanes[np.argmin(world.states.weight[broken.states[lanes]])])


def shown(bench: Bench, world: World, broken: Broken, arch: str) -> Counterexample:
    """Return the entry before and after, and what was expected, as a table of one entry."""
    lane = lightest(world, broken)
    entries = [broken.before[lane], broken.after[lane]]
    if not isinstance(broken.expected, str):
        entries.append(broken.expected[lane])
    said = _words(bench, world, entries)
    return Counterexample(
        property=broken.property,
        arch=arch,
        nr=1,
        initial=(said[0],),
        events=(),
        final=(said[1],),
        expected=(broken.expected if isinstance(broken.expected, str) else said[2],),
        arguments=((world.level.name, world.states.recipe[int(broken.states[lane])]), *broken.arguments),
        verdict=broken.detail,
    )


def _words(bench: Bench, world: World, entries: list[np.uint64]) -> list[str]:
    """Return entries as a reader would say them: page frame, what holds, and the bytes in memory."""
    raw = np.resize(np.array(entries, dtype=np.uint64), bench.session.machine.lanes)
    present, pfn = bench.holds(world.predicates["present"], raw), bench.pfn(raw)
    masks = [(WORDS[word], bench.holds(world.predicates[word], raw)) for word in TOLD if word in world.live]
    result = []
    for at, value in enumerate(entries):
        frame = f"pfn {int(pfn[at]):#x}" if present[at] else "not present"
        flags = [word for word, mask in masks if mask[at]]
        result.append(f"{', '.join([frame, *flags])} ({int(value):#x})")
    return result
