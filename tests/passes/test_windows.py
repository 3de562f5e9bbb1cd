"""Loops over the entries around one, and what keeps them inside of its page table."""

import pytest

from ptlint.passes.windows import unbounded_windows
from tests.passes.code import view

HEAD = """static void f(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	unsigned long idx = pte_pfn(ptep_get(ptep)) - folio_pfn(folio);
	int nr = folio_nr_pages(folio);
	pte_t *first;
"""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("first = ptep - idx; while (nr--) use(first++);", ["first"]),
        ("first = ptep - idx; use_all(first, nr);", ["first"]),
        ("if (addr - idx * PAGE_SIZE < (addr & PMD_MASK)) return; first = ptep - idx; use_all(first, nr);", []),
        ("if (idx > pte_index(addr) % PTRS_PER_PTE) return; first = ptep - idx; use_all(first, nr);", []),
        ("first = ptep - 1; while (nr--) use(first++);", []),
        ("first = ptep - idx; use(first);", []),
    ],
)
def test_a_window_needs_a_bound_of_the_page_table(body: str, expected: list[str]) -> None:
    assert [one.pointer for one in unbounded_windows(view(HEAD + body + "\n}\n"))] == expected
