"""PT401: a transaction on an entry is started and not committed, or committed and not started."""

import re
from collections.abc import Iterator

from ptlint.api import (
    Context,
    Evidence,
    Fault,
    Finding,
    Merge,
    Protocol,
    RuleInfo,
    Severity,
    View,
    breaches_of,
    broken,
    introduced,
    invalid,
    unstarted,
    valid,
)

EXPLANATION = """
What it reports
After ptep_modify_prot_start() (or its batch and hugetlb relatives) a path ends without the commit; or a commit is
made whose old value was only read, here or by the caller, and never taken by a start.

Why it matters
Start leaves the entry cleared or invalid: without the commit the page is gone from the process. A commit without a
start overwrites an entry that the hardware may have updated since it was read: accessed and dirty bits are lost.

What to do
Decide before the start, or commit the old value unchanged. Take the old value from start, not from ptep_get().

When it is wrong
Helpers that start for their caller return what start returned, and helpers that commit get it as a parameter: both
are followed to the callers. Several commits that share the entries of one start are one commit.
"""

VALID = """\
static void protect_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pgprot_t prot)
{
	pte_t old, new;

	if (!pte_present(ptep_get(ptep)))
		return;
	old = ptep_modify_prot_start(vma, addr, ptep);
	new = pte_modify(old, prot);
	ptep_modify_prot_commit(vma, addr, ptep, old, new);
}
"""

KEPT = """\
static int protect_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pgprot_t prot)
{
	pte_t old, new;

	old = ptep_modify_prot_start(vma, addr, ptep);
	if (pte_protnone(old))
		return 0; // want "not committed"
	new = pte_modify(old, prot);
	ptep_modify_prot_commit(vma, addr, ptep, old, new);
	return 1;
}
"""

UNSTARTED = """\
static void mark_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t old = ptep_get(ptep);

	ptep_modify_prot_commit(vma, addr, ptep, old, pte_mkuffd(old)); // want "never started"
}
"""

HANDED_ON = """\
static void finish_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t old, pgprot_t prot)
{
	ptep_modify_prot_commit(vma, addr, ptep, old, pte_modify(old, prot));
}

static void protect_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pgprot_t prot)
{
	pte_t old = ptep_modify_prot_start(vma, addr, ptep);

	finish_entry(vma, addr, ptep, old, prot);
}
"""

RULE = RuleInfo(
    code="PT401",
    name="start-commit-unpaired",
    summary="each started transaction is committed on every path, and none is committed that was not started",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(
        Evidence(
            "lore",
            "20260529172331.356655-2-kas@kernel.org",
            "fs/proc/task_mmu: fix make_uffd_wp_huge_pte() prot-update race",
        ),
        Evidence("doc", "include/linux/pgtable.h", "the comments of ptep_modify_prot_start() and _commit()"),
    ),
    examples=(
        invalid(KEPT, why="the early return leaves the entry as start left it", path="mm/protect.c"),
        invalid(UNSTARTED, why="what the hardware sets after ptep_get() is overwritten", path="mm/mark.c"),
        valid(VALID, why="the decision is made before the start", path="mm/protect.c"),
        valid(HANDED_ON, why="the helper commits what its caller started", path="mm/protect.c"),
    ),
)

TRANSACTION = Protocol(
    re.compile("(huge_)?(ptep_|pmdp_)?modify_prot_start(_ptes)?"),
    re.compile("(huge_)?(ptep_|pmdp_)?modify_prot_commit(_ptes)?"),
    "argument",
    take_arg=2,
    give_arg=2,
)
OLD_VALUE = 3
READS = re.compile("(huge_)?(ptep|pmdp)_get(_lockless)?|READ_ONCE")


def check(ctx: Context) -> Iterator[Finding]:
    """Report the transactions that a patch leaves open, or ends without having begun them."""
    found = set()
    for finding in introduced(ctx, RULE, _unpaired):
        found.add((finding.span.path, finding.function))
        yield finding
    for finding in broken(ctx, RULE, "pairing", "{detail}: {subject}"):
        if (finding.span.path, finding.function) not in found:
            yield finding


def _unpaired(view: View) -> Iterator[Fault]:
    if "modify_prot" in view.name:
        return
    for breach in breaches_of(view, TRANSACTION):
        if breach.kind == "kept" and breach.taken is not None:
            started = (breach.taken, f"started by {breach.taker}()", view.name)
            yield Fault("kept", breach.pos, f"{view.name}() ends here with a started entry not committed", (started,))
        elif breach.kind == "not-held" and breach.call is not None:
            read = unstarted(view, breach.call, TRANSACTION, OLD_VALUE, READS)
            if read is not None:
                text = "an entry is committed here that was never started: what the hardware set since is lost"
                related = tuple((pos, f"{name}() has its old value by a read", name) for name, pos in read)
                yield Fault("not-held", breach.pos, text, related)
