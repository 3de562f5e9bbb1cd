"""PT501: an entry that lost a permission is in no flush."""

import re
from collections.abc import Iterator
from dataclasses import replace

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
    called,
    introduced,
    invalid,
    no_longer,
    turned,
    valid,
)

EXPLANATION = """
What it reports
Code that commits a batch and has the mmu_gather write-protects or unmaps an entry, and no flush range covers the
address of that entry: one page is flushed for many, or the range starts or ends elsewhere. Or it makes them old alike
and flushes some of them. Or a helper flushes after changes, and none of the entries that it has changed. As a warning:
a function that goes on handling entries and no longer flushes the TLB at all, where nothing else in the patch does it
instead. And a question whether a change needs a flush (pte_needs_flush()) that gets the new value as the old one.

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

ASKED = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/protect.c
static bool protect(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pgprot_t newprot)
{
	pte_t old = ptep_modify_prot_start(vma, addr, ptep);
	pte_t entry = pte_modify(old, newprot);

	ptep_modify_prot_commit(vma, addr, ptep, old, entry);
	return pte_needs_flush(%s);%s
}
"""

TAKEN = """\
// file: arch/riscv/include/asm/pgtable.h
// file: mm/zap.c
static void zap_table(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(mm, pmd, addr, &ptl)%s

	if (!ptep)
		return;
%s	ptep_get_and_clear(mm, addr, ptep);
	pte_unmap_unlock(ptep, ptl);
}
"""

BEFORE = (TAKEN % (";", "\tflush_tlb_batched_pending(mm);\n")).replace("// file", "// before")

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
        invalid(ASKED % ("entry, old", ' // want "as the old one"'), why="the change is asked about backwards"),
        valid(ASKED % ("old, entry", ""), why="old and new, in this order"),
        invalid(TAKEN % ('; // want "left unflushed"', "") + BEFORE, why="reclaim may have put a flush off"),
        valid(TAKEN % (";", "\tflush_tlb_batched_pending(mm);\n") + BEFORE, why="what was put off is flushed"),
    ),
)


FLUSHES = Handing(
    "flush",
    re.compile(r"(?!)"),
    re.compile(
        r"\w*flush\w*tlb\w*|\w*tlb\w*flush\w*|\w*hpte\w*flush\w*|\w*flush_hash\w*|tlb_\w+|\w*clear_flush\w*|huge_pmd_unshare_flush"
    ),
    re.compile(r"(?!\w*flush|tlb_)(?:\w*(?:pte|p[mu]d)s?(?:p|_)\w*|\w*_(?:pte|p[mu]d)s?)"),
    alike=True,
)
"""What takes translations out of the TLB, in a function that handles entries."""
NOTES = Handing(
    "note",
    re.compile(r"(?!)"),
    re.compile(r"tlb_(remove|flush|track)_\w*(entry|entries|range|page\w*|folio\w*)|__tlb_remove_\w+"),
    re.compile(r"tlb_finish_mmu"),
    alike=True,
    instead=re.compile(r"flush_\w*tlb_\w+|\w*clear_flush\w*"),
)
"""What notes in an mmu_gather that an entry has changed, in a function that flushes one at its end."""
_PENDING = re.compile(r"flush_tlb_batched_pending")
PENDING = Handing("flush", _PENDING, _PENDING, re.compile(r"pte_offset_map_(rw_nolock|lock)|pte_lockptr"))
"""What waits for flushes that reclaim has put off, wherever the lock of a page table is taken."""


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the run that shows it, and functions that no longer flush at all."""
    found = [*broken(ctx, RULE, "flush", "{detail}: {subject}"), *broken(ctx, RULE, "needs-flush", "{detail}")]
    yield from found
    known = {(finding.span.path, finding.function) for finding in found}
    text = "{user}() takes the lock of a page table, and {helper}() no longer waits for what reclaim left unflushed"
    more = list(no_longer(ctx, RULE, PENDING, text))
    text = "{user}() has nothing to flush: {helper}() no longer notes the entries that change"
    more += no_longer(ctx, RULE, NOTES, text)
    text = "{user}() is called here as before, and {helper}() is gone: nothing flushes the TLB any more"
    more += no_longer(ctx, replace(RULE, severity=Severity.WARNING), FLUSHES, text)
    more += introduced(ctx, RULE, _turned)
    for finding in more:
        if (finding.span.path, finding.function) not in known:
            known.add((finding.span.path, finding.function))
            yield finding


def _turned(view: View) -> Iterator[Fault]:
    for call in turned(view):
        text = f"{called(call)}() gets the new value as the old one: what a change takes away is not flushed"
        yield Fault("turned", call.pos, text)
