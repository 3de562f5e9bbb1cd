"""PT110: pages are taken for bytes, or bytes for pages."""

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
    introduced,
    invalid,
    mixtures_of,
    valid,
)

EXPLANATION = """
What it reports
A count of entries is added to an address as it is, without PAGE_SIZE; or the difference of two addresses is passed
where a helper wants a count of entries; or a variable that is the number of a page size is passed as the size itself.

Why it matters
The range is too short by a factor of the page size, or as much too long: entries are left out, or far more than the
batch is touched.

What to do
Write addr + nr * PAGE_SIZE, and (end - start) >> PAGE_SHIFT.

When it is wrong
Only parameters that are addresses and counts by name and type count, and locals that are made from them.
"""

VALID = """\
static void age_block(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	unsigned long end = addr + nr * PAGE_SIZE;

	for (; addr != end; addr += PAGE_SIZE, ptep++)
		ptep_test_and_clear_young(vma, addr, ptep);
}
"""

SUM = """\
static void age_block(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	unsigned long end = addr + nr; // want "bytes"

	for (; addr < end; addr += PAGE_SIZE, ptep++)
		ptep_test_and_clear_young(vma, addr, ptep);
}
"""

COUNT = """\
static void age_block(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	while (nr--)
		ptep_test_and_clear_young(vma, addr, ptep++);
}

static void age_pair(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	unsigned long end = addr + 2 * PAGE_SIZE;

	age_block(vma, addr, ptep, end - addr); // want "wants a count"
}
"""

NUMBER = """\
static void map_huge(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, int psize)
{
	unsigned int shift = mmu_psize_to_shift(psize);

	set_huge_pte_at(mm, addr & -(1UL << shift), ptep, pte, psize); // want "a number"
}
"""

RULE = RuleInfo(
    code="PT110",
    name="wrong-unit",
    summary="pages and bytes are not mixed",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "7ea981070fd9", "powerpc/8xx: fix size given to set_huge_pte_at()"),
        Evidence(
            "commit",
            "6434e69814b1",
            "mm: arm64: fix the out-of-bounds issue in contpte_clear_young_dirty_ptes",
        ),
    ),
    examples=(
        invalid(SUM, why="the loop ends after the first entry", path="mm/age.c"),
        invalid(COUNT, why="8192 entries are touched in place of two", path="mm/age.c"),
        invalid(NUMBER, why="psize is 0, 1, 2: the number of a size", path="mm/huge.c"),
        valid(VALID, why="the count is scaled", path="mm/age.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the mixtures of pages and bytes that a patch brings."""
    yield from introduced(ctx, RULE, _mixed)


def _mixed(view: View) -> Iterator[Fault]:
    for one in mixtures_of(view):
        text = f"{one.left} and {one.right} are bytes and pages: scale the count by PAGE_SIZE"
        if one.kind == "count":
            text = f"{one.helper}() wants a count of entries and gets {one.left} - {one.right}, in bytes"
        elif one.kind == "size":
            text = f"{one.helper}() wants a size in bytes and gets {one.left}, a number that {one.right}() looks up"
        yield Fault(f"{one.kind}:{one.left}:{one.right}", one.pos, text)
