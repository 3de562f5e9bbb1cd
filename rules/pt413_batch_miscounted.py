"""PT413: what detects a batch counts an entry that does not belong to it, or merges other bits than the batch has."""

from collections.abc import Iterator
from dataclasses import replace

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
A function that looks at entries from one on and returns how many of them are a batch was run, and counted an entry that
is not present, maps another page or one of another folio, or differs from the first in a bit that may not differ; or
more entries than it may; or it read entries beyond those. Also a bit that it was asked to merge and did not, or merged
although no entry of the batch has it. As a warning: a count that ends although the next entry is like the first, where
it did not before.

Why it matters
Callers change, copy and free as many entries and pages as the function says, with the bits that it merged. One entry
too many is another page's.

What to do
Compare each entry with the one that is expected in its place, with the bits taken out that may differ, and bound the
count by what the caller allows and by the end of the folio.

When it is wrong
What may differ and what is merged is read from the names of flags (FPB_RESPECT_WRITE, FPB_IGNORE_DIRTY,
FPB_MERGE_YOUNG_DIRTY); a flag that is named otherwise than it works is misunderstood. A function that shortens batches
on purpose gets a warning that can be ignored.
"""

FORM = """\
static inline unsigned int alike_ptes(struct folio *folio, pte_t *ptep, pte_t pte, unsigned int max_nr)%s
{
	unsigned long left = %s;
	pte_t expected = pte_mkold(pte_mkclean(pte));
	unsigned int nr = 1;

	if (left < max_nr)
		max_nr = left;
	for (; nr < max_nr; nr++) {
		expected = pte_next_pfn(expected);
		if (!pte_same(pte_mkold(pte_mkclean(ptep_get(ptep + nr))), expected))
			%s;
	}
	return nr;
}
"""

LEFT = "folio_pfn(folio) + folio_nr_pages(folio) - pte_pfn(pte)"

RULE = RuleInfo(
    code="PT413",
    name="batch-miscounted",
    summary="what detects a batch counts the entries that belong to it, and merges their bits",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "ddd05742b45b", "mm: fix folio_pte_batch() on XEN PV"),
        Evidence("doc", "mm/internal.h", "the kernel-doc of folio_pte_batch_flags() and swap_pte_batch()"),
    ),
    examples=(
        invalid(
            FORM % (' // want "counts entry 1, which"', LEFT, "continue"),
            why="an entry that does not fit ends the batch, and does not count",
        ),
        invalid(
            FORM % (' // want "maps a page of another folio"', "folio_nr_pages(folio)", "break"),
            why="the first entry may map any page of the folio",
        ),
        valid(FORM % ("", LEFT, "break"), why="what may differ is taken out of both, and the folio ends the batch"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new miscount, with the run that shows it."""
    yield from broken(ctx, RULE, "forming", "{subject} {detail}")
    shorter = replace(RULE, severity=Severity.WARNING)
    yield from broken(ctx, shorter, "forming-short", "{subject} {detail}")
