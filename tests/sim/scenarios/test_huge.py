"""Helpers of hugetlb entries run over pages of every size, in tables that the kernel's own code links."""

import pytest

from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import SourceText, load_universe
from ptlint.sim.hugepages import pages
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import huge
from tests.csrc.kernel import kernel_tree

ARM64 = "arch/arm64/mm/hugetlbpage.c"

GET_CLEAR = """\
static pte_t get_clear_contig(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long pgsize,
			unsigned long ncontig)
{
	pte_t all = __ptep_get_and_clear_anysz(mm, addr, ptep, pgsize), one;
	unsigned long i;

	for (i = 1; i < ncontig; i++) {
		one = __ptep_get_and_clear_anysz(mm, addr + i * pgsize, ptep + i, pgsize);
		if (%s)
			all = pte_mkdirty(all);
		if (pte_young(one))
			all = pte_mkyoung(all);
	}
	return all;
}
"""


def judged(arch: str, overrides: dict[str, SourceText] | None = None, only: str = "") -> list[Judgement]:
    program = Program(load_universe(kernel_tree(), profile_named(arch), huge.ROOTS, overrides))
    return [huge.judge(program, one, arch) for one in huge.subjects(program) if not only or huge.name(one) == only]


KNOWN = {
    "riscv": {("huge_pte_clear", "entry 1 is not cleared"), ("huge_ptep_get_and_clear", "entry 1 is not cleared")},
    "sparc": {
        ("huge_pte_clear", "entry 1 is not cleared"),
        ("huge_ptep_clear_flush", "entry 0 is not cleared"),
        ("huge_ptep_clear_flush", "the flush does not cover the page"),
    },
}
"""Defects of 7.3: of an entry that is not present, and of every one on sparc, the first is cleared; and sparc's
huge_ptep_clear_flush() does neither (docs/upstream-7.3.md).
"""


@pytest.mark.parametrize("arch", ["arm64", "powerpc/radix", "riscv", "s390", "sparc"])
def test_the_kernels_helpers_hold(arch: str) -> None:
    results = judged(arch)
    assert len(results) >= 7
    assert [one.subject for one in results if one.stopped] == []
    found = {(one.subject, violation.detail) for one in results for violation in one.violations}
    assert found == KNOWN.get(arch, set())
    assert sum(one.scenarios for one in results) > 100


@pytest.mark.parametrize(("condition", "broken"), [("pte_dirty(one)", set()), ("pte_dirty(all)", {"accessed-dirty"})])
def test_bits_of_every_entry_of_a_page_are_collected(condition: str, broken: set[str]) -> None:
    text = SourceText(ARM64, 1, GET_CLEAR % condition)
    (result,) = judged("arm64", {"get_clear_contig": text}, "huge_ptep_get_and_clear")
    assert {violation.property for violation in result.violations} == broken


def test_sizes_are_those_that_the_architecture_says_are_valid() -> None:
    program = Program(load_universe(kernel_tree(), profile_named("arm64"), huge.ROOTS))
    assert [(page.size >> 10, page.level, page.entries) for page in pages(program)] == [
        (64, "pte", 16),
        (2048, "pmd", 1),
        (32768, "pmd", 16),
        (1 << 20, "pud", 1),
    ]


def test_where_start_up_code_decides_which_sizes_there_are_helpers_count_as_not_executed() -> None:
    results = judged("powerpc/hash")
    assert results
    assert all(one.stopped and "no size" in one.stopped[0] for one in results)


COMPARED = """\
static int __cont_access_flags_changed(pte_t *ptep, pte_t pte, int ncontig)
{
	int i;

	for (i = 0; i < %s; i++)
		if ((pte_val(pte) ^ pte_val(__ptep_get(ptep + i))) & (PTE_AF | PTE_DIRTY | PTE_RDONLY | PTE_WRITE))
			return 1;
	return 0;
}
"""


@pytest.mark.parametrize(("entries", "broken"), [("ncontig", set()), ("1", {"underrun"})])
def test_a_fault_gives_every_entry_of_a_page_what_it_asks_for(entries: str, broken: set[str]) -> None:
    text = SourceText(ARM64, 1, COMPARED % entries)
    (result,) = judged("arm64", {"__cont_access_flags_changed": text}, "huge_ptep_set_access_flags")
    assert {violation.property for violation in result.violations} == broken


