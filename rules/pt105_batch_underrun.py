"""PT105: an entry of a batch is left as it was."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid, without_end

EXPLANATION = """
What it reports
Not every entry of the batch is processed: an entry stays cleared after commit, or keeps its old protection. Or a
helper that came to its end before the patch comes to none: its loop does not move on. Or a caller that put back
what it took, or made every entry clean, old or read-only, no longer does.

Why it matters
A cleared entry faults and loses the page; an old protection lets the process do what it no longer may.

What to do
Process nr entries, also for nr = 1; mind loops that decrement before they test.

When it is wrong
A helper that may stop early and says by its return value how far it came.
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

static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr, // want "not committed"
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
		old_pte = pte_next_pfn(old_pte);
		pte = pte_next_pfn(pte);
	}
}
"""

RULE = RuleInfo(
    code="PT105",
    name="batch-underrun",
    summary="every entry of the batch must be processed",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence(
            "doc",
            "include/linux/pgtable.h",
            "the comments of modify_prot_start_ptes() and _commit_ptes()",
        ),
        Evidence(
            "lore",
            "5f2eb53d-5fce-411f-857b-2ac16295a9f9@arm.com",
            "Re: mm: Add batched versions of ptep_modify_prot_...",
        ),
    ),
    examples=(
        invalid(INVALID, why="the last entry is never set"),
        valid(VALID, why="nr entries are set"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it."""
    yield from broken(ctx, RULE, "underrun", "{detail} by {subject}")
    for habit in ("forgotten", "passed over"):
        yield from broken(ctx, RULE, habit, "{detail}, unlike before: {subject}")
    yield from without_end(ctx, RULE, "{subject}: came to an end before the patch, and no longer does")
