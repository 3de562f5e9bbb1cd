"""All that a reporter gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut, PatchRef, Series
from ptlint.core.rule import RuleInfo
from ptlint.core.span import Span


@dataclass(frozen=True, slots=True)
class NotExecuted:
    """Code that a rule wanted to run and could not: PT011. Counted and listed, never a pass."""

    span: Span
    function: str
    arch: str
    what: str


@dataclass(frozen=True, slots=True)
class PatchStatus:
    """Whether a patch could be applied. ``how``: ``clean``, ``offset``, ``3way``, ``no-tree`` or ``failed``.

    ``reason`` says why it failed or what was assumed; empty when there is nothing to say.
    """

    index: int
    applied: bool
    how: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that somebody asked to leave out, and why. ``origin`` is who: a file, or a trailer of a patch."""

    finding: Finding
    reason: str
    origin: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much was looked at. ``scenarios`` counts lanes over all runs, ``sampled`` names the inexhaustive runs."""

    functions_changed: tuple[str, ...] = ()
    functions_simulated: tuple[str, ...] = ()
    universes: tuple[str, ...] = ()
    scenarios: int = 0
    sampled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer, sorted and merged.

    ``sources`` holds the files that excerpts are cut from, as the last step that has a finding in them has them;
    ``earlier`` those of other steps, by patch and path: two patches, or two proposals of one reply, write the same
    file differently. ``series`` is None for a scan. ``base`` names what the series was applied to (``"v7.3.4"``, ``""``
    without a tree). ``scope`` are the files and folders that a scan looked at, ``""`` for the whole tree.
    """

    series: Series | None
    base: str
    patches: tuple[PatchStatus, ...]
    findings: tuple[Finding, ...]
    not_executed: tuple[NotExecuted, ...]
    left_out: tuple[LeftOut, ...]
    coverage: Coverage
    rules: tuple[RuleInfo, ...]
    version: str
    sources: Mapping[str, bytes] = field(default_factory=dict)
    earlier: Mapping[tuple[PatchRef | None, str], bytes] = field(default_factory=dict)
    scope: tuple[str, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()

    def seen_from(self, finding: Finding) -> "Report":
        """Return the report whose ``sources`` are those that the places of *finding* count lines in."""
        own = {path: data for (patch, path), data in self.earlier.items() if patch == finding.patch}
        return replace(self, sources={**self.sources, **own}) if own else self
