"""All that a rule may import: what a rule says of itself, what it may ask, and how it reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ptlint.core.finding import Finding, Note, Related
from ptlint.core.patch import PatchRef
from ptlint.core.rule import Evidence, Example, Merge, RuleInfo, Severity, invalid, valid
from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.ast import Pos
from ptlint.csrc.profile import Profile
from ptlint.passes.carried import Replacement, replacements_of
from ptlint.passes.changes import Change
from ptlint.passes.confined import left_out_of_a_choice, made_conditional
from ptlint.passes.counts import StaleCount, stale_counts
from ptlint.passes.declared import declared_below
from ptlint.passes.drift import drifted, has_new_contract, left_behind, wrong_calls
from ptlint.passes.dropped import Dropped, Handing, dropped
from ptlint.passes.entries import Misuse, misuses_of
from ptlint.passes.faults import Fault, Look, brought, token_of
from ptlint.passes.folioindex import WrongPage, wrong_pages
from ptlint.passes.functions import Book, View
from ptlint.passes.halves import half_given
from ptlint.passes.hugesizes import GuessedSize, guessed_sizes
from ptlint.passes.insidelazy import ENTERS as LAZY_ENTERS
from ptlint.passes.insidelazy import LEAVES as LAZY_LEAVES
from ptlint.passes.insidelazy import called_back
from ptlint.passes.kerneldoc import KernelDoc, documented_name, invented, kernel_doc_of, undescribed
from ptlint.passes.missing import not_given, taken_away
from ptlint.passes.moved import faults_gone
from ptlint.passes.origins import Batch, batches_behind, batches_in, bounded_by_folio_only, flag_bits, leaves
from ptlint.passes.overriding import Books, Compare, Misgiven, brought_by, hooks_in, misgiven
from ptlint.passes.pairing import Breach, Protocol, breaches_of, copies_given
from ptlint.passes.ptlocks import KeptLock, locks_kept
from ptlint.passes.rawentries import ByHand, by_hand
from ptlint.passes.regions import users_inside
from ptlint.passes.rounds import MadeBefore, OutOfStep, made_before, out_of_step
from ptlint.passes.shadowed import misspelt, shadowed
from ptlint.passes.sleeping import may_sleep
from ptlint.passes.typestate import Automaton, Event, Slip, slips_of
from ptlint.passes.unchecked import Unchecked, unchecked_uses
from ptlint.passes.units import Mixture, mixtures_of
from ptlint.passes.unstarted import foreign_commits, unstarted
from ptlint.passes.unused import unused_results
from ptlint.passes.uses import is_used
from ptlint.passes.windows import Window, unbounded_windows
from ptlint.passes.wording import called, calls_in, is_null
from ptlint.sim.judgement import Judgement, Violation

__all__ = [
    "LAZY_ENTERS",
    "LAZY_LEAVES",
    "Automaton",
    "Batch",
    "Books",
    "Breach",
    "ByHand",
    "Change",
    "Compare",
    "Context",
    "Dropped",
    "Event",
    "Evidence",
    "Example",
    "Fault",
    "Finding",
    "GuessedSize",
    "Handing",
    "KeptLock",
    "KernelDoc",
    "MadeBefore",
    "Merge",
    "Misgiven",
    "Misuse",
    "Mixture",
    "Note",
    "OutOfStep",
    "Outcome",
    "Pos",
    "Profile",
    "Protocol",
    "Related",
    "Replacement",
    "RuleInfo",
    "Severity",
    "Slip",
    "Span",
    "StaleCount",
    "Unchecked",
    "View",
    "Violation",
    "Window",
    "WrongPage",
    "batches_behind",
    "batches_in",
    "bounded_by_folio_only",
    "breaches_of",
    "broken",
    "brought_by",
    "by_hand",
    "called",
    "called_back",
    "calls_in",
    "copies_given",
    "declared_below",
    "documented_name",
    "drifted",
    "flag_bits",
    "foreign_commits",
    "guessed_sizes",
    "half_given",
    "has_new_contract",
    "hooks_in",
    "introduced",
    "invalid",
    "invented",
    "is_null",
    "is_used",
    "kernel_doc_of",
    "leaves",
    "left_behind",
    "left_out_of_a_choice",
    "locks_kept",
    "made_before",
    "made_conditional",
    "may_sleep",
    "misspelt",
    "misuses_of",
    "mixtures_of",
    "no_longer",
    "not_given",
    "out_of_step",
    "overriding",
    "replacements_of",
    "shadowed",
    "slips_of",
    "stale_counts",
    "taken_away",
    "unbounded_windows",
    "unchecked_uses",
    "undescribed",
    "unstarted",
    "unused_results",
    "users_inside",
    "valid",
    "wrong_calls",
    "wrong_pages",
]


MAX_RELATED = 12
"""Other places that one finding shows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running came to.

    ``judgements`` are those of the tree after the patch that a change of the patch takes part in, by profile;
    ``known`` holds what was broken the same way before: (profile, subject, property, kind, raced); ``ran_before`` are
    the subjects, by profile, that also ran whole before it.
    """

    judgements: Mapping[str, Sequence[Judgement]] = field(default_factory=dict)
    known: frozenset[tuple[str, str, str, str, bool]] = frozenset()
    ran_before: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Context:
    """One patch as a rule sees it: the trees before and after it, what it changes, and what running it came to.

    ``run`` runs the code, when a rule first asks for the ``outcome``. ``books`` hold the functions before and after it;
    ``text`` reads a file as it was run; ``final`` is the tree with the whole series applied, None where there is none.
    ``looked_at`` and ``present`` note which functions a rule has looked at and which it finds at fault, whoever brought
    the fault: (code, path, function).
    ``origins`` says what a new function was before, where the patch moved or renamed it: (path, name) by (path, name).
    ``whole`` marks a scan: there is no patch, ``before`` is empty, and each function counts as new. ``parts`` returns
    the functions that the patch shows in part, with the lines that it adds to each. ``torn`` are files of ``after``
    that the patch could only change in part.
    """

    patch: PatchRef
    before: SourceTree
    after: SourceTree
    changes: tuple[Change, ...]
    profiles: tuple[Profile, ...]
    run: Callable[[], Outcome] = Outcome
    books: tuple[Book, Book] | None = None
    text: Callable[[str], bytes | None] | None = None
    final: SourceTree | None = None
    looked_at: set[tuple[str, str, str]] = field(default_factory=set)
    present: set[tuple[str, str, str]] = field(default_factory=set)
    whole: bool = False
    origins: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    parts: Callable[[], Sequence[tuple[frozenset[int], View]]] = tuple
    torn: frozenset[str] = frozenset()

    @cached_property
    def outcome(self) -> Outcome:
        """Return what running the code came to."""
        return self.run()

    def functions(self) -> Iterator[tuple[Change, View | None, View]]:
        """Yield the functions that the patch adds or changes, with their syntax before it and after it.

        One that is older than the patch and whose text before it cannot be read is left out: nothing could be said of
        what the patch brought.
        """
        if self.books is None:
            return
        before, after = self.books
        for change in self.changes:
            new = after.view(change.span.path, change.name) if change.kind == "function" else None
            if new is None:
                continue
            here = (change.span.path, change.name)
            old = before.view(*self.origins.get(here, here))
            if old is not None or change.is_new:
                yield change, old, new

    def versions(self) -> Iterator[tuple[View, View | None]]:
        """Yield the functions as they were before the patch changed or removed them, and as they are after it."""
        if self.books is None:
            return
        before, after = self.books
        moved = {old: new for new, old in self.origins.items()}
        for change in self.changes:
            here = (change.span.path, change.name)
            if change.kind in ("function", "removed") and not change.is_new:
                old = before.view(*here)
                if old is not None:
                    yield old, after.view(*moved.get(here, here))

    def callers(self) -> Iterator[tuple[Change, View | None, View]]:
        """Yield the unchanged functions that call one that the patch changes, with that change."""
        if self.books is None:
            return
        own = {change.name for change in self.changes}
        seen: set[tuple[str, str]] = set()
        for change, old, new in self.functions():
            for caller in new.callers() if old is not None else ():
                if caller.name not in own and (caller.path, caller.name) not in seen:
                    seen.add((caller.path, caller.name))
                    yield change, self.books[0].view(caller.path, caller.name), caller

    def violations(self, prop: str, *, raced: bool | None = None) -> Iterator[tuple[Judgement, Violation]]:
        """Yield what the patch newly breaks of property *prop*; with *raced*, only what does (not) need the MMU."""
        for name, results in self.outcome.judgements.items():
            for judgement in results:
                for violation in judgement.violations:
                    if violation.property != prop or (raced is not None and violation.raced != raced):
                        continue
                    if (name, judgement.subject, *violation.identity()) not in self.outcome.known:
                        yield judgement, violation

    def place(self, judgement: Judgement, violation: Violation) -> tuple[Span, str, tuple[Related, ...]]:
        """Return where to report a violation: the changed code that led to it, its function, and the other places."""
        changed = {(change.span.path, change.name): change for change in self.changes}
        related = tuple(
            Related(Span(pos.path, pos.line, pos.column), f"through {name}()", name)
            for name, pos in reversed(violation.blame)
            if pos.path and not pos.path.startswith("<")
        )
        for name, pos in reversed(violation.blame):
            change = changed.get((pos.path, name))
            if change is not None:
                rest = tuple(one for one in related if one.function != name)
                return _nearest(change, pos.line, pos.column), name, rest
        named = [change for change in self.changes if change.name == violation.suspect]
        change = named[0] if named else self._suspect(judgement)
        return Span(change.span.path, change.line), change.name, related

    def _suspect(self, judgement: Judgement) -> Change:
        """Return the change to report when the step that broke it lies in unchanged code."""
        ran = [
            change
            for change in self.changes
            if f"{change.span.path}:{change.name}" in judgement.executed or change.name in judgement.used
        ]
        kinds = {"function": 0, "macro": 1, "guard": 2, "removed": 3, "other": 4}
        named = [change for change in ran if change.name in judgement.subject.split("+")]
        return min(named or ran or list(self.changes), key=lambda change: kinds[change.kind])

    def line_at(self, span: Span) -> str:
        """Return the text of a line of the tree after the patch."""
        data = (self.after.read(span.path) if self.text is None else self.text(span.path)) or b""
        lines = data.splitlines()
        return lines[span.line - 1].decode("utf-8", "replace") if 0 < span.line <= len(lines) else ""


def _nearest(change: Change, line: int, column: int) -> Span:
    return Span(change.span.path, line, column)


def broken(
    ctx: Context, info: RuleInfo, prop: str, message: str, *, raced: bool | None = None, kept_before: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each new violation of *prop*, with its counterexample; *message* may hold ``{detail}``.

    With *kept_before*, only for what ran before the patch as well, and kept the property.
    """
    for judgement, violation in ctx.violations(prop, raced=raced):
        if kept_before and (judgement.arch, judgement.subject) not in ctx.outcome.ran_before:
            continue
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


