"""PT109: an entry is edited while the hardware may still set bits in it."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ptlint.api import (
    Context,
    Evidence,
    Finding,
    Handing,
    Merge,
    RuleInfo,
    Severity,
    broken,
    invalid,
    no_longer,
    valid,
)

EXPLANATION = """
What it reports
Between the read of an entry and the write that replaces it the MMU can set accessed or dirty, and the write loses it.
On s390 also a plain store to an entry that is valid: only IPTE, RDP and CSPG may change it. And an entry of a huge page
that is now empty for a while before it maps the same page again: others look at that level without the lock. And, as a
warning, a function that took an entry before it set another there, and now sets it without.

Why it matters
The window is short and the loss silent: a page written by the process is taken for clean, and dropped.

What to do
Read and clear in one atomic step (ptep_get_and_clear(), ptep_modify_prot_start()), or use the helper that is atomic on
this architecture (ptep_set_wrprotect(), ptep_test_and_clear_young()).

When it is wrong
Architectures that keep accessed and dirty in software, under the page-table lock: no MMU acts there, and of them only
s390 is looked at, for what it forbids.
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
	pte_t pte = ptep_get(ptep);

	while (nr--) {
		pte_t tmp = ptep_get(ptep);

		pte_clear(vma->vm_mm, addr, ptep); // want "loses the"
		if (pte_dirty(tmp))
			pte = pte_mkdirty(pte);
		if (pte_young(tmp))
			pte = pte_mkyoung(pte);
		ptep++;
		addr += PAGE_SIZE;
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

RULE = RuleInfo(
    code="PT109",
    name="live-entry-overwritten",
    summary="no plain load-modify-store of an entry that hardware may update",
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
        Evidence("commit", "fd35ca3d12cc", "mm/migrate_device.c: copy pte dirty bit to page"),
        Evidence("commit", "ced108037c2a", "thp: fix MADV_DONTNEED vs. numa balancing race"),
    ),
    examples=(
        invalid(INVALID, why="a store between ptep_get() and pte_clear() sets dirty, and nobody sees it"),
        valid(VALID, why="each entry is read and cleared in one step"),
    ),
)


TAKES = Handing(
    "taken",
    re.compile(r"(?!)"),
    re.compile(
        r"(?:huge_)?p(?:te|md|ud)p_(?:huge_)?"
        r"(?:get_and_clear\w*|clear_flush(?!_young)\w*|modify_prot_start|invalidate\w*|establish|xchg\w*)|"
        r"(?:get_and_)?clear_(?:full_)?ptes|modify_prot_start_ptes"
    ),
    re.compile(r"set_(?:huge_)?p(?:te|md|ud)_at\w*|set_ptes|(?:huge_)?ptep_modify_prot_commit|modify_prot_commit_ptes"),
    alike=True,
)
"""What makes an entry empty, or of no use to the MMU, in one step, and what sets one."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it, and functions that no longer take what they set."""
    found = [
        *broken(ctx, RULE, "accessed-dirty", "{detail} that the MMU sets in between: {subject}", raced=True),
        *broken(ctx, RULE, "live-entry", "{detail}: {subject}"),
        *broken(ctx, RULE, "vanish", "{detail}: {subject}"),
    ]
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    text = "{user}() sets an entry as before, and {helper}() is gone: the one that is there may be in use"
    for finding in no_longer(ctx, replace(RULE, severity=Severity.WARNING), TAKES, text):
        if (finding.span.path, finding.function) not in known:
            yield finding
