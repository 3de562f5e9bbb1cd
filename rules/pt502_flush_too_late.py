"""PT502: entries are taken and their lock is dropped before the TLB is flushed."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Automaton,
    Context,
    Event,
    Evidence,
    Fault,
    Finding,
    Merge,
    RuleInfo,
    Severity,
    View,
    introduced,
    invalid,
    slips_of,
    valid,
)

EXPLANATION = """
What it reports
A function takes entries out of a page table (ptep_get_and_clear() and relatives), drops the page-table lock, and
flushes the TLB for them only after that.

Why it matters
As soon as the lock is free another CPU may find the entry empty and map something else there, or free the page, while
a third one still writes to the old page through its TLB.

What to do
Flush before the lock is dropped: flush_tlb_range(), then pte_unmap_unlock(). Or let the mmu_gather flush and free.

When it is wrong
Functions that leave the flush to their caller, or to an mmu_gather, are not looked at. A flush that only makes
permissions of entries that stay visible later (write protection) is not reported either.
"""

BODY = """\
static void drop_range(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	unsigned long start = addr;
	spinlock_t *ptl;
	pte_t *ptep;

	ptep = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return;
	for (; addr < end; addr += PAGE_SIZE, ptep++)
		ptep_get_and_clear(mm, addr, ptep);
%s}
"""

VALID = BODY % "\tflush_tlb_range(vma, start, end);\n\tpte_unmap_unlock(ptep - 1, ptl);\n"
INVALID = BODY % '\tpte_unmap_unlock(ptep - 1, ptl);\n\tflush_tlb_range(vma, start, end); // want "after the lock"\n'

RULE = RuleInfo(
    code="PT502",
    name="flush-too-late",
    summary="the TLB is flushed before the page-table lock is dropped",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "60bae7370896", "mm/migrate_device.c: flush TLB while holding PTL"),
        Evidence("commit", "eb66ae030829", "mremap: properly flush TLB before releasing the page"),
    ),
    examples=(
        invalid(INVALID, why="between the two another CPU sees empty entries and maps over them", path="mm/drop.c"),
        valid(VALID, why="no one can look at the entries before the flush", path="mm/drop.c"),
    ),
)

FLUSH = re.compile("_*flush_(pmd_|pud_|hugetlb_)?tlb_(range|page|mm)(_range)?|tlb_flush_mmu(_tlbonly)?")
"""Flushes, also as macros of an architecture spell them out (``__flush_tlb_range()``)."""

ORDER = Automaton(
    start="flushed",
    events=(
        Event("take", re.compile("(huge_)?ptep_get_and_clear(_full)?|get_and_clear_(full_)?ptes|clear_(full_)?ptes")),
        Event("unlock", re.compile("pte_unmap_unlock")),
        Event("flush", FLUSH),
        Event("lock", re.compile("pte_offset_map_lock|pte_alloc_map_lock")),
    ),
    moves={
        ("flushed", "take"): "taken",
        ("taken", "flush"): "flushed",
        ("taken", "unlock"): "unlocked",
        ("unlocked", "flush"): "!late",
    },
)


UPPER = Automaton(
    start="flushed",
    events=(
        Event("take", re.compile("p[mu]d_clear|p[mu]dp_huge_get_and_clear(_full)?")),
        Event("unlock", re.compile("(_raw_)?spin_unlock")),
        Event("flush", FLUSH),
        Event("lock", re.compile("(_raw_)?spin_lock(_nested)?|p[mu]d_(trans_huge_)?lock|__p[mu]d_trans_huge_lock")),
    ),
    moves=ORDER.moves,
)
"""The same of entries that map huge pages or lead to a table."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report the flushes that a patch lets come after the lock."""
    yield from introduced(ctx, RULE, _late)


def _late(view: View) -> Iterator[Fault]:
    for slip in (*slips_of(view, ORDER), *slips_of(view, UPPER)):
        unlocked = ((slip.since, "the lock is dropped here", view.name),) if slip.since is not None else ()
        text = "the TLB is flushed here, after the lock of the entries was dropped"
        yield Fault("late", slip.pos, text, unlocked)