def introduced(
    ctx: Context, info: RuleInfo, look: Look, *, callers: bool = False, fragments: bool = False
) -> Iterator[Finding]:
    """Yield a finding for each fault that *look* sees in a function of the patch and not in what it was before.

    With *callers*, unchanged functions that call a changed one are looked at as well; what the change does to them is
    reported at the change. With *fragments*, so are functions that the patch shows in part, as far as a line that it
    adds is at fault: for a *look* at what stands there, whatever the path.
    """
    found: list[tuple[Fault, View]] = []
    for _, old, new in ctx.functions():
        place = (info.code, new.path, new.name)
        ctx.looked_at.add(place)
        faults = list(look(new))
        if faults:
            ctx.present.add(place)
            found.extend((fault, new) for fault in (faults if old is None else brought(old, new, look)))
    moved = faults_gone(ctx.versions(), look) if found else Counter[tuple[str, str]]()
    for fault, view in found:
        token = token_of(fault, view)
        if moved[token]:
            moved[token] -= 1  # the same fault stood elsewhere before
        else:
            yield _finding(ctx, info, fault, view, fault.pos)
    for change, old, caller in ctx.callers() if callers else ():
        for fault in brought(old, caller, look):
            seen = (fault.pos, f"seen in {caller.name}()", caller.name)
            told = replace(fault, related=(seen, *fault.related))
            yield _finding(ctx, info, told, caller, Pos(change.span.path, change.line, 1), change.name)
    for added, view in ctx.parts() if fragments else ():
        yield from (_finding(ctx, info, fault, view, fault.pos) for fault in look(view) if fault.pos.line in added)


