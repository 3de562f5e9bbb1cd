"""PT412: an entry is edited, and the edited entry is thrown away."""

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
    introduced,
    invalid,
    unused_results,
    valid,
)

EXPLANATION = """
What it reports
A statement calls pte_mkdirty(), pte_wrprotect(), pte_next_pfn() or one of their relatives and does nothing with what
it returns.

Why it matters
These functions get an entry by value and return another one: nothing has changed. A dirty bit that was to be carried
over is lost, a write permission that was to go stays.

What to do
Assign the result: pte = pte_mkdirty(pte);

When it is wrong
Functions that get a pointer, like pte_clear(), and macros that assign to what they get are not meant.
"""

VALID = """\
static pte_t gathered(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte = ptep_get_and_clear(mm, addr, ptep);

	while (--nr) {
		if (pte_dirty(ptep_get_and_clear(mm, addr += PAGE_SIZE, ++ptep)))
			pte = pte_mkdirty(pte);
	}
	return pte;
}
"""

INVALID = """\
static pte_t gathered(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte = ptep_get_and_clear(mm, addr, ptep);

	while (--nr) {
		if (pte_dirty(ptep_get_and_clear(mm, addr += PAGE_SIZE, ++ptep)))
			pte_mkdirty(pte); // want "pte_mkdirty"
	}
	return pte;
}
"""

IN_PLACE = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
static inline void plain_entry(pte_t *ptep)
{
	pte_mkplain(*ptep);
}
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define pte_val(x) ((x).pte)
#define pte_mkplain(x) (pte_val(x) &= ~1UL)
"""

RULE = RuleInfo(
    code="PT412",
    name="setter-result-dropped",
    summary="what a setter of entries returns is used",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "ZcoIVypNwOPIX30w@FVFF77S0Q05N",
            "Re: [PATCH v5 19/25] arm64/mm: Wire up PTE_CONT for user mappings (the code that the reply proposes)",
        ),
    ),
    examples=(
        invalid(INVALID, why="the entry that is returned is not dirty", path="mm/gather.c"),
        valid(IN_PLACE, why="the macro edits what it gets"),
        valid(VALID, why="the edited entry takes the place of the other", path="mm/gather.c"),
    ),
)

_SETTER = re.compile(
    r"(pte|pmd|pud|huge_pte)_(mk\w+|wrprotect|modify|advance_pfn|next_pfn|swp_mk\w+|swp_clear_\w+|clear_(soft_dirty|uffd\w*))"
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the edits of a patch that have no effect."""
    yield from introduced(ctx, RULE, _dropped, fragments=True)


def _dropped(view: View) -> Iterator[Fault]:
    for call, name in unused_results(view, _SETTER):
        yield Fault(name, call.pos, f"{name}() returns the edited entry, and nothing is done with it")
