"""PT404: the size of a batch is used for the entries of a later round."""

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
    stale_counts,
    valid,
)

EXPLANATION = """
What it reports
In a loop over entries a variable gets the size of a batch on some paths of a round, and is used on a path of a later
round on which nothing was assigned to it: it still counts the entries of the earlier batch.
Also a run in which the number that a function returns, or adds to the memory counters, is not that of the entries that
it has changed.

Why it matters
References, counters and rmap are dropped for as many pages as the earlier batch had: pages that are still mapped are
freed, or entries are cleared that belong to something else.

What to do
Set the variable to 1 where each round begins.

When it is wrong
Code that means to use the last size after the loop is not reported: only uses in a later round count.
"""

BODY = """\
static void unmap_folio(struct page_vma_mapped_walk *walk, struct folio *folio, struct mm_struct *mm, int max_nr)
{
	unsigned long nr%s;

	while (page_vma_mapped_walk(walk)) {
		pte_t pte = ptep_get(walk->pte);

%s		if (pte_present(pte)) {
			nr = folio_pte_batch(folio, walk->pte, pte, max_nr);
			get_and_clear_ptes(mm, walk->address, walk->pte, nr);
		} else {
			pte_clear(mm, walk->address, walk->pte);
		}
		folio_put_refs(folio, nr);%s
	}
}
"""

RULE = RuleInfo(
    code="PT404",
    name="batch-stale-count",
    summary="the size of a batch is not used for the entries of a later round",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "3f8968e9cbf9", "mm/rmap: initialize nr_pages to 1 at loop start in try_to_unmap_one"),
    ),
    examples=(
        invalid(
            BODY % (" = 1", "", ' // want "earlier round"'),
            why="an entry that is not present counts as many pages as the batch before",
            path="mm/unmap.c",
        ),
        valid(BODY % ("", "\t\tnr = 1;\n", ""), why="each round begins with one page", path="mm/unmap.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the stale sizes that a patch brings into use."""
    found = set()
    for finding in introduced(ctx, RULE, _stale):
        found.add((finding.span.path, finding.function))
        yield finding
    for finding in (
        *broken(ctx, RULE, "count", "{detail}: {subject}"),
        *broken(ctx, RULE, "miscount", "{detail}, unlike before: {subject}"),
    ):
        if (finding.span.path, finding.function) not in found:
            yield finding


def _stale(view: View) -> Iterator[Fault]:
    for one in stale_counts(view):
        user = f"{one.user}() gets" if one.user else "this uses"
        text = f"{user} {one.variable}, which may be the size of the batch of an earlier round"
        counted = ((one.counted, "the size of a batch is assigned here", view.name),)
        yield Fault(f"stale:{one.variable}", one.pos, text, counted)
