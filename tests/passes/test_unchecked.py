"""Results that may be NULL and are used before anybody has asked."""

import re

import pytest

from ptlint.passes.unchecked import unchecked_uses
from tests.passes.code import view

HEAD = "static int f(struct mm_struct *mm, int a)\n{\n\tpte_t *s, *p = map_it(mm);\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("use(p); return 0;", ["p"]),
        ("if (!p) return 1; use(p); return 0;", []),
        ("s = p; if (!s) return 1; use(p); return 0;", []),
        ("if (a) { if (!p) return 1; } use(p); return 0;", ["p"]),
        ("if (WARN_ON(!p)) return 1; use(p + a); return 0;", []),
        ("BUG_ON(!p); use(p); return 0;", []),
        ("p = other(mm); use(p); return 0;", []),
        ("s = p + 1; return 0;", []),
    ],
)
def test_a_use_needs_a_question_on_the_way(body: str, expected: list[str]) -> None:
    found = unchecked_uses(view(HEAD + body + "\n}\n"), re.compile("map_it"), re.compile("use"))
    assert [one.variable for one in found] == expected
