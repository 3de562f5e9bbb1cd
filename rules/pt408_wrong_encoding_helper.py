"""PT408: a helper for present entries is used on one that is not present, or the other way round."""

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
    broken,
    introduced,
    invalid,
    misuses_of,
    mixed_in_sequence,
    mixed_kinds,
    no_longer,
    numbered_absent,
    valid,
)

EXPLANATION = """
What it reports
On some path a value is known not to be present (pte_present() said so) and pte_soft_dirty(), pte_mkuffd(), pte_write()
or another helper for present entries is called on it; or a value known to be present is given to pte_swp_*(), or to
both kinds of helpers and nothing asks which it is; or a function no longer asks pte_present() at all and goes on using
such helpers. And what a run shows over a table in which some entries map no page: a swap or migration entry that no
longer stands for what it did, code that uses an entry that has no page as if it had, or a question about a flag that
now only ever meets entries which cannot have it: empty ones, or such that have just lost it. And several entries that
are set to a marker or a swap entry by a helper which gives each the next page frame.

Why it matters
Present and other entries keep their bits in different places: the helper reads part of a swap offset or of a page
frame. Soft-dirty and uffd protection are invented or lost.

What to do
Ask pte_present() again where both kinds of entries meet, and use pte_swp_*() for those that are not present.

When it is wrong
Of paths only what they have decided counts; a value of which nothing is known is not reported. Code that knows from
elsewhere that all entries are present should say so with pte_present() in an assertion.
"""

VALID = """\
static int moved_bits(pte_t pte)
{
	if (pte_present(pte))
		return pte_soft_dirty(pte);
	return pte_swp_soft_dirty(pte);
}
"""

NOT_PRESENT = """\
static int moved_bits(struct mm_struct *mm, unsigned long addr, pte_t *ptep, bool *is_swap)
{
	pte_t pte = ptep_get(ptep);

	if (pte_none(pte))
		return 0;
	if (!pte_present(pte))
		*is_swap = true;
	pte = ptep_get_and_clear(mm, addr, ptep);
	return pte_soft_dirty(pte); // want "not present"
}
"""

PRESENT = """\
static int moved_bits(pte_t pte)
{
	if (pte_present(pte) && pte_swp_soft_dirty(pte)) // want "is present"
		return 1;
	return 0;
}
"""

MIXED = """\
static pte_t restored(pte_t pte, pte_t orig_pte)
{
	if (pte_soft_dirty(orig_pte)) // want "takes orig_pte for"
		pte = pte_mksoft_dirty(pte);
	if (pte_swp_uffd(orig_pte))
		pte = pte_mkuffd(pte);
	return pte;
}
"""

UNMIXED = MIXED.replace("pte_soft", "pte_swp_soft").replace(' // want "takes orig_pte for"', "")

BOTH = """\
static bool split_bits(pmd_t *pmd, bool *young)
{
	bool soft_dirty = false;

	if (pmd_is_migration_entry(*pmd)) {
		pmd_t old = *pmd;
		softleaf_t entry = softleaf_from_pmd(old);

		soft_dirty = pmd_%ssoft_dirty(old);%s
		*young = softleaf_is_migration_young(entry);
	}
	return soft_dirty;
}
"""

