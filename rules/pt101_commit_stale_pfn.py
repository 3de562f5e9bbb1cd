"""PT101: an entry of a batch ends up mapping another page than its own."""

from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Merge,
    RuleInfo,
    Severity,
    View,
    broken,
    introduced,
    invalid,
    made_before,
    one_page,
    valid,
)

EXPLANATION = """
What it reports
After a batch helper has run, entry i does not map page frame base + i: the PFN was not advanced, advanced too
far, or by a stride that is not this architecture's. Also a loop that maps one place after the other to what was
computed from a pointer before the loop, while that pointer moves on and nothing looks at it, or to an entry that was
made of one page before it.

Why it matters
The process reads and writes the page of a neighbour: silent data corruption, and a leak across protections.

What to do
Advance the value with pte_next_pfn() or pte_advance_pfn() once per entry, or let set_ptes() do it.

When it is wrong
Architectures may compute the stride themselves: the run decides, not the spelling. It is wrong where a helper
means to map one page many times; no batch helper of the kernel does.
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
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte); // want "another page"
		old_pte = pte_next_pfn(old_pte);
	}
}
"""

ONCE = """\
static void map_buffer(struct mm_struct *mm, unsigned long addr, pte_t *ptep, void *buffer, int pages, pgprot_t prot)
{
	unsigned long pfn = virt_to_phys(buffer) >> PAGE_SHIFT;

	for (; pages; pages--, addr += PAGE_SIZE, ptep++, buffer += PAGE_SIZE)
		set_pte_at(mm, addr, ptep, pfn_pte(pfn, prot)); // want "before the loop"
}
"""

SPLIT = """\
static pte_t entry_of(const struct page *page, pgprot_t prot)
{
	return pfn_pte(page_to_pfn(page), prot);
}

static void map_buffer(struct mm_struct *mm, unsigned long addr, pte_t *ptep, void *buffer, pgprot_t prot)
{
	pte_t entry = entry_of(virt_to_page(buffer), prot);
	int i;

	entry = pte_mkdirty(entry);
	for (i = 0; i < 4; i++, addr += PAGE_SIZE)
		set_pte_at(mm, addr, ptep + i, entry); // want "of one page"
}
"""

AHEAD = """\
static pte_t entry_of(const struct page *page, pgprot_t prot)
{
	return pfn_pte(page_to_pfn(page), prot);
}

static void map_buffer(struct mm_struct *mm, unsigned long addr, pte_t *ptep, void *buffer, pgprot_t prot)
{
	pte_t entry = entry_of(virt_to_page(buffer), prot);
	int i;

	for (i = 0; i < 4; i++, addr += PAGE_SIZE) {
		set_pte_at(mm, addr, ptep + i, entry);
		entry = pte_next_pfn(entry);
	}
}
"""

RULE = RuleInfo(
    code="PT101",
    name="commit-stale-pfn",
    summary="entry i of a batch must map page frame base + i",
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
        Evidence("commit", "ce60f27bb62d", "mm: abstract moving to the next PFN"),
        Evidence("commit", "80d72a8f76e8", "x86/mm: Recompute physical address for every page of per-CPU CEA mapping"),
    ),
    examples=(
        invalid(INVALID, why="the new value stays at the first page, so every entry maps it"),
        invalid(ONCE, why="all pages are mapped to the first one of the buffer", path="mm/map.c"),
        invalid(SPLIT, why="the entry of the first page is set for all", path="mm/map.c"),
        valid(AHEAD, why="the entry goes on to the next page in every round", path="mm/map.c"),
        valid(VALID, why="old and new value advance together, each entry at its own address"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it."""
    yield from broken(ctx, RULE, "pfn", "{detail} after {subject}")
    yield from introduced(ctx, RULE, _made_once)


def _made_once(view: View) -> Iterator[Fault]:
    for one in made_before(view):
        text = f"{one.value} was made from {one.source} before the loop, which moves {one.source} on: it stays the same"
        yield Fault(f"made-once:{one.value}", one.pos, text, ((one.made, f"{one.value} is made here", view.name),))
    for same in one_page(view):
        text = f"{same.value} was made of one page before the loop: every entry maps that page"
        yield Fault(f"one-page:{same.value}", same.pos, text, ((same.made, f"{same.value} is made here", view.name),))
