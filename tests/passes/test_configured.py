"""The configuration that the conditionals around a line ask for."""

import pytest

from ptlint.csrc.directives import scan
from ptlint.csrc.profile import profile_named
from ptlint.passes.configured import wanted_symbols, with_symbols

TEXT = """\
#ifdef CONFIG_A
a
#if defined(CONFIG_B) && !defined(CONFIG_C)
b
#else
not_b
#endif
#endif
#ifndef CONFIG_D
d
#elif IS_ENABLED(CONFIG_E) || defined(CONFIG_F)
e
#endif
plain
#ifdef CONFIG_A
#ifndef CONFIG_A
never
#endif
#endif
"""


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a", {"A": True}),
        ("b", {"A": True, "B": True, "C": False}),
        ("not_b", {"A": True, "B": False}),
        ("d", {"D": False}),
        ("e", {"E": True}),
        ("plain", {}),
        ("never", None),
    ],
)
def test_the_symbols_that_a_line_needs(word: str, expected: dict[str, bool] | None) -> None:
    line = TEXT.splitlines().index(word) + 1
    assert wanted_symbols(scan("mm/some.c", TEXT.encode()), line) == expected


def test_a_profile_with_other_symbols_says_so_in_its_name() -> None:
    profile = profile_named("x86")
    other = with_symbols(profile, {"KASAN_VMALLOC": True, "MMU": False})
    assert other is not None
    assert other.name == "x86[KASAN_VMALLOC,!MMU]"
    assert (other.is_set("KASAN_VMALLOC"), other.is_set("MMU")) == (True, False)
    assert with_symbols(profile, {"MMU": True}) is None
