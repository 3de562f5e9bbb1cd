"""The other batch helpers, one broken version of each kind, and blocks that an architecture folds."""

import pytest

from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import SourceText, load_universe
from ptlint.passes.outcomes import ROOTS
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import batches, blocks
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with

FOLDING = """
static inline unsigned int pte_batch_hint(pte_t *ptep, pte_t pte)
{
	if (!(pte_val(pte) & (1UL << 58)))
		return 1;
	return 4 - (((unsigned long)ptep >> 3) & 3);
}

static inline void set_ptes(struct mm_struct *mm, unsigned long addr,
		pte_t *ptep, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		unsigned long index = ((unsigned long)(ptep + i) >> 3) & 3;
		bool whole = i >= index && nr - i >= 4 - index && !((pte_pfn(pte) + i - index) & 3);
		pte_t one = pte_advance_pfn(pte, i);

		set_pte(ptep + i, whole ? __pte(pte_val(one) | (1UL << 58)) : one);
	}
}

static inline pte_t ptep_get(pte_t *ptep)
{
	pte_t pte = READ_ONCE(*ptep);
	int i;

	if (!(pte_val(pte) & (1UL << 58)))
		return pte;
	ptep = (pte_t *)((unsigned long)ptep & ~31UL);
	for (i = 0; i < 4; i++, ptep++) {
		pte_t other = READ_ONCE(*ptep);

		if (pte_dirty(other))
			pte = %s(pte);
		if (pte_young(other))
			pte = pte_mkyoung(pte);
	}
	return pte;
}
"""


def judged(program: Program, name: str) -> Judgement:
    form = next(form for form in batches.subjects(program) if form.signature.name == name)
    return batches.judge(program, form, "reference")


def test_the_reference_helpers_hold() -> None:
    program = program_with()
    results = [batches.judge(program, form, "reference") for form in batches.subjects(program)]
    assert {"set_ptes", "ptep_get_and_clear", "ptep_set_wrprotect", "ptep_get"} <= {one.subject for one in results}
    assert [one.subject for one in results if one.violations or one.stopped] == []


