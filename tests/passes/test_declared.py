"""Where a function that a patch brings belongs is told by the lines that the patch shows around it, by nothing else."""

from collections.abc import Mapping

import pytest

from ptlint.csrc.universe import SourceText, load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.passes.declared import declared_below
from ptlint.passes.functions import Book
from ptlint.reference import reference_tree

HEADER = "include/linux/pgtable.h"
NAME = "ptep_modify_prot_commit"
BROUGHT = """static inline void commit_two(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep,
		pte_t old, pte_t pte)
{
	ptep_modify_prot_commit(vma, addr, ptep, old, pte);
	ptep_modify_prot_commit(vma, addr + PAGE_SIZE, ptep + 1, pte_next_pfn(old), pte_next_pfn(pte));
}
"""


def _lines() -> list[bytes]:
    return (reference_tree().read(HEADER) or b"").splitlines()


def _first(words: str) -> int:
    return next(number for number, line in enumerate(_lines(), 1) if words.encode() in line)


def _below(line: int, shown: Mapping[str, bytes]) -> int:
    tree = reference_tree()
    texts = {"commit_two": SourceText(HEADER, line, BROUGHT)}
    book = Book(tree, (REFERENCE,), texts, lambda profile: load_universe(tree, profile, overrides=texts), shown)
    view = book.view(HEADER, "commit_two")
    assert view is not None
    return declared_below(view, NAME)


def test_a_function_whose_place_nothing_shows_is_not_taken_to_stand_where_its_lines_would_be() -> None:
    assert _below(_first(NAME) - 20, {}) == 0


@pytest.mark.parametrize("is_above", [True, False])
def test_the_line_that_a_patch_shows_below_a_function_tells_its_place(is_above: bool) -> None:
    lines, declared = _lines(), _first(NAME)
    telling = [
        number
        for number, line in enumerate(lines, 1)
        if len(line.strip()) >= 30 and [one.strip() for one in lines].count(line.strip()) == 1
    ]
    place = max(n for n in telling if n < declared) if is_above else min(n for n in telling if n > declared + 1)
    end = BROUGHT.count("\n")
    shown = b"\n" * (end + 1) + lines[place - 1] + b"\n"
    assert (_below(1, {HEADER: shown}) > 0) == is_above
