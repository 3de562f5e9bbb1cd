"""PT415: an entry is set under a lock that was given back in between, and what it holds is no longer compared."""

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
    relocked,
    valid,
)

EXPLANATION = """
What it reports
A function takes a page-table lock, gives it back, takes one again, and sets an entry without having asked anything of
any entry since (pte_same(), pmd_same(), pte_none(), pte_present() and the like); before the patch it had asked.

Why it matters
While the lock is free another CPU may have unmapped the page, or mapped another one. What was read before is then
written over it: a page that is freed is mapped again, or one that is mapped is leaked.

What to do
Compare with what was read under the first lock, and start again or give up when it differs.

When it is wrong
Where something else keeps the entry as it was. Functions that never asked are not reported.
"""

BODY = """\
// file: mm/again.c
static int map_new_page(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, pte_t old)
{
	spinlock_t *ptl;
	pte_t *ptep, new;

	ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return 0;
	if (!pte_same(ptep_get(ptep), old))
		goto out;
	pte_unmap_unlock(ptep, ptl);
	new = page_for(old);
	ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return 0;
%s	ptep_get_and_clear(mm, addr, ptep);
	set_pte_at(mm, addr, ptep, new);%s
out:
	pte_unmap_unlock(ptep, ptl);
	return 0;
}
"""

AGAIN = "\tif (!pte_same(ptep_get(ptep), old))\n\t\tgoto out;\n"
BEFORE = (BODY % (AGAIN, "")).replace("// file", "// before")
HEADER = "// file: arch/riscv/include/asm/pgtable.h\n"

RULE = RuleInfo(
    code="PT415",
    name="relocked-not-compared",
    summary="who gives a page-table lock back and takes one again compares what the entry holds",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("doc", "mm/memory.c", "wp_page_copy(): the entry is compared again, as the lock was dropped"),
        Evidence("doc", "Documentation/mm/split_page_table_lock.rst", "who holds which lock for a page table"),
    ),
    examples=(
        invalid(HEADER + BODY % ("", ' // want "second time"') + BEFORE, why="the entry may be another one by now"),
        valid(HEADER + BODY % (AGAIN, "") + BEFORE, why="the entry is compared"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the functions of a patch that no longer compare an entry under their second lock."""
    known = {(new.path, new.name) for _, old, new in ctx.functions() if old is not None}
    for finding in introduced(ctx, RULE, _unasked):
        if (finding.span.path, finding.function) in known:
            yield finding


def _unasked(view: View) -> Iterator[Fault]:
    for one in relocked(view):
        related = () if one.since is None else ((one.since, "it is taken again here", view.name),)
        text = "an entry is set here after the lock was taken for the second time, and nothing is asked of it"
        yield Fault("relocked", one.pos, text, related)
