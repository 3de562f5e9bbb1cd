"""Code that splits a huge page's entry: what the single entries lose, gain or mistake, and when they can be seen."""

from collections.abc import Iterator

import pytest

from ptlint.core.tree import Snapshot, SourceTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import splits
from tests.csrc.kernel import kernel_tree

SPLIT = """#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/pgtable.h>
#include <linux/leafops.h>
#include <asm/pgalloc.h>

static void take_apart(struct vm_area_struct *vma, pmd_t *pmdp, unsigned long start, bool migrate)
{
	unsigned long addr = start;
	pgtable_t table;
	struct page *page;
	pmd_t old, lower;
	bool soft, writes;
	pte_t *ptep;
	int nr;

	if (pmd_is_migration_entry(*pmdp)) {
		old = *pmdp;
		page = softleaf_to_page(softleaf_from_pmd(old));
		soft = pmd_swp_soft_dirty(old);
		writes = softleaf_is_migration_write(softleaf_from_pmd(old));
		migrate = true;
	} else {
		old = pmdp_invalidate(vma, start, pmdp);
		page = pmd_page(old);
		soft = pmd_soft_dirty(old);
		writes = pmd_write(old);
		if (pmd_dirty(old))
			folio_set_dirty(page_folio(page));
	}
	table = pgtable_trans_huge_withdraw(vma->vm_mm, pmdp);
	pmd_populate(vma->vm_mm, &lower, table);
	ptep = pte_offset_map(&lower, start);
	for (nr = 0; nr < HPAGE_PMD_NR; nr++, addr += PAGE_SIZE) {
		pte_t pte;

		if (migrate) {
			unsigned long pfn = page_to_pfn(page + nr);

			pte = swp_entry_to_pte(writes ? make_writable_migration_entry(pfn)
						: make_readable_migration_entry(pfn));
			if (soft)
				pte = pte_swp_mksoft_dirty(pte);
		} else {
			pte = mk_pte(page + nr, vma->vm_page_prot);
			if (writes)
				pte = pte_mkwrite(pte, vma);
			pte = pmd_young(old) ? pte_mkyoung(pte) : pte_mkold(pte);
			if (soft)
				pte = pte_mksoft_dirty(pte);
		}
		set_pte_at(vma->vm_mm, addr, ptep + nr, pte);
	}
	pte_unmap(ptep);
	smp_wmb();
	pmd_populate(vma->vm_mm, pmdp, table);
}
"""
LAST = "\tpmd_populate(vma->vm_mm, pmdp, table);\n"


def judged(tree: SourceTree, profile: str, *interest: str) -> Iterator[Judgement]:
    """Yield the judgements of the splits that are, or call, *interest*."""
    program = Program(load_universe(tree, profile_named(profile)))
    program.interest = frozenset(interest)
    program.places = frozenset({"mm/demo.c"}) if tree.exists("mm/demo.c") else frozenset()
    for one in splits.subjects(program):
        judgement = splits.judge(program, one, profile)
        assert judgement.is_whole, judgement
        assert judgement.scenarios > 50
        yield judgement


def broken(code: str, profile: str) -> dict[str, str]:
    """Return the properties that the split of *code* breaks, with what is said of each first."""
    tree = Snapshot(kernel_tree(), {"mm/demo.c": code.encode()})
    (judgement,) = judged(tree, profile, "take_apart")
    found: dict[str, str] = {}
    for violation in judgement.violations:
        found.setdefault(violation.property, violation.detail)
    return found


def changed(old: str, new: str) -> str:
    """Return the split with one of its lines changed."""
    assert SPLIT.count(old) == 1, old
    return SPLIT.replace(old, new)


@pytest.mark.parametrize("profile", ["powerpc/radix", "s390"])
def test_a_split_that_keeps_everything_holds(profile: str) -> None:
    assert broken(SPLIT, profile) == {}


@pytest.mark.parametrize("profile", ["powerpc/radix", "s390", "arm64"])
def test_the_kernels_own_splits_hold(profile: str) -> None:
    found = list(judged(kernel_tree(), profile, "__split_huge_pmd_locked", "__split_huge_zero_page_pmd"))
    assert [(one.subject, one.violations) for one in found] == [
        ("__split_huge_zero_page_pmd", ()),
        ("__split_huge_pmd_locked", ()),
    ]


@pytest.mark.parametrize(
    ("old", "new", "what", "detail"),
    [
        ("\t\t\tif (writes)\n", "", "permission", "becomes writable"),
        ("writes = softleaf_is_migration_write(softleaf_from_pmd(old));", "writes = true;", "permission", "migration"),
        ("mk_pte(page + nr,", "mk_pte(page,", "pfn", "maps another page"),
        ("page_to_pfn(page + nr)", "page_to_pfn(page)", "pfn", "stands for another page"),
        ("nr < HPAGE_PMD_NR;", "nr < HPAGE_PMD_NR - 1;", "underrun", "is empty"),
        ("ptep + nr, pte);", "ptep + nr + 1, pte);", "outside", "outside table"),
        ("pmd_young(old) ?", "pmd_dirty(old) ?", "accessed-dirty", "accessed"),
        ("\t\t\tfolio_set_dirty(page_folio(page));\n", "\t\t\tprefetch(page);\n", "accessed-dirty", "dirty"),
        ("pmd_soft_dirty(old);", "false;", "tracking", "soft-dirty"),
        ("pmd_swp_soft_dirty(old);", "false;", "tracking", "soft-dirty"),
        ("pte = pte_swp_mksoft_dirty(pte);", "pte = pte_swp_clear_soft_dirty(pte);", "tracking", "soft-dirty"),
        ("old = pmdp_invalidate(vma, start, pmdp);", "old = *pmdp;", "live-entry", "is valid"),
        ("\tsmp_wmb();\n" + LAST, "", "underrun", "without a table"),
        ("\tptep = pte_offset_map", LAST + "\tptep = pte_offset_map", "underrun", "before its entries are set"),
    ],
)
def test_what_a_split_gets_wrong_is_told(old: str, new: str, what: str, detail: str) -> None:
    found = broken(changed(old, new), "powerpc/radix")
    assert detail in found[what]


def test_what_the_mmu_sets_before_the_entry_is_taken_away_is_owed() -> None:
    stale = changed("old = pmdp_invalidate(vma, start, pmdp);", "old = *pmdp;\n\t\tpmdp_invalidate(vma, start, pmdp);")
    assert set(broken(stale, "powerpc/radix")) == {"accessed-dirty"}


def test_a_huge_page_that_is_still_in_a_tlb_is_no_place_for_a_table() -> None:
    unflushed = changed("pmdp_invalidate(vma, start, pmdp);", "pmdp_huge_get_and_clear(vma->vm_mm, start, pmdp);")
    assert "TLB" in broken(unflushed, "arm64")["flush"]


def test_entries_may_be_set_by_a_function_of_their_own() -> None:
    body = SPLIT.replace(
        "static void take_apart(",
        """static void put_one(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t pte)
{
	set_pte_at(vma->vm_mm, addr, ptep, pte);
}

static void take_apart(""",
    ).replace("set_pte_at(vma->vm_mm, addr, ptep + nr, pte);", "put_one(vma, addr, ptep + nr, pte);")
    assert broken(body, "powerpc/radix") == {}
    assert "underrun" in broken(body.replace("ptep + nr, pte);", "ptep, pte);"), "powerpc/radix")
