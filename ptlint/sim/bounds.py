"""What runs may take: the bounds of one, and the work that all runs for one patch share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MIN_ARRAYS = 128
LANES_OF_WORK = 1 << 10
"""Lanes that take about as long as the way to them."""


FEW_LANES = 512
"""Lanes whose records take no less room than their calls and places do."""

CELLS_OF_WORK = 64
"""Members of a structure that take as long to copy as a statement takes."""


VALUES_OF_WORK = 4
"""Values of an initialiser that take as long as a statement takes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run: statements executed, nested calls, how deep the syntax of all these is (``nesting``: each level
    takes room on the stack), iterations of one loop, ``work`` (a statement counts once, and once more for every
    ``LANES_OF_WORK`` lanes), expressions of source that are read on the way, bytes that objects hold in arrays of one
    value a lane (but MIN_ARRAYS arrays are always granted), records of the log times lanes (but FEW_LANES).

    Nothing is measured in seconds: a run comes to the same on a busy machine. The longest runs of a kernel's own
    helpers take some 500 statements and 12,000 of work, of its callers 2,300 and 67,000.
    """

    statements: int = 30_000
    depth: int = 80
    nesting: int = 6_000
    iterations: int = 10_000
    work: int = 120_000
    reading: int = 100_000
    bytes: int = 96 << 20
    records: int = 12 << 20


PORTION = 1_000
"""Work that a machine takes of a ration at a time, after a first tenth: most run few statements."""


LONG_WORK = 15_000
"""What a subject takes that takes long: most take less than a tenth of it."""

FEW_LONG = 12
"""Subjects of one patch that may take long; those of the kernel's patches are eight at most."""

REST = 200_000
"""The work that is left for others when so many have taken long."""

FEW_ENDLESS = 3
"""Subjects without an end, of one patch, whose work counts once; that of the next counts twice, and so on."""

FEW_HOPELESS = 2
"""Profiles under which a subject may come to no end before it is run on no other."""

SHORT = 3_000
"""Statements of one run, and work of a subject, that are granted even where others have come to no end."""

MOST_FAR = 120_000
"""Statements that all runs of one patch may take beyond that: `change_pte_range()` takes 79,000 on x86 with Xen."""


@dataclass(slots=True)
class Ration:
    """The work that all runs of one program may take together (None: any), and how much of it was taken.

    ``vain`` is what may be taken by runs that come to no end within their own bounds, ``lost`` what was: beyond the
    first few subjects, more than they took. Past it only short subjects run, and past twice as much none. ``long`` are
    the subjects that took long, ``endless`` those without an end, ``far`` the statements of runs beyond SHORT, which
    are bounded by ``most_far`` where ``vain`` is. ``whole`` is what all that is for, in words. ``without_end`` counts
    the profiles under which each subject took long and came to none.
    """

    work: int | None = None
    vain: int | None = None
    whole: str = "one patch"
    most_far: int = MOST_FAR
    taken: int = 0
    lost: int = 0
    long: int = 0
    endless: int = 0
    far: int = 0
    crowded: bool = False
    without_end: Counter[str] = field(default_factory=Counter)
    _settled: int = 0

    def settle(self, taken: int, *, ended: bool, subject: str = "") -> None:
        """Count a *subject* whose runs have *taken* so much. The patches of the kernel have few that take long."""
        if not ended:
            self.without_end[subject] += taken > LONG_WORK
            self.endless += 1
            self.lost += taken * max(1, self.endless - FEW_ENDLESS)
        self.long += taken > LONG_WORK
        self._settled = self.taken
        if self.work is not None and self.long >= FEW_LONG and not self.crowded:
            self.crowded, self.work = True, min(self.work, self.taken + REST)

    def gives_up(self, subject: str) -> str:
        """Return why *subject* is not worth another profile; empty when it is."""
        number = self.without_end[subject]
        return f"it came to no end under {number} other profiles" if number >= FEW_HOPELESS else ""

    def take(self, work: int, statements: int, so_far: int) -> None:
        """Count *work*, and *statements* of a run that has come to *so_far* of them."""
        self.taken += work
        if so_far > SHORT:
            self.far += min(statements, so_far - SHORT)

    def refusal(self, so_far: int) -> str:
        """Return why a run may not go on after *so_far* statements; empty when it may."""
        if self.work is not None and self.taken > self.work:
            if self.crowded:
                return f"more than {FEW_LONG} that take long, and {REST} of work beside, for {self.whole}"
            return f"more than {self.work} of work for {self.whole}"
        if self.vain is None:
            return ""
        if self.lost > 2 * self.vain or (self.lost > self.vain and self.taken - self._settled > SHORT):
            return f"more than {self.vain} of work without an end for {self.whole}"
        if self.far > self.most_far and so_far > SHORT:
            return f"more than {SHORT} statements, and {self.most_far} of long runs for {self.whole}"
        return ""

    @property
    def is_spent(self) -> bool:
        """Return whether more was asked for than there is, so that something may have been refused."""
        if self.work is not None and self.taken > self.work:
            return True
        return self.vain is not None and (self.lost > self.vain or self.far > self.most_far)
