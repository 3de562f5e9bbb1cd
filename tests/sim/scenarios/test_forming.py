"""Functions that detect a batch: what they count, what they merge, and how far they look."""

import numpy as np
import pytest

from ptlint.core.tree import Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import load_universe
from ptlint.sim.flagwords import Flag, bits_of, meanings_of
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program
from ptlint.sim.scenarios import forming
from tests.csrc.kernel import kernel_tree
from tests.sim.reference_program import program_with

ALIKE = """
unsigned int like_the_first(struct folio *folio, pte_t *table, pte_t *first, unsigned int max)
{
	unsigned long left = folio_pfn(folio) + folio_nr_pages(folio) - pte_pfn(*first);
	pte_t expected = pte_mkold(pte_mkclean(*first));
	unsigned int nr = 1;
	int dirty = 0;

	if (max > left)
		max = left;
	while (nr < max) {
		pte_t pte = ptep_get(table + nr);

		expected = pte_next_pfn(expected);
		if (!pte_same(pte_mkold(pte_mkclean(pte)), expected))
			break;
		dirty |= pte_dirty(pte);
		nr++;
	}
	if (dirty)
		*first = pte_mkdirty(*first);
	return nr;
}
"""


def judged(code: str) -> list[Judgement]:
    program = program_with(code, "mm/demo.c")
    return [forming.judge(program, former, "reference") for former in forming.subjects(program)]


def kinds(code: str) -> set[str]:
    (judgement,) = judged(code)
    assert judgement.is_whole, judgement.stopped
    assert judgement.scenarios > 100
    return {violation.kind for violation in judgement.violations}


def test_a_function_that_keeps_the_contract_holds_whatever_it_is_called() -> None:
    assert kinds(ALIKE) == set()


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("if (max > left)\n\t\tmax = left;\n", "", "folio"),
        ("- pte_pfn(*first)", "- pte_pfn(*first) + 1", "folio"),
        ("nr < max)", "nr <= max)", "most"),
        ("nr < max)", "nr + 1 < max)", "short"),
        ("\t\t\tbreak;", "\t\t\t{ nr++; continue; }", "pfn"),
        ("pte_mkold(pte_mkclean(pte))", "pte_mkold(pte_mkclean(pte_clear_uffd(pte)))", "differs userfaultfd"),
        ("dirty |= pte_dirty(pte)", "dirty |= pte_young(pte)", "more dirty"),
        ("= pte_mkdirty(*first)", "= pte_mkdirty(pte_mkyoung(*first))", "more accessed"),
        ("= pte_mkdirty(*first)", "= pte_mkclean(*first)", "lacks dirty"),
        ("unsigned int nr = 1", "unsigned int nr = 0", "none"),
        ("ptep_get(table + nr)", "ptep_get(table + nr + 1)", "reads"),
        ("expected = pte_next_pfn(expected);\n", "", "short"),
    ],
)
def test_a_mistake_is_told_as_what_it_is(old: str, new: str, kind: str) -> None:
    assert ALIKE.count(old) == 1
    assert kind in kinds(ALIKE.replace(old, new))


def test_an_empty_entry_or_one_of_another_page_ends_the_batch() -> None:
    by_number = ALIKE.replace("!pte_same(pte_mkold(pte_mkclean(pte)), expected)", "pte_none(pte)")
    assert {"pfn", "differs userfaultfd"} <= kinds(by_number)
    by_page = ALIKE.replace("!pte_same(pte_mkold(pte_mkclean(pte)), expected)", "pte_pfn(pte) != pte_pfn(expected)")
    assert kinds(by_page) == {"differs userfaultfd"}


TOLD = ALIKE.replace("pte_t *first, unsigned int max)", "pte_t first, unsigned int max, bool *any_dirty)").replace(
    "*first", "first"
)


def test_a_bit_may_be_told_by_a_flag_of_the_caller() -> None:
    assert kinds(TOLD.replace("first = pte_mkdirty(first)", "*any_dirty = 1")) == set()
    assert kinds(TOLD.replace("first = pte_mkdirty(first)", "*any_dirty = 0")) == {"lacks dirty"}


@pytest.mark.parametrize(
    "head",
    [
        "bool like_the_first(struct folio *folio, pte_t *table, pte_t *first, unsigned int max)",
        "unsigned int like_the_first(struct page *page, pte_t *table, pte_t *dst_pte, pte_t *first, unsigned int max)",
        "unsigned int like_the_first(struct mmu_gather *folio, pte_t *table, pte_t *first, unsigned int max)",
        "unsigned int like_the_first(struct folio *folio, pte_t *table, pte_t *first, unsigned int left)",
    ],
)
def test_what_returns_no_count_or_changes_entries_is_none(head: str) -> None:
    assert judged(head + ALIKE[ALIKE.index("\n{") :]) == []


def test_nothing_is_looked_for_without_interest_or_in_a_scan() -> None:
    program = program_with(ALIKE, "mm/demo.c")
    program.walks = False
    assert list(forming.subjects(program)) == []
    program.walks, program.interest = True, None
    assert list(forming.subjects(program)) == []


def test_names_of_flags_say_what_they_are_about() -> None:
    assert bits_of("FPB_RESPECT_SOFT_DIRTY") == {"soft-dirty"}
    assert bits_of("FPB_MERGE_YOUNG_DIRTY") == {"accessed", "dirty"}
    assert bits_of("ANY_WRITABLE") == {"write"}
    assert bits_of("MAX_NR") == frozenset()


def test_a_flag_lets_bits_differ_or_forbids_it() -> None:
    respect, ignore, merge = (Flag(1 << at, verb, frozenset({"dirty"})) for at, verb in enumerate(VERBS))
    flags = np.arange(2, dtype=np.uint64)
    assert meanings_of((respect,), flags).free["dirty"].tolist() == [True, False]
    assert meanings_of((ignore,), flags << np.uint64(1)).free["dirty"].tolist() == [False, True]
    merged = meanings_of((merge,), flags << np.uint64(2))
    assert (merged.merges["dirty"].tolist(), merged.keeps["dirty"].tolist()) == ([False, True], [True, False])
    assert meanings_of((), flags).keeps == {}


VERBS = ("respect", "ignore", "merge")


def test_folded_blocks_are_counted_no_further_than_allowed() -> None:
    text = (kernel_tree().read("mm/internal.h") or b"").replace(b"return min(nr, max_nr);", b"return nr;")
    program = Program(load_universe(Snapshot(kernel_tree(), {"mm/internal.h": text}), profile_named("arm64")))
    program.places, program.interest = frozenset({"mm/internal.h"}), frozenset({"folio_pte_batch_flags"})
    (former,) = forming.subjects(program)
    judgement = forming.judge(program, former, "arm64")
    assert judgement.is_whole, judgement.exhausted
    assert "most" in {violation.kind for violation in judgement.violations}
