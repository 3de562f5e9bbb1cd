"""PT410: generic code moves an entry to another page frame by arithmetic on its bits."""

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
    by_hand,
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
Generic code builds an entry from pte_val() of another one plus or minus something.

Why it matters
Architectures keep the page frame inverted, in two parts, or at a place of their own: the sum is another page, or
carries into other bits.

What to do
Use pte_next_pfn() or pte_advance_pfn().

When it is wrong
The code of an architecture may know the layout of its entries, and is left alone.
"""

VALID = """\
static void fill(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int nr)
{
	for (; nr--; ptep++, addr += PAGE_SIZE) {
		set_pte_at(mm, addr, ptep, pte);
		pte = pte_next_pfn(pte);
	}
}
"""

INVALID = """\
static void fill(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int nr)
{
	for (; nr--; ptep++, addr += PAGE_SIZE) {
		set_pte_at(mm, addr, ptep, pte);
		pte = __pte(pte_val(pte) + (1UL << PFN_PTE_SHIFT)); // want "pte_advance_pfn"
	}
}
"""

RULE = RuleInfo(
    code="PT410",
    name="pfn-by-raw-add",
    summary="generic code advances entries by pte_next_pfn() or pte_advance_pfn()",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(Evidence("commit", "ce60f27bb62d", "mm: abstract moving to the next PFN"),),
    examples=(
        invalid(INVALID, why="where the frame is inverted the sum moves backwards", path="mm/fill.c"),
        valid(VALID, why="the architecture moves its entry", path="mm/fill.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report what a patch brings of it."""
    yield from introduced(ctx, RULE, _found, fragments=True)


def _found(view: View) -> Iterator[Fault]:
    for one in by_hand(view):
        if one.kind == "arithmetic":
            yield Fault(
                one.what,
                one.pos,
                "an entry is moved by arithmetic on its bits: use pte_next_pfn() or pte_advance_pfn()",
            )
