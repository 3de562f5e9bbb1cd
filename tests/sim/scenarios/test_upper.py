"""Helpers of entries that map huge pages at once: those of the kernel hold, and one that is not atomic is found."""

import pytest

from ptlint.core.tree import Snapshot, SourceTree
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import upper
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with


def judged(profile: str, path: str = "", old: str = "", new: str = "") -> dict[str, Judgement]:
    """Return the judgements of a tree in which *new* stands for *old* in a file, by helper."""
    tree: SourceTree = kernel_tree()
    if path:
        text = tree.read(path)
        assert text is not None
        assert text.count(old.encode()) == 1
        tree = Snapshot(tree, {path: text.replace(old.encode(), new.encode())})
    program = Program(load_universe(tree, profile_named(profile)))
    return {upper.name(one): upper.judge(program, one, profile) for one in upper.subjects(program)}


def broken(results: dict[str, Judgement]) -> set[tuple[str, str, bool]]:
    return {
        (name, violation.property, violation.raced) for name, one in results.items() for violation in one.violations
    }


KNOWN = {
    # The generic pudp_set_wrprotect() reads and stores; pmd_mkinvalid() of arm leaves an entry that is not present.
    "x86+full": {("pudp_set_wrprotect", "accessed-dirty", True)},
    "arm+lpae+thp": {("pmdp_invalidate", "underrun", False), ("pmdp_invalidate_ad", "underrun", False)},
}


@pytest.mark.parametrize(
    "name", ["arm64", "s390", "powerpc/radix", "powerpc/hash", "loongarch", "x86+full", "arm+lpae+thp"]
)
def test_the_helpers_of_huge_pages_hold(name: str) -> None:
    results = judged(name)
    wanted = {"pmdp_invalidate", "pmdp_huge_get_and_clear", "pmdp_set_wrprotect", "pmdp_test_and_clear_young"}
    assert wanted <= set(results)
    assert [one.subject for one in results.values() if one.stopped] == []
    assert broken(results) == KNOWN.get(name, set())


ESTABLISH = "	pmd_t old = pmdp_establish(vma, address, pmdp, pmd_mkinvalid(*pmdp));\n"
PLAIN = "	pmd_t old = *pmdp;\n\n	set_pmd_at(vma->vm_mm, address, pmdp, pmd_mkinvalid(old));\n"


def test_an_entry_that_is_not_invalidated_in_one_step_loses_what_the_mmu_sets() -> None:
    found = broken(judged("x86+full", "mm/pgtable-generic.c", ESTABLISH, PLAIN))
    assert ("pmdp_invalidate", "accessed-dirty", True) in found


def test_a_huge_page_is_flushed_before_its_old_entry_is_given_back() -> None:
    old = ESTABLISH + "	flush_pmd_tlb_range(vma, address, address + HPAGE_PMD_SIZE);\n"
    found = broken(judged("arm64", "mm/pgtable-generic.c", old, ESTABLISH))
    assert ("pmdp_invalidate", "flush", False) in found


def test_without_huge_pages_there_is_nothing_to_run() -> None:
    assert list(upper.subjects(program_with())) == []


def test_words_of_the_last_level_are_those_of_the_level_that_is_asked_about() -> None:
    program = program_with()
    program.level = "pmd"
    assert program.worded("pte_dirty(pfn_pte(pfn, prot))") == "pmd_dirty(pfn_pmd(pfn, prot))"
    assert program.worded("ptep_get(ptep)") == "pmdp_get(ptep)"
    assert program.worded("pte_t *") == "pmd_t *"
    assert program.worded("(__pte(1), pte)") == "(__pmd(1), pte)"


def test_what_the_kept_table_says_of_a_huge_page_goes_with_its_entry() -> None:
    path = "arch/powerpc/mm/book3s64/hash_pgtable.c"
    clear = "	memset(pgtable, 0, PTE_FRAG_SIZE);\n	return old_pmd;\n"
    found = broken(judged("powerpc/hash", path, clear, "	return old_pmd;\n"))
    assert ("pmdp_huge_get_and_clear", "underrun", False) in found
    found = broken(judged("powerpc/hash", path, clear, clear.replace("PTE_FRAG_SIZE", "sizeof(pgtable)")))
    assert ("pmdp_huge_get_and_clear", "underrun", False) in found


def test_a_flush_takes_in_all_that_a_huge_page_maps() -> None:
    old = "		set_pmd_at(vma->vm_mm, address, pmdp, entry);\n		flush_pmd_tlb_range(vma, address, address + %s);"
    whole, part = old % "HPAGE_PMD_SIZE", old % "PAGE_SIZE"
    found = broken(judged("loongarch", "mm/pgtable-generic.c", whole, part))
    assert ("pmdp_set_access_flags", "flush", False) in found
