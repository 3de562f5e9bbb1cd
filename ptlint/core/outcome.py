"""What a run on the simulator can come to, and the run that shows it."""

from dataclasses import dataclass

from ptlint.core.span import Span


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run. ``agent`` is ``"cpu"``, ``"mmu"``, ``"tlb"`` or ``"hypervisor"``.

    ``entry`` is the index in the batch, None when the step concerns none. ``before`` and ``after`` show the entry in
    the words of ``sim.show``; ``span`` is the source line that did it, None for an agent's step. ``kind`` is
    ``"write"``, ``"call"``, ``"flush"`` or another short word for what it is; ``within`` is the function under test
    that the step belongs to.
    """

    agent: str
    text: str
    span: Span | None = None
    function: str = ""
    entry: int | None = None
    before: str = ""
    after: str = ""
    kind: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A minimal run that breaks a property: the fewest entries, the fewest bits, the shortest schedule.

    ``initial``, ``final`` and ``expected`` describe each entry, in order; ``arguments`` the values passed, by name.
    ``choices`` are the answers that unknown predicates gave in this run (``"PageAnonExclusive(page+1) = true"``).
    """

    property: str
    arch: str
    nr: int
    initial: tuple[str, ...]
    events: tuple[Event, ...]
    final: tuple[str, ...]
    expected: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...] = ()
    choices: tuple[str, ...] = ()
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Holds:
    """No scenario breaks the property. ``exhaustive`` tells whether every state of the stated space was run."""

    scenarios: int
    exhaustive: bool


@dataclass(frozen=True, slots=True)
class Violated:
    """Some scenario breaks the property. ``lanes`` of ``scenarios`` did."""

    counterexample: Counterexample
    scenarios: int
    lanes: int


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The code could not be executed: not a pass, not a failure. ``span`` is where it stopped."""

    span: Span
    what: str
    function: str = ""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A bound on time, memory, steps or depth was reached first."""

    limit: str
    span: Span | None = None


Outcome = Holds | Violated | Unsupported | Exhausted
