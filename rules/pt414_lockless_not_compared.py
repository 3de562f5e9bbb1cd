"""PT414: a page is taken from an entry that was read without its lock, and the entry is no longer compared again."""

import re
from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Handing, Merge, RuleInfo, Severity, invalid, no_longer, valid

EXPLANATION = """
What it reports
A function that takes a reference on the page of an entry which it has read without the page-table lock (as GUP-fast
does), and of which a patch takes away the last comparison with what an entry holds now: it no longer reads that level
again.

Why it matters
Between the read and the reference the entry may be cleared, its page freed and used for something else, or its page
table unlinked (a collapse into a huge page). The reference is then one on somebody else's page.

What to do
Read the entry and the level above again after the reference is taken, and give the page back when either differs.

When it is wrong
Where the entry cannot change any more, because the function holds its lock now.
"""

BODY = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/pin.c
static int pin_entry(pmd_t pmd, pmd_t *pmdp, unsigned long addr, unsigned int flags, struct page **pages)
{
	pte_t *ptep = pte_offset_map(&pmd, addr);
	pte_t pte = ptep_get_lockless(ptep);
	struct folio *folio = try_grab_folio_fast(pte_page(pte), 1, flags);%s

	if (!folio)
		return 0;
	if (%spte_val(pte) != pte_val(ptep_get_lockless(ptep))) {
		gup_put_folio(folio, 1, flags);
		return 0;
	}
	*pages = pte_page(pte);
	return 1;
}
"""

AGAIN = "pmd_val(pmd) != pmd_val(pmdp_get_lockless(pmdp)) || "
BEFORE = (BODY % ("", AGAIN)).replace("// file", "// before")
VALID = BODY % ("", AGAIN) + BEFORE
INVALID = BODY % (' // want "no longer"', "") + BEFORE

RULE = RuleInfo(
    code="PT414",
    name="lockless-not-compared",
    summary="who takes the page of an entry without its lock compares the entry, and its table, again",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "70cbc3cc78a9", "mm: gup: fix the fast GUP race against THP collapse"),
        Evidence("doc", "mm/gup.c", "the comment of gup_fast_pte_range()"),
    ),
    examples=(
        invalid(INVALID, why="the page table may be unlinked meanwhile"),
        valid(VALID, why="both levels are compared"),
    ),
)

COMPARED = Handing(
    "lockless",
    re.compile(r"(?!)"),
    re.compile(r"(?:pte|pmd|pud|p4d|pgd)p_get(?:_lockless)?"),
    re.compile(r"try_(?:grab|get)_(?:folio|page|compound_head)\w*"),
)
"""What reads an entry, in a function that takes a reference which may fail."""
PERMITTED = Handing(
    "lockless",
    re.compile(r"(?!)"),
    re.compile(r"(?:pte|pmd|pud)_(?:protnone|access_permitted|special)|gup_must_unshare"),
    re.compile(r"try_(?:grab|get)_(?:folio|page|compound_head)\w*"),
)
"""What tells whether a process could use the page itself, and whether it is its own."""
_OFFSET = re.compile(r"p[4um]d_offset_lockless")
READ_ONCE = Handing("lockless", _OFFSET, _OFFSET, re.compile(r"p[4um]d_offset(_lockless)?"))
"""What finds the next table by the value that was read, not by what the entry holds when it is looked at again."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report functions of a patch that no longer read a level again before they keep its page."""
    text = "the page that {user}() takes here is kept, and {helper}() no longer tells whether its entry has changed"
    yield from no_longer(ctx, RULE, COMPARED, text)
    text = "{user}() takes a page here, and {helper}() is no longer asked whether it may be taken"
    yield from no_longer(ctx, RULE, PERMITTED, text)
    text = "{user}() reads the entry again, which may have changed: {helper}() went by the value that was checked"
    yield from no_longer(ctx, RULE, READ_ONCE, text)
