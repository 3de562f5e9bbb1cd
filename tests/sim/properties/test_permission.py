"""Write permissions in private mappings."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.program import Program
from ptlint.sim.scenarios import walks
from tests.csrc.kernel import kernel_tree

GRANTS = """#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/page-flags.h>
#include <linux/rmap.h>

static void grant_one(struct vm_area_struct *vma, struct folio *folio, struct page *page, unsigned long addr,
		pte_t *ptep)
{
	pte_t old = ptep_modify_prot_start(vma, addr, ptep);
	pte_t new = old;
	bool may = %s;

	if (vma->vm_flags & VM_SHARED)
		may = pte_dirty(old);
	if (may && !pte_write(new))
		new = pte_mkwrite(new, vma);
	ptep_modify_prot_commit(vma, addr, ptep, old, new);
}
"""


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("folio_test_anon(folio) && PageAnonExclusive(page)", True),
        ("folio_test_anon(folio) && folio_test_dirty(folio)", False),
        ("folio_test_anon(folio)", False),
    ],
)
def test_a_page_that_others_may_have_stays_read_only_in_a_private_mapping(asked: str, holds: bool) -> None:
    text = GRANTS % asked
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"grant_one"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "x86+xen")
    assert judgement.is_whole, judgement.stopped
    assert ("private" not in {violation.property for violation in judgement.violations}) == holds


LOOKS = """#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>

static unsigned int alike(struct folio *folio, pte_t *ptep, unsigned int max_nr)
{
	unsigned int nr = 1;

	while (nr < max_nr && nr < folio_nr_pages(folio) && pte_present(ptep_get(ptep + nr)))
		nr++;
	return nr;
}

static bool age_folio(struct folio *folio, struct vm_area_struct *vma, unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool young = false;

	while (page_vma_mapped_walk(&pvmw)) {
		unsigned long end = %s;
		unsigned int nr = alike(folio, pvmw.pte, (end - pvmw.address) >> PAGE_SHIFT);

		young |= clear_flush_young_ptes(vma, pvmw.address, pvmw.pte, nr);
		pvmw.pte += nr - 1;
		pvmw.address += (nr - 1) * PAGE_SIZE;
	}
	return young;
}
"""


@pytest.mark.parametrize(
    ("end", "holds"),
    [
        ("pmd_addr_end(pvmw.address, vma->vm_end)", True),
        ("min(vma->vm_end, ALIGN(pvmw.address, PMD_SIZE) + PMD_SIZE)", False),
        ("vma->vm_end", False),
    ],
)
def test_a_batch_is_looked_for_in_one_page_table(end: str, holds: bool) -> None:
    text = LOOKS % end
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"age_folio"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "x86+xen")
    assert ("limit" not in {violation.property for violation in judgement.violations}) == holds
