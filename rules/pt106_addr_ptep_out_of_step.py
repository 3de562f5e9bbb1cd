"""PT106: a hook is called with the address of another entry than the one it gets."""

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
    left_behind_in,
    out_of_step,
    standstills,
    valid,
)

EXPLANATION = """
What it reports
In a loop over a batch, addr and ptep advance differently, so a per-entry hook gets the address of one entry and a
pointer to another. Or a pointer is moved by the difference of two addresses that have just been made equal.

Why it matters
Architectures flush, hash and synchronise caches by the address: the right entry changes, the wrong translation goes.

What to do
Advance ptep by one and addr by PAGE_SIZE together.

When it is wrong
Where the address is not used after the first entry; only calls that hand it on are looked at.
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

	for (i = 0; i < nr; i++, ptep++) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte); // want "address of another entry"
		old_pte = pte_next_pfn(old_pte);
		pte = pte_next_pfn(pte);
	}
}
"""

BACK = """\
static int young_around(unsigned long addr, unsigned long start, unsigned long end, pte_t *ptep)
{
	int young = 0;

%s
	for (; addr != end; addr += PAGE_SIZE, ptep++)
		young += pte_young(ptep_get(ptep));
	return young;
}
"""
EARLY = '\taddr = start;\n\tptep -= (addr - start) / PAGE_SIZE; // want "made equal"\n'
LATE = "\tptep -= (addr - start) / PAGE_SIZE;\n\taddr = start;\n"

ITERATED = """\
static int count_young(struct folio *folio, struct entry_walk *walk, int nr)
{
	int young = 0;

	while (next_entry(walk)) {
		young += test_and_clear_young_ptes(walk->vma, walk->address, walk->pte, nr);
		walk->pte += nr - 1;%s
	}
	return young;
}
"""

RULE = RuleInfo(
    code="PT106",
    name="addr-ptep-out-of-step",
    summary="hooks must see the address of the entry they get",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "6f1bace9a9fb", "arm64: hugetlb: fix set_huge_pte_at() to work with all swap entries"),
        Evidence(
            "doc",
            "include/linux/pgtable.h",
            "the comments of modify_prot_start_ptes() and _commit_ptes()",
        ),
    ),
    examples=(
        invalid(ITERATED % ' // want "has the address of another"', why="both name the entry", path="mm/count.c"),
        valid(ITERATED % "\n\t\twalk->address += (nr - 1) * PAGE_SIZE;", why="both move on", path="mm/count.c"),
        invalid(INVALID, why="addr stays that of the first entry"),
        invalid(BACK % EARLY, why="the difference is 0 by then: addr goes back, and ptep does not"),
        valid(VALID, why="both advance by one entry"),
        valid(BACK % LATE, why="ptep goes back as far as addr"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it where there is one."""
    shown = set()
    for finding in broken(ctx, RULE, "address", "{detail}"):
        shown.add((finding.span.path, finding.function))
        yield finding
    for finding in introduced(ctx, RULE, _loops):
        if (finding.span.path, finding.function) not in shown:
            yield finding


def _loops(view: View) -> Iterator[Fault]:
    for still in standstills(view):
        text = f"{still.moved} is moved by {still.left} - {still.right}, which have just been made equal"
        yield Fault(f"still:{still.moved}", still.pos, text, ((still.made, "made equal here", view.name),))
    for left in left_behind_in(view):
        text = f"{left.moves} is moved on here and {left.stays} stays: the next round has the address of another entry"
        yield Fault(f"iterator:{left.moves}", left.pos, text)
    for one in out_of_step(view):
        text = (
            f"{one.helper}() gets another entry ({one.moves}) in each round, and always the same address ({one.stays})"
        )
        if one.step != ("", ""):
            text = f"each round moves {one.moves} on by {one.step[0]} entries and {one.stays} by {one.step[1]} pages"
        yield Fault(f"loop:{one.helper}:{one.moves}", one.pos, text)
