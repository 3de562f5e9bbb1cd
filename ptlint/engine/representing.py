"""Which profiles run first, and when what they came to stands for the others.

Generic code differs from one architecture to the next only in the helpers that it calls, and few profiles together
have every kind of helper. What holds on those is not run on all others: what breaks on one of them, or is in force on
none of them, is. The report names the profiles that were stood for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from ptlint.core.patch import LeftOut
from ptlint.csrc.profile import Profile, runs_callers, stands_for_others
from ptlint.engine.steps import Step
from ptlint.passes.changes import Change
from ptlint.passes.outcomes import profiles_touched
from ptlint.sim.judgement import Judgement

Profiles = tuple[Profile, ...]

_STATIC = re.compile(r"\bstatic\b")
_HELPER = r"(?:huge_)?p(?:te|md|ud)p?s?_\w+|\w+_p(?:te|md|ud)s"
_HELPERS = re.compile(_HELPER)
_GIVES_HELPERS = re.compile(rf"^[ \t]*#[ \t]*ifndef[ \t]+(?:\w*HAVE_ARCH\w*|{_HELPER})", re.MULTILINE)
"""What stands before a function that an architecture may give instead."""


def in_turn(profiles: Sequence[Profile], paths: Sequence[str], is_local: bool = False) -> tuple[Profiles, Profiles]:
    """Return the profiles that run a change of *paths* in any case, and those that the first ones may stand for.

    A change that *is_local* to generic files concerns no helper: then only profiles that run callers are looked at.
    """
    if is_local and (callers := tuple(filter(runs_callers, profiles))):
        return callers, ()
    own = {one.name for one in profiles_touched(profiles, [path for path in paths if path.startswith("arch/")])}
    first = tuple(one for one in profiles if one.name in own or stands_for_others(one))
    rest = tuple(one for one in profiles if one.name not in own and not stands_for_others(one))
    return (first, rest) if first else (rest, ())


def is_local(step: Step) -> bool:
    """Return whether all that a step changes are functions and macros of ``.c`` files of generic code, and no helpers.

    In a file that gives helpers which an architecture may give instead, what is local may be part of one.
    """
    if any(change.kind != "other" and not _is_local(change) for change in step.changes):
        return False
    texts = [(step.text(path) or b"").decode("latin-1") for path in {change.span.path for change in step.changes}]
    return not any(map(_GIVES_HELPERS.search, texts))


def _is_local(change: Change) -> bool:
    path = change.span.path
    return (
        path.endswith(".c")
        and not path.startswith("arch/")
        and (not _HELPERS.fullmatch(change.name) or _STATIC.search(change.text[: change.text.find("{")]) is not None)
    )


def holds_where_it_runs(step: Step, profiles: Sequence[Profile], judged: Mapping[str, Sequence[Judgement]]) -> bool:
    """Return whether nothing broke under *profiles* and whatever the step changes is in force under one of them."""
    if any(judgement.violations for some in judged.values() for judgement in some):
        return False
    return not is_nowhere_in_force(step, profiles)


def is_nowhere_in_force(step: Step, profiles: Sequence[Profile]) -> bool:
    """Return whether the step changes something shared that is in force under none of *profiles*."""
    return not all(
        any(_in_force(step, profile, change) for profile in profiles) for change in step.changes if _is_shared(change)
    )


def _is_shared(change: Change) -> bool:
    """Return whether a change is of code for all: an architecture's own runs there."""
    return not change.span.path.startswith("arch/") and change.kind != "other"


def _in_force(step: Step, profile: Profile, change: Change) -> bool:
    if change.kind == "removed":
        return True  # what takes its place is looked up where it is called
    place = step.after.defined(profile, change.name)
    if place is None:  # a file that the profile does not build, or a helper that its architecture gives instead
        return change.span.path.endswith(".c") and not _HELPERS.fullmatch(change.name)
    if place.path != change.span.path:
        return False
    return change.name in step.after.overrides or change.span.line <= place.line <= change.span.end_line


def scanned_on(profiles: Sequence[Profile], files: Sequence[str]) -> Profiles:
    """Return the profiles that run the code of *files* in a scan: those that stand for all where it is no helper."""
    first = tuple(one for one in profiles if stands_for_others(one))
    has_helpers = any(path.startswith(("arch/", "include/")) for path in files)
    return tuple(profiles) if has_helpers or not first else first


def stood_for_note(left: Set[str], ran: Set[str]) -> list[LeftOut]:
    """Return the entries of the report for the profiles *left* that others stood for; *ran* are all that ran any code.

    Those that ran for one patch and were left for another are told apart: they did not see every patch.
    """
    others = ", ".join(sorted(ran - left))
    found = []
    if left - ran:
        reason = f"generic code ran on {others}, which stand for them; --arch all runs it there too"
        if not others:
            reason = "nothing was run for them, nor on the profiles that stand for them"
        found.append(LeftOut("stood-for", ", ".join(sorted(left - ran)), reason))
    if left & ran:
        reason = f"ran only for patches that needed it, the others on {others}; --arch all runs each patch there"
        found.append(LeftOut("stood-for", ", ".join(sorted(left & ran)), reason))
    return found
