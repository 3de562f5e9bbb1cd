"""PT203: a page frame, or a swap entry, does not survive its encoding."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
pte_pfn(pfn_pte(pfn)) is another page frame, pte_advance_pfn(pte, n) moves it by another number than n or changes
more than the page frame, or the type and offset of a swap entry do not come back. Page frames are run up to the
widest that the architecture has, with patterns that carry through every bit, also in entries that hold it inverted
or in two parts.

Why it matters
The entry maps, or the swap slot holds, the page of somebody else.

What to do
Shift by PFN_PTE_SHIFT in the type of the entry; where the encoding is split or inverted, decode, add and encode.

When it is wrong
Page frames that no machine of the configuration has: the width is what MAX_PHYSMEM_BITS says.
"""

VALID = """\
static inline pte_t pte_advance_pfn(pte_t pte, unsigned long nr)
{
	unsigned long pfn = pte_pfn(pte) + nr;

	return __pte((pte_val(pte) & ~REF_PFN) | (pfn << PFN_PTE_SHIFT));
}
"""

INVALID = """\
static inline pte_t pte_advance_pfn(pte_t pte, unsigned long nr) // want "page frame"
{
	unsigned int step = nr << PFN_PTE_SHIFT;

	return __pte(pte_val(pte) | step);
}
"""

RULE = RuleInfo(
    code="PT203",
    name="advance-not-injective",
    summary="page frames and swap entries must survive their encoding",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "ce60f27bb62d", "mm: abstract moving to the next PFN"),
        Evidence("commit", "6e8f58870897", "arm64/mm: make set_ptes() robust when OAs cross 48-bit boundary"),
    ),
    examples=(
        invalid(INVALID, why="bits that are set already swallow the step, and a large one is cut off"),
        valid(VALID, why="decoded, added, encoded"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the entry before, after and expected."""
    yield from broken(ctx, RULE, "pfn-encoding", "{detail}")
