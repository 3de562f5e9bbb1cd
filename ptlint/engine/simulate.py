"""Runs the helpers of a tree, or of a tree with patches, and returns the judgements: ``ptlint simulate``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ptlint.csrc.ast import NOWHERE
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import load_universe
from ptlint.engine.inputs import enclosing_folder, series_asked
from ptlint.engine.profiles import profiles_asked
from ptlint.engine.request import CheckRequest
from ptlint.engine.steps import planned
from ptlint.errors import UsageError
from ptlint.passes.outcomes import ROOTS, Runs, profiles_of
from ptlint.sim.bounds import Ration
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program

MOST_ENTRIES = 512

MOST_VAIN = 300_000
"""Work of all runs under all profiles that come to no end: beyond it only short ones go on."""


def simulate(
    request: CheckRequest,
    function: str,
    nr: int | None = None,
    *,
    trace: bool = False,
    unread: Callable[[str], None] = lambda _: None,
) -> Iterator[Judgement]:
    """Yield, profile by profile, the judgements of every subject that *function* is, or takes part in.

    ``request.inputs`` are patches to put over the tree first. With *nr* only batches of that size run; with
    *trace* a run of each is kept. *unread* is told of every file that was not read, or not to its end. Raises
    UsageError when no profile runs such a function; one that is there and cannot be read is not executed.
    """
    if nr is not None and not 0 < nr <= MOST_ENTRIES:
        raise UsageError(f"a batch has 1 to {MOST_ENTRIES} entries")
    runs, profiles = _code(request)
    runs.everywhere, runs.trace = True, trace
    runs.ration = Ration(vain=MOST_VAIN, whole="all profiles")
    runs.sizes = runs.sizes if nr is None else (nr,)
    found = False
    for profile in profiles:
        for judgement in runs.of(profile, frozenset((function,))):
            if function in judgement.subject.split("+") or function in judgement.used:
                found = True
                yield _by_itself(judgement)
            elif judgement.stopped is not None or judgement.exhausted or judgement.failed:
                yield judgement
    beyond = [f"{span.path}: {what}" for span, what in runs.beyond]
    for judgement in () if found else _unreadable(runs, profiles, function):
        found = True
        yield judgement
    if not found:
        because = f" (not read: {'; '.join(beyond)})" if beyond else ""
        raise UsageError(f"{function}: no scenario of these profiles runs a function of this name{because}")
    for one in beyond:
        unread(one)


def _unreadable(runs: Runs, profiles: Sequence[Profile], function: str) -> Iterator[Judgement]:
    """Yield, for each profile that has *function* and cannot read it, why."""
    for profile in profiles:
        program = Program(load_universe(runs.tree, profile, ROOTS, runs.overrides))
        why = program.unreadable(function) if program.definition(function) is None else ""
        if why:
            yield Judgement(function, profile.name, exhaustive=False, stopped=(why, NOWHERE, function))


def _by_itself(judgement: Judgement) -> Judgement:
    """Return a judgement without what is only wrong when the code before a patch did otherwise (a bit that is dropped
    on purpose).
    """
    return replace(judgement, violations=tuple(one for one in judgement.violations if one.property != "dropped"))


def _code(request: CheckRequest) -> tuple[Runs, tuple[Profile, ...]]:
    from ptlint.core.patch import Series
    from ptlint.engine.reference import REFERENCE
    from ptlint.reference import reference_tree
    from ptlint.tree import open_base

    folder = request.tree or enclosing_folder(request)
    series = series_asked(request, folder) if request.inputs else Series("", 1, "", "", (), 0)
    base = open_base(folder, request.base, series)
    plan = planned(base.tree if folder is not None else None, reference_tree(), series)
    runs = plan.steps[-1].after if plan.steps else Runs(base.tree if folder is not None else reference_tree())
    profiles = profiles_of(base.tree, profiles_asked(request)) if folder is not None else (REFERENCE,)
    return runs, tuple(profiles)
