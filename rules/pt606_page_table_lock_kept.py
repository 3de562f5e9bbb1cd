"""PT606: a path leaves a function with a page-table lock that the other paths give back."""

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
    introduced,
    invalid,
    locks_kept,
    valid,
)

EXPLANATION = """
What it reports
A function takes a page-table lock (page_table_lock, what pte_lockptr() and its relatives return, pmd_lock()), gives it
back on some way out, and on another ends with it.

Why it matters
The next task that changes this page table, or any of the kernel's, waits for ever.

What to do
Let every path after the lock go through the place that unlocks.

When it is wrong
A lock that is handed to another function, stored or returned is left alone, and so is one that the function gives
back without having taken it: it is the caller's. PT605 looks at locks that are taken together with a mapping.
"""

VALID = """\
static int fill_kernel_range(pte_t *ptep, unsigned long addr, unsigned long end, struct page **pages)
{
	int err = 0;

	spin_lock(&init_mm.page_table_lock);
	do {
		if (!pte_none(ptep_get(ptep))) {
			err = -16;
			break;
		}
		set_pte_at(&init_mm, addr, ptep, mk_pte(*pages++, PAGE_KERNEL));
	} while (ptep++, addr += PAGE_SIZE, addr != end);
	spin_unlock(&init_mm.page_table_lock);
	return err;
}
"""

INVALID = """\
static int fill_kernel_range(pte_t *ptep, unsigned long addr, unsigned long end, struct page **pages)
{
	spin_lock(&init_mm.page_table_lock);
	do {
		if (!pte_none(ptep_get(ptep)))
			return -16; // want "page_table_lock"
		set_pte_at(&init_mm, addr, ptep, mk_pte(*pages++, PAGE_KERNEL));
	} while (ptep++, addr += PAGE_SIZE, addr != end);
	spin_unlock(&init_mm.page_table_lock);
	return 0;
}
"""

FOUND = """\
static bool age_huge(struct vm_area_struct *vma, pmd_t *pmd, bool quick)
{
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);

	if (!ptl)
		return false;
	if (quick)
		return true; // want "ptl"
	set_pmd_at(vma->vm_mm, 0, pmd, pmd_mkold(*pmd));
	spin_unlock(ptl);
	return true;
}
"""

HANDED = """\
static pmd_t *locked_table(struct mm_struct *mm, pmd_t *pmd, spinlock_t **ptlp)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);

	if (pmd_none(*pmd)) {
		spin_unlock(ptl);
		return NULL;
	}
	*ptlp = ptl;
	return pmd;
}
"""

ALIASED = """\
static void drop_table(struct mm_struct *mm, pmd_t *pmd, bool empty)
{
	spinlock_t *pml = pmd_lock(mm, pmd), *ptl = pte_lockptr(mm, pmd);

	if (ptl != pml)
		spin_lock(ptl);
	if (empty)
		pmd_clear(pmd);
	spin_unlock(ptl);
	if (ptl != pml)
		spin_unlock(pml);
}
"""

CALLERS = """\
static int grow_table(struct mm_struct *mm, pmd_t *pmd, pgtable_t table)
{
	spin_unlock(&mm->page_table_lock);
	if (!table)
		return -12;
	spin_lock(&mm->page_table_lock);
	return 0;
}
"""

RULE = RuleInfo(
    code="PT606",
    name="page-table-lock-kept",
    summary="a page-table lock that some paths give back is given back on every path",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "0be7d42e-5898-4b94-829b-59c661c2f07b@suswa.mountain",
            "Re: [PATCH 2/6] mm: Lock kernel page tables before entering lazy MMU mode",
        ),
    ),
    examples=(
        invalid(INVALID, why="the early return keeps the lock", path="mm/fill.c"),
        invalid(FOUND, why="the helper that finds the lock takes it", path="mm/age.c"),
        valid(VALID, why="errors leave the loop and pass the unlock", path="mm/fill.c"),
        valid(HANDED, why="the caller gets the lock and gives it back", path="mm/find.c"),
        valid(ALIASED, why="where both are one lock, it is given back once", path="mm/table.c"),
        valid(CALLERS, why="the lock is the caller's, who gives it back", path="mm/grow.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the paths of a patch that keep a lock."""
    yield from introduced(ctx, RULE, _kept)


def _kept(view: View) -> Iterator[Fault]:
    for one in locks_kept(view):
        taken = (one.taken, f"taken by {one.taker}()", view.name)
        text = f"{view.name}() ends here with {one.lock.removeprefix('&')} held"
        yield Fault(f"kept:{one.lock}", one.pos, text, (taken,))
