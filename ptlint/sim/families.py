"""All families of scenarios, found by folder: a module of ``sim/scenarios`` with ``subjects`` and ``judge``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from ptlint.csrc.ast import NOWHERE
from ptlint.sim import scenarios
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program


def judgements(program: Program, arch: str, interest: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Yield the judgement of every subject that the universe has, family by family.

    With *interest*, subjects that use none of these names are looked at only as far as it takes to know that.
    """
    program.interest = interest
    for module in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda one: one.name):
        family = importlib.import_module(f"{scenarios.__name__}.{module.name}")
        try:
            for subject in family.subjects(program):
                yield family.judge(program, subject, arch)
        except CannotExecute as error:
            stopped = (error.what, error.pos or NOWHERE, error.function)
            yield Judgement(module.name, arch, exhaustive=False, stopped=stopped)
        except OutOfBounds as error:
            yield Judgement(module.name, arch, exhaustive=False, exhausted=error.what)
