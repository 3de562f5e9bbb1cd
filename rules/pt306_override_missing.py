"""PT306: an architecture whose entries need a helper of its own runs the generic one."""

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
    not_given,
    overriding,
    taken_away,
    valid,
)

EXPLANATION = """
What it reports
Helpers of an architecture step through several entries that stand for one page, and a helper of the same family is
left to generic code, which looks at the first entry alone. Or a patch takes an override away that did what the generic
body does not: an atomic step where hardware sets bits, a walk over several entries, a step that its siblings still
make.

Why it matters
Accessed and dirty are set in whichever entry the hardware used. Who reads the first one alone takes a dirty page for
clean; who reads and then writes loses what was set in between.

What to do
Give the architecture's own helper, or keep it.

When it is wrong
Where bits are set by software under the page-table lock the atomic step is not needed: architectures without hardware
that sets bits are not asked for it.
"""

VALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef __HAVE_ARCH_WIDE_PTEP_GET
static inline pte_t wide_ptep_get(pte_t *ptep)
{
	return *ptep;
}
#endif
#ifndef __HAVE_ARCH_WIDE_PTEP_CLEAR
static inline void wide_ptep_clear(pte_t *ptep)
{
	ptep->pte = 0;
}
#endif
static inline void begin_mode(pte_t *ptep) { }
#ifndef __HAVE_ARCH_WIDE_PTEP_BEGIN
static inline void wide_ptep_begin(pte_t *ptep)
{
	begin_mode(ptep);
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_WIDE_PTEP_CLEAR
static inline void wide_ptep_clear(pte_t *ptep)
{
	for (int i = 0; i < 16; i++, ptep++)
		ptep->pte = 0;
}
#define __HAVE_ARCH_WIDE_PTEP_GET
static inline pte_t wide_ptep_get(pte_t *ptep)
{
	pte_t pte = *ptep;

	for (int i = 1; i < 16; i++)
		pte.pte |= ptep[i].pte & 0xc0;
	return pte;
}
"""

INVALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
static inline pte_t ptep_get(pte_t *ptep)
{
	return *ptep;
}
#ifndef __HAVE_ARCH_WIDE_PTEP_GET
static inline pte_t wide_ptep_get(pte_t *ptep)
{
	return ptep_get(ptep);
}
#endif
#ifndef __HAVE_ARCH_WIDE_PTEP_CLEAR
static inline void wide_ptep_clear(pte_t *ptep)
{
	ptep->pte = 0;
}
#endif
#ifndef __HAVE_ARCH_WIDE_PTEP_SET
static inline void wide_ptep_set(pte_t *ptep, pte_t pte)
{
	*ptep = pte;
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_WIDE_PTEP_CLEAR
static inline void wide_ptep_clear(pte_t *ptep) // want "riscv has no wide_ptep_get.. of its own"
{
	for (int i = 0; i < 16; i++, ptep++)
		ptep->pte = 0;
}
#define __HAVE_ARCH_WIDE_PTEP_SET
static inline void wide_ptep_set(pte_t *ptep, pte_t pte)
{
	for (int i = 0; i < 16; i++)
		ptep[i] = pte;
}
"""

RULE = RuleInfo(
    code="PT306",
    name="override-missing",
    summary="an architecture overrides every helper that its entries need",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("commit", "6966d7988c4f", "riscv: Implement missing huge_ptep_get"),),
    examples=(
        invalid(
            INVALID,
            why="several entries stand for one page, and reading looks at the first",
            path="include/linux/pgtable.h",
        ),
        valid(VALID, why="every helper of the family steps through the entries"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the helpers that an architecture lacks after a patch: by how it gives the others, and by a run."""
    broken = ctx.violations("accessed-dirty", raced=True)
    losing = frozenset((judgement.arch, judgement.subject) for judgement, _ in broken)

    def missing(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
        found = tuple(brought_by(not_given)(books, profile, name))
        yield from found or taken_away(books, profile, name, losing)

    yield from overriding(ctx, RULE, missing, at_removal=True)
