"""PT307: an override exists only under a configuration symbol on which it does not depend."""

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
    left_out_of_a_choice,
    made_conditional,
    overriding,
    valid,
)

EXPLANATION = """
What it reports
A patch puts an architecture's override under a configuration symbol, with nothing changed in it, so that without the
symbol the generic body runs. Or an override stands in one branch of a choice between two sets of helpers, uses nothing
that belongs to the choice, and the other branch lacks it.

Why it matters
The configuration that few people build silently runs the generic body, without what the architecture needs.

What to do
Move the override out of the conditional, or give it in both branches.

When it is wrong
An override that is only wanted with the symbol, although it would work without: say so in a comment, and ignore it.
"""

VALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef clear_pte_bits
static inline void clear_pte_bits(pte_t *ptep)
{
	*ptep = (pte_t){ 0 };
}
#endif
// before: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define clear_pte_bits clear_pte_bits
static inline void clear_pte_bits(pte_t *ptep)
{
	__atomic_store_n(&ptep->pte, 0, 5);
}
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
static inline void clear_pte_bits(pte_t *ptep)
{
	__atomic_store_n(&ptep->pte, 0, 5);
}
#define clear_pte_bits clear_pte_bits
"""

INVALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef clear_pte_bits
static inline void clear_pte_bits(pte_t *ptep)
{
	*ptep = (pte_t){ 0 };
}
#endif
// before: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define clear_pte_bits clear_pte_bits
static inline void clear_pte_bits(pte_t *ptep)
{
	__atomic_store_n(&ptep->pte, 0, 5);
}
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#ifdef CONFIG_RISCV_ISA_SVNAPOT
#define clear_pte_bits clear_pte_bits
static inline void clear_pte_bits(pte_t *ptep) // want "without CONFIG_RISCV_ISA_SVNAPOT riscv runs the generic"
{
	__atomic_store_n(&ptep->pte, 0, 5);
}
#endif
"""

RULE = RuleInfo(
    code="PT307",
    name="override-lost-in-config",
    summary="an override exists under every configuration that needs it",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("doc", "arch/arm64/include/asm/pgtable.h", "helpers under CONFIG_ARM64_CONTPTE"),),
    examples=(
        invalid(INVALID, why="the override moves under a symbol that it does not use"),
        valid(VALID, why="it stays for every configuration"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the overrides that a patch confines to a configuration."""
    yield from overriding(ctx, RULE, _confined)


def _confined(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
    """Yield what a patch makes conditional, else what it brings in one branch of a choice."""
    found = tuple(made_conditional(books, profile, name))
    yield from found or brought_by(left_out_of_a_choice)(books, profile, name)
