"""Why a run stops before its end. None of these is a verdict on the code."""

from collections.abc import Iterable

from ptlint.csrc.ast import Pos
from ptlint.csrc.errors import brief


class SimError(Exception):
    """A run that cannot go on. ``pos`` is where, ``function`` in which body; both are filled in on the way out."""

    def __init__(self, what: str, pos: Pos | None = None, function: str = "") -> None:
        self.what = brief(what)
        super().__init__(self.what)
        self.pos = pos
        self.function = function


class CannotExecute(SimError):
    """A construct, value or callee that the simulator does not model: reported as ``Unsupported``."""


class NoMember(CannotExecute):
    """A struct of the tree has no member of a name."""


class OutOfBounds(SimError):
    """A bound on steps, depth, memory or time: reported as ``Exhausted``."""


class NoEnd(OutOfBounds):
    """A run that takes more than any that comes to its end; ``executed`` are the functions that it ran, as
    ``path:name``.
    """

    def __init__(self, what: str, pos: Pos | None, function: str, executed: Iterable[str]) -> None:
        super().__init__(what, pos, function)
        self.executed = frozenset(executed)


class NoEntries(CannotExecute):
    """Nothing makes an entry of this level that is present: the machine has no pages of that size."""


class UnsetRead(CannotExecute):
    """Code that reads what it never set: with batches of one size, perhaps, where those of another are right."""
