"""PT305: a patch changes what a generic helper takes or returns, and leaves overrides or callers behind."""

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
    has_new_contract,
    hooks_in,
    invalid,
    left_behind,
    overriding,
    valid,
)

EXPLANATION = """
What it reports
A patch changes the parameters or the return value of a generic helper. An architecture's override, or a call, still
has the former ones.

Why it matters
The patch builds on the machine of its author and breaks on another architecture, at this step of the series too: a
bisection may stop there.

What to do
Change every override and every caller in the same patch.

When it is wrong
A meaning that changes without the parameters is not seen here; the properties of the simulator are about that.
"""

VALID = """\
// before: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef commit_pte
static inline void commit_pte(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
#endif
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef commit_pte
static inline void commit_pte(pte_t *ptep, pte_t old, pte_t pte)
{
	*ptep = pte;
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define commit_pte commit_pte
static inline void commit_pte(pte_t *ptep, pte_t old, pte_t pte)
{
	ptep->pte = pte.pte;
}
"""

INVALID = """\
// before: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef commit_pte
static inline void commit_pte(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
#endif
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef commit_pte
static inline void commit_pte(pte_t *ptep, pte_t old, pte_t pte) // want "riscv's commit_pte.. takes 2 parameters"
{
	*ptep = pte;
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define commit_pte commit_pte
static inline void commit_pte(pte_t *ptep, pte_t pte)
{
	ptep->pte = pte.pte;
}
"""

RULE = RuleInfo(
    code="PT305",
    name="contract-changed-overrides-not",
    summary="a change of a helper's contract reaches every override and every caller",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "20190116085035.29729-3-aneesh.kumar@linux.ibm.com",
            "mm: update ptep_modify_prot_commit to take old pte value as arg",
        ),
    ),
    examples=(
        invalid(INVALID, why="the override keeps two parameters"),
        valid(VALID, why="the override changes with it"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report what a change of a contract leaves behind."""
    if not ctx.whole:
        yield from overriding(ctx, RULE, _left)


def _left(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
    if has_new_contract(books, profile, name):
        yield from left_behind(hooks_in(books[1]), profile, name)
