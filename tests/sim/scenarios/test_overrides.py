"""Overrides beside their generic bodies: what differs is found, what may differ is not, and nothing else is run."""

import pytest

from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import SourceText, load_universe
from ptlint.passes.outcomes import ROOTS
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import overrides
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with

ARCH = "arch/reference/include/asm/pgtable.h"

SET = "void set_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned int nr)"
COLLECT = (
    "pte_t get_and_clear_full_ptes(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned int nr, int full)"
)
CLEAR = "pte_t ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep)"
YOUNG = "int ptep_test_and_clear_young(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)"
PROTECT = "void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)"
START = "pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)"
ADVANCE = "pte_t pte_advance_pfn(pte_t pte, unsigned long nr)"

EACH = """
	pte_t first = ptep_get_and_clear(mm, addr, ptep);

	for (; --nr; ) {
		pte_t pte = ptep_get_and_clear(mm, addr += PAGE_SIZE, ++ptep);

		if (pte_young(pte))
			first = pte_mkyoung(first);
		if (pte_dirty(pte))
			first = pte_mkdirty(first);
		%s
	}
	return first;
"""


def judged(head: str, body: str) -> Judgement:
    program = program_with(f"static inline {head}\n{{\n\t{body}\n}}\n", ARCH)
    (subject,) = (one for one in overrides.subjects(program) if head.split("(")[0].split()[-1] in one.name.split("+"))
    return overrides.judge(program, subject, "reference")


@pytest.mark.parametrize(
    ("head", "body", "kind"),
    [
        (SET, "while (nr--) set_pte(ptep++, pte);", "entry:pfn"),
        (SET, "while (nr--) { set_pte(ptep++, pte_mksoft(pte)); pte = pte_next_pfn(pte); }", "entry:soft_dirty"),
        (SET, "set_pte(ptep, pte);", "entry:present"),
        (COLLECT, EACH % "if (pte_write(pte)) first = pte_mkwrite_novma(first);", "result:write"),
        (COLLECT, "return full ? *ptep : (%s);", "entry:present"),
        (CLEAR, "return *ptep;", "entry:present"),
        (CLEAR, "return pte_mkdirty(__pte(xchg(&ptep->pte, 0)));", "result:dirty"),
        (YOUNG, "set_pte(ptep, pte_mkold(*ptep)); return 1;", "told"),
        (YOUNG, "return 0;", "told"),
        (PROTECT, "set_pte(ptep, pte_wrprotect(pte_mkyoung(*ptep)));", "entry:young"),
        (START, "return pte_mkold(__pte(xchg(&ptep->pte, 0)));", "result:young"),
        (ADVANCE, "return __pte(pte_val(pte) + ((nr & 0xff) << PFN_PTE_SHIFT));", "result:pfn"),
    ],
)
def test_what_an_override_does_otherwise_is_found(head: str, body: str, kind: str) -> None:
    body = body.replace("pte_mksoft(", "pte_mksoft_dirty(").replace("(%s)", "ptep_get_and_clear(mm, addr, ptep)")
    result = judged(head, body)
    assert result.stopped is None
    assert kind in {violation.kind for violation in result.violations}
    assert {violation.property for violation in result.violations} == {"diverges"}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (SET, "for (; nr; nr--) { set_pte(ptep++, pte); pte_val(pte) += PAGE_SIZE; }"),
        (COLLECT, EACH % ";"),
        (CLEAR, "pte_t pte = *ptep; set_pte(ptep, __pte(0)); return pte;"),
        (YOUNG, "pte_t pte = *ptep; if (!pte_young(pte)) return 0; set_pte(ptep, pte_mkold(pte)); return 4;"),
        (PROTECT, "if (pte_write(*ptep)) set_pte(ptep, pte_wrprotect(*ptep));"),
        (ADVANCE, "return pfn_pte(pte_pfn(pte) + nr, __pgprot(pte_val(pte) & ~REF_PFN));"),
    ],
)
def test_an_override_that_does_the_same_in_another_way_holds(head: str, body: str) -> None:
    result = judged(head, body)
    assert result.stopped is None
    assert result.scenarios > 0
    assert result.violations == ()