def no_longer(ctx: Context, info: RuleInfo, handing: Handing, message: str) -> Iterator[Finding]:
    """Yield a finding for each function of the patch that no longer hands on a state; *message* may hold ``{helper}``
    (what gave it), ``{user}`` (what still needs it) and ``{state}``.
    """
    for view, one in dropped(((old, new) for _, old, new in ctx.functions()), handing):
        ctx.present.add((info.code, view.path, view.name))
        text = message.format(helper=one.helper, user=one.user, state=one.state)
        fault = Fault(f"dropped:{one.state}", one.pos, text)
        yield _finding(ctx, info, fault, view, one.pos)


def overriding(ctx: Context, info: RuleInfo, compare: Compare, *, at_removal: bool = False) -> Iterator[Finding]:
    """Yield a finding for each hook that *compare* tells of, those of several profiles at one place as one.

    With *at_removal* it is reported where the patch takes the architecture's definition away, if it does.
    In a scan of functions or of one profile's runs there is nothing to look at; a scan of the tree has no changes. What
    a file says of which only a part of the patch could be applied is not told.
    """
    if ctx.books is None or (ctx.whole and ctx.changes):
        return
    groups: dict[tuple[str, Span], list[Misgiven]] = {}
    for one in misgiven(ctx.books, ctx.profiles, ctx.changes, compare):
        if any(span.path in ctx.torn for span in (one.span, *(place for place, _ in one.related))):
            continue
        place = _removal(ctx, one) if at_removal else None
        known = {span for span, _ in one.related}
        seen = () if one.span in known else ((one.span, "seen here"),)
        moved = one if place is None else replace(one, span=place, related=(*seen, *one.related))
        groups.setdefault((moved.hook, moved.span), []).append(moved)
    for (hook, span), found in groups.items():
        places = dict.fromkeys(place for one in found for place in one.related)
        ctx.looked_at.add((info.code, span.path, hook))
        ctx.present.add((info.code, span.path, hook))
        yield Finding(
            code=info.code,
            name=info.name,
            severity=info.severity,
            message=found[0].message,
            span=span,
            function=hook,
            archs=tuple(sorted({one.profile for one in found})),
            patch=None if ctx.whole else ctx.patch,
            related=tuple(Related(place, text, hook) for place, text in list(places)[:MAX_RELATED]),
            notes=tuple(Note("help", one.help) for one in found[:1] if one.help),
            line_text=ctx.line_at(span),
        )


def _removal(ctx: Context, one: Misgiven) -> Span | None:
    """Return where the patch takes the definition of a hook by the architecture of a profile away."""
    arch = re.split(r"[/+]", one.profile, maxsplit=1)[0]
    for change in ctx.changes:
        if change.kind == "removed" and change.name == one.hook and change.span.path.startswith(f"arch/{arch}/"):
            return change.span
    return None


def _finding(ctx: Context, info: RuleInfo, fault: Fault, view: View, pos: Pos, function: str = "") -> Finding:
    span = Span(pos.path or view.path, pos.line, pos.column)
    return Finding(
        code=info.code,
        name=info.name,
        severity=info.severity,
        message=fault.message,
        span=span,
        function=function or view.name,
        patch=ctx.patch,
        related=tuple(Related(Span(at.path, at.line, at.column), text, name) for at, text, name in fault.related),
        line_text=ctx.line_at(span),
    )
