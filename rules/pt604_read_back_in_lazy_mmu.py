"""PT604: an entry that was written in lazy MMU mode is looked at before the write is complete."""

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
    called_back,
    introduced,
    invalid,
    slips_of,
    valid,
)

EXPLANATION = """
What it reports
In lazy MMU mode an entry is written and read again; or a lock is taken, an entry is written under it, and the lock
is dropped while the mode is still on. Callbacks of apply_to_page_range(), which run in the mode, count as being in it.

Why it matters
In lazy MMU mode a write may be queued until the mode is left. Whoever reads the entry before that, this CPU or the
next one that gets the lock, reads the old value: a page is mapped twice, or freed twice.

What to do
Enclose such code in lazy_mmu_mode_pause() and lazy_mmu_mode_resume(), or leave the mode before the lock is dropped.

When it is wrong
Only a lock that is taken inside the mode counts: code that holds its lock all the time is left alone.
"""

READ_BACK = """\
static void set_and_check(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte)
{
	lazy_mmu_mode_enable();
	set_pte_at(mm, addr, ptep, pte);
	WARN_ON(!pte_same(ptep_get(ptep), pte)); // want "may still be queued"
	lazy_mmu_mode_disable();
}
"""

UNLOCKED = """\
static void fill_range(struct mm_struct *mm, unsigned long addr, unsigned long end, pte_t *ptep, pte_t pte)
{
	lazy_mmu_mode_enable();
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		spin_lock(&mm->page_table_lock);
		if (pte_none(ptep_get(ptep)))
			set_pte_at(mm, addr, ptep, pte);
		spin_unlock(&mm->page_table_lock); // want "lock is dropped"
	}
	lazy_mmu_mode_disable();
}
"""

PAUSED = """\
static void fill_range(struct mm_struct *mm, unsigned long addr, unsigned long end, pte_t *ptep, pte_t pte)
{
	lazy_mmu_mode_enable();
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		lazy_mmu_mode_pause();
		spin_lock(&mm->page_table_lock);
		if (pte_none(ptep_get(ptep)))
			set_pte_at(mm, addr, ptep, pte);
		spin_unlock(&mm->page_table_lock);
		lazy_mmu_mode_resume();
	}
	lazy_mmu_mode_disable();
}
"""

OTHERS = """\
static void copy_entries(struct mm_struct *mm, unsigned long addr, unsigned long end, pte_t *to, pte_t *from)
{
	lazy_mmu_mode_enable();
	for (; addr < end; addr += PAGE_SIZE, to++, from++)
		set_pte_at(mm, addr, to, ptep_get(from));
	lazy_mmu_mode_disable();
}
"""

RULE = RuleInfo(
    code="PT604",
    name="read-back-in-lazy-mmu",
    summary="an entry written in lazy MMU mode is not looked at before the mode is left",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "c519c3c0a113", "mm/kasan: avoid lazy MMU mode hazards"),
        Evidence("doc", "include/linux/pgtable.h", "the comment of lazy_mmu_mode_enable()"),
    ),
    examples=(
        invalid(READ_BACK, why="what was set may not be there yet", path="mm/check.c"),
        invalid(UNLOCKED, why="the next one under the lock finds the entry empty again", path="mm/fill.c"),
        valid(PAUSED, why="outside of the mode the write is complete at once", path="mm/fill.c"),
        valid(OTHERS, why="other entries are read than were written", path="mm/copy.c"),
    ),
)

# Exchanges, which return what was there, are never queued.
WRITES = re.compile("set_pte(_at)?|set_ptes|pte_clear|ptep_set_wrprotect")
ENTER = Event("enter", LAZY_ENTERS)
LEAVE = Event("leave", LAZY_LEAVES)
COMPLETE = Event("leave", re.compile("arch_flush_lazy_mmu_mode"))
BACK = Automaton(
    start="out",
    events=(ENTER, LEAVE, Event("write", WRITES, 2), Event("read", re.compile("ptep_get"), 0)),
    moves={
        ("out", "enter"): "lazy",
        ("lazy", "leave"): "out",
        ("written", "leave"): "out",
        ("lazy", "write"): "written",
        ("written", "read"): "!read-back",
    },
)
LOCKED = Automaton(
    start="out",
    events=(
        ENTER,
        LEAVE,
        COMPLETE,
        Event("lock", re.compile(r"(raw_)?spin_lock|pte_offset_map_lock|class_(raw_)?spinlock\w*_constructor")),
        Event("unlock", re.compile(r"(raw_)?spin_unlock|pte_unmap_unlock|class_(raw_)?spinlock\w*_destructor")),
        Event("write", WRITES),
    ),
    moves={
        ("out", "enter"): "lazy",
        ("lazy", "lock"): "locked",
        ("lazy", "leave"): "out",
        ("locked", "unlock"): "lazy",
        ("locked", "leave"): "out",
        ("locked", "write"): "dirty",
        ("dirty", "leave"): "out",
        ("dirty", "unlock"): "!unlocked",
    },
)
TEXTS = {
    "read-back": "an entry is read here that was written in lazy MMU mode: the write may still be queued",
    "unlocked": "the lock is dropped here while the write of an entry may still be queued in lazy MMU mode",
}


def check(ctx: Context) -> Iterator[Finding]:
    """Report where a patch relies on writes that may not be complete."""
    yield from introduced(ctx, RULE, _incomplete)


def _incomplete(view: View) -> Iterator[Fault]:
    slips = [*slips_of(view, BACK), *slips_of(view, LOCKED)]
    related: tuple[tuple[Pos, str, str], ...] = ()
    if not slips:
        caller = called_back(view)
        if caller is None:
            return
        slips = [*slips_of(view, BACK, "lazy"), *slips_of(view, LOCKED, "lazy")]
        related = ((caller[1], f"{caller[0]}() calls it in lazy MMU mode", caller[0]),)
    for slip in slips:
        wrote = ((slip.since, f"{slip.since_name}() writes it", view.name),) if slip.since is not None else ()
        yield Fault(slip.fault, slip.pos, TEXTS[slip.fault], (*wrote, *related))
