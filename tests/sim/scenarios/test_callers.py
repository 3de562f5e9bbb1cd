"""Code that commits a batch for a caller, with sub-batches by what holds for each page."""

from ptlint.sim.judgement import Judgement
from ptlint.sim.scenarios import callers
from tests.sim.reference_program import program_with

CODE = """
static void commit_part(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		pte_t oldpte, pte_t ptent, int nr_ptes, int idx, bool set_write, struct mmu_gather *tlb)
{
	addr += idx * PAGE_SIZE;
	ptep += idx;
	oldpte = pte_advance_pfn(oldpte, idx);
	ptent = pte_advance_pfn(ptent, idx);
	if (set_write)
		ptent = pte_mkwrite(ptent, vma);
	modify_prot_commit_ptes(vma, addr, ptep, oldpte, ptent, nr_ptes);
	tlb_flush_pte_range(tlb, addr, nr_ptes * PAGE_SIZE);
}

static void commit_by_page(struct vm_area_struct *vma, struct page *first, unsigned long addr, pte_t *ptep,
		pte_t oldpte, pte_t ptent, int nr_ptes, struct mmu_gather *tlb)
{
	int idx;

	for (idx = 0; idx < nr_ptes; idx++)
		commit_part(vma, addr, ptep, oldpte, ptent, 1, idx, PageAnonExclusive(first + %s), tlb);
}
"""


def judged(page: str) -> dict[str, Judgement]:
    program = program_with(CODE % page, "mm/demo.c")
    return {c.signature.name: callers.judge(program, c, "reference") for c in callers.subjects(program)}


def test_committing_each_page_by_its_own_answer_holds() -> None:
    results = judged("idx")
    assert set(results) == {"commit_part", "commit_by_page"}
    assert all(result.violations == () and result.stopped is None for result in results.values())


def test_the_answer_of_another_page_gives_no_permission() -> None:
    result = judged("0")["commit_by_page"]
    assert [violation.property for violation in result.violations] == ["permission"]
    run = result.violations[0].counterexample
    assert run.nr == 2
    assert any("PageAnonExclusive(page" in choice for choice in run.choices)
