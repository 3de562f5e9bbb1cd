"""Entries of more than 64 bits (powerpc 8xx, pages of 16 KiB: four words alike): helpers hold, and slips are found."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.passes.outcomes import ROOTS
from ptlint.sim.families import judgements
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from tests.csrc.kernel import kernel_tree

PROFILE = "powerpc/8xx"
OWN = "arch/powerpc/include/asm/nohash/32/pte-8xx.h"
SHARED = "arch/powerpc/include/asm/nohash/pgtable.h"
SETTING = "arch/powerpc/mm/pgtable.c"


def judged(path: str = "", old: str = "", new: str = "") -> list[Judgement]:
    """Return the judgements of a tree in which *new* stands for *old* in a file."""
    files = {}
    if path:
        text = kernel_tree().read(path)
        assert text is not None
        assert text.count(old.encode()) == 1
        files[path] = text.replace(old.encode(), new.encode())
    tree = Snapshot(kernel_tree(), files)
    return list(judgements(lambda: Program(load_universe(tree, profile_named(PROFILE), ROOTS)), PROFILE))


def test_helpers_run_over_entries_of_four_words_and_hold() -> None:
    found = judged()
    wanted = {
        "set_ptes",
        "ptep_get_and_clear",
        "wrprotect_ptes",
        "clear_young_dirty_ptes",
        "pte_modify",
        "pte_wrprotect",
    }
    assert wanted <= {one.subject for one in found}
    assert any(one.subject.startswith("modify_prot_start_ptes") for one in found)
    assert [(one.subject, one.violations) for one in found if one.violations or not one.is_whole] == []
    assert min(one.scenarios for one in found if one.subject in wanted) >= 8


@pytest.mark.parametrize(
    ("path", "old", "new", "subject", "what"),
    [
        (
            OWN,
            "\t\t\t*entry++ = new;\n\t\t\t*entry++ = new;\n\t\t\t*entry++ = new;\n",
            "\t\t\t*entry++ = new;\n\t\t\t*entry++ = new;\n\t\t\tentry++;\n",
            "wrprotect_ptes",
            "underrun",
        ),
        (OWN, "pte_t pte = {val, val, val, val};", "pte_t pte = {val & ~1UL, val, val, val};", "ptep_get", "diverges"),
        (
            OWN,
            "pte_update(mm, addr, ptep, 0, _PAGE_RO, 0);",
            "pte_update(mm, addr, ptep, _PAGE_DIRTY, _PAGE_RO, 0);",
            "wrprotect_ptes",
            "accessed-dirty",
        ),
        (SETTING, "\t\tpte = pte_next_pfn(pte);\n", "", "set_ptes", "pfn"),
        (
            SETTING,
            "\t\tptep++;\n\t\taddr += PAGE_SIZE;\n",
            "\t\tptep = (pte_t *)((pte_basic_t *)ptep + 1);\n\t\taddr += PAGE_SIZE;\n",
            "set_ptes",
            "pfn",
        ),
    ],
)
def test_what_a_helper_of_such_entries_gets_wrong_is_told(
    path: str, old: str, new: str, subject: str, what: str
) -> None:
    found = [one for one in judged(path, old, new) if one.subject == subject]
    assert what in {violation.property for one in found for violation in one.violations}
