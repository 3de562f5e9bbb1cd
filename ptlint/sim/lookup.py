"""What expressions over one entry give, worked out once for each entry that runs meet and looked up from then on.

Properties ask the same few predicates of thousands of lanes that hold a few dozen different entries. An expression is
looked up when its value follows from the entry and the settled facts alone; any other is run in its own lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ptlint.sim.values import distinct

Raw = NDArray[np.uint64]
Codes = NDArray[np.int64]

MOST_VALUES = 2048
"""Different entries that are kept; code over more of them is run. The slots are at most four times their square."""

_FACTOR = 0x9E37_79B9_7F4A_7C15
_TRIES = 64
_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Answered:
    """What an expression gives for each of the first values, as uint64, and the functions that ran."""

    numbers: Raw
    truths: NDArray[np.bool_]
    executed: frozenset[str]


@dataclass(slots=True)
class Lookup:
    """The entries that runs under the same facts have met, and what expressions give for them.

    ``slots`` says, for the highest bits of the product of a value and ``factor``, which value it is.
    """

    values: Raw = field(default_factory=lambda: np.zeros(1, dtype=np.uint64))
    factor: np.uint64 = field(default_factory=lambda: np.uint64(_FACTOR))
    shift: np.uint64 = field(default_factory=lambda: np.uint64(63))
    slots: NDArray[np.int16] = field(default_factory=lambda: np.zeros(2, dtype=np.int16))
    answers: dict[str, Answered | None] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)

    def codes(self, raw: Raw) -> Codes | None:
        """Return which of the values each lane holds, None when there are too many; new ones are taken in."""
        found = self._find(raw)
        strange = self.values[found] != raw
        if not strange.any():
            return found
        if len(self.values) == MOST_VALUES:
            return None
        fresh = distinct(raw[strange])
        if len(self.values) + len(fresh) > MOST_VALUES:
            return None
        values = np.concatenate((self.values, fresh))
        return self._find(raw) if self._put(fresh, values) or self._arrange(values) else None

    def _find(self, raw: Raw) -> Codes:
        at = raw * self.factor
        at >>= self.shift
        return self.slots.take(at.view(np.int64)).astype(np.int64)

    def _put(self, fresh: Raw, values: Raw) -> bool:
        """Give each of the *fresh* last ones of *values* its slot, if all are free."""
        at = (fresh * self.factor >> self.shift).view(np.int64)
        first = int(self.values[0] * self.factor >> self.shift)
        if bool(self.slots[at].any()) or first in at or len(distinct(at)) < len(at):
            return False
        self.slots[at] = np.arange(len(self.values), len(values))
        self.values = values
        return True

    def _arrange(self, values: Raw) -> bool:
        """Choose a factor that gives each value a slot of its own, with room for as many again."""
        bits = max(8, (2 * len(values) ** 2).bit_length())
        for turn in range(_TRIES):
            factor = np.uint64((_FACTOR * (2 * turn + 1)) & _WORD)
            at = (values * factor >> np.uint64(64 - bits)).view(np.int64)
            if len(distinct(at)) == len(values):
                self.values, self.factor, self.shift = values, factor, np.uint64(64 - bits)
                self.slots = np.zeros(1 << bits, dtype=np.int16)
                self.slots[at] = np.arange(len(values))
                return True
        return False

    def answered(self, text: str, work_out: Callable[[Raw], Answered | None]) -> Answered | None:
        """Return what expression *text* gives for every value; *work_out* does so for those that are new.

        None where it must be run.
        """
        known = self.answers.get(text)
        if known is None:
            if text not in self.answers:
                self.answers[text] = known = work_out(self.values)
            return known
        count = len(known.numbers)
        if count < len(self.values):
            more = work_out(self.values[count:])
            known = None if more is None else _both(known, more)
            self.answers[text] = known
        return known


def _both(first: Answered, second: Answered) -> Answered:
    return Answered(
        np.concatenate((first.numbers, second.numbers)),
        np.concatenate((first.truths, second.truths)),
        first.executed | second.executed,
    )
