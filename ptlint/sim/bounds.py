"""What runs may take: the bounds of one, and the work that all runs for one patch share."""

from __future__ import annotations

from dataclasses import dataclass

MIN_ARRAYS = 128
LANES_OF_WORK = 1 << 10
"""Lanes that take about as long as the way to them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a run: statements executed, nested calls, iterations of one loop, ``work`` (a statement counts once,
    and once more for every ``LANES_OF_WORK`` lanes), expressions of source that are read on the way, bytes that objects
    hold in arrays of one value a lane (but MIN_ARRAYS arrays are always granted), records of the log times lanes.

    Nothing is measured in seconds: a run comes to the same on a busy machine. The longest runs of a kernel's own
    helpers take some 500 statements and 12,000 of work.
    """

    statements: int = 60_000
    depth: int = 80
    iterations: int = 20_000
    work: int = 120_000
    reading: int = 100_000
    bytes: int = 96 << 20
    records: int = 24 << 20


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


@dataclass(slots=True)
class Ration:
    """The work that all runs of one program may take together (None: any), and how much of it was taken.

    ``vain`` is what may be taken by runs that come to no end within their own bounds, ``lost`` what was: beyond the
    first few subjects, more than they took. ``long`` are the subjects that took long, ``endless`` those without an end.
    """

    work: int | None = None
    vain: int | None = None
    taken: int = 0
    lost: int = 0
    long: int = 0
    endless: int = 0
    crowded: bool = False

    def settle(self, taken: int, *, ended: bool) -> None:
        """Count a subject whose runs have *taken* so much. The patches of the kernel have few that take long."""
        if not ended:
            self.endless += 1
            self.lost += taken * max(1, self.endless - FEW_ENDLESS)
        self.long += taken > LONG_WORK
        if self.work is not None and self.long >= FEW_LONG and not self.crowded:
            self.crowded, self.work = True, min(self.work, self.taken + REST)

    @property
    def is_spent(self) -> bool:
        """Return whether more was asked for than there is."""
        return (self.work is not None and self.taken > self.work) or (self.vain is not None and self.lost > self.vain)

    @property
    def spent(self) -> str:
        """Return in words what was spent."""
        if self.vain is not None and self.lost > self.vain:
            return f"more than {self.vain} of work without an end for one patch"
        if self.crowded:
            return f"more than {FEW_LONG} that take long, and {REST} of work beside, for one patch"
        return f"more than {self.work} of work for one patch"
