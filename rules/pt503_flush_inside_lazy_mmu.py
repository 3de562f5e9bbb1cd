"""PT503: the TLB is flushed inside lazy MMU mode, while updates of entries may still be queued."""

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
Between entering and leaving lazy MMU mode entries are changed and then the TLB is flushed for them.

Why it matters
In lazy MMU mode an update may be queued until the mode is left. A flush that comes before lets the hardware read the
old entry again, and what it reads then stays in the TLB.

What to do
Leave the mode (or call arch_flush_lazy_mmu_mode()) and then flush.

When it is wrong
No architecture of today is hurt: those that queue updates either queue the flush behind them (Xen), complete them
before it (sparc64), or flush when the mode is left (powerpc hash). Code that is known to be right does it, so this rule
is a note that must be selected by name; it is for series that let another architecture queue its updates.
"""

BODY = """\
static void protect_range(struct vm_area_struct *vma, unsigned long addr, unsigned long end, pte_t *ptep)
{
	unsigned long start = addr;

	lazy_mmu_mode_enable();
	for (; addr < end; addr += PAGE_SIZE, ptep++)
		ptep_set_wrprotect(vma->vm_mm, addr, ptep);
%s}
"""

VALID = BODY % "\tlazy_mmu_mode_disable();\n\tflush_tlb_range(vma, start, end);\n"
INVALID = BODY % '\tflush_tlb_range(vma, start, end); // want "may still be queued"\n\tlazy_mmu_mode_disable();\n'

RULE = RuleInfo(
    code="PT503",
    name="flush-inside-lazy-mmu",
    summary="the TLB is flushed when lazy MMU mode has been left",
    explanation=EXPLANATION,
    severity=Severity.NOTE,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "20250530140446.2387131-2-ryan.roberts@arm.com",
            "fs/proc/task_mmu: Fix pte update and tlb maintenance ordering in pagemap_scan_pmd_entry()",
        ),
    ),
    default=False,
    examples=(
        invalid(INVALID, why="the entries may change only after the flush", path="mm/protect.c"),
        valid(VALID, why="leaving the mode completes the updates", path="mm/protect.c"),
    ),
)

QUEUE = Automaton(
    start="out",
    events=(
        Event("enter", re.compile("arch_enter_lazy_mmu_mode|lazy_mmu_mode_(enable|resume)")),
        Event("leave", re.compile("arch_leave_lazy_mmu_mode|lazy_mmu_mode_(disable|pause)")),
        Event("complete", re.compile("arch_flush_lazy_mmu_mode")),
        Event(
            "change",
            re.compile(
                "set_pte(_at)?|set_ptes|pte_clear|ptep_(get_and_clear(_full)?|set_wrprotect|modify_prot_commit)|"
                "modify_prot_commit_ptes|get_and_clear_(full_)?ptes|clear_(full_)?ptes|wrprotect_ptes"
            ),
        ),
        Event("flush", re.compile("flush_tlb_(range|page|mm|kernel_range)")),
    ),
    moves={
        ("out", "enter"): "lazy",
        ("lazy", "leave"): "out",
        ("lazy", "change"): "queued",
        ("queued", "leave"): "out",
        ("queued", "complete"): "lazy",
        ("queued", "flush"): "!queued",
    },
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the flushes that a patch brings into the mode."""
    yield from introduced(ctx, RULE, _early)


def _early(view: View) -> Iterator[Fault]:
    for slip in slips_of(view, QUEUE):
        changed = ((slip.since, f"{slip.since_name}() changes an entry", view.name),) if slip.since is not None else ()
        text = "the TLB is flushed here inside lazy MMU mode: the changes may still be queued"
        yield Fault("queued", slip.pos, text, changed)
