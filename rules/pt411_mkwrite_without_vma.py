"""PT411: generic code makes an entry writable without its VMA."""

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
    by_hand,
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
Generic code calls pte_mkwrite_novma().

Why it matters
In a shadow stack writable means something else, and only the VMA tells: the entry would be an ordinary writable one,
and the protection of the stack is gone.

What to do
Call pte_mkwrite(pte, vma).

When it is wrong
Mappings of the kernel itself have no VMA; in generic code there is hardly any that is made writable later.
"""

VALID = """\
static pte_t upgraded(struct vm_area_struct *vma, pte_t pte)
{
	return pte_mkdirty(pte_mkwrite(pte, vma));
}
"""

INVALID = """\
static pte_t upgraded(struct vm_area_struct *vma, pte_t pte)
{
	return pte_mkdirty(pte_mkwrite_novma(pte)); // want "pte_mkwrite"
}
"""

RULE = RuleInfo(
    code="PT411",
    name="mkwrite-without-vma",
    summary="entries of user mappings are made writable with their VMA",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(Evidence("commit", "161e393c0f63", "mm: Make pte_mkwrite() take a VMA"),),
    examples=(
        invalid(INVALID, why="the VMA may be a shadow stack", path="mm/upgrade.c"),
        valid(VALID, why="the architecture sees what the VMA is", path="mm/upgrade.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report what a patch brings of it."""
    yield from introduced(ctx, RULE, _found, fragments=True)


def _found(view: View) -> Iterator[Fault]:
    for one in by_hand(view):
        if one.kind == "mkwrite":
            yield Fault(
                one.what,
                one.pos,
                f"{one.what} makes an entry writable without regard to its VMA: use pte_mkwrite(pte, vma)",
            )
