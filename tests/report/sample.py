"""A report made by hand that has one of everything, and one that has nothing."""

from ptlint.core.finding import Finding, Note, Related
from ptlint.core.outcome import Counterexample, Event
from ptlint.core.patch import LeftOut, Patch, PatchRef, Proposal, Series
from ptlint.core.report import Coverage, NotExecuted, PatchStatus, Report
from ptlint.core.rule import Evidence, Merge, RuleInfo, Severity, invalid, valid
from ptlint.core.span import Span

SOURCE = """\
static inline void commit_ptes(struct vm_area_struct *vma, unsigned long addr,
\t\tpte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
\tfor (int i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) {
\t\tptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
\t\t/* größer */ old_pte = pte; pte = pte_next_pfn(pte);
\t}
}
"""
ARCH = "void ptep_modify_prot_commit(...)\n{\n\tif (is_upgrade(old_pte, pte))\n\t\tflush_tlb_page(vma, addr);\n}\n"

FIRST = PatchRef(1, 2, "first@example.org", "mm: batch the commit")
SECOND = PatchRef(2, 2, "second@example.org", "mm: keep the old value")
REPLY = PatchRef(0, 2, "reply@example.org", "Re: [PATCH 1/2] mm: batch the commit")
PATH = "include/linux/pgtable.h"

RULE = RuleInfo(
    code="PT902",
    name="commit-stale-old-pte",
    summary="a commit gets an old value that is not this entry's",
    explanation="*What it reports*\nOld values.\n*Why it matters*\nFlushes.\n*What to do*\nAdvance.\n"
    "*When it is wrong*\nNever.\n",
    severity=Severity.WARNING,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "0123456789abcdef", "mm: pass the old value"),
        Evidence("lore", "thread@example.org", "Re: [PATCH 1/2] mm: batch the commit"),
    ),
    examples=(invalid('bad(); // want "old"', why="bad"), valid("good();", why="good")),
)
QUIET = RuleInfo(
    code="PT903",
    name="batch-overrun",
    summary="an entry outside the batch is touched",
    explanation=RULE.explanation,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("doc", "Documentation/mm/arch_pgtable_helpers.rst", "Architecture Page Table Helpers"),),
    examples=RULE.examples,
)

RUN = Counterexample(
    property="old_pte is this entry's value before the change",
    arch="powerpc/radix",
    nr=2,
    initial=("pfn 0x10 R-", "pfn 0x11 R-"),
    events=(
        Event("cpu", "returns pfn 0x10 R-", Span("mm/mprotect.c", 41), "start_ptes", 0, "pfn 0x10 R-", "invalid"),
        Event("mmu", "sets accessed", None, "", 1, "pfn 0x11 R-", "pfn 0x11 RA"),
        Event(
            "cpu",
            "old_pte=pfn 0x10 R-, upgrade: flush",
            Span(PATH, 5, 3),
            "commit_ptes",
            0,
            "invalid",
            "pfn 0x10 RW",
        ),
        Event("cpu", "old_pte=pfn 0x10 RW, no flush", Span(PATH, 5, 3), "commit_ptes", 1, "invalid", "pfn 0x11 RW"),
    ),
    final=("pfn 0x10 RW, flushed", "pfn 0x11 RW"),
    expected=("pfn 0x10 RW, flushed", "pfn 0x11 RW, flushed"),
    arguments=(("addr", "0x7000"), ("nr", "2")),
    choices=("PageAnonExclusive(page+1) = true",),
    verdict="a stale entry stays in the TLB",
)

ERROR = Finding(
    code="PT902",
    name="commit-stale-old-pte",
    severity=Severity.ERROR,
    message="old_pte of entry 1 is what was just written to entry 0",
    span=Span(PATH, 6, 18, 6, 32),
    function="commit_ptes",
    archs=("powerpc/hash", "powerpc/radix"),
    patch=FIRST,
    fixed_by=SECOND,
    related=(
        Related(Span(PATH, 5, 3, 5, 57), "and is passed on here", "commit_ptes"),
        Related(
            Span("arch/powerpc/mm/pgtable.c", 3, 6, 3, 30), "where it decides on a flush", "ptep_modify_prot_commit"
        ),
    ),
    notes=(
        Note("help", "old_pte = pte_next_pfn(old_pte);"),
        Note("seen-by", "ignored today by arm64, s390, x86, generic"),
    ),
    counterexample=RUN,
    line_text="\t\t/* größer */ old_pte = pte; pte = pte_next_pfn(pte);",
)
WARNING = Finding(
    code="PT903",
    name="batch-overrun",
    severity=Severity.WARNING,
    message="entry nr is read",
    span=Span("mm/absent.c", 12),
    function="walk",
    patch=REPLY,
    line_text="walk(ptep + nr);",
)
NOTE = Finding("PT903", "batch-overrun", Severity.NOTE, "nr is signed", Span(PATH, 4, 2), line_text="for (int i")


