"""PT607: a page table is changed after the lock that was taken for it is given back."""

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
    after_unlock,
    introduced,
    invalid,
    valid,
)

EXPLANATION = """
What it reports
A function takes a page-table lock, gives it back, and then, without another, sets an entry (set_pte_at(), set_pmd_at())
or takes or keeps the table of a huge page (pgtable_trans_huge_withdraw(), _deposit()), itself or through a helper of
its file that takes no lock.

Why it matters
As soon as the lock is free another CPU may change the same entry: one of the two changes is lost, or a list of tables
is damaged.

What to do
Make the change first, then unlock.

When it is wrong
A page table that nobody else can find yet, or a lock that is spelt as none of a page table (only `...ptl` is known).
"""

VALID = """\
static void drop_table(struct mm_struct *mm, pmd_t *pmd)
{
	pte_free(mm, pgtable_trans_huge_withdraw(mm, pmd));
	mm_dec_nr_ptes(mm);
}

static bool zap_entry(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl = pmd_lock(vma->vm_mm, pmd);

	pmdp_huge_get_and_clear(vma->vm_mm, addr, pmd);
	drop_table(vma->vm_mm, pmd);
	spin_unlock(ptl);
	return true;
}
"""

ORDER = "\tdrop_table(vma->vm_mm, pmd);\n\tspin_unlock(ptl);\n"
TURNED = '\tspin_unlock(ptl);\n\tdrop_table(vma->vm_mm, pmd); // want "after ptl"\n'

RULE = RuleInfo(
    code="PT607",
    name="changed-after-unlock",
    summary="a page table is changed under its lock, not behind it",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("doc", "Documentation/mm/split_page_table_lock.rst", "who holds which lock for a page table"),
        Evidence("doc", "mm/pgtable-generic.c", "pgtable_trans_huge_withdraw() asserts that the lock is held"),
    ),
    examples=(
        invalid(VALID.replace(ORDER, TURNED), why="the list of tables is changed without the lock", path="mm/zap.c"),
        valid(VALID, why="under the lock", path="mm/zap.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the changes that a patch makes behind the unlock."""
    yield from introduced(ctx, RULE, _changed)


def _changed(view: View) -> Iterator[Fault]:
    for one in after_unlock(view):
        freed = (one.freed, f"{one.lock} is given back here", view.name)
        text = f"{one.helper}() changes a page table after {one.lock} is free"
        yield Fault(f"after:{one.helper}", one.pos, text, (freed,))
