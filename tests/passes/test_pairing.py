"""Protocols of two calls on feasible paths."""

import re

import pytest

from ptlint.passes.pairing import Protocol, breaches_of
from tests.passes.code import view, views

LOCK = Protocol(re.compile("take"), re.compile("give"), "single")
MAP = Protocol(re.compile("map_it"), re.compile("unmap_it"), "result", may_fail=True)

HEAD = "static int f(struct mm_struct *mm, int a, int b, int c)\n{\n"


def kinds(protocol: Protocol, body: str) -> list[str]:
    """Return the kinds of the breaches of a function with *body*."""
    return [breach.kind for breach in breaches_of(view(HEAD + body + "\n}\n"), protocol)]


@pytest.mark.parametrize(
    "body",
    [
        "if (a) take(); g(mm); if (a) give(); return 0;",
        "bool t = a && b; if (t) take(); if (t) give(); return 0;",
        "if (a != b) take(); if (a == b) return 0; give(); return 1;",
        "int err = 0; take(); if (a) { err = -5; goto out; } g(mm); out: give(); return err;",
        "switch (a) { case 1: take(); break; default: return 0; } give(); return 0;",
        "take(); do { if (g(mm)) break; } while (--b); give(); return 0;",
        "if (a) { take(); b = 1; } else { b = 0; } if (b) give(); return 0;",
        "take(); if (a) panic(0); give(); return 0;",
    ],
)
def test_balanced_code_has_no_breach(body: str) -> None:
    assert kinds(LOCK, body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("take(); if (a) return 1; give(); return 0;", ["kept"]),
        ("if (a) take(); a = b; if (a) give(); return 0;", ["kept", "not-held"]),
        ("take(); while (b--) { if (g(mm)) return 1; } give(); return 0;", ["kept"]),
        ("take(); switch (a) { case 1: give(); return 1; case 2: give(); } return 0;", ["kept"]),
        ("take(); if (a) give(); give(); return 0;", ["not-held"]),
        ("if (g(&a) && a) take(); if (g(&a) && a) give(); return 0;", ["kept", "not-held"]),
    ],
)
def test_a_feasible_path_that_breaks_the_pair_is_found(body: str, expected: list[str]) -> None:
    assert sorted(kinds(LOCK, body)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pte_t *p = map_it(mm); if (!p) return 1; unmap_it(p); return 0;", []),
        ("pte_t *s, *p; s = p = map_it(mm); if (p) { p++; unmap_it(s); } return 0;", []),
        ("pte_t *p = map_it(mm); if (!p) return 1; if (a) return 2; unmap_it(p); return 0;", ["kept"]),
        ("pte_t *p = map_it(mm); if (!p) return 1; keep_it(&p); return 0;", []),
        ("pte_t *p = map_it(mm), *q; if (!p) return 1; q = map_it(mm); if (q) unmap_it(q); unmap_it(p); return 0;", []),
        ("pte_t *p = map_it(mm); pte_t *q = map_it(mm); unmap_it(p); unmap_it(q); return 0;", ["order"]),
    ],
)
def test_what_a_call_returned_is_followed_by_its_names(body: str, expected: list[str]) -> None:
    found = kinds(MAP, body)
    assert sorted(set(found)) == expected


def test_a_helper_may_give_back_what_it_is_handed() -> None:
    code = (
        "static void done(pte_t *p)\n{\n\tunmap_it(p);\n}\n\n"
        "static void f(struct mm_struct *mm)\n{\n\tpte_t *p = map_it(mm);\n\n\tif (p)\n\t\tdone(p);\n}\n"
    )
    assert breaches_of(views(code)["f"], MAP) == ()


def test_a_breach_names_both_places() -> None:
    code = "static int f(int a)\n{\n\ttake();\n\tif (a)\n\t\treturn 1;\n\tgive();\n\treturn 0;\n}\n"
    (breach,) = breaches_of(view(code), LOCK)
    assert breach.taken is not None
    assert (breach.taken.line, breach.pos.line, breach.taker) == (3, 5, "take")


def test_many_independent_branches_end_within_bounds() -> None:
    body = "take();" + "".join(f"if (mm->flags & {1 << at}) g({at});" for at in range(40)) + "give(); return 0;"
    assert kinds(LOCK, body) == []


def test_code_that_the_configuration_leaves_out_is_looked_at() -> None:
    assert kinds(LOCK, "if (!IS_ENABLED(CONFIG_ABSENT)) return 0; take(); if (a) return 1; give(); return 0;") == [
        "kept"
    ]
    assert kinds(LOCK, "if (IS_ENABLED(CONFIG_ABSENT)) take(); if (IS_ENABLED(CONFIG_ABSENT)) give(); return 0;") == []