WRPROTECT = """\
void huge_ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_t all, pte = ptep_get(ptep);
	unsigned long order;
	int i;

	if (!pte_napot(pte)) {
		ptep_set_wrprotect(mm, addr, ptep);
		return;
	}
	order = napot_cont_order(pte);
	ptep = huge_pte_offset(mm, addr, napot_cont_size(order));
	all = get_clear_contig_flush(mm, addr, ptep, napot_pte_num(order));
	for (i = 0; i %s napot_pte_num(order); i++, ptep++, addr += PAGE_SIZE)
		set_pte_at(mm, addr, ptep, pte_wrprotect(all));
}
"""


@pytest.mark.parametrize(("sign", "broken"), [("<", set()), ("<=", {"outside"})])
def test_a_page_of_several_entries_is_found_through_the_tables_that_the_kernel_links(
    sign: str, broken: set[str]
) -> None:
    text = SourceText("arch/riscv/mm/hugetlbpage.c", 1, WRPROTECT % sign)
    (result,) = judged("riscv", {"huge_ptep_set_wrprotect": text}, "huge_ptep_set_wrprotect")
    assert {violation.property for violation in result.violations} == broken
    assert result.stopped is None


NOWHERE = """\
void huge_ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	ptep_set_wrprotect(mm, addr, (pte_t *)8);
}
"""


def test_a_helper_of_which_no_run_comes_to_its_end_does_not_hold() -> None:
    text = SourceText("arch/riscv/mm/hugetlbpage.c", 1, NOWHERE)
    (result,) = judged("riscv", {"huge_ptep_set_wrprotect": text}, "huge_ptep_set_wrprotect")
    assert result.violations or result.stopped


def test_entries_that_are_not_present_go_with_the_whole_page() -> None:
    text = GET_CLEAR % "pte_dirty(one)"
    stops = text.replace(
        "		if (pte_dirty", "		if (!pte_present(all))\n			break;\n		if (pte_dirty"
    )
    (result,) = judged("arm64", {"get_clear_contig": SourceText(ARM64, 1, stops)}, "huge_ptep_get_and_clear")
    assert {violation.detail for violation in result.violations} == {"entry 2 is not cleared"}


SET = """\
void set_huge_pte_at(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned long sz)
{
	size_t pgsize;
	int i, ncontig = num_contig_ptes(sz, &pgsize);

	if (pte_present(pte) && pte_cont(pte) && %s)
		clear_flush(mm, addr, ptep, pgsize, ncontig);
	if (pte_present(pte))
		return __set_ptes_anysz(mm, addr, ptep, pte, ncontig, pgsize);
	for (i = 0; i < ncontig; i++)
		__set_ptes_anysz(mm, addr + i * pgsize, ptep + i, pte, 1, pgsize);
}
"""


@pytest.mark.parametrize(("when", "broken"), [("pte_valid(__ptep_get(ptep))", set()), ("0", {"live-entry"})])
def test_entries_of_one_page_are_invalid_before_they_change(when: str, broken: set[str]) -> None:
    (result,) = judged("arm64", {"set_huge_pte_at": SourceText(ARM64, 1, SET % when)}, "set_huge_pte_at")
    assert {violation.property for violation in result.violations} == broken


STEPS = """\
static pte_t get_clear_contig(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long pgsize,
			unsigned long ncontig)
{
	pte_t all = __ptep_get_and_clear_anysz(mm, addr, ptep, pgsize), one;
	unsigned long i;

	for (i = 1; i < ncontig; i++) {
		one = __ptep_get_and_clear_anysz(mm, addr + i * %s, ptep + i, pgsize);
		if (pte_dirty(one))
			all = pte_mkdirty(all);
		if (pte_young(one))
			all = pte_mkyoung(all);
	}
	return all;
}
"""
CLEARED = """\
static void clear_flush(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long pgsize,
			unsigned long ncontig)
{
	struct vm_area_struct vma = TLB_FLUSH_VMA(mm, 0);
	unsigned long i, start = addr;

	for (i = 0; i < ncontig; i++, ptep++%s)
		__ptep_get_and_clear_anysz(mm, start + i * pgsize, ptep, pgsize);
	__flush_hugetlb_tlb_range(&vma, start, addr, pgsize, TLBF_NOWALKCACHE);
}
"""


