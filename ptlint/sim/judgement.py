"""What running a helper under one profile came to: verdicts, the runs that show them, and what was assumed."""

from __future__ import annotations

from dataclasses import dataclass

from ptlint.core.outcome import Counterexample
from ptlint.csrc.ast import Pos


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken property, with its smallest run.

    ``raced`` tells that it takes a step of the MMU between two of the CPU's. ``blame`` is the chain of calls that led
    to the step that broke it, outermost first: function, and where it was left (the last: where it broke); ``suspect``
    the function that should have seen to it where no step did.
    ``compared`` marks what code may lack on purpose: it says something only of what ran before a patch, and had it.
    ``observed`` says who acts on the wrong value, empty when nothing does today. ``kind`` tells apart breaches of one
    property by one subject.
    """

    property: str
    raced: bool
    detail: str
    expected: str
    counterexample: Counterexample
    blame: tuple[tuple[str, Pos], ...]
    suspect: str
    observed: tuple[str, ...] = ()
    kind: str = ""
    compared: bool = False

    def identity(self) -> tuple[str, str, bool]:
        """Return what makes the same breach in another tree the same: property, kind, and whether it takes a race."""
        return self.property, self.kind, self.raced


@dataclass(frozen=True, slots=True)
class Assumption:
    """A function that could not be executed and was explored both ways instead, and why."""

    function: str
    what: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class Judgement:
    """One subject (a helper, or helpers that belong together) under one profile.

    ``scenarios`` counts lanes. ``executed`` are the functions that ran, as ``path:name``; ``used`` are their names and
    those of the macros they expanded. ``stopped`` is why the runs could not be finished, None when they were: then
    nothing is known of the properties without a violation. ``traces`` are runs that were asked for, whatever they show.
    ``failed`` describes a mistake of ptlint itself that ended the runs. ``general`` marks code that ran from every
    state that the roles of its parameters allow, not only from those that a contract names: callers may never give it
    one in which it breaks. ``known`` are properties that broke the same way before patches, and are left out of
    ``violations``. ``longest`` is what the longest finished run took, in statements; ``endless`` tells that one took
    more than any that ends.
    """

    subject: str
    arch: str
    violations: tuple[Violation, ...] = ()
    scenarios: int = 0
    exhaustive: bool = True
    executed: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    assumed: tuple[Assumption, ...] = ()
    stopped: tuple[str, Pos, str] | None = None
    exhausted: str = ""
    failed: str = ""
    traces: tuple[Counterexample, ...] = ()
    general: bool = False
    known: tuple[str, ...] = ()
    longest: int = 0
    endless: bool = False

    @property
    def is_whole(self) -> bool:
        """Return whether the runs were finished."""
        return self.stopped is None and not self.exhausted and not self.failed
