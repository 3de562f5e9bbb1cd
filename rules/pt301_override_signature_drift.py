"""PT301: an architecture declares a helper otherwise than generic code, or than its own body."""

from collections.abc import Iterator

from ptlint.api import (
    Books,
    Context,
    Evidence,
    Finding,
    Merge,
    Misgiven,
    Profile,
    Related,
    RuleInfo,
    Severity,
    Span,
    brought_by,
    drifted,
    has_new_contract,
    hooks_in,
    invalid,
    overriding,
    valid,
    wrong_calls,
)

EXPLANATION = """
What it reports
An architecture's definition or prototype of a helper takes other parameters, or returns something else, than the
generic one; its body in a source file has other parameters than its header; a changed function calls the helper with
another number of arguments.

Why it matters
The mistake shows on that architecture only, where few people compile. A backport that takes the body and not the change
of the interface is of this kind.

What to do
Give all of them the parameters that generic code has.

When it is wrong
Integers of one size, and int, bool and enum among themselves, count as equal, and so do names of parameters.
"""

VALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef __HAVE_ARCH_SET_SPAN
static inline void set_span(pte_t *ptep, pte_t pte, unsigned long sz)
{
	*ptep = pte;
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_SET_SPAN
void set_span(pte_t *ptep, pte_t value, unsigned long size);
"""

INVALID = """\
// file: include/linux/pgtable.h
#include <asm/pgtable.h>
#ifndef __HAVE_ARCH_SET_SPAN
static inline void set_span(pte_t *ptep, pte_t pte, unsigned long sz)
{
	*ptep = pte;
}
#endif
// file: arch/riscv/include/asm/pgtable.h
typedef struct { unsigned long pte; } pte_t;
#define __HAVE_ARCH_SET_SPAN
void set_span(pte_t *ptep, pte_t pte); // want "takes 2 parameters where the other one takes 3"
"""

RULE = RuleInfo(
    code="PT301",
    name="override-signature-drift",
    summary="override, prototype, body and generic helper agree on parameters and return value",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("commit", "935d4f0c6dc8", "mm: hugetlb: add huge page size param to set_huge_pte_at()"),),
    examples=(
        invalid(INVALID, why="the prototype that callers see has the old parameters"),
        valid(VALID, why="body, prototype and generic function take the same"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report declarations that a patch lets drift, and calls that do not fit."""
    yield from overriding(ctx, RULE, _drifted)
    yield from _calls(ctx)


def _drifted(books: Books, profile: Profile, name: str) -> Iterator[Misgiven]:
    found = tuple(brought_by(drifted)(books, profile, name))
    if found and not has_new_contract(books, profile, name):  # else the contract moved away, which PT305 reports
        yield from found


def _calls(ctx: Context) -> Iterator[Finding]:
    for _, _, view in ctx.functions():
        profile = view.universe.profile
        for name, pos, number, generic in wrong_calls(view, hooks_in(view.book), profile):
            if ctx.books is not None and has_new_contract(ctx.books, profile, name):
                continue
            span = Span(pos.path or view.path, pos.line, pos.column)
            yield Finding(
                code=RULE.code,
                name=RULE.name,
                severity=RULE.severity,
                message=f"{name}() gets {number} arguments and takes {generic.params}",
                span=span,
                function=view.name,
                archs=(profile.name,),
                patch=None if ctx.whole else ctx.patch,
                related=(Related(generic.span, f"the generic {name}()", name),),
                line_text=ctx.line_at(span),
            )
