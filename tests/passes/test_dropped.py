"""What a function handed on before a patch and no longer does."""

import re

import pytest

from ptlint.passes.dropped import Handing, dropped
from tests.passes.code import views

TRACKED = Handing("userfaultfd", re.compile("pte_uffd"), re.compile("pte_mkuffd"), re.compile("set_pte_at"))
HEAD = "static void f(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t old, pte_t pte)\n{\n"
CARRIED = "if (pte_uffd(old)) pte = pte_mkuffd(pte); set_pte_at(mm, addr, ptep, pte);"
HELPER = "static pte_t with_bits(pte_t old, pte_t pte)\n{\n\treturn pte_uffd(old) ? pte_mkuffd(pte) : pte;\n}\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("set_pte_at(mm, addr, ptep, pte);", ["pte_mkuffd"]),
        (CARRIED, []),
        ("pte = with_bits(old, pte); set_pte_at(mm, addr, ptep, pte);", []),
        ("bool tracked = pte_uffd(old); if (tracked) pte = pte_mkuffd(pte); set_pte_at(mm, addr, ptep, pte);", []),
        ("pte_clear(mm, addr, ptep);", []),
        ("set_pte_at(mm, addr, ptep, pte); shown_elsewhere(ptep);", []),
    ],
)
def test_a_state_counts_as_dropped_while_entries_are_still_stored(body: str, expected: list[str]) -> None:
    old = views(HEAD + CARRIED + "\n}\n")["f"]
    new = views(HELPER + "\n" + HEAD + body + "\n}\n")["f"]
    found = list(dropped([(old, new)], TRACKED))
    assert [one.helper for _, one in found] == expected


def test_what_moved_to_another_function_of_the_patch_is_not_dropped() -> None:
    before = views(HEAD + CARRIED + "\n}\n" + HEAD.replace("f(", "g(") + "set_pte_at(mm, addr, ptep, pte);\n}\n")
    after = views(HEAD + "set_pte_at(mm, addr, ptep, pte);\n}\n" + HEAD.replace("f(", "g(") + CARRIED + "\n}\n")
    assert list(dropped([(before[name], after[name]) for name in ("f", "g")], TRACKED)) == []


def test_what_moved_to_a_new_function_is_not_dropped() -> None:
    before = views(HEAD + CARRIED + "\n}\n")
    after = views(HEAD + "set_pte_at(mm, addr, ptep, pte);\n}\n" + HEAD.replace("f(", "g(") + CARRIED + "\n}\n")
    assert list(dropped([(before["f"], after["f"]), (None, after["g"])], TRACKED)) == []


def test_a_new_function_has_nothing_to_drop() -> None:
    assert list(dropped([(None, views(HEAD + "set_pte_at(mm, addr, ptep, pte);\n}\n")["f"])], TRACKED)) == []
