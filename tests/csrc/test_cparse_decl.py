"""Declarations and types."""

import pytest

from ptlint.csrc.ast import Declaration, EnumType, FunctionDef, FunctionType, RecordType
from ptlint.csrc.errors import CParseError
from tests.csrc.reading import outline, read_file, read_function, read_type


def declared(text: str) -> str:
    """Return the type of the one thing that *text* declares."""
    (declaration,) = read_file(text)
    assert isinstance(declaration, Declaration)
    (declarator,) = declaration.declarators
    return outline(declarator.type)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("unsigned", "unsigned int"),
        ("long unsigned int", "unsigned long"),
        ("long long", "long long"),
        ("long int signed long", "long long"),
        ("unsigned char", "unsigned char"),
        ("signed", "int"),
        ("short int", "short"),
        ("const volatile unsigned __int128", "unsigned __int128"),
        ("_Bool", "_Bool"),
        ("__uint128_t", "unsigned __int128"),
        ("bool", "_Bool"),
        ("__signed__ char", "signed char"),
    ],
)
def test_builtin_types_have_one_name(spelling: str, name: str) -> None:
    assert outline(read_type(spelling)) == f"BuiltinType({name})"


def test_declarators_are_read_inside_out() -> None:
    assert declared("int *a[3];") == "ArrayType(PointerType(BuiltinType(int)), IntConst(3, int))"
    assert declared("int (*a)[3];") == "PointerType(ArrayType(BuiltinType(int), IntConst(3, int)))"
    assert declared("int a[2][3];") == "ArrayType(ArrayType(BuiltinType(int), IntConst(3, int)), IntConst(2, int))"
    assert declared("void (*f(int))(char);") == (
        "FunctionType(PointerType(FunctionType(BuiltinType(void), [Param(None, BuiltinType(char))])),"
        " [Param(None, BuiltinType(int))])"
    )
    assert declared("int (f)(void);") == "FunctionType(BuiltinType(int))"


def test_parameters_of_array_and_function_type_are_pointers() -> None:
    assert declared("void f(int a[static 4], u32 g(void));") == (
        "FunctionType(BuiltinType(void), [Param(a, PointerType(BuiltinType(int))),"
        " Param(g, PointerType(FunctionType(TypedefName(u32))))])"
    )


def test_empty_and_variadic_parameter_lists_are_told_apart() -> None:
    lists = []
    for text in ("int f();", "int f(void);", "int f(int, ...);"):
        (declaration,) = read_file(text)
        assert isinstance(declaration, Declaration)
        type_ = declaration.declarators[0].type
        assert isinstance(type_, FunctionType)
        lists.append((len(type_.params), type_.variadic, type_.oldstyle))
    assert lists == [(0, False, True), (0, False, False), (1, True, False)]


def test_records_keep_what_matters_for_layout() -> None:
    record = read_type("struct s { int a:3, :2, b; union { u32 x; }; u64 c __aligned(16); char rest[]; } __packed")
    assert isinstance(record, RecordType)
    assert record.packed
    assert record.members is not None
    assert [outline(member) for member in record.members] == [
        "Member(a, BuiltinType(int), IntConst(3, int))",
        "Member(None, BuiltinType(int), IntConst(2, int))",
        "Member(b, BuiltinType(int))",
        "Member(None, RecordType(union, None, [Member(x, TypedefName(u32))]))",
        "Member(c, TypedefName(u64), None, IntConst(16, int))",
        "Member(rest, ArrayType(BuiltinType(char)))",
    ]


def test_attributes_may_stand_anywhere() -> None:
    (record,) = read_file("struct __attribute__((__packed__)) s { int a __attribute__((aligned(8))); } ;")
    assert isinstance(record, Declaration)
    assert isinstance(record.type, RecordType)
    assert record.type.packed
    assert declared(
        'static __attribute__((unused)) int __attribute__((x(1, (2)))) *a __attribute__((section("s")));'
    ) == ("PointerType(BuiltinType(int))")
    assert declared('int f(void) asm("g") __attribute__((noreturn, cold));') == "FunctionType(BuiltinType(int))"
    assert declared("typedef int word __attribute__((mode(TI)));") == "BuiltinType(int)"
    assert declared("typedef __attribute__((mode(TI))) unsigned int wide;") == "BuiltinType(unsigned __int128)"


def test_the_cleanup_function_is_kept() -> None:
    function = read_function("void f(void) { void *p __attribute__((cleanup(release))) = 0; }")
    (declaration,) = function.body.items
    assert isinstance(declaration, Declaration)
    assert declaration.declarators[0].cleanup == "release"


def test_kernel_annotations_need_no_definition() -> None:
    text = "static __always_inline void __must_check *f(struct page __user *p, int __n) __acquires(x) __releases(y) { }"
    function = read_function(text)
    assert outline(function.type) == (
        "FunctionType(PointerType(BuiltinType(void)), [Param(p, PointerType(RecordType(struct, page))),"
        " Param(__n, BuiltinType(int))])"
    )
    assert read_function("asmlinkage __visible void noinstr f(void) { }").name == "f"
    assert declared("extern unsigned long __initdata limit __maybe_unused;") == "BuiltinType(unsigned long)"
    assert declared("char __user *__restrict const *argv;") == "PointerType(PointerType(BuiltinType(char)))"


