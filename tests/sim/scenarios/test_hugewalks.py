"""Callers of huge pages run whole: what they lose of an entry of the level above, by what they do to it."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.program import Program
from ptlint.sim.scenarios import hugewalks
from tests.csrc.kernel import kernel_tree

HEAD = """#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/pgtable.h>
#include <linux/leafops.h>
#include <asm/tlb.h>
"""

PROTECT = """
static int protect_huge(struct mmu_gather *tlb, struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl = pmd_lock(vma->vm_mm, pmd);
	pmd_t old, new;

	if (!pmd_present(*pmd))
		goto out;
	%s
	tlb_flush_pmd_range(tlb, addr, HPAGE_PMD_SIZE);
out:
	spin_unlock(ptl);
	return 0;
}
"""
HOLDS = """old = pmdp_invalidate_ad(vma, addr, pmd);
	new = pmd_wrprotect(old);
	set_pmd_at(vma->vm_mm, addr, pmd, new);"""

MOVE = """
static void move_huge(struct vm_area_struct *vma, unsigned long old_addr, unsigned long new_addr, pmd_t *old_pmd,
		pmd_t *new_pmd)
{
	spinlock_t *ptl = pmd_lock(vma->vm_mm, old_pmd);
	pmd_t pmd = pmdp_huge_get_and_clear(vma->vm_mm, old_addr, old_pmd);

	if (pmd_present(pmd)) {
		%s
		flush_pmd_tlb_range(vma, old_addr, old_addr + HPAGE_PMD_SIZE);
	} else {
		%s
	}
	set_pmd_at(vma->vm_mm, new_addr, new_pmd, pmd);
	spin_unlock(ptl);
}
"""
MOVED = ("pmd = pmd_mksoft_dirty(pmd);", "pmd = pmd_swp_mksoft_dirty(pmd);")


def broken(code: str, profile: str = "arm64") -> set[str]:
    """Return the properties that the one caller of *code* breaks."""
    changed = Snapshot(kernel_tree(), {"mm/demo.c": (HEAD + code).encode()})
    program = Program(load_universe(changed, profile_named(profile)))
    program.places = frozenset({"mm/demo.c"})
    program.interest = frozenset({"protect_huge", "move_huge", "mark_huge"})
    (one,) = hugewalks.subjects(program)
    judgement = hugewalks.judge(program, one, profile)
    assert judgement.is_whole, judgement.stopped
    assert judgement.scenarios > 30
    return {violation.property for violation in judgement.violations}


def test_an_entry_that_is_invalidated_and_set_again_holds() -> None:
    assert broken(PROTECT % HOLDS) == set()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (HOLDS.replace("pmd_wrprotect(old)", "pmd_wrprotect(pmd_mkold(pmdp_get(pmd)))"), "accessed-dirty"),
        (HOLDS.replace("pmdp_invalidate_ad(vma, addr, pmd)", "pmdp_get(pmd)"), "accessed-dirty"),
        (HOLDS.replace("pmdp_invalidate_ad(vma,", "pmdp_huge_get_and_clear(vma->vm_mm,"), "vanish"),
    ],
)
def test_a_mistake_breaks_its_property(body: str, what: str) -> None:
    assert what in broken(PROTECT % body)


def test_what_is_moved_is_soft_dirty_where_it_arrives() -> None:
    assert broken(MOVE % MOVED, "s390") == set()
    assert broken(MOVE % (";", MOVED[1]), "s390") == {"unmarked"}
    assert broken(MOVE % (MOVED[0], ";"), "s390") == {"unmarked"}
    assert broken(MOVE % (";", ";")) == set()  # arm64 does not track it


def test_a_moved_page_is_flushed_where_it_was() -> None:
    assert broken((MOVE % MOVED).replace("old_addr + HPAGE_PMD_SIZE", "old_addr + PAGE_SIZE")) == {"flush"}


def test_what_gets_an_entry_below_the_lock_is_run_with_who_takes_it() -> None:
    below = "static void below(pmd_t *pmd, unsigned long addr)\n{\n\tset_pmd(pmd, pmd_mkold(*pmd));\n}\n"
    changed = Snapshot(kernel_tree(), {"mm/demo.c": (HEAD + below).encode()})
    program = Program(load_universe(changed, profile_named("arm64")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"below"})
    assert list(hugewalks.subjects(program)) == []


MARK = """
static void mark_huge(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp)
{
	pmd_t old, pmd = *pmdp;

	if (pmd_present(pmd)) {
		old = pmdp_invalidate_ad(vma, addr, pmdp);
		pmd = pmd_wrprotect(%s);
		set_pmd_at(vma->vm_mm, addr, pmdp, pmd);
	}
}
"""


@pytest.mark.parametrize(("value", "found"), [("old", set()), ("pmd", {"accessed-dirty"})])
def test_what_takes_an_entry_under_its_callers_lock_runs_as_well(value: str, found: set[str]) -> None:
    assert broken(MARK % value) - {"flush"} == found
