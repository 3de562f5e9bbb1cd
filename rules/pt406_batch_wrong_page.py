"""PT406: the page of an entry of a batch is counted from the beginning of the folio."""

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
    valid,
    wrong_pages,
)

EXPLANATION = """
What it reports
For the entries of a batch pages are taken by an index that begins at 0 and counts from the first page of the folio,
although the batch may begin with any page of it. Also a run in which other pages are counted as mapped or unmapped
than those of the entries.

Why it matters
What is asked or done (PageAnonExclusive(), rmap, copying) concerns other pages than the entries map: a shared page is
made writable, or a page is dropped that is still mapped.

What to do
Count from the page of the first entry: vm_normal_page(vma, addr, pte), or pte_page(pte), and that page plus i.

When it is wrong
Loops over all pages of a folio, whose index is compared with its size, are left alone, and indexes that were computed
from a page or a PFN.
"""

BODY = """\
static int exclusive_entries(struct folio *folio, struct page *page, pte_t *ptep, int nr)
{
	struct page *first = %s;
	int i = 0;

	while (i < nr) {
		if (!PageAnonExclusive(first + i))%s
			break;
		i++;
	}
	return i;
}
"""

WHOLE = """\
static int exclusive_pages(struct folio *folio, pte_t *ptep)
{
	int i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		if (!PageAnonExclusive(folio_page(folio, i)))
			break;
	return i;
}
"""

RULE = RuleInfo(
    code="PT406",
    name="batch-wrong-page",
    summary="the page of entry i is that of the first entry, plus i",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "cf1b80dc31a1", "mm: pass page directly instead of using folio_page"),
        Evidence("commit", "cac1db8c3aad", "mm: optimize mprotect() by PTE batching"),
    ),
    examples=(
        invalid(
            BODY % ("folio_page(folio, 0)", ' // want "first page of the folio"'),
            why="the batch may begin in the middle of the folio",
            path="mm/exclusive.c",
        ),
        valid(BODY % ("page", ""), why="the caller knows the page of the first entry", path="mm/exclusive.c"),
        valid(WHOLE, why="all pages of the folio are looked at", path="mm/exclusive.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the pages that a patch takes from the wrong place."""
    found = set()
    for finding in introduced(ctx, RULE, _wrong, callers=True, fragments=True):
        found.add((finding.span.path, finding.function))
        yield finding
    for finding in broken(ctx, RULE, "page", "{detail}: {subject}"):
        if (finding.span.path, finding.function) not in found:
            yield finding


def _wrong(view: View) -> Iterator[Fault]:
    for one in wrong_pages(view):
        text = (
            f"pages of a batch are counted from the first page of the folio on ({one.index}), wherever the batch begins"
        )
        yield Fault("page", one.pos, text, ((one.begins, "the index begins at 0", view.name),))
        return
