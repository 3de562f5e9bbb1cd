"""Sizes of batches that outlive the round that they were counted in."""

import pytest

from ptlint.passes.counts import stale_counts
from tests.passes.code import view

HEAD = "static void f(struct folio *folio, pte_t *ptep, pte_t pte, int max, int left)\n{\n\tint nr = 1;\n"
COUNT = "nr = folio_pte_batch(folio, ptep, pte, max);"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"while (left--) {{ if (pte_present(pte)) {COUNT} drop(folio, nr); pte = next(ptep); }}", ["nr"]),
        (f"while (left--) {{ nr = 1; if (pte_present(pte)) {COUNT} drop(folio, nr); }}", []),
        (f"while (left--) {{ {COUNT} drop(folio, nr); }}", []),
        (f"do {{ {COUNT} }} while (ptep += nr, left -= nr, left);", []),
        (f"while (left--) {{ if (left) {COUNT} }} drop(folio, nr);", []),
        (f"{COUNT} while (left--) drop(folio, nr);", []),
    ],
)
def test_only_a_use_in_a_later_round_counts(body: str, expected: list[str]) -> None:
    assert [one.variable for one in stale_counts(view(HEAD + body + "\n}\n"))] == expected
