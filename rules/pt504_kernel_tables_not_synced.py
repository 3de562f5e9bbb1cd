"""PT504: a path that may have changed the kernel's page tables ends without telling those who keep copies of them."""

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
    introduced,
    invalid,
    unshared,
    unsynced,
    untold,
    valid,
)

EXPLANATION = """
What it reports
A function lets others note in a pgtbl_mod_mask which levels of page tables they change, looks at the mask in the end
(arch_sync_kernel_mappings()), and on some path, an error or an early return, ends without looking at it. A function
that gets such a mask, changes entries, and never says so in it. Generic code that links a table of the kernel with
pgd_populate() or p4d_populate() where there is pgd_populate_kernel().

Why it matters
Some architectures keep a copy of the kernel's upper page tables in every address space. What was mapped before the
error is missing there, and an access to it faults.

What to do
Leave the loop with break, so that every path passes the place that looks at the mask.

When it is wrong
A path on which nothing can have been changed yet, and the mask was handed out all the same.
"""

VALID = """\
static int map_range(unsigned long addr, unsigned long end, struct page **pages)
{
	unsigned long start = addr, next;
	pgtbl_mod_mask mask = 0;
	int err = 0;

	do {
		next = pgd_addr_end(addr, end);
		err = map_p4d_range(addr, next, pages, &mask);
		if (err)
			break;
	} while (addr = next, addr != end);

	if (mask & ARCH_PAGE_TABLE_SYNC_MASK)
		arch_sync_kernel_mappings(start, end);
	return err;
}
"""

INVALID = VALID.replace("\t\t\tbreak;", '\t\t\treturn err; // want "nobody looks at mask"')

ENTRIES = """\
static int map_entries(pte_t *pte, unsigned long addr, unsigned long end, pgtbl_mod_mask *mask)
{
	do {
		set_pte_at(&init_mm, addr, pte, pfn_pte(addr >> PAGE_SHIFT, PAGE_SHARED))%s
	} while (pte++, addr += PAGE_SIZE, addr != end);
%s	return 0;
}
"""

RULE = RuleInfo(
    code="PT504",
    name="kernel-tables-not-synced",
    summary="every path that may have changed the kernel's page tables looks at what was changed",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "3685024edd27", "mm: don't skip arch_sync_kernel_mappings() in error paths"),
        Evidence("doc", "include/linux/pgtable.h", "the comment of enum pgtbl_mod_mask"),
    ),
    examples=(
        invalid(INVALID, why="pages that are mapped before the error are not told of", path="mm/map.c"),
        valid(VALID, why="errors leave the loop and pass the place that looks at the mask", path="mm/map.c"),
        invalid(ENTRIES % ('; // want "never says so"', ""), why="the caller syncs nothing", path="mm/map.c"),
        valid(ENTRIES % (";", "\t*mask |= PGTBL_PTE_MODIFIED;\n"), why="the caller knows", path="mm/map.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the paths of a patch that end without looking at the mask, and changes that no mask has."""
    yield from introduced(ctx, RULE, _unsynced)
    yield from introduced(ctx, RULE, _untold)


def _untold(view: View) -> Iterator[Fault]:
    for change in untold(view):
        text = f"{called(change)}() changes a page table, and {view.name}() never says so in the mask that it gets"
        yield Fault("untold", change.pos, text)
    for change, better in () if view.path.startswith("arch/") else unshared(view):
        text = f"{called(change)}() tells nobody who has a copy of the kernel's page tables: {better}() does"
        yield Fault("unshared", change.pos, text)


def _unsynced(view: View) -> Iterator[Fault]:
    for one in unsynced(view):
        filled = (one.filled, f"{one.filler}() may have filled it", view.name)
        yield Fault(
            f"unsynced:{one.mask}", one.pos, f"{view.name}() ends here and nobody looks at {one.mask}", (filled,)
        )
