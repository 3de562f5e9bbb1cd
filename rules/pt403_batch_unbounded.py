"""PT403: a batch is looked for over more entries than the page table or the VMA has."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Handing,
    Merge,
    RuleInfo,
    Severity,
    View,
    batches_in,
    bounded_by_folio_only,
    broken,
    fixed_limits,
    introduced,
    invalid,
    no_longer,
    unbounded_windows,
    valid,
)

EXPLANATION = """
What it reports
The limit given to folio_pte_batch() or one of its relatives is made of the size of the folio alone: nothing in it
knows where the page table or the VMA ends. And a loop over the entries of a folio that begins as far in front of an
entry as the folio does, in a function that never asks where the page table begins. And a limit that stays the same in
every round of a loop that moves on from batch to batch. And, by a run in a mapping that goes on far behind, a limit
beyond the end of the first entry's page table.

Why it matters
A folio may be mapped partly, or begin in the middle of a page table: the scan runs past the table and reads, and
later writes, entries that are something else.

What to do
Take the smallest of the folio's size and (end - addr) >> PAGE_SHIFT, with end from pmd_addr_end(addr, vma->vm_end).

When it is wrong
A limit that comes from a parameter, or from an address that is subtracted, is trusted.
"""

VALID = """\
static int batch_of(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t pte)
{
	unsigned long end = pmd_addr_end(addr, vma->vm_end);
	unsigned int max_nr = min(folio_nr_pages(folio), (end - addr) >> PAGE_SHIFT);

	return folio_pte_batch(folio, ptep, pte, max_nr);
}
"""

INVALID = """\
static unsigned int batch_of(struct folio *folio, pte_t *ptep, pte_t pte)
{
	unsigned int max_nr = folio_nr_pages(folio);

	return folio_pte_batch(folio, ptep, pte, max_nr); // want "size of the folio"
}
"""

WINDOW = """\
static int young_entries(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	unsigned long first = pte_pfn(ptep_get(ptep)) - folio_pfn(folio);
	unsigned long start = max(addr - first * PAGE_SIZE, vma->vm_start);
	pte_t *entry = ptep - (addr - start) / PAGE_SIZE; // want "another page table"
	int young = 0;

	for (; start <= addr; start += PAGE_SIZE, entry++)
		young += pte_young(ptep_get(entry));
	return young;
}
"""

FIXED = """\
static void age_range(struct vm_area_struct *vma, struct folio *folio, unsigned long addr, unsigned long end,
		pte_t *ptep)
{
	unsigned long start = addr;
	unsigned int nr;

	for (; addr < end; addr += nr * PAGE_SIZE, ptep += nr) {
		unsigned int max_nr = (end - start) >> PAGE_SHIFT;

		nr = folio_pte_batch(folio, ptep, ptep_get(ptep), max_nr); // want "however far"
		test_and_clear_young_ptes(vma, addr, ptep, nr);
	}
}
"""

HANDED = """\
static int alike_pte_batch(pte_t *ptep, int max_nr)
{
	int nr = 1;

	while (nr < max_nr && pte_same(ptep_get(ptep + nr), pte_advance_pfn(ptep_get(ptep), nr)))
		nr++;
	return nr;
}

static void age_alike(struct vm_area_struct *vma, unsigned long addr, unsigned long end, pte_t *ptep)
{
	unsigned long size = end - addr;
	int nr;

	for (; addr < end; addr += nr * PAGE_SIZE, ptep += nr) {
		nr = alike_pte_batch(ptep, %s >> PAGE_SHIFT);%s
		test_and_clear_young_ptes(vma, addr, ptep, nr);
	}
}
"""

FILLS = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/fill.c
static void fill(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, pte_t pte, unsigned long nr)
{
	unsigned long most = min(nr, PTRS_PER_PTE%s);
	pte_t *ptep = pte_offset_map(pmd, addr);%s

	set_ptes(mm, addr, ptep, pte, most);
	pte_unmap(ptep);
}
"""
BEFORE = (FILLS % (" - pte_index(addr)", "")).replace("// file", "// before")

RULE = RuleInfo(
    code="PT403",
    name="batch-unbounded",
    summary="the limit of a batch knows the end of the page table and of the VMA",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("commit", "cfdd12b48202", "mm: fix possible OOB in numa_rebuild_large_mapping()"),
        Evidence(
            "commit",
            "ddd05742b45b",
            "mm/rmap: fix potential out-of-bounds page table access during batched unmap",
        ),
    ),
    examples=(
        invalid(FILLS % ("", ' // want "in the middle"') + BEFORE, why="the table may begin far before the address"),
        valid(FILLS % (" - pte_index(addr)", "") + BEFORE, why="what is left of the table"),
        invalid(INVALID, why="the folio may end in the next page table", path="mm/batch.c"),
        invalid(WINDOW, why="the folio may begin in the page table before", path="mm/young.c"),
        invalid(FIXED, why="start does not move: the second batch may end behind end", path="mm/age.c"),
        valid(
            FIXED.replace("end - start", "end - addr").replace(' // want "however far"', ""),
            why="what is left",
            path="mm/age.c",
        ),
        invalid(HANDED % ("size", ' // want "however far"'), why="the helper gets the limit", path="mm/age.c"),
        valid(HANDED % ("(end - addr)", ""), why="what is left", path="mm/age.c"),
        valid(VALID, why="the smallest of all ends", path="mm/batch.c"),
    ),
)


_WITHIN = re.compile(r"p(te|md|ud)_index")
WITHIN = Handing(
    "limit",
    _WITHIN,
    _WITHIN,
    re.compile(r"p(te|md|ud)_offset\w*|min\w*"),
    instead=re.compile(r"p(md|ud|4d|gd)_addr_end"),
)
"""How far into a page table an address is, in a function that looks for its entries."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report the limits that a patch makes of the folio alone, and those that no longer know where they begin."""
    found = list(introduced(ctx, RULE, _unbounded, fragments=True))
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    more = list(broken(ctx, RULE, "limit", "{detail}: {subject}"))
    text = "{user}() goes on from an address that may lie in the middle of a page table: {helper}() is gone"
    more += no_longer(ctx, RULE, WITHIN, text)
    for finding in more:
        if (finding.span.path, finding.function) not in known:
            known.add((finding.span.path, finding.function))
            yield finding


def _unbounded(view: View) -> Iterator[Fault]:
    for batch in batches_in(view):
        if bounded_by_folio_only(view, batch.limit):
            text = (
                "the limit of this batch is the size of the folio: it may lie past the end of the page table or the VMA"
            )
            yield Fault("unbounded", batch.pos, text)
    for one in fixed_limits(view):
        text = f"each round looks for a batch among {one.limit} entries, however far it has come: the last may run over"
        yield Fault("fixed", one.pos, text)
    for window in unbounded_windows(view):
        text = f"{window.pointer} begins in front of {window.entry} by what the folio says: maybe another page table"
        yield Fault("window", window.pos, text)
