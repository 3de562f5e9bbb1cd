"""Integer constant expressions."""

import pytest

from ptlint.csrc.constexpr import ConstError
from ptlint.csrc.datamodel import ILP32
from tests.csrc.reading import Declared

WORLD = """
typedef unsigned long pteval_t; typedef struct { pteval_t pte; } pte_t;
enum bits { PRESENT = 1 << 0, DIRTY = 1 << 6, LAST };
struct s { char a; union { int b; struct { short c[4]; }; }; unsigned flag:1; };
struct s table[7]; int x;
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 2 % 3", 5),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("1 << 31", -(1 << 31)),
        ("1u << 31", 1 << 31),
        ("0x7fffffff + 1", -(1 << 31)),
        ("-1 > 0u", 1),
        ("-1 > 0ul", 1),
        ("-1l < 0u", 1),
        ("(unsigned char)-1", 255),
        ("(signed char)255 >> 1", -1),
        ("~0ul >> 60", 15),
        ("~(pteval_t)DIRTY & 0xff", 0xBF),
        ("(_Bool)4", 1),
        ("0 && 1 / 0", 0),
        ("1 || x", 1),
        ("1 ? 2 : x", 2),
        ("0 ? 1 : -1 ? 5u : 6", 5),
        ("(1 ? -1 : 0u) > 0", 1),
        ("7 ?: 8", 7),
        ("LAST", 65),
        ("sizeof(pte_t) + sizeof(int[3])", 20),
        ("sizeof(table) / sizeof((table)[0])", 7),
        ("sizeof(((struct s *)0)->c)", 8),
        ("__builtin_offsetof(struct s, c[1])", 6),
        ("(unsigned long)&((struct s *)0)->c[2]", 8),
        ("(long)((struct s *)16 + 1) - 16", 16),
        ("_Alignof(struct s)", 4),
        ("sizeof(int) == sizeof(*(8 ? ((void *)((long)(3) * 0l)) : (int *)8))", 1),
        ("sizeof(int) == sizeof(*(8 ? ((void *)((long)(x) * 0l)) : (int *)8))", 0),
        ("__builtin_constant_p(3) + __builtin_constant_p(x)", 1),
        ("__builtin_types_compatible_p(typeof(x), int)", 1),
        ("__builtin_types_compatible_p(long, long long)", 0),
        ("__builtin_choose_expr(1, 2, x)", 2),
        ("__builtin_expect(!!5, 0)", 1),
        ("__builtin_ffsl(0x10) + __builtin_ctz(8) + __builtin_clz(1) + __builtin_popcountll(7)", 42),
        ("__builtin_bswap32(0x01020304)", 0x04030201),
        ("_Generic((pteval_t)0, unsigned long: 3, default: 4)", 3),
        ("'a' + '\\n'", 107),
        ('sizeof("abc")', 4),
        ("((void)0, 1) ? 2 : 3", None),
    ],
)
def test_constants_have_the_value_c_gives_them(text: str, value: int | None) -> None:
    world = Declared(WORLD)
    if value is None:
        with pytest.raises(ConstError):
            world.value(text)
    else:
        assert world.value(text) == value


def test_widths_follow_the_data_model() -> None:
    world = Declared(WORLD, model=ILP32)
    assert world.value("~0ul") == 0xFFFFFFFF
    assert world.value("sizeof(pte_t)") == 4
    assert world.value("-1l < 0u") == 0
    assert world.value("(long)0x80000000") == -(1 << 31)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x",
            "1 / 0",
            "1 % 0",
            "1 << 32",
            "1 << -1",
            "x++",
            "f(1)",
            "1.5",
            "*(int *)0",
            "sizeof(struct nothing)",
            "&x",
        ),
        *("sizeof(unknown_t)", "__builtin_clz(0)", "__builtin_offsetof(struct s, flag)", "(struct s)1", '"a"', "x = 1"),
    ],
)
def test_what_is_not_constant_is_refused(text: str) -> None:
    with pytest.raises(ConstError):
        Declared(WORLD).value(text)


def test_enumerators_count_from_the_one_before() -> None:
    world = Declared("enum e { A, B = 5, C, D = -2, E, F = sizeof(int) * 2, G = F | 1 };")
    assert [world.value(name) for name in "ABCDEFG"] == [0, 5, 6, -2, -1, 8, 9]
