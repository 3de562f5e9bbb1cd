"""PT405: what an entry held is asked of an earlier read, after the entry itself has been taken."""

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
    called,
    exchanged_commits,
    foreign_commits,
    introduced,
    invalid,
    late_reads,
    misuses_of,
    other_first,
    valid,
)

EXPLANATION = """
What it reports
An entry is read, then taken (cleared and returned, or a transaction started on it), and after that the value of the
read is written back to it, committed, or asked for accessed or dirty while the taken value is thrown away. Or a batch
is looked for from one entry on, with the value of another as the first. Or an entry is read for what it held after it
has been set.

Why it matters
Between the read and the moment the entry is taken the hardware may set accessed and dirty. Only the value that the
taking helper returns has them: with the older value a dirty page is taken for clean, and its contents are lost.

What to do
Assign what the taking helper returns to the variable that is used from there on.

When it is wrong
Entries that are not present, which no hardware updates, are left alone when the path says so. A value that is
replaced as a whole (a copied page, another page frame) needs nothing of the old one and is not reported.
"""

VALID = """\
static bool take_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte))
		return false;
	pte = ptep_get_and_clear(mm, addr, ptep);
	return pte_dirty(pte);
}
"""

DROPPED = """\
static bool take_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);

	if (!pte_present(pte))
		return false;
	ptep_get_and_clear(mm, addr, ptep);
	return pte_dirty(pte); // want "an earlier read"
}
"""

RESTORED = """\
static void clean_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get(ptep);
	pte_t old;

	old = ptep_modify_prot_start(vma, addr, ptep);
	ptep_modify_prot_commit(vma, addr, ptep, old, pte_mkclean(pte)); // want "an earlier read"
}
"""

FOREIGN = """\
static void mark_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t pte)
{
	pte_t old = ptep_modify_prot_start(vma, addr, ptep);

	pte = pte_mkuffd(pte);
	ptep_modify_prot_commit(vma, addr, ptep, old, pte); // want "nothing of what start returned"
}
"""

EXCHANGED = """\
static void mark_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t old = huge_ptep_modify_prot_start(vma, addr, ptep);
	pte_t new = huge_pte_mkuffd(old);

	huge_ptep_modify_prot_commit(vma, addr, ptep, new, old); // want "as the new value"
}
"""

HANDED_ON = """\
static void note_taken(struct folio *folio, pmd_t entry)
{
	if (pmd_dirty(entry))
		folio_mark_dirty(folio);
}

static void take_huge(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp, struct folio *folio)
{
	pmd_t entry = pmdp_get(pmdp);

	pmdp_huge_get_and_clear(vma->vm_mm, addr, pmdp);
	note_taken(folio, entry); // want "an earlier read"
}
"""

LATE = """\
static void replace_huge(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp,
		pmd_t entry)
{
	pmd_t old = pmdp_invalidate_ad(vma, addr, pmdp);

	set_pmd_at(vma->vm_mm, addr, pmdp, entry);
	if (huge_pmd_needs_flush(%s, entry))%s
		tlb_flush_pmd_range(tlb, addr, HPAGE_PMD_SIZE);
}
"""

RETRY = """\
static void install_entry(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t entry)
{
	while (!ptep_try_set(ptep, entry)) {
		pte_t old = ptep_get(ptep);

		if (pte_none(old))
			continue;
		ptep_get_and_clear(mm, addr, ptep);
	}
}
"""

BATCH = """\
static inline unsigned int alike_pte_batch(pte_t *ptep, pte_t pte, unsigned int max_nr)
{
	unsigned int nr;

	for (nr = 1; nr < max_nr; nr++)
		if (!pte_same(ptep_get(ptep + nr), pte_advance_pfn(pte, nr)))
			break;
	return nr;
}

static unsigned int count_alike(pte_t *start, unsigned int at, unsigned int left)
{
	pte_t *ptep = start + at;
	pte_t pte = ptep_get(ptep);

	return alike_pte_batch(%s
}
"""

RULE = RuleInfo(
    code="PT405",
    name="old-value-from-elsewhere",
    summary="what an entry held is what taking it returned, not what was read before",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ONCE,
    since="0.1.0",
    evidence=(Evidence("commit", "fd35ca3d12cc", "mm/migrate_device.c: copy pte dirty bit to page"),),
    examples=(
        invalid(DROPPED, why="a store in between sets dirty, and nobody sees it", path="mm/take.c"),
        invalid(RESTORED, why="the new value is made from what was read before the start", path="mm/clean.c"),
        invalid(FOREIGN, why="the caller read the value before the start", path="mm/mark.c"),
        invalid(EXCHANGED, why="the entry gets its old value back", path="mm/mark.c"),
        invalid(HANDED_ON, why="the helper asks for the dirty bit", path="mm/take.c"),
        invalid(LATE % ("pmdp_get(pmdp)", ' // want "overwritten"'), why="that is the new value", path="mm/huge.c"),
        valid(LATE % ("old", ""), why="what taking it returned", path="mm/huge.c"),
        valid(RETRY, why="each round reads what is there then", path="mm/huge.c"),
        invalid(BATCH % 'start, pte, left); // want "was read from ptep"', why="not the first", path="mm/count.c"),
        valid(BATCH % "ptep, pte, left);", why="the batch begins with what was read", path="mm/count.c"),
        valid(VALID, why="the variable gets the value that was taken", path="mm/take.c"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report the stale values that a patch brings into use."""
    yield from introduced(ctx, RULE, _stale)


TRANSACTION = Protocol(
    re.compile("(huge_)?(ptep_|pmdp_)?modify_prot_start(_ptes)?"),
    re.compile("(huge_)?(ptep_|pmdp_)?modify_prot_commit(_ptes)?"),
    "argument",
)
OLD_VALUE, NEW_VALUE = 3, 4


def _stale(view: View) -> Iterator[Fault]:
    known = set()
    for one in misuses_of(view):
        if one.taken is None or one.kind not in ("stale-test", "stale-set"):
            continue
        text = f"{one.helper}() gets {one.variable}, an earlier read of the entry: bits set since are lost"
        if one.kind == "stale-test":
            text = f"{one.helper}() asks {one.variable}, an earlier read of the entry: bits set since are lost"
        taken = (one.taken, f"taken by {one.taker}()", view.name)
        known.add(one.pos)
        yield Fault(f"{one.kind}:{one.helper}", one.pos, text, (taken,))
    for call, start in foreign_commits(view, TRANSACTION, NEW_VALUE):
        if call.pos not in known:
            text = "what is committed here has nothing of what start returned: bits set until then are lost"
            yield Fault("foreign", call.pos, text, ((start.pos, f"{called(start)}() returns it", view.name),))
    for call, start in exchanged_commits(view, TRANSACTION, OLD_VALUE, NEW_VALUE):
        text = f"{called(call)}() gets what {called(start)}() returned as the new value, and the new one as the old"
        yield Fault("exchanged", call.pos, text, ((start.pos, f"{called(start)}() returns it", view.name),))
    for late in late_reads(view):
        text = f"the old value is read by {late.entry} here, and it has been overwritten by then"
        yield Fault(f"late:{late.entry}", late.pos, text, ((late.written, f"overwritten by {late.helper}", view.name),))
    for other in other_first(view):
        text = f"{other.helper}() begins with {other.entry}, and {other.value} was read from {other.read}"
        yield Fault(f"first:{other.entry}", other.pos, text, ((other.made, "read here", view.name),))
