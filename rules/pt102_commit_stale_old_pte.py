"""PT102: a per-entry commit gets the old value of another entry."""

from collections.abc import Iterator
from dataclasses import replace

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
A hook that takes the old and the new value of one entry is called with an old value whose page frame or
protection is not that of the entry before the change.

Why it matters
Some architectures read it: powerpc with the radix MMU compares the protections of old_pte and pte to decide whether
the nest MMU must be flushed before an upgrade. With a wrong old value the flush is skipped and a device goes on with a
stale translation. Where no override reads old_pte the contract is broken all the same; then this is a warning.

What to do
Advance old_pte with pte_next_pfn() beside pte, from the value that start returned.

When it is wrong
A helper whose per-entry hook documents that it wants the first entry's old value.
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

	for (i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte); // want "old_pte"
		old_pte = pte;
		pte = pte_next_pfn(pte);
	}
}
"""

RULE = RuleInfo(
    code="PT102",
    name="commit-stale-old-pte",
    summary="each per-entry commit must get this entry's old value",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "3959a598-c7c0-4321-ae2f-f45e5ff144e4@arm.com",
            "Re: mm: Add batched versions of ptep_modify_prot_...",
        ),
        Evidence(
            "doc",
            "include/linux/pgtable.h",
            "the comments of modify_prot_start_ptes() and _commit_ptes()",
        ),
    ),
    examples=(
        invalid(INVALID, why="from the second entry on, old_pte is the new value of the entry before"),
        valid(VALID, why="old and new value advance together, each entry at its own address"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it."""
    for finding in broken(ctx, RULE, "old-pte", "{detail}"):
        seen = any(note.kind == "seen-by" for note in finding.notes)
        yield replace(finding, severity=Severity.ERROR if seen else Severity.WARNING)
