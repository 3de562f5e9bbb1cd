"""PT107: an entry of a batch ends with a permission that nobody asked for."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
After a batch helper has run, an entry is writable although neither it nor the request was. And code that grants a write
permission by itself and no longer asks whether userfaultfd or soft-dirty wait for the next write to the page, or in a
private mapping whether others have the page too, or whether it is a file's.

Why it matters
The process writes where it must not: a shared page of another process after fork, a page under write tracking, a page
that userfaultfd watches.

What to do
Keep each entry's own protection, or form the batch only of entries with the same one (FPB_RESPECT_WRITE).

When it is wrong
A helper that upgrades on purpose says so in its name or takes the new protection as an argument: then it was asked for.
"""

VALID = """\
static inline void wrprotect_ptes(struct mm_struct *mm, unsigned long addr,
		pte_t *ptep, unsigned int nr)
{
	for (; nr--; ptep++, addr += PAGE_SIZE)
		ptep_set_wrprotect(mm, addr, ptep);
}

static inline void clear_young_dirty_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, unsigned int nr, cydp_t flags)
{
	for (; nr--; ptep++, addr += PAGE_SIZE) {
		pte_t pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);

		if (flags & 1)
			pte = pte_mkold(pte);
		if (flags & 2)
			pte = pte_mkclean(pte);
		set_pte_at(vma->vm_mm, addr, ptep, pte);
	}
}
"""

INVALID = """\
static inline void clear_young_dirty_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, unsigned int nr, cydp_t flags)
{
	for (; nr--; ptep++, addr += PAGE_SIZE) {
		pte_t pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);

		if (flags & 1)
			pte = pte_mkold(pte);
		if (flags & 2)
			pte = pte_mkclean(pte);
		set_pte_at(vma->vm_mm, addr, ptep, pte_mkwrite_novma(pte)); // want "becomes writable"
	}
}
"""

RULE = RuleInfo(
    code="PT107",
    name="permission-gained",
    summary="no entry may end with a permission that neither it nor the request had",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "04d1c9d60c6e", "mm/mremap: honour writable bit in mremap pte batching"),
        Evidence("commit", "cac1db8c3aad", "mm: optimize mprotect() by PTE batching"),
    ),
    examples=(
        invalid(INVALID, why="every entry is made writable when its bits are cleared"),
        valid(VALID, why="protections are kept or taken away"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it."""
    yield from broken(ctx, RULE, "permission", "{detail}: {subject}")
    for kind in ("watched", "private"):
        yield from broken(ctx, RULE, kind, "{detail}: {subject}")
