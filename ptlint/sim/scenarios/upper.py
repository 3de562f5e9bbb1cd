"""The helpers of entries that map huge pages at once: ``pmdp_*`` and ``pudp_*``, one entry each.

They are what ``ptep_*`` are a level below, and promise the same; pmdp_invalidate() and pmdp_establish() besides put an
entry that the hardware cannot use in place of one that it can, and return what was there (include/linux/pgtable.h).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ptlint.csrc.ast import NOWHERE
from ptlint.sim.driving import setting
from ptlint.sim.errors import CannotExecute, NoEntries, OutOfBounds
from ptlint.sim.inventory import names_with
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.roles import signature_of
from ptlint.sim.scenarios import batches
from ptlint.sim.scenarios.batches import Form
from ptlint.sim.tally import Tally

LEVELS = ("pmd", "pud")

KINDS: tuple[tuple[str, str, str, int], ...] = (
    # kind, the name without its level, result, number of entries among the parameters
    ("set", r"set_{level}_at", "void", 1),
    ("collect", r"{level}p_huge_(?:get_and_clear(?:_full)?|clear_flush)", "pte", 0),
    ("wrprotect", r"{level}p_set_wrprotect", "void", 0),
    ("young", r"{level}p_(?:test_and_clear|clear_flush)_young", "bool", 0),
    ("get", r"{level}p_get(?:_lockless)?", "pte", 0),
    ("access", r"{level}p_set_access_flags", "bool", 1),
    ("invalidate", r"{level}p_invalidate(?:_ad)?", "pte", 0),
    ("establish", r"{level}p_establish", "pte", 1),
)

NEEDS = ("pte_mkdirty", "pte_mkyoung", "pte_wrprotect", "pte_young", "pte_dirty", "pte_write", "pte_pfn", "pfn_pte")
"""What a level must have for entries of huge pages, in the words of the last one."""


@dataclass(frozen=True, slots=True)
class Upper:
    """A helper, and the program whose entries are those of its level."""

    form: Form
    program: Program


def subjects(program: Program) -> Iterator[Upper]:
    """Yield the helpers of levels that hold huge pages and that may use what is of interest."""
    if not program.universe.profile.is_set("TRANSPARENT_HUGEPAGE"):
        return
    for level in LEVELS:
        if program.universe.typedef(f"{level}_t") is None:
            continue
        twin = program.at_level(level)
        if not all(map(twin.has, NEEDS)) or not any(map(twin.has, ("pte_mkwrite_novma", "pte_mkwrite"))):
            continue
        for kind, pattern, result, entries in KINDS:
            fits = re.compile(pattern.format(level=level)).fullmatch
            for name in names_with(program, f"{level}", fits):
                if not program.is_asked_for(name) or not program.matters(name):
                    continue
                definition = program.definition(name)
                if definition is None:
                    continue
                form = signature_of(twin, name, definition.type)
                if form.returns == result and len(form.of("ptep")) == 1 and len(form.of("pte")) == entries:
                    yield Upper(Form(kind, form), twin)


def name(upper: Upper) -> str:
    """Return the name of the helper."""
    return upper.form.signature.name


def judge(program: Program, upper: Upper, arch: str) -> Judgement:
    """Run the helper over every state of an entry, then with the MMU between its steps."""
    try:
        setting(upper.program, max(3, *program.sizes))
    except NoEntries:  # the level has helpers and no huge pages (powerpc hash: pud)
        return Judgement(name(upper), arch)
    except (CannotExecute, OutOfBounds) as error:
        tally = Tally(name(upper), arch)
        tally.stop(error)
        return tally.judgement(program)
    return _without_faults(batches.judge(upper.program, upper.form, arch))


def _without_faults(judgement: Judgement) -> Judgement:
    """Return a judgement in which a pointer that leads nowhere is one that the scenario does not set up.

    Some architectures keep a table for a later split behind the entries (powerpc hash).
    """
    faults = [one for one in judgement.violations if one.property == "fault"]
    if not faults or judgement.stopped:
        return judgement
    name, pos = faults[0].blame[-1] if faults[0].blame else (judgement.subject, NOWHERE)
    rest = tuple(one for one in judgement.violations if one.property != "fault")
    stopped = (f"{faults[0].detail}, which the scenario does not set up", pos, name)
    return replace(judgement, violations=rest, stopped=stopped, exhaustive=False)
