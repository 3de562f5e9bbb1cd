"""PT303: an architecture's definition never takes effect."""

from collections.abc import Iterator

from ptlint.api import (
    Books,
    Context,
    Evidence,
    Finding,
    Merge,
    Misgiven,
    Profile,
    RuleInfo,
    Severity,
    brought_by,
    invalid,
    misspelt,
    overriding,
    shadowed,
    valid,
)

EXPLANATION = """
What it reports
An architecture defines a helper, and the generic definition is in force beside it or instead of it: the guard is
misspelt, defined too late, or missing. Also a guard that takes the generic helper away where nothing gives another.

Why it matters
Callers get the generic body, silently where it is a macro, and with an error on that architecture alone where it is a
function.

What to do
Define the name that generic code asks for, in a header that is read before the generic one.

When it is wrong
A prototype behind a static inline function of the same name, and a macro that is defined behind it, are legal and are
not reported.
"""

VALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef flush_pte_fault
#define flush_pte_fault(ptep) do { } while (0)
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
static inline void flush_pte_fault(pte_t *ptep)
{
	ptep->pte = 0;
}
#define flush_pte_fault flush_pte_fault
"""

INVALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef flush_pte_fault
#define flush_pte_fault(ptep) do { } while (0)
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
static inline void flush_pte_fault(pte_t *ptep) // want "never takes effect"
{
	ptep->pte = 0;
}
#define flush_pte_faults flush_pte_faults
"""

RULE = RuleInfo(
    code="PT303",
    name="override-not-effective",
    summary="what an architecture defines is what runs there",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("doc", "include/linux/pgtable.h", "guards of the page-table helpers"),),
    examples=(
        invalid(INVALID, why="the guard is misspelt, so the generic body stays"),
        valid(VALID, why="the guard is the one that generic code asks for"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the definitions that a patch adds or leaves without effect."""
    yield from overriding(ctx, RULE, _without_effect)


def _without_effect(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
    found = tuple(brought_by(shadowed)(books, profile, name))
    yield from found or misspelt(books, profile, name)
