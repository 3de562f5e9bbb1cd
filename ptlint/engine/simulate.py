"""Runs the helpers of a tree, or of a tree with patches, and returns the judgements: ``ptlint simulate``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ptlint.core.tree import SourceTree, holding
from ptlint.csrc.ast import NOWHERE
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import load_universe
from ptlint.engine.inputs import enclosing_folder, series_asked
from ptlint.engine.profiles import profiles_asked
from ptlint.engine.request import CheckRequest
from ptlint.engine.steps import planned
from ptlint.errors import UsageError
from ptlint.passes.changes import names_defined
from ptlint.passes.outcomes import ROOTS, Runs, profiles_of
from ptlint.sim.bounds import MOST_FAR, Ration
from ptlint.sim.judgement import Judgement, Violation
from ptlint.sim.program import Program

MOST_ENTRIES = 512

MOST_VAIN = 600_000
"""Work of all runs under all profiles that come to no end: beyond it only short ones go on."""

FAR_OF_PROFILE = 20_000
"""Statements of long runs that each profile adds to what is granted: most take fewer for any caller of the kernel."""


def simulate(
    request: CheckRequest,
    function: str,
    nr: int | None = None,
    *,
    trace: bool = False,
    unread: Callable[[str], None] = lambda _: None,
) -> Iterator[Judgement]:
    """Yield, profile by profile, the judgements of every subject that *function* is, or takes part in.

    ``request.inputs`` are patches to put over the tree first; of callers, which run from states that theirs may never
    give them, only what did not break the same way before is told then. With *nr* only batches of that size run; with
    *trace* a run of each is kept. *unread* is told of every file that was not read, or not to its end. Raises
    UsageError when no profile runs such a function; one that is there and cannot be read is not executed.
    """
    if nr is not None and not 0 < nr <= MOST_ENTRIES:
        raise UsageError(f"a batch has 1 to {MOST_ENTRIES} entries")
    before, runs, profiles = _code(request)
    found = False
    while True:
        _set_up((before, runs), len(profiles), nr, trace=trace)
        for judgement in _judged(before, runs, profiles, function):
            found = found or _concerns(judgement, function)
            yield judgement
        unbuilt = frozenset[str]() if found or runs.places else _files_with(runs.tree, function)
        if not unbuilt:
            break
        runs = Runs(runs.tree, runs.overrides, unbuilt)  # no configuration builds what defines it
        before = before and Runs(before.tree, before.overrides, unbuilt)
    beyond = [f"{span.path}: {what}" for span, what in runs.beyond]
    for judgement in () if found else _unreadable(runs, profiles, function):
        found = True
        yield judgement
    if not found:
        because = f" (not read: {'; '.join(beyond)})" if beyond else ""
        raise UsageError(f"{function}: no scenario of these profiles runs a function of this name{because}")
    for one in beyond:
        unread(one)


def _set_up(codes: Iterable[Runs | None], profiles: int, nr: int | None, *, trace: bool) -> None:
    for code in codes:
        if code is not None:
            code.everywhere, code.sizes = True, code.sizes if nr is None else (nr,)
            far = MOST_FAR + FAR_OF_PROFILE * profiles
            code.ration = Ration(vain=MOST_VAIN, whole="all profiles", most_far=far)
            code.trace = trace


def _judged(before: Runs | None, runs: Runs, profiles: Sequence[Profile], function: str) -> Iterator[Judgement]:
    """Yield the judgements that *function* takes part in, and those of what ran for it and came to no end."""
    for profile in profiles:
        made = runs.of(profile, frozenset((function,)))
        bound = {name for one in made if not one.general for name in one.subject.split("+")}
        for judgement in made:
            if judgement.general and judgement.subject in bound:
                continue  # a contract says from which states it runs
            if _concerns(judgement, function):
                yield _against(judgement, before, profile, function)
            elif not judgement.is_whole:
                yield judgement


def _concerns(judgement: Judgement, function: str) -> bool:
    return function in judgement.subject.split("+") or function in judgement.used


def _files_with(tree: SourceTree, function: str) -> frozenset[str]:
    """Return the ``.c`` files that define *function*, of those that are read as C."""
    found = set()
    for folder in ("mm", "fs", "arch", "kernel"):
        paths = holding(tree, folder, (function,))
        for path in tree.paths(folder) if paths is None else paths:
            data = tree.read(path) if path.endswith(".c") else None
            if data is not None and function.encode() in data and function in names_defined(tree, path):
                found.add(path)
    return frozenset(found)


def _unreadable(runs: Runs, profiles: Sequence[Profile], function: str) -> Iterator[Judgement]:
    """Yield, for each profile that has *function* and cannot read it, why."""
    for profile in profiles:
        program = Program(load_universe(runs.tree, profile, ROOTS, runs.overrides))
        why = program.unreadable(function) if program.definition(function) is None else ""
        if why:
            yield Judgement(function, profile.name, exhaustive=False, stopped=(why, NOWHERE, function))


def _against(judgement: Judgement, before: Runs | None, profile: Profile, function: str) -> Judgement:
    """Return a judgement without what says something only beside code that did otherwise, and there is none.

    Of code that ran from every state, *before* some patches as well, without what broke then already.
    """
    if before is None or not judgement.general or not judgement.violations:
        return replace(judgement, violations=_told(judgement, frozenset(), compares=False))
    earlier = before.of(profile, frozenset((function,)), frozenset((judgement.subject,)))
    same = [one for one in earlier if one.subject == judgement.subject and one.general]
    known = frozenset(violation.identity() for one in same for violation in one.violations)
    compares = any(one.is_whole for one in same)
    told = _told(judgement, known, compares=compares)
    again = [one for one in judgement.violations if one.identity() in known and not one.compared]
    names = sorted({one.property for one in again})
    return replace(judgement, violations=told, known=tuple(names), general=not compares)


def _told(judgement: Judgement, known: frozenset[tuple[str, str, bool]], *, compares: bool) -> tuple[Violation, ...]:
    return tuple(one for one in judgement.violations if one.identity() not in known and (compares or not one.compared))


def _code(request: CheckRequest) -> tuple[Runs | None, Runs, tuple[Profile, ...]]:
    """Return the code before patches, if there are some, that after them, and the profiles."""
    from ptlint.core.patch import Series
    from ptlint.engine.reference import REFERENCE
    from ptlint.reference import reference_tree
    from ptlint.tree import open_base

    folder = request.tree or enclosing_folder(request)
    series = series_asked(request, folder) if request.inputs else Series("", 1, "", "", (), 0)
    base = open_base(folder, request.base, series)
    plan = planned(base.tree if folder is not None else None, reference_tree(), series)
    before = plan.steps[0].before if plan.steps else None
    runs = plan.steps[-1].after if plan.steps else Runs(base.tree if folder is not None else reference_tree())
    profiles = profiles_of(base.tree, profiles_asked(request)) if folder is not None else (REFERENCE,)
    return before, runs, tuple(profiles)
