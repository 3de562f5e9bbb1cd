"""PT608: stores to page tables that a barrier kept in order are in order no more."""

import re
from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Handing, Merge, RuleInfo, Severity, invalid, no_longer, valid

EXPLANATION = """
What it reports
A function that fills or links page tables had a memory barrier, and after the patch it has none, neither itself nor in
what it newly calls.

Why it matters
Other CPUs and their MMUs walk page tables without a lock. Without the barrier they may see a table before what it
holds, or an entry before its page is ready; some architectures take an access for a fault that should not be one.

What to do
Keep the barrier between the stores, or use a store that orders (smp_store_release()).

When it is wrong
Where the order no longer matters, since nobody can see the table yet: say so in the change log.
"""

BODY = """\
// file: mm/link.c
static void link_table(struct mm_struct *mm, pmd_t *pmd, pgtable_t table, pte_t *ptep, pte_t pte)
{
	set_pte_at(mm, 0, ptep, pte);%s
%s	pmd_populate(mm, pmd, table);
}
"""

BEFORE = (BODY % ("", "\tsmp_wmb();\n")).replace("// file", "// before")
HEADER = "// file: arch/riscv/include/asm/pgtable.h\n"

RULE = RuleInfo(
    code="PT608",
    name="barrier-lost",
    summary="what keeps stores to page tables in order stays",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "362a61ad6119", "fix SMP data race in pagetable setup vs walking"),
        Evidence("doc", "mm/memory.c", "pmd_install(): the table is seen after what it holds"),
    ),
    examples=(
        invalid(HEADER + BODY % (' // want "smp_wmb"', "") + BEFORE, why="the table may be seen before its entry"),
        valid(HEADER + BODY % ("", "\tsmp_mb();\n") + BEFORE, why="a stronger barrier"),
    ),
)

ORDER = Handing(
    "order",
    re.compile(r"(?!)"),
    re.compile(
        r"(?:smp_|dma_)?(?:w|r)?mb(?:__\w+)?|smp_store_\w+|smp_mb__\w+|dsb|isb|DBAR|\w*pte_barriers|\w*set_p(?:te|md|ud|4d|gd)_complete"
    ),
    re.compile(
        r"p(?:te|md|ud|4d|gd)_populate\w*|_*set_p(?:te|md|ud|4d|gd)(?!_complete)\w*|_*set_huge_pte\w*|p(?:te|md|ud)_clear"
    ),
    alike=True,
)
"""Barriers, and the stores that they keep in order."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report the functions of a patch that store to page tables and no longer have a barrier."""
    yield from no_longer(ctx, RULE, ORDER, "{helper}() is gone, and {user}() was kept in order by it")
