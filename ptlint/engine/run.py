"""The run: a request to a report. Rules over patches over profiles, merged, with what a later patch repairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ptlint import __version__
from ptlint.api import Context, Outcome
from ptlint.core.patch import LeftOut, PatchRef, Series
from ptlint.core.report import NotExecuted, Report
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree, unread
from ptlint.csrc.profile import Profile, further_profiles
from ptlint.engine.concern import concerns_page_tables
from ptlint.engine.extent import MOST_FILES, MOST_PATCHES, bounded, patch_called, paths_of
from ptlint.engine.gathered import Gathered
from ptlint.engine.inputs import enclosing_folder, series_asked
from ptlint.engine.pointed import sources_of, with_lines
from ptlint.engine.profiles import profiles_asked
from ptlint.engine.representing import holds_where_it_runs, in_turn, is_local, is_nowhere_in_force, stood_for_note
from ptlint.engine.request import CheckRequest
from ptlint.engine.rules import LoadedRule, load_rules, select_rules
from ptlint.engine.steps import Plan, Step, planned
from ptlint.engine.suppression import config_of, rules_asked, suppressed
from ptlint.passes.changes import is_unfinished
from ptlint.passes.functions import Book, View
from ptlint.passes.moved import Place, origins_of, under_new_names
from ptlint.passes.outcomes import Runs, profiles_of, profiles_touched
from ptlint.sim.bounds import Limits
from ptlint.sim.judgement import Judgement

Progress = Callable[[str], None]
"""Told what is being done, in a few words, whenever that changes."""


def check(request: CheckRequest, series: Series | None = None, progress: Progress = lambda _: None) -> Report:
    """Return the report on what *request* names; *series* is its input where that was read already.

    Raises UsageError and RuleLoadError for what it asks wrongly, InputError and TreeError for what cannot be read. A
    patch that does not apply is no error: it is in the report.
    """
    rules = load_rules(request.rules_dirs)
    select_rules(rules, request.select, request.ignore)  # so that a wrong code is told before anything is read
    profiles = profiles_asked(request)
    folder = request.tree or enclosing_folder(request)
    if series is None:
        progress("reading the input")
        series = series_asked(request, folder)
    return _checked(request, rules, profiles, series, folder, progress)


def _checked(
    request: CheckRequest,
    rules: Sequence[LoadedRule],
    profiles: Sequence[Profile],
    series: Series,
    folder: Path | None,
    progress: Progress,
) -> Report:
    from ptlint.reference import reference_tree
    from ptlint.tree import open_base

    progress("finding the base")
    base = open_base(folder, request.base, series)
    has_tree = folder is not None
    config = config_of(base.tree, request)
    chosen, unasked = rules_asked(rules, request, config)
    plan = planned(base.tree if has_tree else None, reference_tree(), series)
    profiles = profiles_of(base.tree, profiles) if has_tree else _reference_profile()
    run = Run(
        chosen,
        profiles,
        has_tree=has_tree,
        everywhere=bool(request.archs or request.config),
        final=_final(plan, series) if has_tree else None,
        progress=progress,
    )
    for step in plan.steps:
        run.step(step)
    run.note_beyond((Span(path, 1), why) for path, why in unread(base.tree).items())
    findings = tuple(with_lines(run.merged(), plan.steps))
    sources, earlier = sources_of(findings, plan.steps)
    notes = [LeftOut("base", base.name, note, str(folder or "")) for note in base.notes]
    if not has_tree and series.patches:
        notes.append(_without_tree_note())
    notes += stood_for_note(run.stood_for, run.universes)
    report = Report(
        series=series,
        base=base.name,
        patches=plan.status,
        findings=findings,
        not_executed=tuple(run.not_executed),
        left_out=(*series.left_out, *plan.left_out, *notes, *unasked, *run.left_out),
        coverage=run.coverage(run.changed),
        rules=tuple(rule.info for rule in chosen),
        version=__version__,
        sources=sources,
        earlier=earlier,
    )
    return suppressed(report, config, {rule.info.code for rule in rules}, trailers=not request.isolated)


def _reference_profile() -> tuple[Profile, ...]:
    from ptlint.engine.reference import REFERENCE

    return (REFERENCE,)


def _final(plan: Plan, series: Series) -> SourceTree | None:
    """Return the tree with every patch of *series* applied, None when one is missing or did not apply."""
    if not plan.steps or series.missing or not all(status.applied for status in plan.status):
        return None
    return plan.steps[len(plan.status) - 1].after.tree


def _without_tree_note() -> LeftOut:
    reason = (
        "no kernel tree was given: the functions of the patches ran on a page table of ptlint's own, no architecture's"
    )
    return LeftOut("no-tree", "every architecture", reason + "; name a tree with --tree")


# --- the run ------------------------------------------------------------------------------------------------------


MOST_WORK = 1_800_000
"""Work of all runs for one patch under one profile: half as much again as the longest caller of the kernel needs."""

MOST_VAIN = 450_000
"""The part of it that runs may take which come to no end."""

MOST_WORK_ALONE = 150_000
"""The same without a tree, where no architecture's helpers run: thirty times what the patches of the kernel need."""