def test_names_spelled_like_annotations_are_names_where_nothing_else_can_be_one() -> None:
    text = 'void f(int __a, char *__b) { union __halves o = { 1 }, *__p; register u32 *__q __asm__("r0") = __b; }'
    function = read_function(text)
    assert [param.name for param in function.type.params] == ["__a", "__b"]
    assert [outline(item) for item in function.body.items] == [
        "Declaration(frozenset(), RecordType(union, __halves), [Declarator(o, RecordType(union, __halves),"
        " InitList([InitItem([], IntConst(1, int))])), Declarator(__p, PointerType(RecordType(union, __halves)))])",
        "Declaration(frozenset({'register'}), TypedefName(u32),"
        " [Declarator(__q, PointerType(TypedefName(u32)), Name(__b))])",
    ]
    assert outline(read_type("struct __packed s { int a; }")) == (
        "RecordType(struct, s, [Member(a, BuiltinType(int))], True)"
    )
    assert declared("extern struct __timeval now(void);") == "FunctionType(RecordType(struct, __timeval))"
    assert declared("typedef __builtin_va_list va_list;") == "BuiltinType(__builtin_va_list)"
    assert declared("char *__name __attribute__((unused));") == "PointerType(BuiltinType(char))"


def test_unknown_names_are_types_where_a_type_must_stand() -> None:
    assert declared("hugetlb_t entry;") == "TypedefName(hugetlb_t)"
    assert declared("static inline swp_t *f(__le32 x, other_t *);") == (
        "FunctionType(PointerType(TypedefName(swp_t)), [Param(x, TypedefName(__le32)),"
        " Param(None, PointerType(TypedefName(other_t)))])"
    )


def test_enums_number_their_constants_later() -> None:
    enum = read_type("enum zone { DMA, NORMAL = 3, LAST, }")
    assert isinstance(enum, EnumType)
    assert outline(enum) == "EnumType(zone, [Enumerator(DMA), Enumerator(NORMAL, IntConst(3, int)), Enumerator(LAST)])"


def test_typeof_of_a_type_is_the_type() -> None:
    assert outline(read_type("typeof(u32 *)")) == "PointerType(TypedefName(u32))"
    assert outline(read_type("__typeof__(x + 1) *")) == "PointerType(TypeofExpr(Binary(+, Name(x), IntConst(1, int))))"


def test_auto_type_is_the_type_of_the_initialiser() -> None:
    function = read_function("void f(void) { __auto_type a = b + 1; }")
    assert "Declarator(a, TypeofExpr(Binary(+, Name(b), IntConst(1, int)))" in outline(function.body)
    with pytest.raises(CParseError):
        read_function("void f(void) { __auto_type a; }")


def test_a_typedef_is_known_from_its_declaration_on() -> None:
    function = read_function("void f(void) { typedef int mine; mine *a; { int mine; mine * 2; } mine *b; }")
    kinds = [type(item).__name__ for item in function.body.items]
    assert kinds == ["Declaration", "Declaration", "Block", "Declaration"]
    (_, product) = function.body.items[2].items  # type: ignore[union-attr]
    assert outline(product) == "ExprStmt(Binary(*, Name(mine), IntConst(2, int)))"


def test_a_parameter_hides_a_typedef_name() -> None:
    function = read_function("void f(int u32) { u32 * 2; (u32)(1); }")
    assert [type(item).__name__ for item in function.body.items] == ["ExprStmt", "ExprStmt"]


def test_storage_is_kept_as_written() -> None:
    (function,) = read_file("extern inline __attribute__((gnu_inline)) int f(void) { return 0; }")
    assert isinstance(function, FunctionDef)
    assert function.storage == {"extern", "inline"}


def test_anonymous_tagged_records_may_be_members() -> None:
    record = read_type("struct s { struct base; struct inner { int a; }; u32; }")
    assert isinstance(record, RecordType)
    assert [member.name for member in record.members or ()] == [None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        *("int", "int a", "int 3;", "static a;", "foo(x);", "struct s { int a }", "int a[;", "long char x;"),
        "int f(int,);",
        "struct { int f; ",
        "enum { 1 };",
        "enum e : int { A };",
        "int v __attribute__((vector_size(16)));",
        "float _Complex x;",
    ],
)
def test_broken_declarations_are_refused(text: str) -> None:
    with pytest.raises(CParseError):
        read_file(text)


@pytest.mark.parametrize(
    "text",
    [
        "int " + "(" * 3000 + "x" + ")" * 3000 + ";",
        "int x" + "[1]" * 3000 + ";",
        "struct {" * 3000 + "}" * 3000,
        "int x = " + "{" * 3000 + "}" * 3000 + ";",
        "int f(" * 3000 + ")" * 3000 + ";",
    ],
)
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(CParseError, match="nested too deeply"):
        read_file(text)
