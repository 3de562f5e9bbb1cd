"""PT703: a function stands above the declaration of what it calls."""

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
    declared_below,
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
A function calls another that the same file declares only further down, and nothing above declares it.

Why it matters
It does not compile: an implicit declaration is an error, and often only in configurations that the author did not
build.

What to do
Move the function below what it calls, or declare that first.

When it is wrong
Names that are macros somewhere, or that another file declares as well, are left alone.
"""

VALID = """\
static inline void reset_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_clear(mm, addr, ptep);
}

static inline void reset_both(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	reset_entry(mm, addr, ptep);
	reset_entry(mm, addr + PAGE_SIZE, ptep + 1);
}
"""

INVALID = """\
static inline void reset_both(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	reset_entry(mm, addr, ptep); // want "declared only"
}

static inline void reset_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_clear(mm, addr, ptep);
}
"""

RULE = RuleInfo(
    code="PT703",
    name="used-before-declared",
    summary="a function stands below the declaration of what it calls",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("lore", "202504301328.ltLGuTxD-lkp@intel.com", "build failure of a helper above what it calls"),
    ),
    examples=(
        invalid(INVALID, why="nothing declares the helper before its use"),
        valid(VALID, why="the helper stands first"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the calls that a patch puts above their declaration."""
    yield from introduced(ctx, RULE, _early)


def _early(view: View) -> Iterator[Fault]:
    seen: set[str] = set()
    for call in calls_in(view.definition.body):
        name = called(call)
        if not name or name in seen or call.pos.path != view.path or call.pos.macro:
            continue
        seen.add(name)
        line = declared_below(view, name)
        if line:
            text = f"{name}() is declared only in line {line}, below this call: it does not compile"
            yield Fault(name, call.pos, text)
