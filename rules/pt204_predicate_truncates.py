"""PT204: a predicate loses its answer in the type that it returns."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
A function such as pte_special() returns a masked entry as int, and the bit it asks for lies above: for an entry for
which it holds, the answer is 0.

Why it matters
It works as long as the bit is low, and is silently always false once a header moves the bit up.

What to do
Return bool, or double negation: !!(pte_val(pte) & BIT).

When it is wrong
Never where the run shows an entry: the value that was returned is not 0, and what arrives is.
"""

VALID = """\
static inline int pte_exec(pte_t pte)
{
	return !(pte_val(pte) & REF_NX);
}

static inline bool pte_noexec(pte_t pte)
{
	return pte_val(pte) & REF_NX;
}
"""

INVALID = """\
static inline int pte_noexec(pte_t pte) // want "cuts it off"
{
	return pte_val(pte) & REF_NX;
}
"""

RULE = RuleInfo(
    code="PT204",
    name="predicate-truncates",
    summary="a predicate must not lose its answer in the type that it returns",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("doc", "Documentation/mm/arch_pgtable_helpers.rst", "what each predicate of an entry tells"),),
    examples=(
        invalid(INVALID, why="bit 63 does not fit an int"),
        valid(VALID, why="a comparison is an int already, and bool is true for any bit"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with an entry that shows it."""
    yield from broken(ctx, RULE, "truncation", "{detail}")
