"""``#if`` expressions have the values that the preprocessor gives them."""

import pytest

from ptlint.csrc.conditions import ConditionError, evaluate


class Table:
    """A macro table of object-like macros, and one macro with an argument: ``IS(x)`` is ``x``."""

    def __init__(self, **macros: str) -> None:
        self.macros = {"IS": "", **macros}

    def is_defined(self, name: str) -> bool:
        return name in self.macros

    def object_body(self, name: str) -> str | None:
        return None if name == "IS" else self.macros.get(name)

    def expand_text(self, text: str) -> str:
        words = [self.macros.get(word, word) if word != "IS" else "" for word in text.split()]
        return " ".join(words)

    def has_include(self, spelled: str) -> bool:
        return spelled == "<asm/here.h>"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("CONFIG_LEVELS > 3", True),
        ("CONFIG_LEVELS > 4", False),
        ("LEVELS == 4 && !defined(NOTHING)", True),
        ("defined CONFIG_LEVELS || 1 / 0", True),
        ("NOTHING", False),
        ("-1 > 0u", True),
        ("-1 > 0", False),
        ("~0UL == 0xffffffffffffffff", True),
        ("(1 ? 2 : 1 / 0) == 2", True),
        ("010 == 8", True),
        ("'A' == 65", True),
        ("5 - defined(A) - defined(CONFIG_LEVELS) != CONFIG_LEVELS", False),
        ("SUM * 2 == 3", True),
        ("IS ( CONFIG_LEVELS ) == 4", True),
        ("__has_include(<asm/here.h>) && !__has_include(<asm/gone.h>)", True),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
    ],
)
def test_a_condition_has_the_value_of_the_preprocessor(text: str, holds: bool) -> None:
    assert evaluate(text, Table(CONFIG_LEVELS="4", LEVELS="CONFIG_LEVELS", SUM="1 + 1")) is holds


@pytest.mark.parametrize("text", ["", "1 +", "(1", "1 / 0", "defined", "1 2", "f(1)", "1.5", '"a"', "!" * 500 + "1"])
def test_what_is_no_condition_is_an_error(text: str) -> None:
    with pytest.raises(ConditionError):
        evaluate(text, Table())


def test_nesting_is_bounded() -> None:
    with pytest.raises(ConditionError, match="nested too deeply"):
        evaluate("(" * 4000 + "1" + ")" * 4000, Table())
