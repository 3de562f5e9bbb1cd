"""All that a rule may import: what a rule says of itself, what it may ask, and how it reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ptlint.core.finding import Finding, Note, Related
from ptlint.core.rule import Evidence, Example, Merge, RuleInfo, Severity, invalid, valid
from ptlint.core.span import Span
from ptlint.csrc.ast import Pos
from ptlint.csrc.profile import Profile
from ptlint.passes.afterunlock import AfterUnlock, after_unlock
from ptlint.passes.batchfirst import OtherFirst, other_first
from ptlint.passes.carried import Replacement, replacements_of
from ptlint.passes.changes import Change
from ptlint.passes.confined import left_out_of_a_choice, made_conditional
from ptlint.passes.context import Context, Outcome
from ptlint.passes.counts import StaleCount, stale_counts
from ptlint.passes.declared import declared_below
from ptlint.passes.drift import drifted, has_new_contract, left_behind, wrong_calls
from ptlint.passes.dropped import Dropped, Handing, dropped
from ptlint.passes.eitheror import EitherOr, either_or
from ptlint.passes.entries import Misuse, misuses_of
from ptlint.passes.faults import Fault, Look, brought, token_of
from ptlint.passes.fixedlimits import fixed_limits
from ptlint.passes.folioindex import WrongPage, wrong_pages
from ptlint.passes.functions import View
from ptlint.passes.halves import half_given
from ptlint.passes.hugesizes import GuessedSize, guessed_sizes
from ptlint.passes.insidelazy import ENTERS as LAZY_ENTERS
from ptlint.passes.insidelazy import LEAVES as LAZY_LEAVES
from ptlint.passes.insidelazy import called_back
from ptlint.passes.iterators import LeftBehind, left_behind_in
from ptlint.passes.kerneldoc import KernelDoc, documented_name, invented, kernel_doc_of, undescribed
from ptlint.passes.missing import not_given, taken_away
from ptlint.passes.mixedkinds import mixed_in_sequence, mixed_kinds, numbered_absent
from ptlint.passes.moved import faults_gone
from ptlint.passes.nowhere import Standstill, standstills
from ptlint.passes.origins import Batch, batches_behind, batches_in, bounded_by_folio_only, flag_bits, leaves
from ptlint.passes.overriding import Books, Compare, Misgiven, brought_by, hooks_in, misgiven
from ptlint.passes.pairing import Breach, Protocol, breaches_of, copies_given
from ptlint.passes.ptlocks import KeptLock, locks_kept
from ptlint.passes.rawentries import ByHand, by_hand
from ptlint.passes.readback import late_reads
from ptlint.passes.regions import users_inside
from ptlint.passes.relocked import relocked
from ptlint.passes.rounds import MadeBefore, OutOfStep, SamePage, made_before, one_page, out_of_step
from ptlint.passes.shadowed import misspelt, shadowed
from ptlint.passes.sleeping import may_sleep
from ptlint.passes.turned import turned
from ptlint.passes.typestate import Automaton, Event, Slip, slips_of
from ptlint.passes.unchecked import Unchecked, unchecked_uses
from ptlint.passes.units import Mixture, mixtures_of
from ptlint.passes.unstarted import exchanged_commits, foreign_commits, unstarted
from ptlint.passes.unsynced import Unsynced, unshared, unsynced, untold
from ptlint.passes.unused import unused_results
from ptlint.passes.uses import is_used
from ptlint.passes.windows import Window, unbounded_windows
from ptlint.passes.wording import called, calls_in, is_null
from ptlint.sim.judgement import Violation

__all__ = [
    "LAZY_ENTERS",
    "LAZY_LEAVES",
    "AfterUnlock",
    "Automaton",
    "Batch",
    "Books",
    "Breach",
    "ByHand",
    "Change",
    "Compare",
    "Context",
    "Dropped",
    "EitherOr",
    "Event",
    "Evidence",
    "Example",
    "Fault",
    "Finding",
    "GuessedSize",
    "Handing",
    "KeptLock",
    "KernelDoc",
    "LeftBehind",
    "MadeBefore",
    "Merge",
    "Misgiven",
    "Misuse",
    "Mixture",
    "Note",
    "OtherFirst",
    "OutOfStep",
    "Outcome",
    "Pos",
    "Profile",
    "Protocol",
    "Related",
    "Replacement",
    "RuleInfo",
    "SamePage",
    "Severity",
    "Slip",
    "Span",
    "StaleCount",
    "Standstill",
    "Unchecked",
    "Unsynced",
    "View",
    "Violation",
    "Window",
    "WrongPage",
    "after_unlock",
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
    "either_or",
    "exchanged_commits",
    "fixed_limits",
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
    "late_reads",
    "leaves",
    "left_behind",
    "left_behind_in",
    "left_out_of_a_choice",
    "locks_kept",
    "made_before",
    "made_conditional",
    "may_sleep",
    "misspelt",
    "misuses_of",
    "mixed_in_sequence",
    "mixed_kinds",
    "mixtures_of",
    "no_longer",
    "not_given",
    "numbered_absent",
    "one_page",
    "other_first",
    "out_of_step",
    "overriding",
    "relocked",
    "replacements_of",
    "shadowed",
    "slips_of",
    "stale_counts",
    "standstills",
    "taken_away",
    "turned",
    "unbounded_windows",
    "unchecked_uses",
    "undescribed",
    "unshared",
    "unstarted",
    "unsynced",
    "untold",
    "unused_results",
    "users_inside",
    "valid",
    "without_end",
    "wrong_calls",
    "wrong_pages",
]


MAX_RELATED = 12
"""Other places that one finding shows."""


def broken(ctx: Context, info: RuleInfo, prop: str, message: str, *, raced: bool | None = None) -> Iterator[Finding]:
    """Yield a finding for each new violation of *prop*, with its counterexample; *message* may hold ``{detail}``.

    Of what code may lack on purpose (``Violation.compared``), only where it ran before the patch as well, and had it.
    """
    for judgement, violation in ctx.violations(prop, raced=raced):
        if violation.compared and (judgement.arch, judgement.subject) not in ctx.outcome.ran_before:
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


def without_end(ctx: Context, info: RuleInfo, message: str) -> Iterator[Finding]:
    """Yield a finding for what ran to its end before the patch and no longer does; *message* may hold ``{subject}``."""
    for judgement in ctx.endless():
        span, function = ctx.place_of(judgement)
        yield Finding(
            code=info.code,
            name=info.name,
            severity=info.severity,
            message=message.format(subject=judgement.subject.replace("+", "() and ") + "()"),
            span=span,
            function=function,
            archs=(judgement.arch,),
            patch=ctx.patch,
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
