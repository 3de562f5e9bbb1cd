"""Callers at the level of huge pages: functions of ``.c`` files that change a ``pmd`` which maps one, run whole.

They are known as those of ``ptlint.sim.scenarios.walks`` are, by what they are given, and keep the same promises: an
entry of that level is an entry, its page a folio of as many pages as it maps (include/linux/pgtable.h).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ptlint.sim.absent import MIGRATION
from ptlint.sim.driving import setting
from ptlint.sim.errors import CannotExecute, NoEntries, OutOfBounds
from ptlint.sim.explore import Trial
from ptlint.sim.functions import CALLERS, files_of_interest, function_of, functions_of
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.roles import points_to, tag_of
from ptlint.sim.scenarios.upper import NEEDS
from ptlint.sim.stage import AFTER, BEFORE
from ptlint.sim.tally import Tally
from ptlint.sim.walkforms import Walk
from ptlint.sim.walklanes import space_of, with_accesses
from ptlint.sim.walkruns import run_mixed, run_over

LEVEL = "pmd"

_CHANGES = re.compile(r"\bset_pmd(?:_at)?\s*\(|\bpmdp_(?!get\b)\w+\s*\(")
"""Helpers that change an entry of the level."""

_LOCKS = re.compile(r"\b(?:__)?(?:pmd_(?:trans_)?(?:huge_)?lock(?:ptr)?|spin_lock\w*)\s*\(|\bpvmw\b")
"""What takes the lock of an entry, or gets it taken: code below that gets entries which its caller has looked at."""

_TAKES = re.compile(r"\bpmdp_(?:invalidate|establish|huge_get_and_clear|huge_clear_flush)\w*\s*\(")
"""What takes an entry: code that gets one, and asks itself what it is, may be given any."""

_PRESENT = re.compile(r"\bpmd_(?:present|trans_huge)\s*\(")
"""Code within a walk that asks this meets present entries, and else only migration entries."""

_TESTED = re.compile(r"\b(?:pmd_present|softleaf_from_pmd|pmd_to_swp_entry|is_swap_pmd|pmd_is_\w+)\s*\(")
"""Questions of code that meets entries which map no page."""


@dataclass(frozen=True, slots=True)
class HugeWalk:
    """A caller, and the program whose entries are those of its level."""

    walk: Walk
    program: Program


def subjects(program: Program) -> Iterator[HugeWalk]:
    """Yield the callers of the level among what is of interest and among those of their files that call them."""
    if program.interest is None or not program.walks or not (program.runs_callers or program.runs_generic):
        return
    if not program.universe.profile.is_set("TRANSPARENT_HUGEPAGE") or program.universe.typedef(f"{LEVEL}_t") is None:
        return
    twin = None
    for path in sorted(files_of_interest(program)):
        for name in _called(program, path):
            twin = twin or program.at_level(LEVEL)
            if not all(map(twin.has, NEEDS)):
                return
            walk = _walk(twin, path, name)
            if walk is not None:
                yield HugeWalk(walk, twin)


def _called(program: Program, path: str) -> Iterator[str]:
    """Yield the functions of *path* that change entries of the level and are, or call, what is of interest."""
    if not _CHANGES.search(program.universe.text_of(path)):
        return
    texts = functions_of(program, path)
    wanted = set(program.interest or ())
    for _ in range(CALLERS):
        named = [name for name in texts if name in wanted]
        word = re.compile(r"\b(?:" + "|".join(map(re.escape, named)) + r")\b") if named else None
        wanted |= {name for name, text in texts.items() if word is not None and word.search(text)}
    for name, text in texts.items():
        takes_any = name in (program.interest or ()) and _TAKES.search(text) and _TESTED.search(text)
        if takes_any or (name in wanted and _CHANGES.search(text) and _LOCKS.search(text)):
            yield name


def _walk(twin: Program, path: str, name: str) -> Walk | None:
    found = function_of(twin, path, name)
    if found is None:
        return None
    definition, resolved = found
    for param, type in zip(definition.type.params, resolved.params, strict=True):
        if points_to(param, f"{LEVEL}_t"):
            return Walk(name, path, definition, resolved.params, "entry")
        if tag_of(type) == "page_vma_mapped_walk":
            return Walk(name, path, definition, resolved.params, "fault")
    return None


def name(one: HugeWalk) -> str:
    """Return the name of the function."""
    return one.walk.name


def judge(_program: Program, one: HugeWalk, arch: str) -> Judgement:
    """Run the caller over every state of an entry, then with the MMU in between."""
    tally = Tally(one.walk.name, arch, general=True)
    try:
        shared = setting(one.program, BEFORE + 1 + AFTER)
        space = space_of(shared, one.walk.form, 1)
        texts = functions_of(one.program, one.walk.path)
        own = texts.get(one.walk.name, "")
        trial: Trial | None = None
        ran: set[str] = {one.walk.name}
        if one.walk.form == "entry" or _PRESENT.search(own):
            trial = run_over(shared, one.walk, 1, space, None, tally)
            steps = int(np.asarray(trial.machine.steps).max()) + 1
            ran |= {name for path, _, name in (one.rpartition(":") for one in trial.machine.executed)}
            if shared.hardware.updates:
                raced = with_accesses(space_of(shared, one.walk.form, 1, 12), 1, steps)
                run_over(shared, one.walk, 1, raced, trial, tally, raced=True)
        meets = one.walk.form == "entry" or not _PRESENT.search(own)
        if meets and any(_TESTED.search(texts.get(name, "")) for name in ran):
            run_mixed(shared, one.walk, trial, tally, MIGRATION if one.walk.form == "fault" else None)
    except NoEntries:
        return Judgement(one.walk.name, arch)
    except (CannotExecute, OutOfBounds) as error:
        tally.stop(error)
    return tally.judgement(one.program)