@pytest.mark.parametrize(
    ("name", "code", "broken"),
    [
        (
            "set_ptes",
            "static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte,"
            " unsigned int nr)\n{\n\twhile (nr--)\n\t\tset_pte(ptep++, pte);\n}\n",
            {"pfn"},
        ),
        (
            "ptep_get_and_clear",
            "static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
            "{\n\tpte_t pte = *ptep;\n\n\tset_pte(ptep, __pte(0));\n\treturn pte;\n}\n",
            {"accessed-dirty"},
        ),
        (
            "ptep_get_and_clear",  # not present, and not empty: a swap entry to whoever looks next
            "static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
            "{\n\treturn __pte(xchg(&ptep->pte, pte_val(*ptep) & ~1UL));\n}\n",
            {"underrun"},
        ),
        (
            "ptep_set_wrprotect",
            "static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
            "{\n\tset_pte(ptep, pte_mkclean(pte_wrprotect(*ptep)));\n}\n",
            {"accessed-dirty"},
        ),
        (
            "ptep_test_and_clear_young",
            "static inline int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)\n"
            "{\n\treturn pte_young(*ptep);\n}\n",
            {"underrun"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_a_broken_helper_breaks_what_it_promises(name: str, code: str, broken: set[str]) -> None:
    result = judged(program_with(code), name)
    assert {violation.property for violation in result.violations} == broken


def test_a_helper_that_writes_one_entry_too_many_is_caught_by_the_guard() -> None:
    code = (
        "static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte,"
        " unsigned int nr)\n{\n\tunsigned int i;\n\n\tfor (i = 0; i <= nr; i++)\n"
        "\t\tset_pte(ptep + i, pte_advance_pfn(pte, i));\n}\n"
    )
    result = judged(program_with(code), "set_ptes")
    assert [violation.property for violation in result.violations] == ["outside"]
    assert result.violations[0].counterexample.nr == 1


def test_the_length_of_a_folded_block_is_what_the_hint_says() -> None:
    assert blocks.block_size(program_with(FOLDING % "pte_mkdirty")) == 4
    assert blocks.block_size(program_with()) == 1


def folded(program: Program, name: str) -> Judgement:
    return next(
        blocks.judge(program, form, "reference") for form in blocks.subjects(program) if blocks.name(form) == name
    )


def test_a_read_of_a_folded_block_gathers_the_bits_of_all_its_entries() -> None:
    assert folded(program_with(FOLDING % "pte_mkdirty"), "ptep_get").violations == ()
    result = folded(program_with(FOLDING % "pte_mkyoung"), "ptep_get")
    assert [violation.property for violation in result.violations] == ["accessed-dirty"]
    assert "dirty" in result.violations[0].detail


def test_a_block_is_folded_only_where_its_page_frame_is_aligned_as_well() -> None:
    assert folded(program_with(FOLDING % "pte_mkdirty"), "set_ptes").violations == ()
    anywhere = (FOLDING % "pte_mkdirty").replace(" && !((pte_pfn(pte) + i - index) & 3)", "")
    result = folded(program_with(anywhere), "set_ptes")
    assert [(one.property, "page frame" in one.detail) for one in result.violations] == [("pfn", True)]


GRANTING = """
int ptep_set_access_flags(struct vm_area_struct *vma, unsigned long address, pte_t *ptep, pte_t entry, int dirty)
{
	bool whole = pte_val(READ_ONCE(*ptep)) & (1UL << 58);
	pte_t *first = whole ? (pte_t *)((unsigned long)ptep & ~31UL) : ptep;
	unsigned long more = pte_val(entry) & (REF_YOUNG | REF_DIRTY | REF_WRITE);
	int i;

	if (%s)
		return 0;
	for (i = 0; i < (whole ? 4 : 1); i++)
		set_pte(first + i, __pte(pte_val(first[i]) | more));
	return 1;
}
"""


@pytest.mark.parametrize(("when", "broken"), [("0", False), ("whole && (pte_val(*ptep) & more) == more", True)])
def test_a_fault_makes_every_entry_of_a_block_what_it_asks_for(when: str, broken: bool) -> None:
    result = folded(program_with(FOLDING % "pte_mkdirty" + GRANTING % when), "ptep_set_access_flags")
    assert any("that the fault asks for" in violation.detail for violation in result.violations) == broken


@pytest.mark.parametrize(
    ("name", "code", "broken"),
    [
        (
            "ptep_set_wrprotect",
            "static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
            "{\n\tset_pte(ptep, pte_wrprotect(*ptep));\n}\n",
            "permission",
        ),
        (
            "ptep_get_and_clear",
            "static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
            "{\n\treturn __pte(xchg(&ptep->pte, 0));\n}\n",
            "outside",
        ),
    ],
)
def test_an_entry_that_changes_alone_breaks_the_promise_of_its_block(name: str, code: str, broken: str) -> None:
    result = folded(program_with(FOLDING % "pte_mkdirty" + code), name)
    assert broken in {violation.property for violation in result.violations}


def test_what_a_store_fault_asks_for_is_there_afterwards() -> None:
    code = (
        "int ptep_set_access_flags(struct vm_area_struct *vma, unsigned long address, pte_t *ptep, pte_t entry,"
        " int dirty)\n{\n\tif (pte_same(*ptep, entry))\n\t\treturn 0;\n\tset_pte(ptep, %s);\n\treturn 1;\n}\n"
    )
    plain = judged(program_with(code % "entry"), "ptep_set_access_flags").violations
    assert [(one.property, one.raced) for one in plain] == [("accessed-dirty", True)]  # the MMU sets dirty in between
    for text, broken in (("pte_wrprotect(entry)", "underrun"), ("pte_mkclean(entry)", "accessed-dirty")):
        result = judged(program_with(code % text), "ptep_set_access_flags")
        assert broken in {violation.property for violation in result.violations}


def test_an_entry_that_leaves_its_block_takes_no_bit_of_the_others_with_it() -> None:
    code = (
        "static inline pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)\n"
        "{\n\tpte_t *first = (pte_t *)((unsigned long)ptep & ~31UL);\n\tpte_t pte;\n\tint i;\n\n"
        "\tfor (i = 0; i < 4; i++)\n"
        "\t\tset_pte(first + i, __pte(pte_val(first[i]) & ~(1UL << 58 | (first + i == ptep ? 0 : REF_YOUNG))));\n"
        "\tpte = *ptep;\n\tset_pte(ptep, __pte(0));\n\treturn pte;\n}\n"
    )
    result = folded(program_with(FOLDING % "pte_mkdirty" + code), "ptep_get_and_clear")
    assert any("of its block" in violation.detail for violation in result.violations)


COLLECTING = """
static inline pte_t get_and_clear_full_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr,
		int full)
{
	pte_t pte = ptep_get_and_clear(mm, addr, ptep);
	unsigned int i;

	for (i = 1; i < %s; i++) {
		pte_t other = ptep_get_and_clear(mm, addr + i * PAGE_SIZE, ptep + i);

		if (%s && pte_dirty(other))
			pte = pte_mkdirty(pte);
		if (pte_young(other))
			pte = pte_mkyoung(pte);
	}
	return pte;
}
"""


@pytest.mark.parametrize(
    ("count", "carried", "broken"),
    [
        ("nr", "1", set()),
        ("nr", "!full", {"accessed-dirty"}),
        ("nr - !!full", "1", {"underrun", "accessed-dirty"}),
        ("nr + !!full", "1", {"outside"}),
    ],
)
def test_a_helper_is_also_told_that_the_whole_address_space_goes(count: str, carried: str, broken: set[str]) -> None:
    text = COLLECTING % (count, carried)
    found = judged(program_with(text), "get_and_clear_full_ptes")
    assert {one.property for one in found.violations} == broken
    assert found.is_whole
    assert all(one.detail.endswith("where the whole address space goes") for one in found.violations)


def test_where_the_whole_address_space_goes_nothing_comes_between_the_steps() -> None:
    head, body = COLLECTING.split("pte_t pte = ptep_get_and_clear(mm, addr, ptep);")
    plain = "pte_t pte = full ? ptep_get(ptep) : ptep_get_and_clear(mm, addr, ptep);"
    text = f"{head}{plain}{body % ('nr', '1')}".replace(
        "unsigned int i;", "unsigned int i;\n\n\tset_pte(ptep, __pte(0));"
    )
    found = judged(program_with(text), "get_and_clear_full_ptes")
    assert found.is_whole
    assert not found.violations


AGEING = """
static inline bool test_and_clear_young_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		unsigned int nr)
{
	pte_t *end = ptep + nr;
	bool young = false;

	if (pte_val(READ_ONCE(*%s)) & (1UL << 58))
		end = (pte_t *)(((unsigned long)end + 31) & ~31UL);
	if (pte_val(READ_ONCE(*ptep)) & (1UL << 58))
		ptep = (pte_t *)((unsigned long)ptep & ~31UL);
	for (; ptep != end; ptep++)
		young |= !!(xchg(&ptep->pte, pte_val(*ptep) & ~REF_YOUNG) & REF_YOUNG);
	return young;
}
"""


@pytest.mark.parametrize(("last", "broken"), [("(ptep + nr - 1)", set()), ("ptep", {"outside", "underrun"})])
def test_a_batch_over_the_border_of_a_block_clears_all_of_that_block_and_nothing_beside(
    last: str, broken: set[str]
) -> None:
    result = folded(program_with(FOLDING % "pte_mkdirty" + AGEING % last), "test_and_clear_young_ptes")
    assert {violation.property for violation in result.violations} == broken


SYNCED = """
static inline void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int nr)
{
	%s;

	for (i = 0; i < nr; i++) {
		set_pte(ptep + i, pte_advance_pfn(pte, i));
		local_flush_tlb_page(mm, addr + %s * PAGE_SIZE);
	}
}
"""


@pytest.mark.parametrize(
    ("counter", "entry", "broken"),
    [
        ("unsigned int i", "i", set()),
        ("unsigned int i", "0", {"flush"}),
        ("unsigned int i; nr = (unsigned char)nr", "i", set()),
        ("unsigned char i; nr = (unsigned char)nr", "i", {"flush", "underrun"}),
    ],
)
def test_a_setter_tells_the_tlb_of_every_entry_and_counts_in_more_than_8_bits(
    counter: str, entry: str, broken: set[str]
) -> None:
    result = judged(program_with(SYNCED % (counter, entry)), "set_ptes")
    assert {one.property for one in result.violations} == broken


REPAINT = """
static void contpte_convert(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte)
{
	struct vm_area_struct vma = TLB_FLUSH_VMA(mm, 0);
	pte_t *first = contpte_align_down(ptep);
	unsigned long start = ALIGN_DOWN(addr, CONT_PTE_SIZE), end = start;
	int i;

	pte = pfn_pte(ALIGN_DOWN(pte_pfn(pte), CONT_PTES), pte_pgprot(pte));
	for (i = 0; i < CONT_PTES; i++%s) {
		pte_t one = __ptep_get_and_clear(mm, end, first + i);

		if (pte_dirty(one))
			pte = pte_mkdirty(pte);
		if (pte_young(one))
			pte = pte_mkyoung(pte);
	}
	__flush_tlb_range(&vma, start, end, PAGE_SIZE, 3, TLBF_NOWALKCACHE);
	__set_ptes(mm, start, first, pte, CONT_PTES);
}
"""


@pytest.mark.parametrize(("step", "broken"), [(", end += PAGE_SIZE", set()), ("", {"address", "flush"})])
def test_a_flush_that_ends_where_it_begins_is_none(step: str, broken: set[str]) -> None:
    text = {"contpte_convert": SourceText("arch/arm64/mm/contpte.c", 1, REPAINT % step)}
    program = Program(load_universe(kernel_tree(), profile_named("arm64"), ROOTS, text))
    result = folded(program, "wrprotect_ptes")
    assert {violation.property for violation in result.violations} == broken
