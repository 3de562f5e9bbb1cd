"""PT302: an architecture gives one half of what belongs together."""

from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Finding,
    Merge,
    RuleInfo,
    Severity,
    brought_by,
    half_given,
    invalid,
    overriding,
    valid,
)

EXPLANATION = """
What it reports
A guard stands for two helpers and the architecture that defines it gives one of them; or of a start and its commit,
each under a guard of its own, an architecture gives one and leaves the other to generic code.

Why it matters
What the architecture's start leaves in the entry is what its commit expects: a generic commit stores over it, and a
generic start clears what the architecture's commit wants to merge.

What to do
Give both, or neither.

When it is wrong
A helper that only code under the same guard uses is not missed, and not reported.
"""

VALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef __HAVE_ARCH_ENTRY_TRANSACTION
static inline pte_t entry_pte_start(pte_t *ptep)
{
	return *ptep;
}
static inline void entry_pte_commit(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
#endif
static inline void change_pte(pte_t *ptep)
{
	entry_pte_commit(ptep, entry_pte_start(ptep));
}
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_ENTRY_TRANSACTION
pte_t entry_pte_start(pte_t *ptep);
void entry_pte_commit(pte_t *ptep, pte_t pte);
"""

INVALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef __HAVE_ARCH_ENTRY_TRANSACTION
static inline pte_t entry_pte_start(pte_t *ptep)
{
	return *ptep;
}
static inline void entry_pte_commit(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
#endif
static inline void change_pte(pte_t *ptep)
{
	entry_pte_commit(ptep, entry_pte_start(ptep));
}
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_ENTRY_TRANSACTION // want "stands for entry_pte_commit.. as well"
static inline pte_t entry_pte_start(pte_t *ptep)
{
	return *ptep;
}
"""

RULE = RuleInfo(
    code="PT302",
    name="override-half-pair",
    summary="an architecture that overrides one half of a transaction overrides the other",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("doc", "include/linux/pgtable.h", "__HAVE_ARCH_PTEP_MODIFY_PROT_TRANSACTION"),
        Evidence("commit", "1ea0704e0da6", "mm: add a ptep_modify_prot transaction abstraction"),
    ),
    examples=(
        invalid(INVALID, why="the guard takes both halves away, and one is given"),
        valid(VALID, why="both halves are given"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the halves that a patch leaves alone."""
    yield from overriding(ctx, RULE, brought_by(half_given))
