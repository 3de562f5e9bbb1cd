"""The run: a request to a report. Rules over patches over profiles, merged, with what a later patch repairs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ptlint import __version__
from ptlint.api import Context
from ptlint.core.finding import Finding, Note
from ptlint.core.patch import LeftOut, PatchRef, Series
from ptlint.core.report import Coverage, NotExecuted, Report
from ptlint.core.rule import Merge, Severity
from ptlint.core.span import Span
from ptlint.csrc.profile import Profile, checked_profiles, profile_from_config, profile_named, profiles_for_arch
from ptlint.engine.request import CheckRequest
from ptlint.engine.rules import LoadedRule, load_rules, select_rules
from ptlint.engine.steps import Step, planned
from ptlint.errors import InputError, UsageError
from ptlint.passes.outcomes import profiles_of, profiles_touched
from ptlint.sim.judgement import Judgement

_RANGE = re.compile(r"[^\s/<>]*[\w~^@{}-]\.\.[\w~^@{}/.-]*|\.\.[\w~^@{}/.-]+")


def check(request: CheckRequest) -> Report:
    """Return the report on what *request* names.

    Raises UsageError and RuleLoadError for what it asks wrongly, InputError and TreeError for what cannot be read. A
    patch that does not apply is no error: it is in the report.
    """
    rules = select_rules(load_rules(request.rules_dirs), request.select, request.ignore)
    profiles = _profiles(request)
    folder = request.tree or _enclosing(request)
    series = _series(request, folder)
    return _checked(request, rules, profiles, series, folder)


def _checked(
    request: CheckRequest, rules: Sequence[LoadedRule], profiles: Sequence[Profile], series: Series, folder: Path | None
) -> Report:
    from ptlint.reference import reference_tree
    from ptlint.tree import open_base

    base = open_base(folder, request.base, series)
    has_tree = folder is not None
    plan = planned(base.tree if has_tree else None, reference_tree(), series)
    profiles = profiles_of(base.tree, profiles) if has_tree else _reference_profile()
    run = Run(rules, profiles, has_tree)
    for step in plan.steps:
        run.step(step)
    findings = tuple(_sorted(run.merged()))
    notes = [LeftOut("base", base.name, note, str(folder or "")) for note in base.notes]
    if not has_tree and series.patches:
        notes.append(_without_tree_note())
    return Report(
        series=series,
        base=base.name,
        patches=plan.status,
        findings=findings,
        not_executed=tuple(run.not_executed),
        left_out=(*series.left_out, *plan.left_out, *notes, *run.left_out),
        coverage=run.coverage(),
        rules=tuple(rule.info for rule in rules),
        version=__version__,
        sources=_sources(findings, plan.steps),
    )


# --- input --------------------------------------------------------------------------------------------------------


def _enclosing(request: CheckRequest) -> Path | None:
    from ptlint.tree import enclosing_tree

    return enclosing_tree(request.cwd)


def _series(request: CheckRequest, folder: Path | None) -> Series:
    from ptlint.mail.diff import parse_diff

    if request.staged or request.worktree:
        from ptlint.tree import staged_series, worktree_series

        if folder is None:
            raise UsageError("--staged and --worktree need a repository: stand in one or name it with --tree")
        return (staged_series if request.staged else worktree_series)(folder, parse_diff)
    ranges = [entry for entry in request.inputs if _is_range(entry, request.cwd)]
    if ranges:
        if len(request.inputs) > 1:
            raise UsageError("a git range is the only input of a run; check other inputs on their own")
        from ptlint.tree import range_series

        if folder is None:
            raise UsageError(f"the range {ranges[0]} needs a repository: stand in one or name it with --tree")
        return range_series(folder, ranges[0], request.max_commits, parse_diff)
    from ptlint.mail import read_series, read_sources

    paths: list[Path | Literal["-"]] = ["-" if entry == "-" else Path(entry) for entry in request.inputs]
    for path in paths:
        if path != "-" and not path.exists():
            raise InputError(f"{path}: no such file or folder (a mailbox, a maildir, patches, '-' or a range A..B)")
    return read_series(read_sources(paths, sys.stdin.buffer), request.revision)


def _is_range(entry: str, cwd: Path) -> bool:
    return entry != "-" and _RANGE.fullmatch(entry) is not None and not (cwd / entry).exists()


def _profiles(request: CheckRequest) -> tuple[Profile, ...]:
    if request.config is not None:
        if len(request.archs) != 1:
            raise UsageError("--config needs --arch with the one architecture that the configuration is for")
        data = request.config.read_bytes()
        return (profile_from_config(request.archs[0], data, str(request.config)),)
    if not request.archs:
        return checked_profiles()
    chosen: list[Profile] = []
    for name in request.archs:
        found = profiles_for_arch(name) if "/" not in name and "+" not in name else (profile_named(name),)
        chosen.extend(profile for profile in found if profile not in chosen)
    return tuple(chosen)


def _reference_profile() -> tuple[Profile, ...]:
    from ptlint.engine.reference import REFERENCE

    return (REFERENCE,)


def _without_tree_note() -> LeftOut:
    reason = (
        "no kernel tree was given: the functions of the patches ran on a page table of ptlint's own, no architecture's"
    )
    return LeftOut("no-tree", "every architecture", reason + "; name a tree with --tree")


# --- the run ------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """Runs rules over the steps of one series and gathers what they find.

    Without a tree every step concerns every profile; with one, those whose architecture the paths of the step name.
    """

    rules: Sequence[LoadedRule]
    profiles: Sequence[Profile]
    has_tree: bool
    findings: list[Finding] = field(default_factory=list)
    not_executed: list[NotExecuted] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    simulated: set[str] = field(default_factory=set)
    universes: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)
    scenarios: int = 0
    repaired: dict[tuple[str, str, str], PatchRef] = field(default_factory=dict)

    def step(self, step: Step) -> None:
        """Run every rule over one patch or proposal."""
        functions = [change.name for change in step.changes if change.kind == "function"]
        self.changed.update(functions)
        if not step.changes:
            return
        profiles = profiles_touched(self.profiles, step.paths) if self.has_tree else tuple(self.profiles)
        names = frozenset(change.name for change in step.changes)
        judgements = {profile.name: self._concerned(step, profile, names) for profile in profiles}
        known = frozenset(
            (profile.name, old.subject, violation.property, violation.raced)
            for profile in profiles
            if any(one.violations for one in judgements[profile.name])
            for old in step.before.of(profile, names)
            for violation in old.violations
        )
        self._repair(step, judgements)
        context = Context(step.ref, step.before.tree, step.after.tree, step.changes, tuple(profiles), judgements, known)
        for rule in self.rules:
            self._run_rule(rule, context)

    def _concerned(self, step: Step, profile: Profile, names: frozenset[str]) -> tuple[Judgement, ...]:
        """Return the judgements that a change of the step takes part in."""
        concerned = []
        for judgement in step.after.of(profile, names):
            part = names & (judgement.used | set(judgement.subject.split("+")))
            if judgement.stopped is not None or judgement.exhausted:
                self._stopped(judgement)
            if not part:
                continue
            concerned.append(judgement)
            self.simulated.update(part & self.changed)
            self.universes.add(profile.name)
            self.scenarios += judgement.scenarios
            if not judgement.exhaustive:
                self.sampled.add(judgement.subject)
        return tuple(concerned)

    def _stopped(self, judgement: Judgement) -> None:
        if judgement.stopped is not None:
            what, pos, function = judgement.stopped
            span = Span(pos.path, pos.line, pos.column) if pos.path else Span("", 0)
        else:
            what, span, function = judgement.exhausted, Span("", 0), ""
        known = {(one.arch, one.span, one.what) for one in self.not_executed}
        if (judgement.arch, span, what) not in known:  # one reason often stops every helper of an architecture
            self.not_executed.append(NotExecuted(span, function or judgement.subject, judgement.arch, what))

    def _repair(self, step: Step, judgements: dict[str, tuple[Judgement, ...]]) -> None:
        """Note which earlier findings this step's code no longer has."""
        for finding in self.findings:
            if finding.counterexample is None or finding.patch is None or finding.patch.index >= step.ref.index:
                continue
            key = (finding.code, finding.span.path, finding.function)
            for name in finding.archs:
                for judgement in judgements.get(name, ()):
                    broken = {violation.property for violation in judgement.violations}
                    if finding.counterexample.property not in broken:
                        self.repaired.setdefault(key, step.ref)

    def _run_rule(self, rule: LoadedRule, context: Context) -> None:
        try:
            self.findings.extend(rule.check(context))
        except Exception as error:  # a rule is a program: the others must still run
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            self.left_out.append(
                LeftOut("PT010", rule.info.code, f"the rule failed on this patch ({reason})", str(rule.path))
            )

    def merged(self) -> Iterator[Finding]:
        """Yield the findings with those of several profiles made one."""
        groups: dict[tuple[object, ...], list[Finding]] = {}
        for finding in self.findings:
            key = (finding.code, finding.span.path, finding.span.line, finding.function, finding.patch)
            groups.setdefault(key, []).append(finding)
        merge = {rule.info.code: rule.info.merge for rule in self.rules}
        for group in groups.values():
            archs = tuple(sorted({arch for finding in group for arch in finding.archs}))
            if merge.get(group[0].code) is Merge.ALL and set(archs) != self.universes:
                continue
            best = max(group, key=lambda one: (one.severity.rank, len(one.notes), -_size(one)))
            fixed_by = self.repaired.get((best.code, best.span.path, best.function))
            yield replace(best, archs=archs, fixed_by=fixed_by, notes=_notes(group), severity=_worst(group))

    def coverage(self) -> Coverage:
        """Return how much was looked at."""
        return Coverage(
            tuple(sorted(self.changed)),
            tuple(sorted(self.simulated)),
            tuple(sorted(self.universes)),
            self.scenarios,
            tuple(sorted(self.sampled)),
        )


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


def _sources(findings: Sequence[Finding], steps: Sequence[Step]) -> dict[str, bytes]:
    """Return the files that findings point into, as the last step that has them does."""
    wanted = {finding.span.path for finding in findings}
    wanted |= {related.span.path for finding in findings for related in finding.related}
    found: dict[str, bytes] = {}
    for step in steps:
        for path in wanted:
            data = step.after.tree.read(path)
            if data is not None:
                found[path] = data
    return found