def _patch(ref: PatchRef, notes: tuple[str, ...] = ()) -> Patch:
    return Patch(ref, "A Writer <writer@example.org>", "", "", (), b"", notes=notes)


FULL = Report(
    series=Series(
        title="mm: commit in batches",
        version=2,
        message_id="cover@example.org",
        cover="",
        patches=(_patch(FIRST, ("2 wrapped lines were joined",)), _patch(SECOND)),
        expected=2,
        proposals=(
            Proposal(
                "function", "", REPLY, "A Reviewer", FIRST, "walk", (), "thread.mbox", 10, notes=("run as it is",)
            ),
        ),
        inferred=frozenset({"cover"}),
    ),
    base="v7.3",
    patches=(PatchStatus(1, True, "offset"), PatchStatus(2, False, "failed", "mm/mprotect.c: hunk 1 does not match")),
    findings=(ERROR, WARNING, NOTE),
    not_executed=(
        NotExecuted(Span("arch/s390/mm/pgtable.c", 90), "ptep_xchg", "s390", "inline assembly"),
        NotExecuted(Span("arch/s390/mm/pgtable.c", 90), "ptep_xchg", "s390+kvm", "inline assembly"),
    ),
    left_out=(LeftOut("attachment", "logo.png", "not text", "thread.mbox", 30),),
    coverage=Coverage(
        ("commit_ptes", "walk"), ("commit_ptes",), ("powerpc/radix", "x86"), 32768, ("commit_ptes nr=64",)
    ),
    rules=(RULE, QUIET),
    version="0.1.0",
    sources={PATH: SOURCE.encode(), "arch/powerpc/mm/pgtable.c": ARCH.encode()},
)

EMPTY = Report(None, "", (), (), (), (), Coverage(), (QUIET,), "0.1.0")

HOSTILE_TEXT = "\x1b]0;owned\x07\x1b[2J[red]ERROR: ok[/red]\r\n::error::x\u202e]](1) %0A </failure>\x9b1m\ud800"
"""Steers terminals, rich markup, workflow commands, XML, links and text direction, where it is let through."""

HOSTILE = Report(
    series=Series(HOSTILE_TEXT, 1, HOSTILE_TEXT, "", (_patch(PatchRef(1, 1, HOSTILE_TEXT, HOSTILE_TEXT)),), 1),
    base=HOSTILE_TEXT,
    patches=(PatchStatus(1, False, "failed", HOSTILE_TEXT),),
    findings=(
        Finding(
            code="PT903",
            name="batch-overrun",
            severity=Severity.WARNING,
            message=HOSTILE_TEXT,
            span=Span("mm/a\x1b[1m,b:c.c", 1, 900, 1, 3),
            function=HOSTILE_TEXT,
            archs=("x86",),
            patch=PatchRef(0, 1, HOSTILE_TEXT, HOSTILE_TEXT),
            related=(Related(Span("mm/a\x1b[1m,b:c.c", 2, 1), HOSTILE_TEXT, HOSTILE_TEXT),),
            notes=(Note(HOSTILE_TEXT, HOSTILE_TEXT),),
            counterexample=Counterexample(
                HOSTILE_TEXT, "x86", 1, (HOSTILE_TEXT,), (Event("cpu", HOSTILE_TEXT, entry=7),), (), (HOSTILE_TEXT,)
            ),
        ),
    ),
    not_executed=(NotExecuted(Span("x.c", 1), HOSTILE_TEXT, "x86", HOSTILE_TEXT),),
    left_out=(LeftOut("x", HOSTILE_TEXT, HOSTILE_TEXT, HOSTILE_TEXT, 1),),
    coverage=Coverage((HOSTILE_TEXT,), (), ("x86",), 1, (HOSTILE_TEXT,)),
    rules=(QUIET,),
    version="0.1.0",
    sources={"mm/a\x1b[1m,b:c.c": b"\x1b[2J\xff\xfe" + b"x" * 5000 + b"\n\ty\n"},
)
