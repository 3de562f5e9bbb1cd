"""PT601: a path leaves a function without leaving lazy MMU mode, or leaves the mode that it did not enter."""

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
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
A function enters lazy MMU mode, and on some path (an error, an early return) ends without leaving it; or it leaves
the mode on a path on which it did not enter.

Why it matters
While the mode is on, updates of page tables may be queued and flushes put off. A caller that does not know that the
mode is still on reads entries that are not there yet, sleeps, or counts the nesting wrong for good.

What to do
Leave the loop with break or goto to a label in front of the call that leaves the mode.

When it is wrong
A pair of functions that enter and leave the mode for their callers: a function in which one of the two stands alone
is not reported.
"""

VALID = """\
static int fill_range(pte_t *ptep, unsigned long addr, unsigned long end, struct page **pages, pgprot_t prot)
{
	int err = 0;

	lazy_mmu_mode_enable();
	do {
		if (!*pages) {
			err = -12;
			break;
		}
		set_pte_at(&init_mm, addr, ptep, mk_pte(*pages++, prot));
	} while (ptep++, addr += PAGE_SIZE, addr != end);
	lazy_mmu_mode_disable();

	return err;
}
"""

INVALID = """\
static int fill_range(pte_t *ptep, unsigned long addr, unsigned long end, struct page **pages, pgprot_t prot)
{
	lazy_mmu_mode_enable();
	do {
		if (!*pages)
			return -12; // want "still in lazy MMU mode"
		set_pte_at(&init_mm, addr, ptep, mk_pte(*pages++, prot));
	} while (ptep++, addr += PAGE_SIZE, addr != end);
	lazy_mmu_mode_disable();

	return 0;
}
"""

LOCKED = """\
static void age_range(struct mm_struct *mm, pte_t *ptep, unsigned long addr, bool batch)
{
	if (batch)
		lazy_mmu_mode_enable();
	set_pte_at(mm, addr, ptep, pte_mkold(ptep_get(ptep)));
	if (batch)
		lazy_mmu_mode_disable();
}
"""

RANGED = """\
static void age_pages(struct mm_struct *mm, pte_t *ptep, unsigned long addr, unsigned long end)
{
	lazy_mmu_mode_enable_for_pte_range(mm, addr, end, ptep);
	for (; addr < end; ptep++, addr += PAGE_SIZE) {
		lazy_mmu_mode_disable();
		cond_resched();
		lazy_mmu_mode_enable();
		set_pte_at(mm, addr, ptep, pte_mkold(ptep_get(ptep)));
	}
	lazy_mmu_mode_disable();
}
"""

RULE = RuleInfo(
    code="PT601",
    name="lazy-mmu-unbalanced",
    summary="every path that enters lazy MMU mode leaves it",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "fea18c686320", "mm/vmalloc: leave lazy MMU mode on PTE mapping error"),
        Evidence("doc", "include/linux/pgtable.h", "the comments of lazy_mmu_mode_enable() and _disable()"),
    ),
    examples=(
        invalid(INVALID, why="the early return keeps the mode on", path="mm/fill.c"),
        valid(VALID, why="errors leave the loop and pass the call that leaves the mode", path="mm/fill.c"),
        valid(RANGED, why="a variant that names the range enters the same mode", path="mm/age.c"),
        valid(LOCKED, why="both calls depend on the same unchanged variable", path="mm/age.c"),
    ),
)

MODES = (
    Protocol(
        re.compile(r"(lazy_mmu_mode_enable|arch_enter_lazy_mmu_mode)(_\w+)?"),
        re.compile("lazy_mmu_mode_disable|arch_leave_lazy_mmu_mode"),
        "single",
    ),
    Protocol(re.compile("lazy_mmu_mode_pause"), re.compile("lazy_mmu_mode_resume"), "single"),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the paths that a patch leaves unbalanced."""
    yield from introduced(ctx, RULE, _unbalanced)


def _unbalanced(view: View) -> Iterator[Fault]:
    for mode in MODES:
        names = view.callees
        if not (any(map(mode.takes.fullmatch, names)) and any(map(mode.gives.fullmatch, names))):
            continue
        for breach in breaches_of(view, mode):
            if breach.kind == "kept" and breach.taken is not None:
                text = f"{view.name}() ends here still in lazy MMU mode"
                entered = (breach.taken, f"{breach.taker}() enters it", view.name)
                yield Fault("kept", breach.pos, text, (entered,))
            elif breach.kind == "not-held":
                yield Fault("not-held", breach.pos, f"{view.name}() leaves lazy MMU mode here without being in it")
