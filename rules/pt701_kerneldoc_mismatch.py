"""PT701: the kernel-doc comment of a function describes other parameters than it has."""

from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Merge,
    Pos,
    RuleInfo,
    Severity,
    View,
    documented_name,
    introduced,
    invalid,
    invented,
    kernel_doc_of,
    undescribed,
    valid,
)

EXPLANATION = """
What it reports
A patch adds or changes a function with a kernel-doc comment, and the comment leaves out one of its parameters,
describes one that it does not have, or names another function.

Why it matters
The contracts of page-table helpers are written in these comments and nowhere else. Builds with W=1 and the
documentation warn, and reviewers ask for it every time.

What to do
Describe each parameter as @name: in the order of the prototype, and drop those that are gone.

When it is wrong
A comment that describes no parameter at all is taken for prose and left alone.
"""

VALID = """\
/**
 * reset_entries - clear consecutive entries
 * @mm: address space the pages are mapped into
 * @addr: address of the first page
 * @ptep: entry of the first page
 * @nr: number of entries
 */
static inline void reset_entries(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	for (; nr--; ptep++, addr += PAGE_SIZE)
		pte_clear(mm, addr, ptep);
}
"""

MISSING = """\
/**
 * reset_entries - clear consecutive entries
 * @mm: address space the pages are mapped into
 * @ptep: entry of the first page
 * @nr: number of entries
 */
static inline void reset_entries(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr) // want "@addr"
{
	for (; nr--; ptep++, addr += PAGE_SIZE)
		pte_clear(mm, addr, ptep);
}
"""

INVENTED = """\
/**
 * reset_entry - clear an entry
 * @vma: the area of the page // want "has no parameter vma"
 * @mm: address space the page is mapped into
 * @addr: address of the page
 * @ptep: entry of the page
 */
static inline void reset_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_clear(mm, addr, ptep);
}
"""

GUARDED = """\
/**
 * drop_young_entry - Make an entry old.
 * @mm: Address space.
 * @ptep: The entry.
 */
#ifndef drop_young_entry
static inline void drop_young_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep) // want "@addr"
{
	set_pte_at(mm, addr, ptep, pte_mkold(ptep_get(ptep)));
}
#endif
"""

COPIED = """\
/**
 * hold_entries() - Keep entries as they are.
 */
static inline void hold_entries(void) { }

/**
 * hold_entries() - Let entries change again. // want "names hold_entries"
 */
static inline void release_entries(void) { }
"""

COUNTED = """\
/**
 * take_table() - Get a page table.
 * @nr: number of entries
 */
static inline pte_t *take_table_noprof(unsigned int nr)
{
	return NULL;
}
"""

RULE = RuleInfo(
    code="PT701",
    name="kerneldoc-mismatch",
    summary="a kernel-doc comment names its function and describes the parameters that it has",
    explanation=EXPLANATION,
    severity=Severity.WARNING,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence("doc", "Documentation/doc-guide/kernel-doc.rst", "Function parameters"),
        Evidence(
            "lore",
            "4d0eab1a-e1dc-49cf-8640-727c9734233d-agordeev@linux.ibm.com",
            "Re: [PATCH v5 08/12] mm: enable lazy_mmu sections to nest",
        ),
    ),
    examples=(
        invalid(MISSING, why="the address is not described"),
        invalid(GUARDED, why="the comment stands above the guard that lets an architecture have its own"),
        invalid(INVENTED, why="the function takes no vma"),
        invalid(COPIED, why="the comment was copied from the function above"),
        valid(VALID, why="each parameter is described"),
        valid(COUNTED, why="callers know the function without the suffix"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the comments that a patch leaves at odds with their functions."""
    yield from introduced(ctx, RULE, _mismatched)


def _mismatched(view: View) -> Iterator[Fault]:
    doc = kernel_doc_of(view)
    if doc is None:
        return
    if doc.name not in (view.name, documented_name(view)):
        text = f"the kernel-doc comment above {view.name}() names {doc.name}()"
        yield Fault(f"name:{doc.name}", Pos(view.path, doc.line, 1), text)
    missing = undescribed(view, doc)
    if missing:
        names = ", ".join(f"@{name}" for name in missing)
        text = f"the kernel-doc comment of {view.name}() does not describe {names}"
        yield Fault(f"missing:{names}", view.definition.pos, text)
    for name, pos in invented(view, doc):
        text = f"the kernel-doc comment describes @{name}, and {view.name}() has no parameter {name}"
        yield Fault(f"invented:{name}", pos, text)
