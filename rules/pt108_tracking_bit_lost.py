"""PT108: an entry is replaced by a new one without the soft-dirty and userfaultfd bits of the old one."""

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
    either_or,
    introduced,
    invalid,
    no_longer,
    replacements_of,
    valid,
)

EXPLANATION = """
What it reports
A function gets the old value of an entry, knows that it may carry tracking bits (it asks pte_swp_uffd() or one of
its relatives), stores a value that is built from a page frame in its place, and never sets soft-dirty or the
userfaultfd bit in the new value. And a patch after which a function no longer sets or clears such a bit that it did
set or clear before, although it stores entries as before. Or one after which a run loses the bit of every entry that it
does not set it for.

Why it matters
Whoever tracks writes (checkpointing, live migration) misses a page, and userfaultfd no longer hears of it.

What to do
Carry both over: pte_mksoft_dirty() when pte_swp_soft_dirty(old), pte_mkuffd() when pte_swp_uffd(old).

When it is wrong
Entries that were none have no bits to carry: a function that never asks the old value for any is not reported.
"""

VALID = """\
static void map_again(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t old, long pfn)
{
	pte_t pte = pfn_pte(pfn, PAGE_SHARED);

	if (pte_swp_soft_dirty(old))
		pte = pte_mksoft_dirty(pte);
	if (pte_swp_uffd(old))
		pte = pte_mkuffd(pte);
	set_pte_at(mm, addr, ptep, pte);
}
"""

INVALID = """\
static void map_again(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t old, long pfn)
{
	pte_t pte = pfn_pte(pfn, PAGE_SHARED);

	if (pte_swp_uffd(old))
		pte = pte_modify(pte, PAGE_NONE);
	set_pte_at(mm, addr, ptep, pte); // want "soft-dirty and userfaultfd"
}
"""

EITHER = """\
static void set_swapped(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t old, pte_t swp)
{
	if (pte_soft_dirty(old))
		swp = pte_swp_mksoft_dirty(swp);
	%sif (pte_uffd(old))%s
		swp = pte_swp_mkuffd(swp);
	set_pte_at(mm, addr, ptep, swp);
}
"""

PROTECTS = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/waits.c
static void protect(struct mm_struct *mm, unsigned long addr, pte_t *ptep, softleaf_t entry, struct folio *folio)
{
%s%s	entry = make_readable_migration_entry(swp_offset(entry));
	set_pte_at(mm, addr, ptep, softleaf_to_pte(entry));%s
}
"""
OWN = "\tif (folio_test_anon(folio))\n\t\tentry = make_readable_exclusive_migration_entry(swp_offset(entry));\n"
PROTECTED = (PROTECTS % (OWN, "\telse\n\t", "")).replace("// file", "// before")

SCAN = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/gather.c
static bool can_gather(pte_t *ptep, unsigned int nr)
{
	for (; nr; nr--, ptep++) {
		if (!pte_present(ptep_get(ptep)))%s
			return false;
%s	}
	return true;
}
"""
ASKS = "\t\tif (pte_uffd(ptep_get(ptep)))\n\t\t\treturn false;\n"
BEFORE = (SCAN % ("", ASKS)).replace("// file", "// before")

RULE = RuleInfo(
    code="PT108",
    name="tracking-bit-lost",
    summary="soft-dirty and userfaultfd bits survive when an entry is replaced",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence(
            "commit",
            "9658d698a8a8",
            "mm/rmap: fix soft-dirty and uffd-wp bit loss when remapping zero-filled mTHP subpage to shared zeropage",
        ),
    ),
    examples=(
        invalid(INVALID, why="the new value has neither bit", path="mm/again.c"),
        invalid(EITHER % ("else ", ' // want "other branch"'), why="an entry may have both", path="mm/either.c"),
        valid(EITHER % ("", ""), why="each is asked for", path="mm/either.c"),
        valid(VALID, why="both bits are carried over", path="mm/again.c"),
        invalid(PROTECTS % ("", "", ' // want "exclusive"') + PROTECTED, why="the page is copied on the next write"),
        valid(PROTECTS % (OWN, "\telse\n\t", "") + PROTECTED, why="that it is nobody else's is kept"),
        invalid(SCAN % (' // want "no longer asked"', "") + BEFORE, why="what is tracked is gathered with the rest"),
        valid(SCAN % ("", ASKS) + BEFORE, why="an entry that is tracked stays"),
    ),
)