@pytest.mark.parametrize(("step", "broken"), [("pgsize", set()), ("PAGE_SIZE", {"address"})])
def test_a_function_gets_the_address_of_the_entry_of_a_page_that_it_gets(step: str, broken: set[str]) -> None:
    text = SourceText(ARM64, 1, STEPS % step)
    (result,) = judged("arm64", {"get_clear_contig": text}, "huge_ptep_get_and_clear")
    assert {violation.property for violation in result.violations} == broken


@pytest.mark.parametrize(("step", "broken"), [(", addr += pgsize", set()), ("", {"flush"})])
def test_a_flush_of_a_page_does_not_end_where_it_begins(step: str, broken: set[str]) -> None:
    text = SourceText(ARM64, 1, CLEARED % step)
    (result,) = judged("arm64", {"clear_flush": text}, "set_huge_pte_at")
    assert {violation.property for violation in result.violations} == broken


def test_a_flush_behind_a_change_takes_in_what_has_changed() -> None:
    text = (CLEARED % ", addr += pgsize").replace("&vma, start, addr,", "&vma, addr, addr + pgsize * ncontig,")
    (result,) = judged("arm64", {"clear_flush": SourceText(ARM64, 1, text)}, "set_huge_pte_at")
    details = {violation.detail for violation in result.violations if violation.property == "flush"}
    assert any("takes in none of the entries that have changed" in one for one in details)


@pytest.mark.parametrize(("bits", "broken"), [("_PAGE_WRITE", set()), ("_PAGE_RW", {"underrun"})])
def test_a_page_that_is_write_protected_stays_what_it_was(bits: str, broken: set[str]) -> None:
    body = "static inline void huge_ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
    body += f"{{\n\tif (pte_write(*ptep))\n\t\tpte_update(mm, addr, ptep, {bits}, 0, 1);\n}}\n"
    text = SourceText("arch/powerpc/include/asm/book3s/64/pgtable.h", 1, body)
    (result,) = judged("powerpc/radix", {"huge_ptep_set_wrprotect": text}, "huge_ptep_set_wrprotect")
    assert {violation.property for violation in result.violations} == broken


def test_who_runs_far_past_a_page_is_found_although_the_run_ends_there() -> None:
    body = "static int num_contig_ptes_from_size(unsigned long sz, size_t *pgsize)\n"
    body += "{\n\t*pgsize = sz >= PMD_SIZE ? PMD_SIZE : PAGE_SIZE;\n\treturn sz >> PAGE_SHIFT;\n}\n"
    text = SourceText("arch/riscv/mm/hugetlbpage.c", 1, body)
    (result,) = judged("riscv", {"num_contig_ptes_from_size": text}, "set_huge_pte_at")
    assert "outside" in {violation.property for violation in result.violations}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "		if (likely(pte_present(pte)))\n			rste |= _SEGMENT_ENTRY_LARGE;",
            "		rste |= _SEGMENT_ENTRY_LARGE;",
            "what is read back is not empty, as what was set",
        ),
        (
            "	rste = __pte_to_rste(pte);\n",
            "	rste = __pte_to_rste(pte_clear_soft_dirty(pte));\n",
            "the page that was set has lost what pte_soft_dirty() asks for",
        ),
    ],
)
def test_what_an_architecture_keeps_in_a_format_of_its_own_is_read_back(old: str, new: str, found: str) -> None:
    path, name = "arch/s390/mm/hugetlbpage.c", "__set_huge_pte_at"
    whole = (kernel_tree().read(path) or b"").decode()
    start = whole.index(f"void {name}(")
    text = whole[start : whole.index("\n}\n", start) + 3]
    assert text.count(old) == 1
    results = judged("s390", {name: SourceText(path, 1, text.replace(old, new))}, "set_huge_pte_at")
    assert found in {violation.detail for one in results for violation in one.violations}


def test_a_page_of_several_entries_is_flushed_between_its_old_and_its_new_entries() -> None:
    name = "get_clear_contig_flush"
    body = (
        f"static pte_t {name}(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long pgsize,\n"
        "\t\tunsigned long ncontig)\n{\n\treturn get_clear_contig(mm, addr, ptep, pgsize, ncontig);\n}\n"
    )
    results = judged("arm64", {name: SourceText(ARM64, 1, body)}, "huge_ptep_set_access_flags")
    details = {violation.detail for one in results for violation in one.violations}
    assert "entry 0 of the page is valid again, and what a TLB may hold of it was not flushed" in details
