"""What a rule says of itself."""

import enum
from dataclasses import dataclass


class Severity(enum.Enum):
    """How bad: ``ERROR`` loses data or security, ``WARNING`` breaks a contract, ``NOTE`` informs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Return a number that grows with gravity."""
        return {"note": 0, "warning": 1, "error": 2}[self.value]


class Merge(enum.Enum):
    """When a finding of several universes is reported: in any, in all, or run once and architecture-free."""

    ANY = "any"
    ALL = "all"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A commit, message or document that shows the defect is real. ``kind``: ``commit``, ``lore`` or ``doc``.

    ``ref`` is a commit id, a Message-ID without angle brackets, or a path below the kernel's root.
    """

    kind: str
    ref: str
    title: str

    @property
    def url(self) -> str:
        """Return where to read it."""
        match self.kind:
            case "commit":
                return f"https://git.kernel.org/torvalds/c/{self.ref}"
            case "lore":
                return f"https://lore.kernel.org/all/{self.ref}/"
            case _:
                return f"https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/{self.ref}"


@dataclass(frozen=True, slots=True)
class Example:
    """C that shows the rule. A line of an invalid one ends in ``// want "regex"``; a valid one has none.

    ``path`` is where the code stands in the small reference tree: a generic header by default.
    """

    code: str
    why: str
    path: str = "include/linux/pgtable.h"
    valid: bool = True


def valid(code: str, why: str, path: str = "include/linux/pgtable.h") -> Example:
    """Return an example that the rule must be silent on."""
    return Example(code, why, path, valid=True)


def invalid(code: str, why: str, path: str = "include/linux/pgtable.h") -> Example:
    """Return an example that the rule must report on its ``// want`` lines."""
    return Example(code, why, path, valid=False)


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """Everything a rule says of itself; documentation, reports and tests are made from it.

    ``explanation`` has the headings *What it reports*, *Why it matters*, *What to do*, *When it is wrong*.
    ``since`` is the version of ptlint that brought it. ``default`` is False for a rule that must be selected by name.
    ``of_series`` marks a rule that asks what a series does to a tree: a scan, which has none, leaves it out. ``yields``
    marks one whose finding says again what another rule's run in the same function shows: that one is reported alone.
    """

    code: str
    name: str
    summary: str
    explanation: str
    severity: Severity
    merge: Merge
    since: str
    evidence: tuple[Evidence, ...]
    examples: tuple[Example, ...]
    default: bool = True
    of_series: bool = False
    yields: bool = False
