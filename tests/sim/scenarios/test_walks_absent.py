"""Callers run over tables in which some entries map no page: swap and migration entries, markers, empty ones."""

import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.universe import load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.reference import reference_tree
from ptlint.sim.program import Program
from ptlint.sim.scenarios import walks

SWAPOPS = """
typedef struct { unsigned long val; } swp_entry_t;

#define SWP_MARKED	(1UL << 1)
#define __swp_type(e)	((e).val >> 40)
#define __swp_offset(e)	((e).val & ((1UL << 40) - 1))
#define __swp_entry(type, offset)	((swp_entry_t) { ((unsigned long)(type) << 40) | (offset) })
#define __swp_entry_to_pte(e)	__pte((e).val << 12)
#define __pte_to_swp_entry(pte)	((swp_entry_t) { pte_val(pte) >> 12 })
#define swp_entry(type, offset)	__swp_entry(type, offset)
#define swp_type(e)	__swp_type(e)
#define swp_offset(e)	__swp_offset(e)
#define swp_offset_pfn(e)	__swp_offset(e)
#define swp_entry_to_pte(e)	__swp_entry_to_pte(e)
#define pte_to_swp_entry(pte)	__pte_to_swp_entry(pte)
#define make_readable_migration_entry(pfn)	__swp_entry(30, pfn)
#define make_writable_migration_entry(pfn)	__swp_entry(31, pfn)
#define is_writable_migration_entry(e)	(__swp_type(e) == 31)

static inline int pte_swp_soft_dirty(pte_t pte) { return !!(pte_val(pte) & SWP_MARKED); }
static inline pte_t pte_swp_mksoft_dirty(pte_t pte) { return __pte(pte_val(pte) | SWP_MARKED); }
static inline pte_t pte_swp_clear_soft_dirty(pte_t pte) { return __pte(pte_val(pte) & ~SWP_MARKED); }
"""

HEAD = """
#include <linux/pgtable.h>
#include <linux/swapops.h>
"""

MOVES = """
static void move_all(struct vm_area_struct *vma, pmd_t *pmd, pmd_t *new_pmd, unsigned long addr, unsigned long end,
		unsigned long new_addr)
{
	void *ptl;
	pte_t *ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	pte_t *new_ptep;

	if (!ptep)
		return;
	new_ptep = pte_offset_map_lock(vma->vm_mm, new_pmd, new_addr, &ptl);
	if (!new_ptep) {
		pte_unmap_unlock(ptep, ptl);
		return;
	}
	for (; addr < end; addr += PAGE_SIZE, new_addr += PAGE_SIZE, ptep++, new_ptep++) {
		pte_t pte = ptep_get(ptep);

		if (pte_none(pte))
			continue;
		pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);
		if (pte_present(pte))
			pte = pte_mksoft_dirty(pte);
		else
			pte = pte_swp_mksoft_dirty(pte);
		set_pte_at(vma->vm_mm, new_addr, new_ptep, pte);
	}
	pte_unmap_unlock(new_ptep - 1, ptl);
	pte_unmap_unlock(ptep - 1, ptl);
}
"""


def broken(code: str, name: str = "move_all", swapops: str = SWAPOPS) -> set[str]:
    files = {"include/linux/swapops.h": swapops.encode(), "mm/demo.c": (HEAD + code).encode()}
    types = "typedef struct { unsigned long pmd; } pmd_t;\n"
    files["mm/demo.c"] = (HEAD + types + code).encode()
    program = Program(load_universe(Snapshot(reference_tree(), files), REFERENCE))
    program.interest, program.places = frozenset({name}), frozenset({"mm/demo.c"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "reference")
    assert judgement.is_whole, judgement.stopped
    return {violation.property for violation in judgement.violations}


def test_code_that_keeps_every_kind_of_entry_holds() -> None:
    assert broken(MOVES) == set()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("pte = pte_swp_mksoft_dirty(pte)", "pte = pte_swp_clear_soft_dirty(__pte(pte_val(pte) + 0x1000))", "encoding"),
        ("pte = pte_swp_mksoft_dirty(pte)", "pte = __pte(pte_val(pte) & ~SWP_MARKED)", "tracking"),
        (
            "pte = pte_swp_mksoft_dirty(pte)",
            "pte = swp_entry_to_pte(make_writable_migration_entry(pte_pfn(pte)))",
            "encoding",
        ),
        ("if (pte_present(pte))", "if (pte_pfn(pte) != 1 && pte_present(pte))", "encoding"),
        ("if (pte_none(pte))", "if (!pte_present(pte) && (addr & PAGE_SIZE))", "underrun"),
        ("ptep - 1, ptl);\n}", "ptep, ptl);\n}", "unmap"),
    ],
)
def test_a_mistake_breaks_its_property(old: str, new: str, what: str) -> None:
    assert MOVES.count(old) == 1
    assert what in broken(MOVES.replace(old, new))


READS = """
static void protect_all(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, unsigned long end, pgprot_t newprot)
{
	void *ptl;
	pte_t *ptep = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	pte_t *start = ptep;

	if (!ptep)
		return;
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		pte_t pte = ptep_get(ptep);

		if (pte_present(pte)) {
			pte_t old = ptep_modify_prot_start(vma, addr, ptep);

			ptep_modify_prot_commit(vma, addr, ptep, old, pte_modify(old, newprot));
			flush_tlb_page(vma, addr);
		} else if (!pte_none(pte) && is_writable_migration_entry(pte_to_swp_entry(pte))) {
			unsigned long pfn = swp_offset(pte_to_swp_entry(pte));
			pte_t new = swp_entry_to_pte(make_readable_migration_entry(pfn));

			if (pte_swp_soft_dirty(pte))
				new = pte_swp_mksoft_dirty(new);
			set_pte_at(vma->vm_mm, addr, ptep, new);
		}
	}
	pte_unmap_unlock(start, ptl);
}
"""


def test_a_migration_entry_takes_the_protection_that_is_asked_for() -> None:
    assert broken(READS, "protect_all") == set()
    assert "permission" in broken(
        READS.replace("(make_readable_migration_entry", "(make_writable_migration_entry"), "protect_all"
    )
    assert "encoding" in broken(READS.replace("migration_entry(pfn)", "migration_entry(pfn + 1)"), "protect_all")
    assert "tracking" in broken(READS.replace("new = pte_swp_mksoft_dirty(new)", ""), "protect_all")


def test_an_entry_that_is_not_present_has_no_page_to_ask_for() -> None:
    asks = READS.replace("if (pte_present(pte)) {", "if (pte_pfn(pte) && pte_present(pte)) {")
    assert broken(asks, "protect_all") == {"encoding"}


def test_a_table_may_be_gone_when_it_is_mapped() -> None:
    assert broken(READS.replace("if (!ptep)\n\t\treturn;\n", ""), "protect_all") == {"null"}
    second = MOVES.replace("if (!new_ptep) {", "if (0) {")
    assert "null" in broken(second)


def test_that_nobody_else_has_a_page_stays_with_its_migration_entry() -> None:
    own = "#define make_readable_exclusive_migration_entry(pfn)	__swp_entry(29, pfn)\n"
    assert broken(READS, "protect_all", SWAPOPS + own) == {"tracking"}
    kept = READS.replace("make_readable_migration_entry", "make_readable_exclusive_migration_entry")
    assert broken(kept, "protect_all", SWAPOPS + own) == set()
