"""PT407: generic code reads an entry through its pointer."""

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
Generic code reads a page-table entry as *ptep where the pointer is known to point into a page table.

Why it matters
An entry may be more than one word, or one of a block whose accessed and dirty bits are spread (contpte): only
ptep_get() puts it together. The compiler may also read it twice.

What to do
Read it once with ptep_get(), or with ptep_get_lockless() without the lock.

When it is wrong
Pointers to local copies are left alone, files without any use of ptep_get(), which are older than its conversion,
and the code of architectures, which knows its entries.
"""

VALID = """\
static bool is_idle(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	if (pte_young(ptep_get(ptep)))
		return false;
	return !ptep_test_and_clear_young(vma, addr, ptep);
}
"""

INVALID = """\
static bool is_idle(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	if (!pte_present(ptep_get(ptep)))
		return false;
	if (pte_young(*ptep)) // want "ptep_get"
		return false;
	return !ptep_test_and_clear_young(vma, addr, ptep);
}
"""

COPY = """\
static bool take_if_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t *copy)
{
	*copy = ptep_get(ptep);
	if (!pte_young(*copy))
		return false;
	set_pte_at(vma->vm_mm, addr, ptep, pte_mkold(*copy));
	set_pte_at(vma->vm_mm, addr + PAGE_SIZE, ptep + 1, *copy);
	return true;
}
"""

RULE = RuleInfo(
    code="PT407",
    name="raw-pte-dereference",
    summary="generic code reads entries with ptep_get()",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(Evidence("commit", "c33c794828f2", "mm: ptep_get() conversion"),),
    examples=(
        invalid(INVALID, why="the entry is read behind the back of the architecture", path="mm/idle.c"),
        valid(VALID, why="the architecture reads its entry", path="mm/idle.c"),
        valid(COPY, why="what is stored is a value: the pointer leads to a copy of the caller's", path="mm/idle.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report what a patch brings of it."""
    yield from introduced(ctx, RULE, _found, fragments=True)


def _found(view: View) -> Iterator[Fault]:
    for one in by_hand(view):
        if one.kind == "dereference":
            yield Fault(one.what, one.pos, f"{one.what} reads an entry directly: generic code uses ptep_get()")
