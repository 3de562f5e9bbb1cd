"""Expressions over many lanes give what gcc's code gives, lane by lane."""

import pytest

from tests.shared import FIXTURES
from tests.sim.native import Words, compiled, differences, function_names, interpreted, lanes_of_words, program_of

ARGS = "(u64 a, u64 b, u64 c, u64 d)"
WORDS = lanes_of_words(160, seed=1)
_INTS = ("bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64")
_ARITHMETIC = ["+", "-", "*", "&", "|", "^", "==", "!=", "<", ">", "<=", ">="]


def _conversions() -> dict[str, str]:
    return {
        f"cast_{source}_to_{to}": f"return (u64)({to})({source})a + 3 * (u64)(s64)({to})({source})b;"
        for source in _INTS
        for to in _INTS
    }


def _operators() -> dict[str, str]:
    cases = {}
    for left in _INTS:
        for right in _INTS:
            parts = " ".join(f"r = r * 31 + (u64)(({left})a {op} ({right})b);" for op in _ARITHMETIC)
            cases[f"operators_{left}_{right}"] = f"u64 r = 0; {parts} return r;"
    return cases


def _shifts() -> dict[str, str]:
    widths = {"u8": 32, "s8": 32, "u16": 32, "s16": 32, "u32": 32, "s32": 32, "u64": 64, "s64": 64}
    cases = {}
    for left, width in widths.items():
        for right in ("u8", "s32", "u64"):
            count = f"({right})(b % {width})"
            cases[f"shift_{left}_by_{right}"] = (
                f"{left} x = a; return (u64)(x << {count}) * 5 + (u64)(x >> {count}) + (u64)(({left})-7 >> {count})"
                f" + (u64)((({left})1) << {count}) * 3 + (u64)(x >> 3) + (u64)(x << 9);"
            )
    return cases


def _divisions() -> dict[str, str]:
    cases = {}
    for kind in ("u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"):
        guard = "if (y == 0 || y == (typeof(y))-1) y = 3;"
        cases[f"division_{kind}"] = (
            f"{kind} x = a, y = b; {guard} return (u64)(x / y) * 7 + (u64)(x % y) + (u64)(x / ({kind})5)"
            f" + (u64)(x % ({kind})-3) * 3 + (u64)(100 / y) + (u64)(-100 % y);"
        )
    return cases


def _compound() -> dict[str, str]:
    cases = {}
    for kind in _INTS:
        steps = "x += (s32)b; r = r * 3 + x; x -= c; r = r * 3 + x; x *= (u8)b; r = r * 3 + x; x |= b; r = r * 3 + x;"
        more = "x ^= (s16)c; r = r * 3 + x; x &= d; r = r * 3 + x; x <<= 3; r = r * 3 + x; x >>= 1; r = r * 3 + x;"
        counts = "r = r * 3 + x++; r = r * 3 + ++x; r = r * 3 + x--; r = r * 3 + --x; r += (u64)(x = d);"
        cases[f"compound_{kind}"] = f"u64 r = 0; {kind} x = a; {steps} {more} {counts} return r;"
        cases[f"compound_in_memory_{kind}"] = (
            f"u64 r = 0; {kind} m = a, *p = &m; {steps} {more} {counts} return r;".replace("x", "(*p)")
        )
    return cases


_FILE = (FIXTURES / "c" / "expressions.c").read_text(encoding="utf-8")


TABLES = {**_conversions(), **_operators(), **_shifts(), **_divisions(), **_compound()}
TEXT = _FILE + "".join(f"static u64 {name}{ARGS} {{ {body} }}\n" for name, body in TABLES.items())
NAMES = function_names(TEXT)
UNIT = program_of(TEXT)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Words]:
    return compiled(TEXT, NAMES, WORDS, tmp_path_factory.mktemp("native"))


@pytest.mark.parametrize("name", NAMES)
def test_an_expression_gives_what_gcc_gives(name: str, native: dict[str, Words]) -> None:
    assert differences(native[name], interpreted(UNIT, f"{name}(a, b, c, d)", WORDS), WORDS) == []
