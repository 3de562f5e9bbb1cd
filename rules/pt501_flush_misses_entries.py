"""PT501: an entry that lost a permission is in no flush."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ptlint.api import (
    Context,
    Evidence,
    Finding,
    Handing,
    Merge,
    RuleInfo,
    Severity,
    broken,
    invalid,
    no_longer,
    valid,
)

EXPLANATION = """
What it reports
Code that commits a batch and has the mmu_gather write-protects or unmaps an entry, and no flush range covers the
address of that entry: one page is flushed for many, or the range starts or ends elsewhere. Or it makes them old alike
and flushes some of them. As a warning: a function
that goes on handling entries and no longer flushes the TLB at all, where nothing else in the patch does it instead.

Why it matters
Other CPUs go on with the old translation in their TLBs and write to a page that is read-only now.

What to do
Flush from the address of the first entry of the sub-batch for nr pages: tlb_flush_pte_range(tlb, addr, nr * PAGE_SIZE).

When it is wrong
Where somebody else flushes for this code: a caller that flushes the whole range once. Only functions that flush
themselves are looked at. s390 and hash flush in the primitive. A flush that is taken away because it was not needed
gets the warning, too: the commit message should say why.
"""

BODY = """\
static void commit_and_flush(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		pte_t oldpte, pte_t ptent, int nr_ptes, struct mmu_gather *tlb)
{
	modify_prot_commit_ptes(vma, addr, ptep, oldpte, ptent, nr_ptes);
	tlb_flush_pte_range(tlb, addr, %s);%s
}
"""

VALID = BODY % ("nr_ptes * PAGE_SIZE", "")
INVALID = BODY % ("PAGE_SIZE", ' // want "no flush covers it"')

RULE = RuleInfo(
    code="PT501",
    name="flush-misses-entries",
    summary="every entry that lost a permission must be in a flush range",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "cac1db8c3aad", "mm: optimize mprotect() by PTE batching"),
        Evidence("doc", "Documentation/core-api/cachetlb.rst", "flush after the entries have changed, for all of them"),
    ),
    examples=(
        invalid(INVALID, why="nr entries are committed and one page is flushed", path="mm/mprotect.c"),
        valid(VALID, why="the flush covers all that were committed", path="mm/mprotect.c"),
    ),
)


FLUSHES = Handing(
    "flush",
    re.compile(r"(?!)"),
    re.compile(r"\w*flush\w*tlb\w*|\w*tlb\w*flush\w*|tlb_\w+|\w*clear_flush\w*|huge_pmd_unshare_flush"),
    re.compile(r"(?!\w*flush|tlb_)(?:\w*(?:pte|p[mu]d)s?(?:p|_)\w*|\w*_(?:pte|p[mu]d)s?)"),
    alike=True,
)
"""What takes translations out of the TLB, in a function that handles entries."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it, and functions that no longer flush at all."""
    found = list(broken(ctx, RULE, "flush", "{detail}: {subject}"))
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    text = "{user}() is called here as before, and {helper}() is gone: nothing flushes the TLB any more"
    for finding in no_longer(ctx, replace(RULE, severity=Severity.WARNING), FLUSHES, text):
        if (finding.span.path, finding.function) not in known:
            yield finding
