"""Lanes for what code asks: one for every way that the answers take it, from every lane that it starts in.

Two combinations of answers that differ in a question which a lane does not come to are the same run. So a lane parts
where it is asked: its twin goes the other way, and of lanes that turn out to go the same way one is left.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.machine import Machine
from ptlint.sim.values import Mask, distinct, some

NO, YES, OPEN = 0, 1, 2

Ways = NDArray[np.int8]
"""Answers that belong together, (ways, questions): ``OPEN`` for what is not asked on the way."""


@dataclass(slots=True)
class Paths:
    """Lanes of the next run: the lane that each starts in, its answers, and those whose other way is another lane's.

    ``seeded`` tells that they come from other lanes, whose ways may not be all of these.
    """

    lane: NDArray[np.int64]
    answers: dict[Hashable, Mask]
    settled: dict[Hashable, Mask]
    seeded: bool = False

    def parted(self, machine: Machine) -> Paths | None:
        """Return the lanes that *machine* ran and the twins of those that it asked something new; None for no news."""
        nobody = np.zeros(len(self.lane), dtype=bool)
        new = [key for key in machine.asked if key not in self.answers]
        answers = {**self.answers, **dict.fromkeys(new, nobody)}
        asked = {key: machine.was_asked(key) for key in answers}
        fresh = {
            key: mask if key in new else mask & ~self.settled[key] for key, mask in asked.items() if mask is not None
        }
        fresh = {key: mask for key, mask in fresh.items() if some(mask)}
        if not fresh:
            return None
        rows = self._different(machine, answers)
        turned = {key: np.zeros(len(rows), dtype=bool) for key in fresh}
        for key, mask in fresh.items():
            twins = np.flatnonzero(mask[rows])
            rows = np.concatenate((rows, rows[twins]))
            turned = {one: np.concatenate((yes, yes[twins] | (one == key))) for one, yes in turned.items()}
        made = {key: mask[rows] | turned[key] if key in turned else mask[rows] for key, mask in answers.items()}
        told = {key: (nobody if mask is None else mask)[rows] for key, mask in asked.items()}
        return _in_order(Paths(self.lane[rows], made, told, self.seeded))

    def _different(self, machine: Machine, answers: dict[Hashable, Mask]) -> NDArray[np.int64]:
        """Return the first of the lanes that start alike and go the same way, for each way."""
        ways = self.lane.copy()
        for key, answer in answers.items():
            asked = machine.was_asked(key)
            ways *= 3
            if asked is not None:
                ways += asked
                ways += asked & answer
        rows: NDArray[np.int64] = np.sort(np.unique(ways, return_index=True)[1])
        return rows

    def are_all(self, machine: Machine) -> bool:
        """Return whether the ways of each lane are all that there are: of two after a question each stands for half."""
        if not self.seeded:
            return True
        rows = self._different(machine, self.answers)
        share = np.ones(len(rows))
        for key in self.answers:
            asked = machine.was_asked(key)
            if asked is not None:
                share[asked[rows]] /= 2
        return bool((np.bincount(self.lane[rows], share) == 1).all())

    def ways(self, machine: Machine) -> Ways:
        """Return the different answers that lanes were asked for."""
        return different_ways(machine, list(self.answers), np.ones(len(self.lane), dtype=bool))


def different_ways(machine: Machine, questions: Sequence[Hashable], worth: Mask) -> Ways:
    """Return the different answers that lanes of *worth* were asked for, those of all lanes when there is none, to at
    most 32 questions.
    """
    chosen = np.flatnonzero(worth if some(worth) else ~worth)
    number, places = np.zeros(len(chosen), dtype=np.uint64), 2 * np.arange(len(questions), dtype=np.uint64)
    for place, key in zip(places, questions, strict=True):
        asked = machine.was_asked(key)
        if asked is None:
            number |= np.uint64(OPEN) << place
        else:
            number |= np.where(asked[chosen], machine.answers[key][chosen], OPEN).astype(np.uint64) << place
    ways: Ways = (distinct(number)[:, None] >> places & np.uint64(3)).astype(np.int8)
    return ways


def started(lanes: int) -> Paths:
    """Return *lanes* lanes of which nothing is known."""
    return Paths(np.arange(lanes, dtype=np.int64), {}, {})


def seeded(lanes: int, questions: Sequence[Hashable], ways: Ways) -> Paths:
    """Return *lanes* lanes on each of the *ways* that other lanes went."""
    lane = np.tile(np.arange(lanes, dtype=np.int64), len(ways))
    answers = {key: np.repeat(ways[:, at] == YES, lanes) for at, key in enumerate(questions)}
    settled = {key: np.repeat(ways[:, at] != OPEN, lanes) for at, key in enumerate(questions)}
    return _in_order(Paths(lane, answers, settled, seeded=True))


def _in_order(paths: Paths) -> Paths:
    """Return the lanes in the order of their answers, the first question's as the lowest digit, then of their start."""
    number = np.zeros(len(paths.lane), dtype=np.int64)
    for at, mask in enumerate(paths.answers.values()):
        number |= mask.astype(np.int64) << at
    order = np.lexsort((paths.lane, number))
    return Paths(
        paths.lane[order],
        {key: mask[order] for key, mask in paths.answers.items()},
        {key: mask[order] for key, mask in paths.settled.items()},
        paths.seeded,
    )
