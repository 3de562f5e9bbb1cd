"""All families of scenarios, found by folder: a module of ``sim/scenarios`` with ``subjects`` and ``judge``."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol, TypeVar, cast

from ptlint.csrc.ast import NOWHERE
from ptlint.errors import PtlintError
from ptlint.sim import scenarios
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program

_T = TypeVar("_T")


class Family(Protocol):
    """A module of ``sim/scenarios``."""

    def subjects(self, program: Program) -> Iterator[object]:
        """Yield what the universe has of this family."""

    def name(self, subject: object) -> str:
        """Return what the judgement of a subject is called."""

    def judge(self, program: Program, subject: object, arch: str) -> Judgement:
        """Run one subject."""


def judgements(
    load: Callable[[], Program],
    arch: str,
    interest: frozenset[str] | None = None,
    only: frozenset[str] | None = None,
) -> Iterator[Judgement]:
    """Yield the judgement of every subject that the universe has, family by family; *load* makes the program.

    With *interest*, subjects that use none of these names are looked at only as far as it takes to know that; with
    *only*, others than those with one of these names are not run. A subject
    that cannot be run, also for a mistake of ptlint's own (``failed``), does not keep the others from it.
    """
    program = _guarded("the universe", arch, load)
    if isinstance(program, Judgement):
        yield program
        return
    program.interest, program.only = interest, only
    for name, family in families():
        subjects = _guarded(name, arch, partial(_subjects, family, program))
        if isinstance(subjects, Judgement):
            yield subjects
            continue
        judged = 0
        for number, subject in enumerate(subjects, start=1):
            if only is not None and family.name(subject) not in only:
                continue
            taken = program.ration.taken
            judged += 1
            if judged > MOST_SUBJECTS and program.ration.work is not None:
                late = f"more than {MOST_SUBJECTS} like it for one patch"
                yield Judgement(family.name(subject), arch, exhaustive=False, exhausted=late)
                continue
            late = program.ration.gives_up(family.name(subject))
            if late:
                yield Judgement(family.name(subject), arch, exhaustive=False, exhausted=late)
                continue
            judgement = _guarded(f"{name} {number}", arch, partial(family.judge, program, subject, arch))
            ended = not judgement.exhausted
            program.ration.settle(program.ration.taken - taken, ended=ended, subject=family.name(subject))
            yield judgement
            if program.ration.taken - taken > MUCH_WORK and not gc.isenabled():
                gc.collect(1)  # what long runs leave in circles is as much as they did


MOST_SUBJECTS = 150
"""Subjects of one family that are judged for one patch: twice what an architecture has of the largest."""

MUCH_WORK = 200_000
"""Work of one subject that leaves much behind."""


def _subjects(family: Family, program: Program) -> tuple[object, ...]:
    return tuple(family.subjects(program))


def families() -> Iterator[tuple[str, Family]]:
    """Yield name and module of every family, by name."""
    for module in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda one: one.name):
        yield module.name, cast(Family, importlib.import_module(f"{scenarios.__name__}.{module.name}"))


def _guarded(what: str, arch: str, run: Callable[[], _T]) -> _T | Judgement:
    """Return what *run* returns, or a judgement that says what kept it from returning."""
    try:
        return run()
    except CannotExecute as error:
        stopped = (error.what, error.pos or NOWHERE, error.function)
        return Judgement(what, arch, exhaustive=False, stopped=stopped)
    except OutOfBounds as error:
        return Judgement(what, arch, exhaustive=False, exhausted=error.what)
    except PtlintError:
        raise
    except Exception as error:  # an edge: a mistake in the simulator must not lose the other subjects and profiles
        return Judgement(what, arch, exhaustive=False, failed=_described(error))


def _described(error: Exception) -> str:
    """Return an exception in one line, with the place in ptlint that raised it."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if os.path.abspath(frame.filename).startswith(package)]
    place = f" at {os.path.relpath(own[-1].filename, package)}:{own[-1].lineno}" if own else ""
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"
