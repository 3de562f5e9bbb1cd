"""Callers run whole: what they do to a batch, by the protocol they use and not by their names."""

import pytest

from ptlint.core.tree import MemoryTree, Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.grants import is_for_the_rest, purposes
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import walks
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with

GIVEN = """
static void set_batch(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		int nr, pgprot_t newprot)
{
	pte_t old = modify_prot_start_ptes(vma, addr, ptep, nr);
	pte_t new = pte_modify(old, newprot);

	%s
}
"""
COMMITS = """modify_prot_commit_ptes(vma, addr, ptep, old, new, nr);
	tlb_flush_pte_range(tlb, addr, nr * PAGE_SIZE);"""


def judged(code: str) -> dict[str, Judgement]:
    program = program_with(code, "mm/demo.c")
    return {walks.name(walk): walks.judge(program, walk, "reference") for walk in walks.subjects(program)}


def broken(code: str, name: str) -> set[str]:
    judgement = judged(code)[name]
    assert judgement.is_whole, judgement.stopped
    assert judgement.scenarios > 50
    return {violation.property for violation in judgement.violations}


def test_a_caller_of_any_name_that_keeps_the_contract_holds() -> None:
    assert broken(GIVEN % COMMITS, "set_batch") == set()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (COMMITS.replace("nr * PAGE_SIZE", "PAGE_SIZE"), "flush"),
        (COMMITS.replace("addr, nr *", "addr + PAGE_SIZE, nr *"), "flush"),
        (COMMITS.replace("old, new, nr)", "new, new, nr)"), "old-pte"),
        (COMMITS.replace("old, new, nr)", "old, new, 1)"), "pairing"),
        (COMMITS.replace("old, new, nr)", "old, new, nr + 1)"), "outside"),
        (COMMITS.replace("ptep, old, new", "ptep, old, pte_advance_pfn(new, 1)"), "pfn"),
        ("if (pte_write(old))\n\t\treturn;\n\t" + COMMITS, "pairing"),
        ("set_ptes(vma->vm_mm, addr, ptep, new, nr);", "pairing"),
    ],
)
def test_a_mistake_breaks_its_property(body: str, what: str) -> None:
    assert what in broken(GIVEN % body, "set_batch")


DROPS = """
static pte_t get_and_clear_full_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr, int full)
{
	pte_t pte = ptep_get_and_clear(mm, addr, ptep);

	while (--nr) {
		pte_t next = ptep_get_and_clear(mm, addr += PAGE_SIZE, ++ptep);

		if (pte_dirty(next))
			pte = pte_mkdirty(pte);
		if (pte_young(next))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

static void clear_full_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr, int full)
{
	get_and_clear_full_ptes(mm, addr, ptep, nr, full);
}

static void drop_batch(struct mmu_gather *tlb, struct vm_area_struct *vma, struct folio *folio, struct page *page,
		pte_t *ptep, unsigned long addr, unsigned int nr)
{
	if (%sfolio_test_anon(folio)) {
		pte_t pte = get_and_clear_full_ptes(vma->vm_mm, addr, ptep, nr, 0);

		if (pte_dirty(pte))
			folio_mark_dirty(folio);
	} else {
		clear_full_ptes(vma->vm_mm, addr, ptep, nr, 0);
	}
	tlb_flush_pte_range(tlb, addr, nr * PAGE_SIZE);
	folio_remove_rmap_ptes(folio, page, nr, vma);
}
"""


def test_the_dirty_bit_of_an_anonymous_folio_goes_with_its_entries_and_that_of_a_file_does_not() -> None:
    assert "accessed-dirty" not in broken(DROPS % "!", "drop_batch")
    assert "accessed-dirty" in broken(DROPS % "", "drop_batch")


COPIES = """
static void copy_some(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, pte_t *dst_pte, pte_t *src_pte,
		pte_t pte, unsigned long addr, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		%s
	}
}
"""
PROTECTED = """ptep_set_wrprotect(src_vma->vm_mm, addr + i * PAGE_SIZE, src_pte + i);
		set_pte_at(dst_vma->vm_mm, addr + i * PAGE_SIZE, dst_pte + i, pte_wrprotect(pte_advance_pfn(pte, i)));"""


def test_a_copy_whose_both_sides_are_write_protected_holds() -> None:
    assert broken(COPIES % PROTECTED, "copy_some") == set()


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (PROTECTED.replace("pte_wrprotect(pte_advance_pfn(pte, i))", "pte_advance_pfn(pte, i)"), "permission"),
        (PROTECTED.replace("src_pte + i);", "src_pte);"), "permission"),
        (PROTECTED.replace("pte_advance_pfn(pte, i)", "pte"), "pfn"),
        (PROTECTED.replace("dst_pte + i,", "dst_pte + i + 1,"), "outside"),
        ("if (i)\n\t\t\tbreak;\n\t\t" + PROTECTED, "underrun"),
    ],
)
def test_a_mistake_of_a_copy_breaks_its_property(body: str, what: str) -> None:
    assert what in broken(COPIES % body, "copy_some")


