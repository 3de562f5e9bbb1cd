"""PT409: how much a hugetlb entry maps is guessed, although the size is at hand."""

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
    guessed_sizes,
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
A hugetlb helper that gets the size of the page asks the entry for it instead (pte_cont(), pte_napot() and relatives)
where the entry may not be present, or asks the folio behind a swap entry; or generic code gives HPAGE_SIZE to a
helper that handles every size.

Why it matters
An entry that is not present keeps no such bit, and its other bits mean something else: one entry of a block is
cleared and the others stay, or page tables behind the block are written.

What to do
Use the size argument, or huge_page_size(hstate_vma(vma)).

When it is wrong
Where pte_present() has been asked on the way, the bits may be read. Helpers whose contract is about present entries
have no size argument and are left alone.
"""

INVALID = """\
pte_t huge_ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long sz)
{
	pte_t pte = ptep_get(ptep);

	if (!pte_cont(pte)) // want "may not be present"
		return ptep_get_and_clear(mm, addr, ptep);
	return clear_block(mm, addr, ptep, entries_of(addr, ptep));
}
"""

VALID = """\
pte_t huge_ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long sz)
{
	return clear_block(mm, addr, ptep, sz >> PAGE_SHIFT);
}
"""

ASKED = """\
pte_t huge_ptep_get_sized(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long sz)
{
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte) || !pte_cont(pte))
		return pte;
	return gather_block(ptep, sz >> PAGE_SHIFT);
}
"""

CONSTANT = """\
static void drop_huge(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	huge_pte_clear(mm, addr, ptep, HPAGE_SIZE); // want "HPAGE_SIZE"
}
"""

RULE = RuleInfo(
    code="PT409",
    name="huge-size-guessed",
    summary="the size of a hugetlb entry comes from its hstate or the size argument",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "49c87f767774", "arm64: hugetlb: Fix huge_ptep_get_and_clear() for non-present ptes"),
        Evidence("commit", "6f1bace9a9fb", "arm64: hugetlb: fix set_huge_pte_at() to work with all swap entries"),
    ),
    examples=(
        invalid(INVALID, why="a swap entry has no such bit: the rest of the block stays", path="mm/huge.c"),
        invalid(CONSTANT, why="the page may have any of several sizes", path="mm/huge.c"),
        valid(VALID, why="the caller knows the size", path="mm/huge.c"),
        valid(ASKED, why="the bit is read of a present entry", path="mm/huge.c"),
    ),
)

TEXTS = {
    "entry": "{what}() asks {variable}, which may not be present, how much it maps: the size is an argument",
    "folio": "{what}() asks the folio behind an entry how much it maps: the size is an argument",
    "constant": "{what} is one of several sizes: the size comes from the hstate of the VMA",
}


def check(ctx: Context) -> Iterator[Finding]:
    """Report the sizes that a patch guesses."""
    yield from introduced(ctx, RULE, _guessed)


def _guessed(view: View) -> Iterator[Fault]:
    for one in guessed_sizes(view):
        text = TEXTS[one.kind].format(what=one.what, variable=one.variable)
        yield Fault(f"{one.kind}:{one.what}", one.pos, text)
