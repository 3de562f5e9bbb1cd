"""PT202: pte_modify() drops or invents what does not belong to the protection."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Automaton,
    Context,
    Event,
    Evidence,
    Fault,
    Finding,
    Merge,
    RuleInfo,
    Severity,
    View,
    broken,
    introduced,
    invalid,
    slips_of,
    valid,
)

EXPLANATION = """
What it reports
pte_modify() or pmd_modify(), run over every state of an entry and every user protection, changes more than the
protection: the page frame, accessed, dirty, soft-dirty, the special or userfaultfd mark, or bits that another owner
keeps in the entry (the memory type, the place in a hash table). Or it does not give the permissions that the new
protection has. And code that sets what huge_pte_modify() returned without arch_make_huge_pte(), which puts back what
makes it the entry of a huge page.

Why it matters
mprotect(), NUMA hinting and migration send every entry through it. A bit that is missing from the mask of what is
kept (_PAGE_CHG_MASK) is lost for good: dirty pages are dropped, device memory becomes cached.

What to do
Add the bit to the mask of what is kept, or take it over before the mask is applied, as arm64 does with the dirty
state that the hardware keeps in the write bits.

When it is wrong
Where accessed and valid are one bit (LoongArch) the new protection may decide it: that is known, and not reported.
Bits of other owners are those that the profile of the architecture names.
"""

VALID = """\
static inline pte_t pte_modify(pte_t pte, pgprot_t newprot)
{
	unsigned long kept = REF_PFN | REF_YOUNG | REF_DIRTY | REF_SPECIAL;

	kept |= REF_SOFT_DIRTY | REF_UFFD;
	return __pte((pte_val(pte) & kept) | (pgprot_val(newprot) & ~kept));
}
"""

INVALID = """\
static inline pte_t pte_modify(pte_t pte, pgprot_t newprot) // want "dirty"
{
	unsigned long kept = REF_PFN | REF_YOUNG | REF_SPECIAL | REF_SOFT_DIRTY | REF_UFFD;

	return __pte((pte_val(pte) & kept) | (pgprot_val(newprot) & ~kept));
}
"""

HUGE = """\
static void protect_huge(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pgprot_t newprot, int shift)
{
	pte_t old = huge_ptep_modify_prot_start(vma, addr, ptep);
	pte_t pte = huge_pte_modify(old, newprot);

	%shuge_ptep_modify_prot_commit(vma, addr, ptep, old, pte);%s
}
"""

RULE = RuleInfo(
    code="PT202",
    name="modify-drops-bits",
    summary="pte_modify() must keep every bit that is not the protection's",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "548cb932051f", "x86/mm: Fix PAT bit missing from page protection modify mask"),
        Evidence("commit", "a0a8d15a798b", "x86/tdx: Preserve shared bit on mprotect()"),
    ),
    examples=(
        invalid(INVALID, why="dirty is not among what is kept"),
        invalid(HUGE % ("", ' // want "huge page"'), why="the entry is no huge page's", path="mm/huge.c"),
        valid(HUGE % ("pte = arch_make_huge_pte(pte, shift, 0);\n\t", ""), why="made huge again", path="mm/huge.c"),
        valid(VALID, why="the mask is put together in two steps, and complete"),
    ),
)


MADE = Automaton(
    start="whole",
    events=(
        Event("modify", re.compile("huge_pte_modify")),
        Event("make", re.compile("arch_make_huge_pte")),
        Event("set", re.compile("set_huge_pte_at|huge_ptep_modify_prot_commit")),
    ),
    moves={("whole", "modify"): "cut", ("cut", "make"): "whole", ("cut", "set"): "!cut"},
)
"""The entry of a huge page from a new protection to its place in the table."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the entry before and after, and huge pages' entries that are set without it."""
    yield from broken(ctx, RULE, "modify", "{detail}")
    yield from introduced(ctx, RULE, _cut)


def _cut(view: View) -> Iterator[Fault]:
    for slip in slips_of(view, MADE):
        text = (
            "what huge_pte_modify() returned is set here without arch_make_huge_pte(): no entry of a huge page any more"
        )
        since = ((slip.since, "modified here", view.name),) if slip.since is not None else ()
        yield Fault("cut", slip.pos, text, since)