def test_a_caller_without_an_end_is_reported_by_what_it_writes_beside_the_batch() -> None:
    endless = "while (1) {\n\t\tset_pte_at(vma->vm_mm, addr, ptep, new);\n\t\tptep++;\n\t}"
    found = judged(GIVEN % endless)["set_batch"]
    assert "outside" in {violation.property for violation in found.violations}


def test_a_function_that_a_macro_gives_the_name_of_a_setter_means_what_the_setter_means() -> None:
    header = """typedef struct { unsigned long pte; } pte_t;
#define clear_ptes __arch_clear_ptes
static inline void __arch_clear_ptes(pte_t *ptep, unsigned int nr) { }
static inline void __arch_set_ptes(pte_t *ptep, unsigned int nr) { }
"""
    tree = MemoryTree({"include/linux/pgtable.h": header.encode()})
    program = Program(load_universe(tree, profile_named("riscv")))
    assert purposes(program, "__arch_clear_ptes") == purposes(program, "clear_ptes") == ("drop",)
    assert purposes(program, "__arch_set_ptes") == ()


STRIPS = """typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long val; } leaf_t;
static inline pte_t pte_swp_clear_soft_dirty(pte_t pte) { return pte; }
static inline pte_t pte_swp_clear_uffd(pte_t pte) { return pte; }
static inline pte_t bare(pte_t pte) { return pte_swp_clear_uffd(pte_swp_clear_soft_dirty(pte)); }
static inline leaf_t leaf_of(pte_t pte) { return (leaf_t) { bare(pte).pte }; }
static inline pte_t unwatched(pte_t pte) { return pte_swp_clear_uffd(pte); }
static inline void reset(pte_t *ptep) { *ptep = pte_swp_clear_uffd(pte_swp_clear_soft_dirty(*ptep)); }
"""


def test_what_takes_every_flag_off_a_copy_does_so_to_look_at_the_rest_of_it() -> None:
    tree = MemoryTree({"include/linux/pgtable.h": STRIPS.encode()})
    program = Program(load_universe(tree, profile_named("riscv")))
    found = {name for name in ("bare", "leaf_of", "unwatched", "reset") if is_for_the_rest(program, name, "")}
    assert found == {"bare"}


NOTED = """
struct noted { unsigned long start, end; };

static int protect_one(pte_t *pte, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct noted *range = walk->private;
	pte_t old;

	if (!pte_write(ptep_get(pte)))
		return 0;
	old = ptep_modify_prot_start(walk->vma, addr, pte);
	ptep_modify_prot_commit(walk->vma, addr, pte, old, pte_wrprotect(old));
	if (range->start > addr)
		range->start = addr;
	if (range->end < %s)
		range->end = %s;
	return 0;
}

static int before_all(unsigned long start, unsigned long end, struct mm_walk *walk)
{
	struct noted *range = walk->private;

	range->start = end;
	range->end = start;
	return 0;
}

static void after_all(struct mm_walk *walk)
{
	struct noted *range = walk->private;

	if (range->end > range->start)
		flush_tlb_range(walk->vma, range->start, range->end);
}

static const struct mm_walk_ops protect_ops = {
	.pte_entry = protect_one,
	.pre_vma = before_all,
	.post_vma = after_all,
};
"""


@pytest.mark.parametrize(("last", "what"), [("addr + PAGE_SIZE", set()), ("addr", {"flush"})])
def test_what_a_page_walk_notes_of_its_entries_for_a_flush_at_its_end_covers_them(last: str, what: set[str]) -> None:
    profile = profile_named("x86+xen")
    tree = kernel_tree()
    text = "#include <linux/pagewalk.h>\n#include <linux/pgtable.h>\n" + NOTED % (last, last)
    changed = Snapshot(tree, {"mm/demo.c": text.encode()})
    program = Program(load_universe(changed, profile))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"protect_one"})
    (walk,) = (walk for walk in walks.subjects(program) if walk.form == "steps")
    judgement = walks.judge(program, walk, "x86+xen")
    assert judgement.is_whole
    assert {violation.property for violation in judgement.violations} == what


GRANTS = """
static void set_batch(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		int nr, pgprot_t newprot)
{
	pte_t old = modify_prot_start_ptes(vma, addr, ptep, nr);
	pte_t new = pte_modify(old, newprot);

	if ((vma->vm_flags & 8) && %s)
		new = pte_mkwrite_novma(new);
	modify_prot_commit_ptes(vma, addr, ptep, old, new, nr);
	tlb_flush_pte_range(tlb, addr, nr * PAGE_SIZE);
}
"""


def test_a_clean_entry_of_a_shared_mapping_is_not_made_writable() -> None:
    assert broken(GRANTS % "pte_dirty(new)", "set_batch") == {"watched"}
    assert "permission" in broken(GRANTS % "1", "set_batch")


