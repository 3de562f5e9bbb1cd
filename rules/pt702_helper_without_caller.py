"""PT702: a series adds a helper that nothing calls."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, Span, invalid, is_used, valid

EXPLANATION = """
What it reports
A patch adds a function that other files can call, and when the whole series is applied nothing in the tree does.

Why it matters
Code without a user is not tested, and its contract cannot be reviewed. Reviewers ask for the user in the same
series.

What to do
Add the caller to the series, or leave the helper to the series that needs it.

When it is wrong
A series that cannot be applied, or of which patches are missing, is not judged. Static functions of a source file
are left to the compiler.
"""

VALID = """\
static inline void reset_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_clear(mm, addr, ptep);
}

#define reset_both(mm, addr, ptep) (reset_entry(mm, addr, ptep), reset_entry(mm, (addr) + PAGE_SIZE, (ptep) + 1))
"""

INVALID = """\
static inline void reset_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep) // want "nothing calls"
{
	pte_clear(mm, addr, ptep);
}
"""

RULE = RuleInfo(
    code="PT702",
    name="helper-without-caller",
    summary="a helper comes with a caller",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ONCE,
    since="0.1.0",
    of_series=True,
    evidence=(Evidence("lore", "93411699-2e36-4a4e-bc3a-3efeb8e2260b@arm.com", "review of a helper without a user"),),
    examples=(
        invalid(INVALID, why="the series ends without a use"),
        valid(VALID, why="a macro that others may call uses it"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the helpers that a series leaves without a use."""
    if ctx.final is None:
        return
    for change, old, new in ctx.functions():
        is_local = "static" in new.definition.storage and change.span.path.endswith(".c")
        if not change.is_new or old is not None or is_local:
            continue
        if is_used(ctx.final, change.name, (change.span.path,)):
            continue
        span = Span(change.span.path, new.definition.pos.line, new.definition.pos.column)
        yield Finding(
            code=RULE.code,
            name=RULE.name,
            severity=RULE.severity,
            message=f"nothing calls {change.name}() when the series is applied",
            span=span,
            function=change.name,
            patch=ctx.patch,
            line_text=ctx.line_at(span),
        )