SWAPPED = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/find.c
static inline int is_swapped_to(pte_t pte, pte_t swp)
{
	return pte_same(%s, swp);%s
}
"""
BEFORE = (SWAPPED % ("pte_swp_clear_flags(pte)", "")).replace("// file", "// before")

AGED = """\
static bool make_old(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp, unsigned long *pfn)
{
	pmd_t pmd = pmdp_get(pmdp);
	bool young = false;

	if (pmd_present(pmd))
		*pfn = pmd_pfn(pmd);
	else
		*pfn = softleaf_to_pfn(softleaf_from_pmd(pmd));
	%syoung = pmdp_test_and_clear_young(vma, addr, pmdp);%s
	return young;
}
"""

NUMBERED = """\
static void mark_all(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t marker = make_pte_marker(PTE_MARKER_UFFD_WP);

	%s
}
"""

RULE = RuleInfo(
    code="PT408",
    name="wrong-encoding-helper",
    summary="helpers for present entries are used on present entries, pte_swp_*() on the others",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(Evidence("commit", "ad7df764b7e1", "mm/rmap: fixup copying of soft dirty and uffd ptes"),),
    examples=(
        invalid(NOT_PRESENT, why="the entry may be a swap entry, as the path itself has found", path="mm/moved.c"),
        invalid(PRESENT, why="the swap helper reads a bit of the page frame", path="mm/moved.c"),
        invalid(MIXED, why="an entry is a swap entry or it is not", path="mm/moved.c"),
        invalid(BOTH % ("", ' // want "both are asked"'), why="an entry that stands for one", path="mm/split.c"),
        valid(BOTH % ("swp_", ""), why="an entry that stands for one", path="mm/split.c"),
        invalid(
            NUMBERED % 'set_ptes(mm, addr, ptep, marker, nr); // want "which has none"',
            why="the second marker is another one",
            path="mm/mark.c",
        ),
        valid(NUMBERED % "set_pte_at(mm, addr, ptep, marker);", why="one entry", path="mm/mark.c"),
        valid(UNMIXED, why="a swap entry", path="mm/moved.c"),
        valid(VALID, why="each kind has its helper", path="mm/moved.c"),
        invalid(SWAPPED % ("pte", ' // want "compares marks"') + BEFORE, why="one that is marked is never found"),
        valid(SWAPPED % ("pte_swp_clear_flags(pte)", "") + BEFORE, why="the marks are left out"),
        invalid(AGED % ("", ' // want "not present"'), why="a migration entry has no such bit", path="mm/aged.c"),
        valid(AGED % ("if (pmd_present(pmd))\n\t\t", ""), why="only a page is aged", path="mm/aged.c"),
    ),
)


PRESENCE = tuple(
    Handing(
        "presence",
        re.compile(r"(?!)"),
        re.compile(rf"{level}_present"),
        re.compile(
            rf"{level}_(pfn|page|folio|pgtable|write|dirty|young)|vm_normal_(page|folio){suffix}|"
            rf"{level}p_(test_and_clear_young|clear_flush(_young)?)\w*"
        ),
        instead=re.compile(rf"{level}_(leaf|trans_huge|is_\w+|none)|softleaf_is_\w+|is_\w*{level}\w*"),
    )
    for level, suffix in (("pte", ""), ("pmd", "_pmd"), ("pud", "_pud"))
)
"""A question that a function no longer asks, of entries that it still takes for present ones."""
BARE = Handing(
    "bare",
    re.compile(r"(?!)"),
    re.compile(r"pte_swp_clear_\w+"),
    re.compile(r"(pte|pmd)_same"),
)
"""What takes the marks out of a swap entry before it is compared with one that has none."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report the helpers that a patch calls on the wrong kind of entry."""
    found = list(introduced(ctx, RULE, _wrong))
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    text = "{user}() is for present entries, and {helper}() is no longer asked"
    more = [one for presence in PRESENCE for one in no_longer(ctx, RULE, presence, text)]
    more += no_longer(ctx, RULE, BARE, "{user}() compares marks as well: {helper}() no longer takes them out")
    if not ctx.whole:  # callers run for a series
        more += broken(ctx, RULE, "encoding", "{detail}: {subject}")
        more += broken(ctx, RULE, "void", "{detail}: {subject}")
    for finding in more:
        if (finding.span.path, finding.function) not in known:
            yield finding


def _wrong(view: View) -> Iterator[Fault]:
    for one in misuses_of(view):
        if one.kind == "not-present":
            text = f"{one.helper}() is for present entries, and on some path to here {one.variable} is not present"
            yield Fault(f"{one.kind}:{one.helper}", one.pos, text)
        elif one.kind == "present":
            text = f"{one.helper}() is for entries that are not present, and {one.variable} is present here"
            yield Fault(f"{one.kind}:{one.helper}", one.pos, text)
    for numbered in numbered_absent(view):
        text = f"{numbered.setter}() counts up the page frame of what {numbered.maker}() makes, which has none"
        yield Fault(f"numbered:{numbered.maker}", numbered.pos, text)
    for mixed in mixed_kinds(view):
        text = f"{mixed.helper}() takes {mixed.value} for what {mixed.other}() does not, and nothing asks what it is"
        yield Fault(f"mixed:{mixed.helper}", mixed.pos, text)
    for mixed in mixed_in_sequence(view):
        text = f"{mixed.helper}() takes {mixed.value} for what {mixed.other}() does not, and both are asked"
        yield Fault(f"both:{mixed.helper}", mixed.pos, text)
