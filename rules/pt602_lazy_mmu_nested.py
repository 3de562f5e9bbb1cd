"""PT602: a helper that runs inside lazy MMU mode enters or leaves the mode itself."""

import re
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
    called,
    calls_in,
    introduced,
    invalid,
    users_inside,
    valid,
)

EXPLANATION = """
What it reports
A function enters or leaves lazy MMU mode with the architecture's hooks, which do not nest, and somebody calls it
while the mode is on.

Why it matters
The inner call that leaves the mode ends it for the caller too: its later updates are no longer batched, and where
the mode is a flag of the CPU the caller goes on outside of it. On some architectures entering twice is a BUG().

What to do
Leave the mode to the callers, or use lazy_mmu_mode_enable() and lazy_mmu_mode_disable() where the tree has them:
they count.

When it is wrong
A helper that is never called inside the mode may enter it: a caller inside it is part of the finding.
"""

VALID = """\
static void fill_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte)
{
	set_pte_at(mm, addr, ptep, pte);
}
"""

INVALID = """\
void fill_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte)
{
	arch_enter_lazy_mmu_mode(); // want "which is on already"
	set_pte_at(mm, addr, ptep, pte);
	arch_leave_lazy_mmu_mode();
}

void fill_all(struct mm_struct *mm, unsigned long addr, unsigned long end, pte_t *ptep, pte_t pte)
{
	arch_enter_lazy_mmu_mode();
	for (; addr != end; addr += PAGE_SIZE, ptep++)
		fill_entry(mm, addr, ptep, pte);
	arch_leave_lazy_mmu_mode();
}
"""

RULE = RuleInfo(
    code="PT602",
    name="lazy-mmu-nested",
    summary="a helper that runs inside lazy MMU mode neither enters nor leaves it",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "47b8def9358c", "powerpc/mm: Avoid calling arch_enter/leave_lazy_mmu() in set_ptes"),
        Evidence("commit", "49147beb0ccb", "x86/xen: allow nesting of same lazy mode"),
    ),
    examples=(
        invalid(INVALID, why="the caller is thrown out of the mode after its first entry", path="mm/fill.c"),
        valid(VALID, why="the mode is the caller's", path="mm/fill.c"),
    ),
)

ENTERS = re.compile(r"(arch_enter_lazy_mmu_mode|lazy_mmu_mode_enable)(_\w+)?")
LEAVES = re.compile("arch_leave_lazy_mmu_mode|lazy_mmu_mode_disable")
WORDS = re.compile(r"\b(?:arch_enter_lazy_mmu_mode|lazy_mmu_mode_enable)\w*\s*\(")


def check(ctx: Context) -> Iterator[Finding]:
    """Report the helpers that a patch makes enter a mode that their callers are in."""
    yield from introduced(ctx, RULE, _nested)


def _nested(view: View) -> Iterator[Fault]:
    if "lazy_mmu" in view.name:
        return
    own = next((call for call in calls_in(view.definition.body) if called(call) == "arch_enter_lazy_mmu_mode"), None)
    if own is None:
        return
    for caller, pos in users_inside(view, ENTERS, LEAVES, WORDS):
        text = f"{view.name}() enters lazy MMU mode, which is on already when {caller.name}() calls it, and ends it"
        yield Fault("nested", own.pos, text, ((pos, "called here inside lazy MMU mode", caller.name),))
        return
