"""Resolved types and their layout."""

import pytest

from ptlint.csrc.ctypes import CArray, CFunction, CInt, CPointer, CRecord, CTypeError, IncompleteType
from ptlint.csrc.datamodel import ILP32, DataModel
from tests.csrc.reading import Declared

BIG_ENDIAN = DataModel(big_endian=True)


def record(text: str, model: DataModel | None = None) -> CRecord:
    """Return the record that *text* defines as ``struct s``."""
    found = Declared(text + ";", model=model or DataModel()).type("struct s")
    assert isinstance(found, CRecord)
    return found


def offsets(found: CRecord) -> dict[str | None, int]:
    return {field.name: field.offset for field in found.fields}


def test_members_are_aligned_and_padded() -> None:
    found = record("struct s { char a; int b; char c; long d; char e; }")
    assert offsets(found) == {"a": 0, "b": 4, "c": 8, "d": 16, "e": 24}
    assert (found.size, found.align) == (32, 8)


def test_sizes_follow_the_data_model() -> None:
    text = "struct s { long a; void *b; long long c; }"
    assert (record(text).size, record(text, ILP32).size) == (24, 16)
    assert record("struct s { char a; long long b; }", DataModel(4, 4, long_long_align=4)).size == 12
    assert record("struct s { char a; int b; }", DataModel(4, 4, scalar_align=2)).size == 6


def test_packed_and_aligned_attributes_count() -> None:
    assert record("struct s { char a; int b; } __attribute__((packed))").size == 5
    assert record("struct s { char a; int b __attribute__((packed)); }").size == 5
    assert record("struct s { char a; } __attribute__((aligned(64)))").size == 64
    assert offsets(record("struct s { char a; char b __attribute__((aligned(16))); }"))["b"] == 16
    assert record("struct s { char a; } __attribute__((aligned))").size == 16


def test_members_of_unnamed_records_belong_to_the_outer_one() -> None:
    found = record("struct s { int a; union { int b; struct { short c, d; }; }; }")
    inner = found.find("d")
    assert inner is not None
    assert (inner.offset, found.size) == (6, 8)
    assert found.find("e") is None


def test_bit_fields_share_units_of_their_type() -> None:
    found = record("struct s { unsigned a:3, b:7; int :0; unsigned c:20; unsigned d:20; _Bool e:1; }")
    places = {field.name: (field.offset, field.bit_offset, field.bit_width) for field in found.fields}
    assert places == {"a": (0, 0, 3), "b": (0, 3, 7), "c": (4, 0, 20), "d": (8, 0, 20), "e": (10, 4, 1)}
    assert found.size == 12


def test_flexible_and_empty_members_take_no_room() -> None:
    assert record("struct s { int a; char rest[]; }").size == 4
    assert record("struct s { int a; struct { } nothing; int b[0]; }").size == 4
    assert record("struct s { }").size == 0


def test_an_incomplete_record_may_stand_behind_a_pointer() -> None:
    world = Declared("struct s { struct unknown *p; struct s *next; };")
    found = world.type("struct s")
    assert found.size == 16
    with pytest.raises(IncompleteType):
        _ = world.type("struct unknown").size


def test_a_record_cannot_contain_itself() -> None:
    with pytest.raises(CTypeError):
        _ = record("struct s { struct s again; }").size


def test_one_tag_is_one_type() -> None:
    world = Declared("struct s { int a; }; typedef struct s s_t; typedef struct { int b; } unnamed_t;")
    assert world.type("s_t") is world.type("struct s")
    assert world.type("unnamed_t") is world.type("unnamed_t")
    assert world.type("s_t *") == world.type("struct s *")


def test_enums_are_the_integers_that_hold_them() -> None:
    world = Declared(
        "enum a { A }; enum b { B = -1 }; enum c { C = 1ll << 40 }; enum d { D } __attribute__((packed));"
        "enum e { E = -1, E2 = 1ll << 40 };"
    )
    types = [str(world.type(f"enum {tag}")) for tag in "abcde"]
    assert types == ["unsigned int", "int", "unsigned long long", "unsigned char", "long long"]


def test_functions_and_arrays_keep_their_parts() -> None:
    world = Declared("typedef int list_t[4]; typedef int call_t(list_t, char, ...);")
    call = world.type("call_t")
    assert isinstance(call, CFunction)
    assert [str(param) for param in call.params] == ["int *", "char"]
    assert call.variadic
    rows = world.type("list_t [3]")
    assert isinstance(rows, CArray)
    assert (rows.size, str(rows.of)) == (48, "int[4]")


