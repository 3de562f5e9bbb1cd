"""The transaction: what breaks it is found with the fewest entries, and only that."""

import pytest

from ptlint.sim.judgement import Judgement
from ptlint.sim.scenarios import protocol
from tests.sim.reference_program import program_with

START = """
static inline pte_t ptep_modify_prot_start(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	%s
}
"""


def judged(code: str) -> Judgement:
    program = program_with(code)
    pair = next(pair for pair in protocol.subjects(program) if pair.is_batch)
    return protocol.judge(program, pair, "reference")


def test_the_reference_helpers_hold_in_every_state() -> None:
    program = program_with()
    results = [protocol.judge(program, pair, "reference") for pair in protocol.subjects(program)]
    assert [result.subject for result in results] == [
        "modify_prot_start_ptes+modify_prot_commit_ptes",
        "ptep_modify_prot_start+ptep_modify_prot_commit",
    ]
    assert all(not result.violations and result.exhaustive and result.scenarios > 1000 for result in results)


def test_a_plain_store_in_place_of_the_exchange_loses_what_the_mmu_sets() -> None:
    result = judged(START % "pte_t pte = *ptep;\n\n\tset_pte(ptep, __pte(0));\n\treturn pte;")
    assert [(violation.property, violation.raced) for violation in result.violations] == [("accessed-dirty", True)]
    run = result.violations[0].counterexample
    assert run.nr == 1
    assert [event.agent for event in run.events if event.entry == 0][:2] == ["mmu", "cpu"]


def test_a_start_that_leaves_the_entry_valid_must_have_a_commit_that_merges() -> None:
    result = judged(START % "return READ_ONCE(*ptep);")
    assert ("accessed-dirty", True) in [(violation.property, violation.raced) for violation in result.violations]


def test_the_smallest_run_takes_the_fewest_entries() -> None:
    result = judged(
        """
static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		ptep_modify_prot_commit(vma, addr + i * PAGE_SIZE, ptep + i,
					pte_advance_pfn(old_pte, i), i == 2 ? pte : pte_advance_pfn(pte, i));
}
"""
    )
    assert [violation.property for violation in result.violations] == ["pfn"]
    assert result.violations[0].counterexample.nr == 3
    assert result.violations[0].blame[0][0] == "modify_prot_commit_ptes"


def test_a_pair_of_other_roles_is_no_transaction() -> None:
    program = program_with(
        """
static inline pte_t walk_start(pte_t *ptep, int *cookie)
{
	return *ptep;
}

static inline void walk_commit(pte_t *ptep, int *cookie)
{
}
"""
    )
    assert "walk_start" not in [pair.start.name for pair in protocol.subjects(program, every=True)]


def test_a_variable_that_only_longer_batches_set_does_not_hide_what_those_get_wrong() -> None:
    result = judged(
        """
static inline pte_t modify_prot_start_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		unsigned int nr)
{
	pte_t pte = ptep_modify_prot_start(vma, addr, ptep), last;

	while (--nr) {
		last = ptep_modify_prot_start(vma, addr += PAGE_SIZE, ++ptep);
		if (pte_dirty(pte))
			last = pte_mkdirty(last);
		if (pte_young(pte))
			last = pte_mkyoung(last);
	}
	return last;
}
"""
    )
    assert "pfn" in {violation.property for violation in result.violations}
    assert result.stopped is not None
    assert "never written" in result.stopped[0]
    assert not result.exhaustive


BY_FOUR = """
static inline void modify_prot_commit_ptes(struct vm_area_struct *vma, unsigned long addr,
		pte_t *ptep, pte_t old_pte, pte_t pte, unsigned int nr)
{
	unsigned int i, k;

	for (i = 0; i + 4 <= nr; i += 4)
		for (k = i; k < i + 4; k++)
			ptep_modify_prot_commit(vma, addr + k * PAGE_SIZE, ptep + k,
						pte_advance_pfn(old_pte, k), pte_advance_pfn(pte, %s));
	for (; i < nr; i++)
		ptep_modify_prot_commit(vma, addr + i * PAGE_SIZE, ptep + i,
					pte_advance_pfn(old_pte, i), pte_advance_pfn(pte, i));
}
"""


@pytest.mark.parametrize(("ahead", "broken"), [("k", []), ("k - i", ["pfn"])])
def test_a_loop_that_short_batches_never_enter_runs_too(ahead: str, broken: list[str]) -> None:
    assert [violation.property for violation in judged(BY_FOUR % ahead).violations] == broken


def test_a_started_entry_is_empty_or_present() -> None:
    astray = judged(START % "return __pte(xchg(&ptep->pte, pte_val(*ptep) & ~1UL));")
    assert any("neither empty nor present" in violation.detail for violation in astray.violations)
