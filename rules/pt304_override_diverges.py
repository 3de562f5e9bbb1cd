"""PT304: an architecture's helper does something else than the generic one that it stands in for."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
A helper that an architecture overrides was run beside the generic body, on the same entries, and came to something
else: an entry that is not cleared, maps another page or has another permission, a result that lacks a bit of one of
the entries or tells what did not happen, a flush that is missing. Also a change of the generic body that an override
does not follow.

Why it matters
Generic code is written against the generic body and its comment. What only one architecture does otherwise is found
by nobody who tests on another one.

What to do
Let the override keep the contract of the generic body, whatever it does to get there. Where the contract changed,
change every override with it.

When it is wrong
Entries are compared by what the kernel asks of them: bits of an architecture's own (contiguous entries, hash slots, an
entry that is made invalid before it is cleared) may differ. Where hardware sets accessed, a fault for a load may leave
that to it, and ptep_set_access_flags() may always answer that something changed. Where another rule shows a run that
breaks in the same function (PT101, PT103, PT105, …), that one is reported alone. An override that does more than the
contract asks, in bits that the kernel reads, is reported: say so in the contract.
"""

SETTER = """\
static inline void set_ptes(struct mm_struct *mm, unsigned long addr,
		pte_t *ptep, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++, ptep++) {
		set_pte(ptep, %s);%s
		pte = __pte(pte_val(pte) + (1UL << PFN_PTE_SHIFT));
	}
}
"""

YOUNG = """\
static inline bool ptep_test_and_clear_young(struct vm_area_struct *vma,%s
		unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (pte_young(pte))
		set_pte(ptep, pte_mkold(pte));
	return %s;
}
"""

COLLECT = """\
static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	return __pte(xchg(&ptep->pte, 0));
}
"""

ARCH = "arch/reference/include/asm/pgtable.h"

RULE = RuleInfo(
    code="PT304",
    name="override-diverges",
    summary="an override leaves and returns what the generic body would",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    yields=True,
    evidence=(
        Evidence("commit", "97c5550b7631", "arm64: contpte: fix set_access_flags() no-op check for SMMU/ATS faults"),
        Evidence("doc", "include/linux/pgtable.h", "the comments of the helpers that an architecture may give"),
    ),
    examples=(
        invalid(
            YOUNG % (' // want "the result is true, not with the generic body"', "pte_present(pte)"),
            why="an entry that is mapped is not an entry that was accessed",
            path=ARCH,
        ),
        invalid(
            SETTER % ("pte_mkclean(pte)", ' // want "entry 0 is not dirty, but is with the generic body"'),
            why="the generic helper copies every bit but the page frame",
            path=ARCH,
        ),
        valid(SETTER % ("pte", ""), why="a stride of its own, and the same entries", path=ARCH),
        valid(YOUNG % ("", "pte_young(pte)"), why="the same result, told without a branch", path=ARCH),
        valid(COLLECT, why="one atomic step where the generic body takes two", path=ARCH),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new difference, with the run that shows it."""
    yield from broken(ctx, RULE, "diverges", "{subject}: {detail}")
