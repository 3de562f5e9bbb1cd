"""PT201: a setter of an entry does not do what its name says, or does more."""

from collections.abc import Iterator

from ptlint.api import Context, Evidence, Finding, Merge, RuleInfo, Severity, broken, invalid, valid

EXPLANATION = """
What it reports
A helper that changes an entry (pte_mkdirty(), pte_wrprotect(), pmd_mkyoung(), pte_swp_mksoft_dirty() and the like)
breaks its law in some state that setters or the MMU can make: what it says does not hold afterwards, something else
that a predicate sees has changed, or it changes bits that no other helper owns. Also predicates that contradict
each other: pte_none() for a present entry, pte_same() for two different ones.

Why it matters
Generic code composes these helpers and relies on each. A dirty bit lost in pte_wrprotect() is data lost at the next
reclaim; a write bit gained in pte_mkdirty() is a hole.

What to do
Look at the entry before, after and expected: the state is often one that only the hardware makes (writable and
dirty by a cleared read-only bit). Move what the helper is about to overwrite into the software bit, as
pte_wrprotect() of arm64 does.

When it is wrong
A state that no kernel makes. States are what the setters and the MMU make of a fresh entry of any user protection;
entries marked for userfaultfd are never made writable, nor are those of mappings without write permission.
"""

VALID = """\
static inline pte_t pte_mkclean(pte_t pte)
{
	unsigned long val = pte_val(pte);

	return __pte(val ^ (val & REF_DIRTY));
}

static inline pte_t pte_mkuffd(pte_t pte)
{
	unsigned long val = pte_val(pte) & ~REF_WRITE;

	return __pte(val | REF_UFFD);
}
"""

INVALID = """\
static inline pte_t pte_wrprotect(pte_t pte) // want "accessed"
{
	return __pte(pte_val(pte) & ~(REF_WRITE | REF_YOUNG));
}

static inline pte_t pte_mkdirty(pte_t pte) // want "not soft-dirty"
{
	return __pte(pte_val(pte) | REF_DIRTY);
}
"""

RULE = RuleInfo(
    code="PT201",
    name="setter-breaks-law",
    summary="a setter of an entry must do what it says and nothing more",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(
        Evidence("commit", "ff1712f953e2", "arm64: pgtable: Ensure dirty bit is preserved across pte_wrprotect()"),
        Evidence("commit", "018e9828eb52", "LoongArch: Fix missing dirty page tracking in {pte,pmd}_wrprotect()"),
        Evidence("doc", "mm/debug_vm_pgtable.c", "what the kernel's own test expects of every architecture"),
    ),
    examples=(
        invalid(
            INVALID, why="one clears accessed with the write bit; the other hides writes from the soft-dirty tracker"
        ),
        valid(VALID, why="other words for the same laws"),
    ),
)


def check(ctx: Context) -> Iterator[Finding]:
    """Report every new breach, with the entry before and after."""
    yield from broken(ctx, RULE, "setter", "{detail}")
    yield from broken(ctx, RULE, "agreement", "{detail}")
