"""Runs a litmus file on the code of a tree, or on ptlint's own page table: ``ptlint simulate FILE.litmus``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ptlint.core.patch import Series
from ptlint.csrc.profile import Profile, profile_named
from ptlint.csrc.universe import load_universe
from ptlint.engine.profiles import profiles_asked
from ptlint.engine.reference import REFERENCE
from ptlint.engine.request import CheckRequest
from ptlint.errors import InputError, UsageError
from ptlint.passes.outcomes import ROOTS
from ptlint.reference import reference_tree
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.litmus import Litmus, Verdict, parsed, run
from ptlint.sim.program import Program


def verdicts(request: CheckRequest, path: Path) -> Iterator[Verdict]:
    """Yield the verdict under each profile asked for. Raises InputError when the file or its code is not understood."""
    try:
        test = parsed(path.name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}") from None
    for profile in _profiles(request, test):
        try:
            yield run(_program(request, profile), test, profile.name)
        except (CannotExecute, OutOfBounds) as error:
            raise InputError(f"{path} on {profile.name}: not executed: {error.what}") from None


def _profiles(request: CheckRequest, test: Litmus) -> tuple[Profile, ...]:
    if request.archs or request.config:
        chosen = tuple(profiles_asked(request))
    else:
        chosen = (profile_named(test.arch),) if test.arch else (REFERENCE,)
    if request.tree is None and chosen != (REFERENCE,):
        raise UsageError("a litmus test of an architecture needs its code: name a tree with --tree")
    return chosen


def _program(request: CheckRequest, profile: Profile) -> Program:
    if profile is REFERENCE or request.tree is None:
        return Program(load_universe(reference_tree(), REFERENCE, ROOTS))
    from ptlint.tree import open_base

    base = open_base(request.tree, request.base, Series("", 1, "", "", (), 0))
    return Program(load_universe(base.tree, profile, ROOTS))