def test_the_run_shows_what_the_generic_body_leaves_and_returns() -> None:
    (violation,) = judged(CLEAR, "return pte_mkyoung(__pte(xchg(&ptep->pte, 0)));").violations
    assert violation.detail == "the result is accessed, not with the generic body"
    texts = [event.text for event in violation.counterexample.events]
    assert "with the generic body: none" in texts
    assert "returns pfn 0x1ffe RA-; with the generic body: pfn 0x1ffe R--" in texts


# --- what is run at all -----------------------------------------------------------------------------------------------


def names(interest: str, profile: str = "arm64") -> list[str]:
    """Return the overrides of a kernel that a change of *interest* concerns."""
    program = Program(load_universe(kernel_tree(), profile_named(profile), ROOTS))
    program.interest = frozenset({interest})
    return [one.name for one in overrides.subjects(program)]


def test_a_change_of_a_setter_compares_nothing() -> None:
    assert names("pte_mkdirty") == []
    assert names("PTE_RDONLY") == []


def test_a_change_of_an_override_compares_what_leads_to_it() -> None:
    assert names("contpte_wrprotect_ptes") == ["ptep_set_wrprotect", "wrprotect_ptes"]


def test_a_change_of_the_generic_body_compares_the_overrides_of_it() -> None:
    assert names("set_ptes", "um") == ["set_ptes"]
    assert names("__ptep_modify_prot_start", "s390") == ["ptep_modify_prot_start+ptep_modify_prot_commit"]


SWEPT = ("arm", "arm64+nocontpte", "loongarch", "mips", "parisc", "powerpc/hash", "riscv", "sparc", "x86/pae", "xtensa")


@pytest.mark.parametrize(
    "name", ["arm64", "powerpc/radix", "s390", "x86+xen", *(pytest.param(one, marks=pytest.mark.slow) for one in SWEPT)]
)
def test_the_overrides_of_a_kernel_do_what_the_generic_bodies_do(name: str) -> None:
    program = Program(load_universe(kernel_tree(), profile_named(name), ROOTS))
    results = [overrides.judge(program, one, name) for one in overrides.subjects(program)]
    assert results
    assert [(one.subject, one.stopped, one.violations) for one in results if one.violations or not one.is_whole] == []


def with_another(profile: str, path: str, name: str, old: str, new: str) -> tuple[overrides.Override, Judgement]:
    """Run override *name* of the kernel's file *path* with *old*, which is in it once, replaced."""
    tree = kernel_tree()
    text = (tree.read(path) or b"").decode()
    at = next(
        at for at in range(len(text)) if text.startswith(f"{name}(", at) and text[at:].find("{") < text[at:].find(";")
    )
    start, end = text.rindex("\n\n", 0, at) + 2, text.index("\n}", at) + 2
    own = text[start:end]
    assert own.count(old) == 1
    given = {name: SourceText(path, text.count("\n", 0, start) + 1, own.replace(old, new))}
    program = Program(load_universe(tree, profile_named(profile), ROOTS, given))
    (subject,) = (one for one in overrides.subjects(program) if one.name == name)
    return subject, overrides.judge(program, subject, profile)


def test_a_batch_whose_generic_body_does_not_fit_is_held_against_itself_entry_by_entry() -> None:
    path = "arch/powerpc/mm/pgtable.c"
    subject, result = with_another("powerpc/radix", path, "set_ptes", "pte = pte_next_pfn(pte);", "")
    assert subject.generic is None
    assert [violation.detail for violation in result.violations] == ["entry 1 maps another page than entry by entry"]


@pytest.mark.parametrize(
    ("profile", "path", "old", "new"),
    [
        ("alpha", "arch/alpha/include/asm/pgtable.h", "migrate_flush_tlb_page(vma, addr);", ""),
        ("parisc", "arch/parisc/kernel/cache.c", "flush_tlb_page(vma, addr);", ""),
    ],
)
def test_a_flush_that_the_generic_body_does_is_owed(profile: str, path: str, old: str, new: str) -> None:
    _, result = with_another(profile, path, "ptep_clear_flush", old, new)
    assert [violation.kind for violation in result.violations] == ["flush"]
