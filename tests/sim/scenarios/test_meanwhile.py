"""What others make of an entry meanwhile: flushes that are owed, entries in parts, what is returned of one."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.passes.outcomes import ROOTS
from ptlint.sim.program import Program
from ptlint.sim.scenarios import batches, upper
from tests.csrc.kernel import kernel_tree

S390 = "arch/s390/mm/pgtable.c"
SPARC = "arch/sparc/include/asm/pgtable_64.h"
RADIX = "arch/powerpc/mm/book3s64/pgtable.c"
NOTED = "\t\tset_pte(ptep, set_pte_bit(*ptep, __pgprot(_PAGE_INVALID)));\n\t\tmm->context.flush_mm = 1;\n"
NOTED_PMD = NOTED.replace("set_pte(ptep, set_pte_bit(*ptep", "set_pmd(pmdp, set_pmd_bit(*pmdp").replace(
    "_PAGE_", "_SEGMENT_ENTRY_"
)
LATE = "\t} else\n\t\tptep_ipte_global(mm, addr, ptep, nodat);\n"
LAST = "\tpte_t orig;\n\n\t*ptep = pte;\n\torig = *ptep;\n"
QUEUED = "\tpte_t orig = *ptep;\n\n\t*ptep = pte;\n"


def broken(profile: str, path: str, old: str, new: str, name: str) -> set[tuple[str, str]]:
    """Return what helper *name* breaks in a tree in which *new* stands for the first *old* in a file."""
    text = (kernel_tree().read(path) or b"").decode()
    assert old in text
    tree = Snapshot(kernel_tree(), {path: text.replace(old, new, 1).encode()})
    program = Program(load_universe(tree, profile_named(profile), ROOTS))
    found = [batches.judge(program, one, profile) for one in batches.subjects(program) if batches.name(one) == name]
    found += [upper.judge(program, one, profile) for one in upper.subjects(program) if upper.name(one) == name]
    (judgement,) = found
    assert judgement.stopped is None
    return {(violation.property, violation.detail.split(" of entry")[0]) for violation in judgement.violations}


HIGH, LOW = (f"\tWRITE_ONCE(ptep->pte_{half}, pte.pte_{half});\n" for half in ("high", "low"))
SPLIT = HIGH + "\tsmp_wmb();\n" + LOW
TURNED = LOW + "\tsmp_wmb();\n" + HIGH


@pytest.mark.parametrize(
    ("profile", "path", "old", "new", "name", "property", "detail"),
    [
        ("s390", S390, NOTED, NOTED.splitlines()[0], "ptep_get_and_clear", "flush", "the old translation"),
        ("s390", S390, NOTED_PMD, NOTED_PMD.splitlines()[0], "pmdp_set_wrprotect", "flush", "the old translation"),
        (
            "sparc",
            SPARC,
            QUEUED,
            LAST,
            "ptep_get_and_clear",
            "flush",
            "",
        ),
        ("powerpc/radix", RADIX, "if (was_present && !full)", "if (was_present && full)", "", "flush", "the entry is"),
        (
            "s390",
            S390,
            LATE,
            LATE + "\told = *ptep;\n",
            "ptep_get_and_clear",
            "underrun",
            "",
        ),
        ("x86/pae", "arch/x86/include/asm/pgtable-3level.h", SPLIT, TURNED, "set_ptes", "live-entry", ""),
    ],
)
def test_who_changes_an_entry_answers_for_what_others_make_of_it(
    profile: str, path: str, old: str, new: str, name: str, property: str, detail: str
) -> None:
    found = broken(profile, path, old, new, name or "pmdp_huge_get_and_clear_full")
    assert [kind for kind, text in found if text.startswith(detail)] == [property]


def test_helpers_of_a_level_above_the_last_lead_to_code_that_names_no_entry_of_the_last() -> None:
    program = Program(load_universe(kernel_tree(), profile_named("s390"), ROOTS))
    assert program.leads_to(["pmdp_set_wrprotect"], frozenset({"pmdp_flush_lazy"}))
    assert not program.leads_to(["ptep_set_wrprotect"], frozenset({"pmdp_flush_lazy"}))


def test_what_changes_no_page_frame_may_write_a_part_of_an_entry() -> None:
    program = Program(load_universe(kernel_tree(), profile_named("x86/pae"), ROOTS))
    wanted = ("ptep_set_access_flags", "ptep_test_and_clear_young", "ptep_set_wrprotect", "ptep_get_and_clear")
    results = [
        batches.judge(program, one, "x86/pae") for one in batches.subjects(program) if batches.name(one) in wanted
    ]
    assert len(results) == len(wanted)
    assert [(one.subject, violation.detail) for one in results for violation in one.violations] == []