STORES = re.compile(
    r"set_pte_at|set_ptes|set_huge_pte_at|set_p[mu]d_at|(huge_)?ptep_modify_prot_commit|modify_prot_commit_ptes"
)
HANDINGS = (
    Handing(
        "userfaultfd",
        re.compile(r"(huge_)?(pte|p[mu]d)_(swp_)?uffd(_wp)?"),
        re.compile(r"(huge_)?(pte|p[mu]d)_(swp_)?(mk|clear_)uffd(_wp)?"),
        STORES,
    ),
    Handing(
        "soft-dirty",
        re.compile(r"(pte|p[mu]d)_(swp_)?soft_dirty"),
        re.compile(r"(pte|p[mu]d)_(swp_)?(mk|clear_)soft_dirty"),
        STORES,
    ),
    Handing(
        "userfaultfd",
        re.compile(r"(pte|p[mu]d)_(swp_)?uffd(_\w+)?|pte_is_uffd_\w+"),
        re.compile(r"make_pte_marker"),
        re.compile(r"(huge_)?pte_clear|\w*get_and_clear\w*|clear_\w*ptes"),
    ),
    Handing(
        "exclusive",
        re.compile(r"folio_test_anon|PageAnonExclusive|p(te|md)_swp_exclusive"),
        re.compile(r"make_readable_exclusive_\w+|p(te|md)_swp_mkexclusive"),
        STORES,
    ),
    Handing(
        "swapped",
        re.compile(r"(?!)"),
        re.compile(r"(pte|p[mu]d)_swp_(uffd(_any)?|soft_dirty)"),
        STORES,
        alike=True,
    ),
)
ASKED = Handing(
    "userfaultfd",
    re.compile(r"(?!)"),
    re.compile(r"(huge_)?(pte|p[mu]d)_(swp_)?uffd(_wp|_any)?|userfaultfd_(pte|huge_pmd)_(wp|rwp)"),
    re.compile(r"(pte|p[mu]d)_(present|none\w*)"),
    alike=True,
    instead=re.compile(r"userfaultfd_\w+|\w*uffd\w*"),
)
"""A question that a function no longer asks, which still asks others of entries."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report the replacements in which a patch loses bits, and what it no longer does with them."""
    found = list(introduced(ctx, RULE, _lost))
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    text = "{user}() stores an entry here whose {state} state is no longer carried over: {helper}() is gone"
    for handing in HANDINGS:
        for finding in no_longer(ctx, RULE, handing, text):
            if (finding.span.path, finding.function) not in known:
                yield finding
                known.add((finding.span.path, finding.function))
    text = "entries are asked for {user}() here, and {helper}() is no longer asked"
    for finding in no_longer(ctx, RULE, ASKED, text):
        if (finding.span.path, finding.function) not in known:
            yield finding
            known.add((finding.span.path, finding.function))
    lost = broken(ctx, RULE, "tracking", "{detail}: {subject}")
    unmarked = broken(ctx, RULE, "unmarked", "{detail}, as it was before: {subject}")
    unkept = broken(ctx, RULE, "unkept", "{detail}: {subject}")
    for finding in (*lost, *unmarked, *unkept):
        if (finding.span.path, finding.function) not in known:
            yield finding


def _lost(view: View) -> Iterator[Fault]:
    for either in either_or(view, (HANDINGS[0], HANDINGS[1])):
        text = (
            f"an entry that is {either.first} loses its {either.second} state: {either.helper}() is in the other branch"
        )
        yield Fault(f"either:{either.first}", either.pos, text)
    for one in replacements_of(view):
        bits = " and ".join(one.lost)
        text = f"{one.setter}() replaces {one.old} by a new value that never gets its {bits} state"
        yield Fault(f"lost:{bits}", one.pos, text)
