"""The lanes of a run: which state each entry starts in, what is asked for, and when the MMU acts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.bounds import FEW_LANES
from ptlint.sim.palette import Palette
from ptlint.sim.values import Mask, distinct, distinct_rows


@dataclass(frozen=True, slots=True)
class Space:
    """The lanes of one run. ``states`` is (lanes, nr), the others (lanes,).

    ``request`` numbers what the caller asks for (what that is belongs to the scenario). The MMU accesses entry
    ``entry`` (``store``: writes) before the CPU's ``slot``-th step; -1 where it stays out.
    """

    states: NDArray[np.int64]
    request: NDArray[np.int64]
    slot: NDArray[np.int64]
    entry: NDArray[np.int64]
    store: Mask
    exhaustive: bool

    def __len__(self) -> int:
        return len(self.request)

    def take(self, lanes: NDArray[np.int64]) -> Space:
        """Return the space of these lanes, in this order."""
        return Space(
            self.states[lanes],
            self.request[lanes],
            self.slot[lanes],
            self.entry[lanes],
            self.store[lanes],
            self.exhaustive,
        )


def still(colours: Palette, nr: int, limit: int, requests: int = 2) -> Space:
    """Return every combination of young and dirty over *nr* entries of one kind, with each request, no MMU.

    Above *limit* lanes: all alike, one-hot and two-hot states, and seeded draws.
    """
    rows = []
    exhaustive = True
    for kind in distinct(colours.kinds):
        variants = np.flatnonzero(colours.kinds == kind)
        if len(variants) ** nr * requests * (int(colours.kinds.max()) + 1) <= limit:
            grid = np.meshgrid(*[variants] * nr, indexing="ij")
            rows.append(np.stack([axis.reshape(-1) for axis in grid], axis=1))
        else:
            exhaustive = False
            rows.append(_drawn(variants, nr, limit // 16))
    states = np.concatenate(rows)
    states = np.repeat(states, requests, axis=0)
    count = len(states)
    request = np.tile(np.arange(requests, dtype=np.int64), count // requests)
    off = np.full(count, -1, dtype=np.int64)
    return Space(states, request, off, np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool), exhaustive)


def _drawn(variants: NDArray[np.int64], nr: int, count: int) -> NDArray[np.int64]:
    rows = [np.full(nr, variant) for variant in variants]
    for one in variants:
        for other in variants:
            for at in range(nr):
                row = np.full(nr, one)
                row[at] = other
                rows.append(row)
                if at + 1 < nr:
                    pair = row.copy()
                    pair[at + 1] = other
                    rows.append(pair)
    draw = np.random.default_rng(nr)
    rows.extend(draw.choice(variants, nr) for _ in range(max(0, count - len(rows))))
    return distinct_rows(np.stack(rows[: max(count, len(variants) * 4)]))


def mixed(colours: Palette, nr: int, lanes: int, requests: int) -> Space:
    """Return *lanes* seeded draws of states for *nr* entries that may also differ in what is not young or dirty."""
    draw = np.random.default_rng(nr)
    states = draw.integers(0, len(colours.weight), (lanes, nr))
    request = draw.integers(0, requests, lanes)
    off = np.full(lanes, -1, dtype=np.int64)
    return Space(states, request, off, np.zeros(lanes, dtype=np.int64), np.zeros(lanes, dtype=bool), exhaustive=False)


def joined(first: Space, second: Space) -> Space:
    """Return the lanes of both, those of *first* before those of *second*."""
    return Space(
        np.concatenate((first.states, second.states)),
        np.concatenate((first.request, second.request)),
        np.concatenate((first.slot, second.slot)),
        np.concatenate((first.entry, second.entry)),
        np.concatenate((first.store, second.store)),
        first.exhaustive and second.exhaustive,
    )


def raced(space: Space, nr: int, slots: int) -> Space:
    """Return *space* with one access of the MMU, a load or a store, to each entry before each of *slots* steps.

    Above ``MOST_RACED`` lanes seeded draws of them, fewer over many entries.
    """
    events = [(slot, entry, store) for slot in range(slots) for entry in range(nr) for store in (False, True)]
    return _at(space, events, lanes_over(nr, MOST_RACED))


def raced_at(space: Space, slots: Iterable[int]) -> Space:
    """Return *space* with one access of the MMU, a load or a store, to the one entry before each of *slots*."""
    return _at(space, [(slot, 0, store) for slot in slots for store in (False, True)], MOST_RACED)


MOST_RACED = 1 << 16
"""Lanes with an access of the MMU."""

FEW_ENTRIES = 3
"""Entries up to which a run takes as many lanes as any."""


def lanes_over(nr: int, most: int, few: int = FEW_ENTRIES) -> int:
    """Return the lanes of one run over *nr* entries, *most* over *few*: what is kept of it grows with lanes and steps,
    and code that looks at entries one by one makes more steps on each in more lanes.
    """
    return most if nr <= few else max(FEW_LANES, most * few**2 // nr**2)


def _at(space: Space, events: Sequence[tuple[int, int, bool]], most: int) -> Space:
    table = np.array(events, dtype=np.int64)
    count = len(space) * len(events)
    if count <= most:
        number = np.arange(count)
    else:
        number = distinct(np.random.default_rng(len(events)).integers(0, count, most))
    pick, event = number // len(events), number % len(events)
    return Space(
        space.states[pick],
        space.request[pick],
        table[event, 0],
        table[event, 1],
        table[event, 2].astype(bool),
        space.exhaustive and count <= most,
    )
