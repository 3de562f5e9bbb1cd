"""PT605: a page table is mapped and not unmapped on some path, or unmapped where it is not mapped."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Merge,
    Protocol,
    RuleInfo,
    Severity,
    View,
    breaches_of,
    broken,
    copies_given,
    introduced,
    invalid,
    unchecked_uses,
    valid,
)

EXPLANATION = """
What it reports
A local pointer gets a mapped (and locked) page table from pte_offset_map_lock() or one of its relatives, and on some
path the function ends without pte_unmap() or pte_unmap_unlock() of it; or it is unmapped on a path on which the
function does not have it, or before a table that was mapped after it. Also a local copy of an entry that is unmapped
in place of the table, a pointer that is used before anybody has asked whether mapping has failed, and, in a run, a
table that is let go by the entry behind its last one.

Why it matters
The page-table lock stays held, or RCU stays in its read-side section: the machine hangs later, elsewhere. With
CONFIG_HIGHPTE mappings are a stack, and leave it in order.

What to do
Let every path after a successful mapping go through one place that unmaps. Where the mapping fails there is nothing
to unmap.

When it is wrong
Pointers that are handed out (returned, stored in a structure, taken the address of) are left alone, and so is a
helper that gets a mapped table as a parameter and unmaps it for its caller.
"""

VALID = """\
static int count_young(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *start, *ptep;
	int young = 0;

	start = ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return -11;
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		if (pte_none(ptep_get(ptep)))
			continue;
		if (pte_young(ptep_get(ptep)))
			young++;
	}
	pte_unmap_unlock(start, ptl);
	return young;
}
"""

INVALID = """\
static int count_young(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	spinlock_t *ptl;
	pte_t *start, *ptep;
	int young = 0;

	start = ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return -11;
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		if (pte_none(ptep_get(ptep)))
			return 0; // want "still mapped"
		if (pte_young(ptep_get(ptep)))
			young++;
	}
	pte_unmap_unlock(start, ptl);
	return young;
}
"""

TWICE = """\
static void drop_entry(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, bool quick)
{
	pte_t *ptep = pte_offset_map(pmd, addr);

	if (!ptep)
		return;
	if (quick)
		pte_unmap(ptep);
	pte_clear(mm, addr, ptep);
	pte_unmap(ptep); // want "not mapped"
}
"""

COPY = """\
static bool is_dirty(pmd_t *pmd, unsigned long addr)
{
	pte_t *ptep = pte_offset_map(pmd, addr);
	pte_t pte;

	if (!ptep)
		return false;
	pte = ptep_get(ptep);
	pte_unmap(&pte); // want "local copy"
	return pte_dirty(pte);
}
"""

UNCHECKED = """\
static bool is_young(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	bool young = pte_young(ptep_get(ptep)); // want "NULL"

	pte_unmap_unlock(ptep, ptl);
	return young;
}
"""

RULE = RuleInfo(
    code="PT605",
    name="pte-unmap-unbalanced",
    summary="a mapped page table is unmapped once on every path",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "927e926d72d9", "userfaultfd: fix PTE unmapping stack-allocated PTE copies"),
        Evidence("commit", "9614d8bee663", "mm/userfaultfd: fix kmap_local LIFO ordering for CONFIG_HIGHPTE"),
    ),
    examples=(
        invalid(INVALID, why="the early return keeps the lock and the mapping", path="mm/count.c"),
        invalid(TWICE, why="on one path the table is unmapped twice", path="mm/drop.c"),
        invalid(UNCHECKED, why="the page table may be gone by now", path="mm/young.c"),
        invalid(COPY, why="the copy lies on the stack", path="mm/dirty.c"),
        valid(VALID, why="NULL needs no unmapping, all else goes through the end", path="mm/count.c"),
    ),
)

USES = re.compile(r"ptep_\w+|set_pte(_at)?|set_ptes|pte_clear|get_and_clear_\w*ptes|clear_\w*ptes|pte_unmap(_unlock)?")
MAPPING = Protocol(
    re.compile("pte_(offset|alloc)_map(_lock|_nolock|_ro_nolock|_rw_nolock)?|get_locked_pte"),
    re.compile("pte_unmap(_unlock)?"),
    "result",
    may_fail=True,
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the paths that a patch leaves with a table mapped, or unmaps too often."""
    yield from introduced(ctx, RULE, _unbalanced)
    if not ctx.whole:  # callers run for a series
        for prop in ("unmap", "null"):
            yield from broken(ctx, RULE, prop, "{detail}: {subject}")


def _unbalanced(view: View) -> Iterator[Fault]:
    for call, name in copies_given(view, MAPPING.gives, 0):
        yield Fault(f"copy:{name}", call.pos, f"&{name} is unmapped here: a local copy of an entry, not a page table")
    for one in unchecked_uses(view, MAPPING.takes, USES):
        text = f"{one.user}() gets {one.variable}, which is NULL when the page table could not be mapped"
        yield Fault(f"null:{one.variable}", one.pos, text, ((one.taken, f"mapped by {one.taker}()", view.name),))
    for breach in breaches_of(view, MAPPING):
        taken = ((breach.taken, f"mapped by {breach.taker}()", view.name),) if breach.taken is not None else ()
        if breach.kind == "kept":
            yield Fault("kept", breach.pos, f"{view.name}() ends here with a page table still mapped", taken)
        elif breach.kind == "not-held":
            yield Fault("not-held", breach.pos, "a page table is unmapped here that is not mapped on this path")
        elif breach.kind == "order":
            text = "a page table is unmapped here before the one that was mapped after it"
            yield Fault("order", breach.pos, text, taken)
