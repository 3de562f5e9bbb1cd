"""What callers may see to or not: each habit shows where it is dropped, and not where it is kept."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.program import Program
from ptlint.sim.scenarios import walks
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with

PROTECTS = """
static void protect_range(struct vm_area_struct *vma, unsigned long addr, unsigned long end, pte_t *ptep)
{
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t pte = ptep_get(ptep);

		if (%s)
			continue;
		pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);
		%s
		set_pte_at(vma->vm_mm, addr, ptep, pte_mkclean(pte_wrprotect(pte)));
	}
}
"""


def on_a_kernel(code: str) -> Program:
    text = "#include <linux/mm.h>\n#include <linux/pgtable.h>\n" + code
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"protect_range"})
    return program


def broken(program: Program) -> set[str]:
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, program.universe.profile.name)
    assert judgement.is_whole, judgement.stopped
    assert judgement.scenarios > 50
    return {one.property for one in judgement.violations if not one.detail.endswith("accessed")}  # nobody ages here


@pytest.mark.parametrize(
    ("skipped", "after", "habit"),
    [
        ("!pte_write(pte) && !pte_dirty(pte)", "", ""),
        ("!pte_write(pte) || !pte_dirty(pte)", "", "passed over"),
        ("!pte_dirty(pte)", "", "passed over"),
        ("!pte_write(pte) && !pte_dirty(pte)", "if (pte_young(pte))\n\t\t\tcontinue;", "forgotten"),
    ],
)
def test_who_protects_entries_leaves_none_out_and_none_empty(skipped: str, after: str, habit: str) -> None:
    found = broken(program_with(PROTECTS % (skipped, after), "mm/demo.c"))
    assert {"passed over", "forgotten"} & found == ({habit} if habit else set())


COUNTS = """
static long protect_range(struct vm_area_struct *vma, unsigned long addr, unsigned long end, pmd_t *pmd)
{
	pte_t *ptep, *first;
	spinlock_t *ptl;
	long found = 0;

	first = ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!first)
		return 0;
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		if (!pte_write(ptep_get(ptep)))
			continue;
		ptep_set_wrprotect(vma->vm_mm, addr, ptep);
		%s;
	}
	pte_unmap_unlock(first, ptl);
	return found;
}
"""


@pytest.mark.parametrize(
    ("counted", "miscounts"), [("found++", False), ("found = 1", True), ("found += 2", True), ("", True)]
)
def test_a_number_of_entries_is_that_of_those_that_change(counted: str, miscounts: bool) -> None:
    assert ("miscount" in broken(on_a_kernel(COUNTS % counted))) == miscounts


MARKS = """
static void mark_range(struct vm_area_struct *vma, unsigned long addr, unsigned long end, pte_t *ptep,
		unsigned long flags)
{
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t old = ptep_modify_prot_start(vma, addr, ptep);
		pte_t pte = old;

		if (flags & 1)
			pte = pte_mksoft_dirty(pte);
		else%s
			pte = pte_clear_soft_dirty(pte);
		ptep_modify_prot_commit(vma, addr, ptep, old, pte);
	}
}
"""


@pytest.mark.parametrize(("asked", "kept"), [(" if (flags & 2)", True), ("", False)])
def test_a_mark_that_is_set_and_taken_away_is_also_left_alone(asked: str, kept: bool) -> None:
    assert ("unkept" not in broken(program_with(MARKS % asked, "mm/demo.c"))) == kept


DESCRIBED = """#include <linux/rmap.h>
static int protect_range(struct page_vma_mapped_walk *pvmw)
{
	struct vm_area_struct *vma = pvmw->vma;
	int cleaned = 0;

	while (page_vma_mapped_walk(pvmw)) {
		pte_t pte = ptep_get(pvmw->pte);

		if (%s)
			continue;
		pte = ptep_clear_flush(vma, pvmw->address, pvmw->pte);
		set_pte_at(vma->vm_mm, pvmw->address, pvmw->pte, pte_mkclean(pte));
		cleaned++;
	}
	return cleaned;
}
"""


@pytest.mark.parametrize(
    ("skipped", "holds"), [("!pte_dirty(pte)", True), ("!pte_dirty(pte) || !pte_write(pte)", False)]
)
def test_a_walk_that_is_described_goes_over_all_entries(skipped: str, holds: bool) -> None:
    assert ("passed over" not in broken(on_a_kernel(DESCRIBED % skipped))) == holds
