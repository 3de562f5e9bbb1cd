"""All that a rule may import: what a rule says of itself, what it may ask, and how it reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ptlint.core.finding import Finding, Note, Related
from ptlint.core.patch import PatchRef
from ptlint.core.rule import Evidence, Example, Merge, RuleInfo, Severity, invalid, valid
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile
from ptlint.passes.changes import Change
from ptlint.sim.judgement import Judgement, Violation

__all__ = [
    "Change",
    "Context",
    "Evidence",
    "Example",
    "Finding",
    "Merge",
    "Note",
    "Related",
    "RuleInfo",
    "Severity",
    "Span",
    "Violation",
    "broken",
    "invalid",
    "valid",
]


@dataclass(frozen=True)
class Context:
    """One patch as a rule sees it: the trees before and after it, what it changes, and what running it came to.

    ``judgements`` are those of the tree after the patch that a change of the patch takes part in, by profile;
    ``known`` holds what was broken the same way before: (profile, subject, property, raced).
    """

    patch: PatchRef
    before: SourceTree
    after: SourceTree
    changes: tuple[Change, ...]
    profiles: tuple[Profile, ...]
    judgements: Mapping[str, Sequence[Judgement]] = field(default_factory=dict)
    known: frozenset[tuple[str, str, str, bool]] = frozenset()

    def violations(self, prop: str, *, raced: bool | None = None) -> Iterator[tuple[Judgement, Violation]]:
        """Yield what the patch newly breaks of property *prop*; with *raced*, only what does (not) need the MMU."""
        for name, results in self.judgements.items():
            for judgement in results:
                for violation in judgement.violations:
                    if violation.property != prop or (raced is not None and violation.raced != raced):
                        continue
                    if (name, judgement.subject, prop, violation.raced) not in self.known:
                        yield judgement, violation

    def place(self, judgement: Judgement, violation: Violation) -> tuple[Span, str, tuple[Related, ...]]:
        """Return where to report a violation: the changed code that led to it, its function, and the other places."""
        changed = {change.name: change for change in self.changes}
        related = tuple(
            Related(Span(pos.path, pos.line, pos.column), f"through {name}()", name)
            for name, pos in reversed(violation.blame)
            if pos.path and not pos.path.startswith("<")
        )
        for name, pos in reversed(violation.blame):
            change = changed.get(name)
            if change is not None and change.span.path == pos.path:
                rest = tuple(one for one in related if one.function != name)
                return _nearest(change, pos.line, pos.column), name, rest
        change = changed.get(violation.suspect) or self._suspect(judgement)
        return Span(change.span.path, change.line), change.name, related

    def _suspect(self, judgement: Judgement) -> Change:
        """Return the change to report when the step that broke it lies in unchanged code."""
        ran = [
            change
            for change in self.changes
            if f"{change.span.path}:{change.name}" in judgement.executed or change.name in judgement.used
        ]
        kinds = {"function": 0, "macro": 1, "other": 2}
        named = [change for change in ran if change.name in judgement.subject.split("+")]
        return min(named or ran or list(self.changes), key=lambda change: kinds[change.kind])

    def line_at(self, span: Span) -> str:
        """Return the text of a line of the tree after the patch."""
        data = self.after.read(span.path) or b""
        lines = data.splitlines()
        return lines[span.line - 1].decode("utf-8", "replace") if 0 < span.line <= len(lines) else ""


def _nearest(change: Change, line: int, column: int) -> Span:
    return Span(change.span.path, line, column)


def broken(ctx: Context, info: RuleInfo, prop: str, message: str, *, raced: bool | None = None) -> Iterator[Finding]:
    """Yield a finding for each new violation of *prop*, with its counterexample; *message* may hold ``{detail}``."""
    for judgement, violation in ctx.violations(prop, raced=raced):
        span, function, related = ctx.place(judgement, violation)
        notes = tuple(Note("seen-by", text) for text in violation.observed)
        yield Finding(
            code=info.code,
            name=info.name,
            severity=info.severity,
            message=message.format(detail=violation.detail, subject=judgement.subject.replace("+", "() and ") + "()"),
            span=span,
            function=function,
            archs=(judgement.arch,),
            patch=ctx.patch,
            related=related,
            notes=notes,
            counterexample=violation.counterexample,
            line_text=ctx.line_at(span),
        )