MOST_TO_AN_END = Limits().statements // 4
"""Statements of the longest run before a patch of what is told to have no end after it."""

MOST_PAST_BOUNDS = 3
"""Profiles on which changed code may run past the bounds of a run before the others are left out."""


def _parts(step: Step, profiles: Sequence[Profile]) -> tuple[tuple[frozenset[int], View], ...]:
    """Return the functions that a patch shows in part, with the lines that it adds to each."""
    found: list[tuple[frozenset[int], View]] = []
    for one in step.fragments:
        overrides = {**step.after.overrides, **step.unrun, one.name: one.text}
        view = Runs(step.after.tree, overrides).book(profiles).view(one.text.path, one.name)
        if view is not None:
            found.append((one.added, view))
    return tuple(found)


@dataclass
class Run(Gathered):
    """Runs rules over the steps of one series and gathers what they find.

    Without a tree every step concerns every profile; with one, those whose architecture the paths of the step name.
    ``everywhere`` runs all code on every profile, not only on those that stand for all; ``stood_for`` are the profiles
    that others stood for.
    """

    has_tree: bool = True
    everywhere: bool = False
    stood_for: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    broke: dict[tuple[PatchRef, str, str], set[str]] = field(default_factory=dict)
    """The subjects that a patch leaves broken, by patch, profile and property."""
    final: SourceTree | None = None
    progress: Progress = lambda _: None
    looked_at: int = 0

    def step(self, step: Step) -> None:
        """Run every rule over one patch or proposal."""
        step, beyond = bounded(step)
        self.left_out.extend(beyond)
        functions = [change.name for change in step.changes if change.kind == "function"]
        self.changed.update(functions)
        if not step.changes:
            return
        if step.ref.index and not _concerns_page_tables(step):
            reason = "touches no page-table code, so no rule was run on it"
            self.left_out.append(LeftOut("no-page-tables", patch_called(step.ref), reason))
            return
        self.looked_at += 1
        if self.looked_at > MOST_PATCHES:
            reason = f"more than {MOST_PATCHES} patches touch page-table code: only the first were looked at"
            self.left_out.append(LeftOut("too-many", patch_called(step.ref), reason))
            return
        profiles = profiles_touched(self.profiles, step.paths) if self.has_tree else tuple(self.profiles)
        names = frozenset(change.name for change in step.changes if change.name not in step.unrun)
        for runs in (step.before, step.after):
            runs.places |= frozenset(step.paths if len(step.paths) <= MOST_FILES else paths_of(step.changes))
            runs.everywhere = self.everywhere
            runs.watched |= names
            runs.work = MOST_WORK if self.has_tree else MOST_WORK_ALONE
            runs.vain = min(MOST_VAIN, runs.work)
        run_on = (*profiles, *self._further(step))
        origins = origins_of(step.before.tree, step.changes)
        context = Context(
            step.ref,
            step.before.tree,
            step.after.tree,
            step.changes,
            tuple(profiles),
            partial(self._outcome, step, run_on, names, origins),
            self._books(step),
            step.text,
            self.final,
            origins=origins,
            parts=partial(_parts, step, self.profiles),
            torn=step.torn,
        )
        self.look(context)
        self._unreadable(context)
        self.note_beyond(step.after.beyond)
        for finding in self.findings:
            key = (finding.code, finding.span.path, finding.function)
            if finding.patch != step.ref and key in context.looked_at and key not in context.present:
                self.repaired.setdefault(key, step.ref)

    def _outcome(
        self, step: Step, profiles: Sequence[Profile], names: frozenset[str], origins: Mapping[Place, Place]
    ) -> Outcome:
        """Run the code of a step, and what was broken before it as far as that is broken now."""
        judgements = self._judged(step, profiles, names)
        more = self._elsewhere(step, profiles, names, judgements)
        earlier = tuple(self._earlier(step, (*profiles, *more), judgements, origins))
        known = frozenset(
            (name, under_new_names(old.subject, origins), *one.identity())
            for name, old in earlier
            for one in old.violations
        )
        whole = frozenset(
            (name, under_new_names(old.subject, origins)) for name, old in earlier if old.scenarios and old.is_whole
        )
        ended = frozenset(
            (name, under_new_names(old.subject, origins)) for name, old in earlier if 0 < old.longest < MOST_TO_AN_END
        )
        self._repair(step, judgements)
        return Outcome(judgements, known, whole, whole & ended)

    def _further(self, step: Step) -> tuple[Profile, ...]:
        """Return the profiles that show more of the architectures whose own files a step touches; none were named."""
        if self.everywhere or not self.has_tree:
            return ()
        own = [path for path in step.paths if path.startswith("arch/") and path.count("/") > 1]
        return profiles_of(step.after.tree, profiles_touched(further_profiles(), own))

    def _elsewhere(
        self, step: Step, profiles: Sequence[Profile], names: frozenset[str], judged: dict[str, tuple[Judgement, ...]]
    ) -> tuple[Profile, ...]:
        """Run generic code that is in force under no profile that ran on further ones, until it is; return these."""
        more: list[Profile] = []
        ran = tuple(one for one in profiles if one.name in judged)
        if self.everywhere or not self.has_tree or len(ran) < len(profiles):
            return ()
        for profile in profiles_of(step.after.tree, further_profiles()):
            if not is_nowhere_in_force(step, (*ran, *more)):
                break
            if profile not in ran:
                judged[profile.name] = self._concerned(step, profile, names)
                more.append(profile)
        return tuple(more)

    def _earlier(
        self,
        step: Step,
        profiles: Sequence[Profile],
        judgements: Mapping[str, Sequence[Judgement]],
        origins: Mapping[Place, Place],
    ) -> Iterator[tuple[str, Judgement]]:
        """Yield what was broken before the step of what is broken now, whatever it was called, by profile."""
        names = frozenset(change.name for change in step.changes) | {old for _, old in origins.values()}
        earlier = {new: old for (_, new), (_, old) in origins.items()}
        for profile in profiles:
            broken = {one.subject for one in judgements.get(profile.name, ()) if one.violations or one.endless}
            if broken:
                broken |= {"+".join(earlier.get(name, name) for name in subject.split("+")) for subject in broken}
                yield from ((profile.name, old) for old in step.before.of(profile, names, frozenset(broken)))

    def _books(self, step: Step) -> tuple[Book, Book]:
        """Return the functions before and after a step."""
        before = step.before
        if step.shown:
            before = Runs(before.tree, {**before.overrides, **step.shown})
        after = step.after
        if step.unrun:
            after = Runs(after.tree, {**after.overrides, **step.unrun})
        books = before.book(self.profiles), after.book(self.profiles)
        for book, texts in zip(books, step.texts, strict=True):
            book.shown = texts or book.shown
        return books

    def _judged(
        self, step: Step, profiles: Sequence[Profile], names: frozenset[str]
    ) -> dict[str, tuple[Judgement, ...]]:
        """Return the concerned judgements by profile; code that runs past the bounds everywhere is given up soon."""
        judged: dict[str, tuple[Judgement, ...]] = {}
        past = 0
        first, rest = (tuple(profiles), ()) if self.everywhere else in_turn(profiles, step.paths, is_local(step))
        self.stood_for |= {one.name for one in profiles} - {one.name for one in (*first, *rest)}
        profiles = (*first, *rest)
        for number, profile in enumerate(profiles):
            if number == len(first) and holds_where_it_runs(step, first, judged):
                self.stood_for |= {one.name for one in rest}
                break
            what = f"patch {step.ref.index}/{step.ref.total}" if step.ref.index else "a proposal"
            self.progress(f"{what} on {profile.name} ({number + 1} of {len(profiles)} profiles)")
            judged[profile.name] = self._concerned(step, profile, names)
            late = {judgement.subject for judgement in judged[profile.name] if judgement.exhausted}
            if late:
                late -= {old.subject for old in step.before.of(profile, names) if old.exhausted}
            past += bool(late)
            spent = bool(late) and profile.name in step.after.spent
            if (spent or past == MOST_PAST_BOUNDS) and number + 1 < len(profiles):
                others = ", ".join(profile.name for profile in profiles[number + 1 :])
                where = profile.name if spent else f"{past} profiles before"
                reason = f"not run on {others}: what changed ran past the bounds on {where}"
                what = ", ".join(sorted(name.replace("+", "() and ") + "()" for name in late))
                self.left_out.append(LeftOut("past-bounds", what, reason))
                break
        return judged

    def _concerned(self, step: Step, profile: Profile, names: frozenset[str]) -> tuple[Judgement, ...]:
        """Return the judgements that a change of the step takes part in."""
        concerned = []
        otherwise = {change.name for change in step.changes if change.kind in ("guard", "removed")}
        for judgement in step.after.of(profile, names):
            part = names & (judgement.used | set(judgement.subject.split("+")))
            self.note_stop(judgement)
            if part and not judgement.failed:
                concerned.append(judgement)
                self.changed.update(part & otherwise)
                self.note_run(judgement, part & self.changed)
        self._unread(step, profile)
        return tuple(concerned)

    def _unread(self, step: Step, profile: Profile) -> None:
        """Note the changed code that is no C to ptlint: nothing that holds it was run."""
        for span, what in step.after.unread(profile):
            for change in step.changes:
                here = change.span.path == span.path and change.span.line <= span.line <= change.span.end_line
                if here and change.kind == "function":
                    self.note_not_executed(NotExecuted(span, change.name, profile.name, what))

    def _unreadable(self, context: Context) -> None:
        """Note the changed functions that no rule on code saw because they are no C to ptlint."""
        if context.books is None:
            return
        book = context.books[1]
        for change in context.changes:
            path, span = change.span.path, change.span
            cut = change.kind == "other" and is_unfinished(change)
            if not (cut or change.kind == "function") or book.view(path, change.name) is not None:
                continue
            if cut:
                reason = "a bracket that is opened in it is not closed before the end of the file"
                self.left_out.append(LeftOut("not-read", change.name, reason, path, span.line))
                continue
            here = [what for place, what in book.faults(path) if span.line <= place.line <= span.end_line]
            if here:
                self.left_out.append(LeftOut("not-read", f"{change.name}()", here[0], path, span.line))

    def _repair(self, step: Step, judgements: Mapping[str, Sequence[Judgement]]) -> None:
        """Note which earlier findings this step's code no longer has: all that broke then was run again, and holds."""
        again = {(name, one.subject): one for name, results in judgements.items() for one in results}
        for finding in self.findings:
            if finding.counterexample is None or finding.patch is None or finding.patch.index >= step.ref.index:
                continue
            prop = finding.counterexample.property
            broke = [(arch, one) for arch in finding.archs for one in self.broke.get((finding.patch, arch, prop), ())]
            now = [again.get(subject) for subject in broke]
            if now and all(one is not None and one.is_whole and prop not in _broken(one) for one in now):
                self.repaired.setdefault((finding.code, finding.span.path, finding.function), step.ref)
        for (name, subject), judgement in again.items():
            for prop in _broken(judgement):
                self.broke.setdefault((step.ref, name, prop), set()).add(subject)


def _broken(judgement: Judgement) -> frozenset[str]:
    return frozenset(violation.property for violation in judgement.violations)


def _concerns_page_tables(step: Step) -> bool:
    """Return whether anything that a patch touches can concern page tables, by the words of the files."""
    for path in step.paths:
        known = (step.before.tree.read(path), step.after.tree.read(path), *(texts.get(path) for texts in step.texts))
        if concerns_page_tables(path, filter(None, known)):
            return True
    return False
