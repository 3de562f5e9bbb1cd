"""PT103: accessed or dirty of an entry is not in the result, with no help of the hardware."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Handing,
    Merge,
    RuleInfo,
    Severity,
    View,
    broken,
    either_or,
    introduced,
    invalid,
    no_longer,
    valid,
)

EXPLANATION = """
What it reports
A helper drops the accessed or dirty bit of an entry: start does not collect it from every entry, or the final entry
does not have it. Also a patch after which a function takes entries as before and no longer hands their bits on, as
folio_mark_dirty() does, or clears a dirty bit that it kept.

Why it matters
A lost dirty bit loses the user's data when the page is reclaimed; a lost accessed bit makes reclaim take hot pages.

What to do
Collect pte_dirty() and pte_young() from what each entry's own start or get-and-clear returned.

When it is wrong
Helpers that discard the bits on purpose (clear_full_ptes(), MADV_FREE) promise nothing about them.
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
		tmp = ptep_modify_prot_start(vma, addr, ptep); // want "loses the dirty bit"
		if (pte_dirty(pte))
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

BACK = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/back.c
static void bring_back(struct mm_struct *mm, unsigned long addr, pte_t *ptep, struct page *page, softleaf_t entry)
{
	pte_t pte = mk_pte(page, PAGE_SHARED);

%s	set_pte_at(mm, addr, ptep, pte);%s
}
"""
DIRTY = "\tif (softleaf_is_migration_dirty(entry))\n\t\tpte = pte_mkdirty(pte);\n"
BEFORE = (BACK % (DIRTY, "")).replace("// file", "// before")

RULE = RuleInfo(
    code="PT103",
    name="accessed-dirty-lost",
    summary="accessed and dirty of every entry must survive a transaction",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "97c5550b7631", "arm64: contpte: fix set_access_flags() no-op check for SMMU/ATS faults"),
        Evidence("commit", "ff1712f953e2", "arm64: pgtable: Ensure dirty bit is preserved across pte_wrprotect()"),
        Evidence(
            "doc",
            "include/linux/pgtable.h",
            "the comments of modify_prot_start_ptes() and _commit_ptes()",
        ),
    ),
    examples=(
        invalid(INVALID, why="the first value is asked instead of the entry just read"),
        valid(VALID, why="each value that was read is asked"),
        invalid(BACK % ("", ' // want "is no longer asked"') + BEFORE, why="the page comes back clean"),
        valid(BACK % (DIRTY, "") + BEFORE, why="the page comes back as it was"),
    ),
)


TAKES = re.compile(
    r"(huge_)?p(te|md|ud)p_(huge_)?(get_and_clear|clear_flush)\w*|get_and_clear_(full_)?ptes|pmdp_invalidate\w*"
)
HANDINGS = (
    Handing(
        "dirty",
        re.compile(r"(huge_)?p(te|md|ud)_dirty"),
        re.compile(
            r"folio_(mark|set)_dirty|set_page_dirty(_lock)?|make_migration_entry_dirty|(huge_)?p(te|md|ud)_mkdirty"
        ),
        TAKES,
    ),
    Handing(
        "accessed",
        re.compile(r"(huge_)?p(te|md|ud)_young"),
        re.compile(r"folio_mark_accessed|make_migration_entry_young|(huge_)?p(te|md|ud)_mkyoung"),
        TAKES,
    ),
)
MIGRATED = Handing(
    "accessed or dirty",
    re.compile(r"(?!)"),
    re.compile(r"softleaf_is_migration_(dirty|young)|is_migration_entry_(dirty|young)"),
    re.compile(r"set_(pte|pmd|pud)_at|set_ptes"),
)
"""What a migration entry says of the page that comes back."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it, and what can be seen where nothing was run."""
    shown = [
        *broken(ctx, RULE, "accessed-dirty", "{detail}: {subject}", raced=False),
        *broken(ctx, RULE, "dropped", "{detail}: {subject}"),
    ]
    yield from shown
    told = {(one.span.path, one.function) for one in shown}
    for finding in introduced(ctx, RULE, _either):
        if (finding.span.path, finding.function) not in told:
            yield finding
            told.add((finding.span.path, finding.function))
    text = "{user}() takes an entry here whose {state} bit is no longer handed on: {helper}() is gone"
    yield from no_longer(ctx, RULE, MIGRATED, "{user}() brings a page back, and {helper}() is no longer asked")
    for handing in HANDINGS:
        found = no_longer(ctx, RULE, handing, text)
        yield from (one for one in found if (one.span.path, one.function) not in told)


def _either(view: View) -> Iterator[Fault]:
    for one in either_or(view, (HANDINGS[0], HANDINGS[1])):
        text = f"an entry that is {one.first} loses its {one.second} bit: {one.helper}() is in the other branch"
        yield Fault(f"either:{one.first}", one.pos, text)
