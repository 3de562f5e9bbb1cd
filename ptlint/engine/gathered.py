"""What a run gathers: findings of rules, what was run, and what could not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, replace

from ptlint.api import Context
from ptlint.core.finding import Finding, Note, Related
from ptlint.core.patch import LeftOut, PatchRef
from ptlint.core.report import Coverage, NotExecuted
from ptlint.core.rule import Merge, Severity
from ptlint.core.span import Span
from ptlint.csrc.profile import Profile
from ptlint.csrc.recursion import deep_recursion
from ptlint.engine.rules import LoadedRule
from ptlint.errors import InputError
from ptlint.passes.changes import Change
from ptlint.sim.judgement import Judgement


@dataclass
class Gathered:
    """Runs rules over contexts and gathers what they find; ``repaired`` are findings that a later patch repairs."""

    rules: Sequence[LoadedRule]
    profiles: Sequence[Profile]
    findings: list[Finding] = field(default_factory=list)
    not_executed: dict[NotExecuted, None] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    simulated: set[str] = field(default_factory=set)
    universes: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)
    scenarios: int = 0
    repaired: dict[tuple[str, str, str], PatchRef] = field(default_factory=dict)

    def look(self, context: Context) -> None:
        """Run every rule over *context*."""
        for rule in self.rules:
            self._run_rule(rule, context)

    def note_run(self, judgement: Judgement, functions: Set[str]) -> None:
        """Note that *judgement* was made, by running *functions* among others; one that never ran is no run of them."""
        if judgement.scenarios or judgement.executed:
            self.simulated.update(functions)
        self.universes.add(judgement.arch)
        self.scenarios += judgement.scenarios
        if not judgement.exhaustive and judgement.stopped is None and not judgement.exhausted:
            self.sampled.add(judgement.subject)

    def note_stop(self, judgement: Judgement) -> None:
        """Note why a judgement is none, or not of every scenario."""
        if judgement.failed:
            reason = f"an internal error ended the run ({judgement.failed}); please report it"
            self.left_out.append(LeftOut("PT010", f"{judgement.subject} on {judgement.arch}", reason))
        if judgement.stopped is not None:
            what, pos, function = judgement.stopped
            span = Span(pos.path, pos.line, pos.column) if pos.path else Span("", 0)
            self.note_not_executed(NotExecuted(span, function or judgement.subject, judgement.arch, what))
        elif judgement.exhausted:
            self.note_not_executed(NotExecuted(Span("", 0), judgement.subject, judgement.arch, judgement.exhausted))
        for violation in judgement.violations:
            if violation.property == "fault" and violation.blame:
                name, pos = violation.blame[-1]
                what = f"{violation.detail}: what comes after it was not run"
                self.note_not_executed(NotExecuted(Span(pos.path, pos.line, pos.column), name, judgement.arch, what))

    def note_not_executed(self, entry: NotExecuted) -> None:
        """Note code that could not be run, once."""
        self.not_executed[entry] = None

    def note_beyond(self, files: Iterable[tuple[Span, str]]) -> None:
        """Note files that were not read, or not to their end, each once."""
        for span, what in files:
            entry = LeftOut("not-read", span.path, what)
            if entry not in self.left_out:
                self.left_out.append(entry)

    def _run_rule(self, rule: LoadedRule, context: Context) -> None:
        try:
            with deep_recursion():
                self.findings.extend(_with_change(finding, context.changes) for finding in rule.check(context))
        except InputError:  # a tree that cannot be read: nobody's mistake
            raise
        except Exception as error:  # a rule is a program: the others must still run
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.left_out.append(
                LeftOut("PT010", rule.info.code, f"the rule failed on this patch ({reason})", str(rule.path))
            )

    def merged(self) -> tuple[Finding, ...]:
        """Return the findings in the order of a report, with those of several profiles made one."""
        return tuple(_sorted(self._merged()))

    def _merged(self) -> Iterator[Finding]:
        groups: dict[tuple[object, ...], list[Finding]] = {}
        for finding in self.findings:
            key = (finding.code, finding.span.path, finding.span.line, finding.function, finding.patch)
            groups.setdefault(key, []).append(finding)
        merge = {rule.info.code: rule.info.merge for rule in self.rules}
        yielding = {rule.info.code for rule in self.rules if rule.info.yields}
        shown = {_where(one) for one in self.findings if one.counterexample is not None and one.code not in yielding}
        for group in groups.values():
            if group[0].code in yielding and _where(group[0]) in shown:
                continue
            archs = tuple(sorted({arch for finding in group for arch in finding.archs}))
            if merge.get(group[0].code) is Merge.ALL and set(archs) != self.universes:
                continue
            best = max(group, key=lambda one: (one.severity.rank, len(one.notes), -_size(one)))
            fixed_by = self.repaired.get((best.code, best.span.path, best.function))
            yield replace(best, archs=archs, fixed_by=fixed_by, notes=_notes(group), severity=_worst(group))

    def coverage(self, functions: Set[str]) -> Coverage:
        """Return how much was looked at; *functions* are those that were to be."""
        return Coverage(
            tuple(sorted(functions)),
            tuple(sorted(self.simulated)),
            tuple(sorted(self.universes)),
            self.scenarios,
            tuple(sorted(self.sampled)),
        )


def _with_change(finding: Finding, changes: Sequence[Change]) -> Finding:
    """Return *finding* with the line that the patch changes in its function, where that is not the place itself."""
    shown = {finding.span.line, *(related.span.line for related in finding.related)}
    for change in changes:
        here = (change.kind, change.name, change.span.path) == ("function", finding.function, finding.span.path)
        if here and not change.is_new and change.line not in shown:
            related = Related(Span(change.span.path, change.line), "the first line that the patch changes", change.name)
            return replace(finding, related=(*finding.related, related))
    return finding


def _where(finding: Finding) -> tuple[str, str, PatchRef | None]:
    return finding.span.path, finding.function, finding.patch


def _size(finding: Finding) -> int:
    return len(finding.counterexample.events) if finding.counterexample is not None else 0


def _worst(group: Sequence[Finding]) -> Severity:
    return max((finding.severity for finding in group), key=lambda one: one.rank)


def _notes(group: Sequence[Finding]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(note for finding in group for note in finding.notes))


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(
        findings,
        key=lambda one: (
            one.patch.index if one.patch is not None else 0,
            one.patch.message_id if one.patch is not None else "",
            -one.severity.rank,
            one.span,
            one.code,
        ),
    )
