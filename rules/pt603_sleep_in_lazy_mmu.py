"""PT603: something that may sleep is called inside lazy MMU mode."""

import re
from collections.abc import Iterator

from ptlint.api import (
    LAZY_ENTERS,
    LAZY_LEAVES,
    Automaton,
    Context,
    Event,
    Evidence,
    Fault,
    Finding,
    Merge,
    Pos,
    RuleInfo,
    Severity,
    View,
    called,
    called_back,
    introduced,
    invalid,
    may_sleep,
    slips_of,
    valid,
)

EXPLANATION = """
What it reports
Between entering and leaving lazy MMU mode a function is called that may sleep: an allocation that may wait, a mutex,
the lock of a folio, cond_resched(). Callbacks of apply_to_page_range(), which run in the mode, count as being in it,
and helpers that sleep themselves are followed.

Why it matters
The mode is a state of the CPU or of the task, with preemption off on some architectures, and updates of page tables
are queued in it: a sleep schedules with preemption off, or runs another task in the middle of the queue.

What to do
Allocate before the mode is entered, or enclose the call in lazy_mmu_mode_pause() and lazy_mmu_mode_resume() where it
may sleep there at all.

When it is wrong
Allocations count only when their flags are written at the call; flags from a parameter are trusted.
"""

BODY = """\
static int fill_range(struct mm_struct *mm, unsigned long addr, unsigned long end, pte_t *ptep, pgprot_t prot)
{
	unsigned long page;

	lazy_mmu_mode_enable();
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
%s		set_pte_at(mm, addr, ptep, pfn_pte(page, prot));
	}
	lazy_mmu_mode_disable();
	return 0;
}
"""

INVALID = BODY % '\t\tcond_resched(); // want "may sleep"\n\t\tpage = addr >> PAGE_SHIFT;\n'
VALID = BODY % (
    "\t\tlazy_mmu_mode_pause();\n\t\tcond_resched();\n\t\tlazy_mmu_mode_resume();\n\t\tpage = addr >> PAGE_SHIFT;\n"
)

RULE = RuleInfo(
    code="PT603",
    name="sleep-in-lazy-mmu",
    summary="nothing that may sleep is called in lazy MMU mode",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "b6ea95a34cbd", "kasan: avoid sleepable page allocation from atomic context"),
        Evidence(
            "lore",
            "20250530140446.2387131-4-ryan.roberts@arm.com",
            "mm: Avoid calling page allocator from apply_to_page_range()",
        ),
    ),
    examples=(
        invalid(INVALID, why="another task runs while updates are queued", path="mm/fill.c"),
        valid(VALID, why="outside of the mode nothing is queued", path="mm/fill.c"),
    ),
)

MODE = Automaton(
    start="out",
    events=(
        Event("enter", LAZY_ENTERS),
        Event("leave", LAZY_LEAVES),
        Event("sleep", re.compile(r"\w+"), when=may_sleep),
    ),
    moves={("out", "enter"): "lazy", ("lazy", "leave"): "out", ("lazy", "sleep"): "!sleeps"},
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the sleeps that a patch brings into the mode."""
    yield from introduced(ctx, RULE, _sleeping)


def _sleeping(view: View) -> Iterator[Fault]:
    slips = slips_of(view, MODE) if any(map(LAZY_ENTERS.fullmatch, view.callees)) else ()
    related: tuple[tuple[Pos, str, str], ...] = ()
    if not slips:
        caller = called_back(view)
        if caller is None:
            return
        slips = slips_of(view, MODE, "lazy")
        related = ((caller[1], f"{caller[0]}() calls it in lazy MMU mode", caller[0]),)
    for slip in slips:
        entered = ((slip.since, f"{slip.since_name}() enters the mode", view.name),) if slip.since is not None else ()
        yield Fault("sleeps", slip.pos, f"{called(slip.call)}() may sleep in lazy MMU mode", (*entered, *related))
