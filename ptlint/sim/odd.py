"""Lanes of tables in which one entry may be otherwise than the first: for functions that detect batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.driving import Setting
from ptlint.sim.session import Session
from ptlint.sim.space import Space
from ptlint.sim.stage import AFTER, BEFORE
from ptlint.sim.swapped import marks_of, swap_entries

NR = 3
"""Entries that may be counted; one more stands on each side."""

MOST_LANES = 8192
MOST_FOLDED_LANES = 1024

BLOCKS = 3
"""Folded blocks: what the second one leads to shows in the third."""
SEED = 0x6670_625F


@dataclass(frozen=True, slots=True)
class Rows:
    """The lanes of a run: entry ``odd`` is made otherwise than the first as ``how`` says (0 in nothing); ``flags`` is
    an index of the combinations of flags, ``most`` and ``border`` are as in Formed.
    """

    odd: NDArray[np.int64]
    how: NDArray[np.int64]
    flags: NDArray[np.int64]
    most: NDArray[np.int64]
    border: NDArray[np.int64]

    @property
    def packed(self) -> NDArray[np.int64]:
        """Return one number a lane, small where little is out of the ordinary."""
        return self.flags | self.how << 8 | self.odd << 12 | self.border << 20 | self.most << 28


def unpacked(request: NDArray[np.int64]) -> Rows:
    """Return what ``packed`` made numbers of."""
    return Rows(request >> 12 & 255, request >> 8 & 15, request & 255, request >> 28 & 255, request >> 20 & 255)


ALIKE, ANOTHER, AHEAD, BEHIND, EMPTY, NOWHERE = range(6)
"""What is wrong with the odd entry: nothing, a flag, its page frame twice, that it is empty, and that the page frames
behind the folio do not exist, so that all entries from there on are empty.
"""


def spaced(states: int, pairs: Sequence[tuple[int, int]], flags: int) -> Space:
    """Return lanes in which one entry may map another page, be empty, or be in the second state of one of *pairs*.

    *flags* is the number of their combinations, *states* that of an entry's.
    """
    none = NR + AFTER
    one_off = [(one, other, odd, ANOTHER, NR, none) for one, other in pairs for odd in range(1, NR)]
    rows = [(one, one, 0, ALIKE, most, none) for one in range(states) for most in range(1, NR + 1)]
    rows += [(one, one, 0, how, NR, end) for one in range(states) for end in range(1, NR) for how in (ALIKE, NOWHERE)]
    rows += [
        (one, one, odd, how, NR, none)
        for one in range(states)
        for odd in range(1, NR)
        for how in (AHEAD, BEHIND, EMPTY)
    ]
    return _joined([*_drawn(one_off, flags), *_drawn(rows, flags)], BEFORE + NR + AFTER)


_Row = tuple[int, ...]


def _drawn(rows: Sequence[_Row], flags: int) -> list[_Row]:
    """Return each row with each combination of flags; above the most lanes, some of them."""
    every = len(rows) * flags
    pick = np.arange(every)
    if every > MOST_LANES:
        pick = np.sort(np.random.default_rng(SEED).permutation(every)[:MOST_LANES])
    return [(*rows[at // flags], at % flags) for at in pick.tolist()]


def _joined(rows: Sequence[_Row], width: int) -> Space:
    one, other, odd, how, most, border, flags = np.array(rows, dtype=np.int64).T
    states = np.repeat(one[:, None], width, axis=1)
    states[np.flatnonzero(how == ANOTHER), BEFORE + odd[how == ANOTHER]] = other[how == ANOTHER]
    off, nothing = np.full(len(rows), -1, dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    packed = Rows(odd, how, flags, most, border).packed
    return Space(states, packed, off, nothing, nothing.astype(bool), exhaustive=len(rows) < MOST_LANES)


def folded(states: int, pairs: Sequence[tuple[int, int]], flags: int, block: int) -> Space:
    """Return lanes of folded blocks, alike or different in one bit from the second on, of one folio."""
    nr = BLOCKS * block
    rows = [
        (one, other, block, ANOTHER, most, nr + AFTER)
        for one, other in [*((one, one) for one in range(states)), *pairs]
        for most in (2, block - 1, block + 3, 2 * block, nr)
    ]
    keep = np.random.default_rng(SEED).permutation(len(rows) * flags)[:MOST_FOLDED_LANES].tolist()
    space = _joined([(*rows[at // flags], at % flags) for at in keep], BEFORE + nr + AFTER)
    for index in range(BEFORE + block, space.states.shape[1]):
        space.states[:, index] = space.states[:, BEFORE + block]
    return space


def raws(shared: Setting, space: Space) -> NDArray[np.uint64]:
    """Return the entries of every lane, neighbours included."""
    colours, rows = shared.colours, unpacked(space.request)
    width = space.states.shape[1]
    raw = colours.entries(space.states)
    lanes = np.arange(len(raw))
    column = BEFORE + rows.odd
    for how, step in ((AHEAD, 1), (BEHIND, -1)):
        here = lanes[rows.how == how]
        raw[here, column[here]] = colours.raw[space.states[here, 0], column[here] + step]
    here = lanes[rows.how == EMPTY]
    raw[here, column[here]] = shared.none
    beyond = (rows.how == NOWHERE)[:, None] & (np.arange(width) >= BEFORE + rows.border[:, None])
    raw[beyond] = shared.none
    return raw


OTHER_MARK, OTHER_TYPE, SKIPS, REPEATS, MAPPED = range(8, 13)
"""What is wrong with the odd swap entry: a mark, its type, its offset twice, and that it is mapped."""


def swapped(shared: Setting) -> tuple[Space, NDArray[np.uint64]]:
    """Return lanes of swap entries, of which one may not go on from those before it, and the entries of each lane."""
    program = shared.program
    marks = list(marks_of(program))
    combos, none = range(1 << len(marks)), NR + AFTER
    rows = [(0, 0, 0, ALIKE, most, none, combo) for most in range(1, NR + 1) for combo in combos]
    rows += [
        (0, 0, odd, how, NR, none, combo)
        for odd in range(1, NR)
        for how in (EMPTY, OTHER_MARK, OTHER_TYPE, SKIPS, REPEATS, MAPPED)
        for combo in combos
    ]
    space = _joined(rows, BEFORE + NR + AFTER)
    kind, width = unpacked(space.request), space.states.shape[1]
    raw = np.zeros(space.states.shape, dtype=np.uint64)
    session, differs = Session(program, len(space)), kind.how == ALIKE
    for column in range(width):
        at = column - BEFORE
        odd = kind.odd == at
        regular = swap_entries(session, 1, 0x100 + at, marks, kind.flags)
        offset = 0x100 + at + (odd & (kind.how == SKIPS)) - (odd & (kind.how == REPEATS))
        mark = kind.flags ^ (odd & (kind.how == OTHER_MARK))
        made = swap_entries(session, 1 + (odd & (kind.how == OTHER_TYPE)), offset, marks, mark)
        made = np.where(odd & (kind.how == EMPTY), np.uint64(shared.none), made)
        raw[:, column] = np.where(odd & (kind.how == MAPPED), shared.colours.raw[0, column], made)
        differs = differs | (raw[:, column] != regular)
    keep = np.flatnonzero(differs)  # a mark that is none here makes no difference
    return space.take(keep), np.ascontiguousarray(raw[keep])