WATCHED = """
static void set_batch(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		int nr, pgprot_t newprot)
{
	pte_t old = modify_prot_start_ptes(vma, addr, ptep, nr);

	modify_prot_commit_ptes(vma, addr, ptep, old, %s ? pte_mkwrite_novma(old) : old, nr);
	tlb_flush_pte_range(tlb, addr, nr * PAGE_SIZE);
}

static inline bool userfaultfd_pte_wp(struct vm_area_struct *vma, pte_t pte)
{
	return (vma->vm_flags & 0x1000) && pte_uffd(pte);
}

static inline bool pte_needs_soft_dirty_wp(struct vm_area_struct *vma, pte_t pte)
{
	return !(vma->vm_flags & 0x8000000) && !pte_soft_dirty(pte);
}
"""


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("1", {"watched"}),
        ("!userfaultfd_pte_wp(vma, old)", {"watched"}),
        ("!pte_needs_soft_dirty_wp(vma, old)", {"watched"}),
        ("!userfaultfd_pte_wp(vma, old) && !pte_needs_soft_dirty_wp(vma, old)", set()),
    ],
)
def test_a_write_permission_that_code_grants_asks_who_waits_for_the_next_write(asked: str, what: set[str]) -> None:
    text = "#include <linux/mm.h>\n#include <linux/pgtable.h>\n#include <asm/tlb.h>\n" + WATCHED % asked
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"set_batch"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "x86+xen")
    assert judgement.is_whole, judgement.stopped
    assert {violation.property for violation in judgement.violations} == what


@pytest.mark.parametrize(("shown", "what"), [("new", {"watched"}), ("__pte(0)", {"watched", "permission"})])
def test_code_that_nobody_has_may_allow_it_when_it_is_given_the_entry(shown: str, what: set[str]) -> None:
    text = "#include <linux/mm.h>\n#include <linux/pgtable.h>\n#include <asm/tlb.h>\n"
    text += "extern bool may_be_written(struct vm_area_struct *vma, pte_t pte);\n"
    text += GRANTS % f"may_be_written(vma, {shown})"
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"set_batch"})
    (walk,) = walks.subjects(program)
    judgement = walks.judge(program, walk, "x86+xen")
    assert judgement.is_whole, judgement.stopped
    assert {violation.property for violation in judgement.violations} == what


VOID = """
static void copy_one(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, pte_t *dst_pte, pte_t *src_pte,
		unsigned long addr)
{
	pte_t pte = pte_wrprotect(ptep_get(src_pte));

	ptep_set_wrprotect(src_vma->vm_mm, addr, src_pte);
	if (pte_young(ptep_get(%s)))
		pte = pte_mkold(pte);
	set_pte_at(dst_vma->vm_mm, addr, dst_pte, pte);
}
"""


def test_a_question_about_a_flag_that_no_entry_can_have_there_is_told() -> None:
    assert "void" not in broken(VOID % "src_pte", "copy_one")
    assert "void" in broken(VOID % "dst_pte", "copy_one")
    made = VOID.replace("if (pte_young(ptep_get(%s)))", "if (pte_young(pte_mkold(ptep_get(%s))))")
    assert "void" in broken(made % "src_pte", "copy_one")


AGES = """
static void age_batch(struct mmu_gather *tlb, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		ptep_test_and_clear_young(vma, addr + i * PAGE_SIZE, ptep + i);
	tlb_flush_pte_range(tlb, addr, %s);
}
"""


def test_entries_that_become_old_together_are_flushed_together() -> None:
    assert broken(AGES % "nr * PAGE_SIZE", "age_batch") == set()
    assert broken(AGES % "PAGE_SIZE", "age_batch") == {"flush"}


FILLS = """
static void fill_frames(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, unsigned long end, unsigned long pfn,
		pgprot_t prot)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(mm, pmd, addr, &ptl), *first = ptep;

	if (!ptep)
		return;
	for (; addr < end; addr += PAGE_SIZE, ptep++) {
		if (pte_none(ptep_get(ptep)))
			set_pte_at(mm, addr, ptep, pfn_pte(pfn, prot));
		%s
	}
	pte_unmap_unlock(first, ptl);
}
"""


@pytest.mark.parametrize(("step", "what"), [("pfn++;", set()), ("", {"pfn"})])
def test_page_frames_that_entries_are_filled_with_follow_one_another(step: str, what: set[str]) -> None:
    text = "#include <linux/mm.h>\n#include <linux/leafops.h>\n#include <linux/swapops.h>\n" + FILLS % step
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/demo.c": text.encode()}), profile_named("x86+xen")))
    program.places, program.interest = frozenset({"mm/demo.c"}), frozenset({"fill_frames"})
    (walk,) = walks.subjects(program)
    assert {violation.property for violation in walks.judge(program, walk, "x86+xen").violations} == what
