"""PT104: a batch helper touches entries outside of its batch."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
An entry before the first or after the last of the batch is written, or memory outside the table is accessed.

Why it matters
The neighbour belongs to another page, VMA or table: its mapping is destroyed without its lock or its owner knowing.

What to do
Bound the loop by nr, and do not mix entries with pages or bytes.

When it is wrong
An architecture may rewrite a whole contiguous block with the same mapping (arm64 contpte): that is no finding.
"""

VALID = """\
static inline pte_t modify_prot_start_ptes(struct vm_area_struct *vma,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte, tmp;

	pte = ptep_modify_prot_start(vma, addr, ptep);
	while (--nr) {
		ptep++;
		addr += PAGE_SIZE;
		tmp = ptep_modify_prot_start(vma, addr, ptep);
		if (pte_dirty(tmp))
			pte = pte_mkdirty(pte);
		if (pte_young(tmp))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
		old_pte = pte_next_pfn(old_pte);
		pte = pte_next_pfn(pte);
	}
}
"""

INVALID = """\
static inline pte_t modify_prot_start_ptes(struct vm_area_struct *vma,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte, tmp;

	pte = ptep_modify_prot_start(vma, addr, ptep);
	while (--nr) {
		ptep++;
		addr += PAGE_SIZE;
		tmp = ptep_modify_prot_start(vma, addr, ptep);
		if (pte_dirty(tmp))
			pte = pte_mkdirty(pte);
		if (pte_young(tmp))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i <= nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte); // want "after the batch"
		old_pte = pte_next_pfn(old_pte);
		pte = pte_next_pfn(pte);
	}
}
"""

RULE = RuleInfo(
    code="PT104",
    name="batch-overrun",
    summary="entries outside [0, nr) must stay as they are",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "6434e69814b1", "mm: arm64: fix the out-of-bounds issue in contpte"),
        Evidence("commit", "ddd05742b45b", "mm/rmap: fix potential out-of-bounds page table access"),
    ),
    examples=(
        invalid(INVALID, why="one entry too many is set"),
        valid(VALID, why="exactly nr entries are set"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it."""
    yield from broken(ctx, RULE, "outside", "{detail}: {subject}")