@pytest.mark.parametrize("text", ["nothing_t", "int [-1]", "int [x]", "typeof(x)", "struct { int a:40; }"])
def test_what_has_no_meaning_is_refused(text: str) -> None:
    with pytest.raises(CTypeError):
        _ = Declared("").type(text).size


def test_typedefs_that_never_end_are_refused() -> None:
    world = Declared("")
    world.typedefs["loop_t"] = Declared("typedef other_t *loop_t;").typedefs["loop_t"]
    world.typedefs["other_t"] = Declared("typedef loop_t *other_t;").typedefs["other_t"]
    with pytest.raises(CTypeError, match="without end"):
        world.type("loop_t")


@pytest.mark.parametrize(
    ("left", "right", "wide", "narrow"),
    [
        ("int", "unsigned int", "unsigned int", "unsigned int"),
        ("char", "unsigned short", "int", "int"),
        ("long", "unsigned int", "long", "unsigned long"),
        ("unsigned long", "long long", "unsigned long long", "long long"),
        ("int", "_Bool", "int", "int"),
        ("unsigned long", "long", "unsigned long", "unsigned long"),
        ("__int128", "unsigned long", "__int128", "__int128"),
    ],
)
def test_arithmetic_happens_in_the_common_type(left: str, right: str, wide: str, narrow: str) -> None:
    for model, name in ((DataModel(), wide), (ILP32, narrow)):
        types = Declared("", model=model).types
        assert types.common(types.integer(left), types.integer(right)).name == name
        assert types.common(types.integer(right), types.integer(left)).name == name


def test_conversion_wraps() -> None:
    types = Declared("").types
    assert types.integer("signed char").wrap(200) == -56
    assert types.integer("unsigned short").wrap(-1) == 65535
    assert types.integer("_Bool").wrap(256) == 1


def test_pointers_have_the_size_of_the_model() -> None:
    assert Declared("", model=ILP32).type("int *") == CPointer(CInt(4, True, "int"), 4)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("'a'", "int"),
        ('"abc"', "char[4]"),
        ("(char)1 + (short)2", "int"),
        ("1u + 1l", "long"),
        ("1 << 1ul", "int"),
        ("-(unsigned char)1", "int"),
        ("!p", "int"),
        ("p", "struct s *"),
        ("p->next->list", "int[3]"),
        ("*p->list", "int"),
        ("&p->list[1]", "int *"),
        ("&p->list", "int[3] *"),
        ("p + 1", "struct s *"),
        ("p - p", "long"),
        ("p->flag", "unsigned int"),
        ("p->flag + 0", "int"),
        ("table[1].list[0]", "int"),
        ("1 ? p : 0", "struct s *"),
        ("1 ? (void *)0 : p", "struct s *"),
        ("1 ? (void *)p : p", "void *"),
        ("x ? (char)1 : 1ull", "unsigned long long"),
        ("f(1)", "struct s *"),
        ("hooks.call(1, 2)->next", "struct s *"),
        ("({ int y = 1; typeof(p) q = p; q->next; })", "struct s *"),
        ("({ x; { } })", "void"),
        ("_Generic(x, char: 1, int: p, default: 2)", "struct s *"),
        ("_Generic(p, char: 1, default: 2ul)", "unsigned long"),
        ("__builtin_choose_expr(0, 1, p)", "struct s *"),
        ("sizeof(x)", "unsigned long"),
        ("(int[]){ 1, 2 }", "int[2]"),
        ("x = 1ul", "int"),
        ("(1, 2ul)", "unsigned long"),
        ("ONE", "int"),
        ("HUGE", "long"),
    ],
)
def test_every_expression_has_a_type(text: str, type_: str) -> None:
    world = Declared(
        "struct s { struct s *next; int list[3]; unsigned flag:3; };"
        "struct s *p, table[4]; int x; struct s *f(int); struct ops { struct s *(*call)(int, int); };"
        "struct ops hooks; enum { ONE = 1, HUGE = 1l << 40 };"
    )
    assert str(world.type_of(text)) == type_


@pytest.mark.parametrize("text", ["y", "x->a", "p->nothing", "*x", "x(1)", "p + p", "table + table", "~p"])
def test_an_expression_that_does_not_fit_has_no_type(text: str) -> None:
    world = Declared("struct s { int a; } *p, table[2]; int x;")
    with pytest.raises(CTypeError):
        world.type_of(text)
