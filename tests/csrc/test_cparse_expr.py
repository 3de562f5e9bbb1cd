"""Expressions."""

import pytest

from ptlint.csrc.ast import Binary, Call, Cast, FloatConst, IntConst, StmtExpr, StrConst, TypeArg
from ptlint.csrc.datamodel import ILP32, DataModel
from ptlint.csrc.errors import CParseError
from tests.csrc.reading import outline, read_expression


def bracketed(text: str) -> str:
    """Return an expression of names and operators with all its parentheses."""

    def show(node: object) -> str:
        return (
            f"({show(node.left)}{node.op}{show(node.right)})"
            if isinstance(node, Binary)
            else getattr(node, "name", "?")
        )

    return show(read_expression(text))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a + b * c - d", "((a+(b*c))-d)"),
        ("a << b + c & d", "((a<<(b+c))&d)"),
        ("a & b == c", "(a&(b==c))"),
        ("a | b ^ c & d", "(a|(b^(c&d)))"),
        ("a || b && c || d", "((a||(b&&c))||d)"),
        ("a - b - c", "((a-b)-c)"),
        ("a < b != c >= d", "((a<b)!=(c>=d))"),
    ],
)
def test_operators_bind_as_in_c(text: str, meaning: str) -> None:
    assert bracketed(text) == meaning


def test_assignment_and_conditional_group_to_the_right() -> None:
    assert outline(read_expression("a = b |= c ? d : e ?: f")) == (
        "Assign(, Name(a), Assign(|, Name(b), Conditional(Name(c), Name(d), Conditional(Name(e), None, Name(f)))))"
    )


def test_prefix_and_postfix_operators() -> None:
    assert outline(read_expression("-*p->x[1]++")) == (
        "Unary(-, Unary(*, IncDec(++, False, Index(MemberAccess(Name(p), x, True), IntConst(1, int)))))"
    )
    assert outline(read_expression("&&out")) == "LabelAddress(out)"


def test_a_parenthesised_type_is_a_cast() -> None:
    assert outline(read_expression("(pteval_t)(x)")) == "Cast(TypedefName(pteval_t), Name(x))"
    assert outline(read_expression("(unsigned long *)-x")) == (
        "Cast(PointerType(BuiltinType(unsigned long)), Unary(-, Name(x)))"
    )
    assert outline(read_expression("(pte)(x)")) == "Call(Name(pte), [Name(x)])"
    assert outline(read_expression("(pte) - x")) == "Binary(-, Name(pte), Name(x))"


def test_an_unknown_name_is_a_type_where_nothing_else_fits() -> None:
    assert isinstance(read_expression("(wide)x"), Cast)
    assert isinstance(read_expression("(wide)~0"), Cast)
    assert isinstance(read_expression("(wide *)&x"), Cast)
    assert isinstance(read_expression("(wide_t)(x)"), Cast)
    assert isinstance(read_expression("(wide)(x)"), Call)


def test_sizeof_takes_a_type_or_an_expression() -> None:
    assert outline(read_expression("sizeof(u32) + sizeof(x) + sizeof x[1]")) == (
        "Binary(+, Binary(+, SizeofType(TypedefName(u32)), SizeofExpr(Name(x))),"
        " SizeofExpr(Index(Name(x), IntConst(1, int))))"
    )
    assert outline(read_expression("sizeof(u32){1}")).startswith("SizeofExpr(CompoundLiteral(")
    assert outline(read_expression("__alignof__(struct s)")) == "Alignof(RecordType(struct, s))"


def test_compound_literals_have_designators() -> None:
    assert outline(read_expression("(pte_t){ .pte = x, [1 ... 2].y = { 3 }, old: 4 }.pte")) == (
        "MemberAccess(CompoundLiteral(TypedefName(pte_t), InitList([InitItem([Designator(pte)], Name(x)),"
        " InitItem([Designator(None, IntConst(1, int), IntConst(2, int)), Designator(y)],"
        " InitList([InitItem([], IntConst(3, int))])), InitItem([Designator(old)], IntConst(4, int))])), pte)"
    )


def test_a_type_may_be_an_argument() -> None:
    call = read_expression("__builtin_va_arg(ap, struct s *)")
    assert isinstance(call, Call)
    assert isinstance(call.args[1], TypeArg)
    assert outline(read_expression("container_of(p, struct s, a.b)")) == (
        "Call(Name(container_of), [Name(p), TypeArg(RecordType(struct, s)), MemberAccess(Name(a), b)])"
    )


def test_offsetof_walks_an_imaginary_object() -> None:
    assert outline(read_expression("__builtin_offsetof(struct s, a.b[3])")) == (
        "Offsetof(RecordType(struct, s), Index(MemberAccess(MemberAccess(Name(), a), b), IntConst(3, int)))"
    )


def test_generic_selection_has_a_default() -> None:
    assert outline(read_expression("_Generic(x, char *: 1, default: f)")) == (
        "GenericSelection(Name(x), [[PointerType(BuiltinType(char)), IntConst(1, int)], [None, Name(f)]])"
    )


def test_a_statement_expression_holds_a_block() -> None:
    expr = read_expression("({ int a = 1; a; }) + 1")
    assert isinstance(expr, Binary)
    assert isinstance(expr.left, StmtExpr)
    assert len(expr.left.body.items) == 2


@pytest.mark.parametrize(
    ("text", "value", "wide", "narrow"),
    [
        ("0", 0, "int", "int"),
        ("017", 15, "int", "int"),
        ("0b101", 5, "int", "int"),
        ("0x7fffffff", 0x7FFFFFFF, "int", "int"),
        ("0x80000000", 0x80000000, "unsigned int", "unsigned int"),
        ("2147483648", 2147483648, "long", "long long"),
        ("0x100000000", 1 << 32, "long", "long long"),
        ("0xffffffffffffffff", (1 << 64) - 1, "unsigned long", "unsigned long long"),
        ("1UL", 1, "unsigned long", "unsigned long"),
        ("1ull", 1, "unsigned long long", "unsigned long long"),
        ("1llu", 1, "unsigned long long", "unsigned long long"),
        ("4294967296u", 1 << 32, "unsigned long", "unsigned long long"),
    ],
)
def test_integer_constants_have_the_first_type_that_fits(text: str, value: int, wide: str, narrow: str) -> None:
    for model, type_ in ((DataModel(), wide), (ILP32, narrow)):
        constant = read_expression(text, model=model)
        assert isinstance(constant, IntConst)
        assert (constant.value, constant.type) == (value, type_)


@pytest.mark.parametrize("text", ["08", "0x", "1lul", "12abc", "0x1ffffffffffffffff", "''", r"'\q'", '"\\q"'])
def test_a_malformed_constant_is_refused(text: str) -> None:
    with pytest.raises(CParseError):
        read_expression(text)


def test_character_constants_follow_the_sign_of_char() -> None:
    def value(text: str, signed: bool = True) -> int:
        constant = read_expression(text, model=DataModel(char_signed=signed))
        assert isinstance(constant, IntConst)
        return constant.value

    assert [value(text) for text in ("'a'", r"'\n'", r"'\0'", r"'\x41'", r"'\''", "'ab'")] == [97, 10, 0, 65, 39, 24930]
    assert (value(r"'\377'"), value(r"'\377'", signed=False)) == (-1, 255)


def test_adjacent_strings_are_joined() -> None:
    assert read_expression(r'"a\x62" "1" "\1411"') == StrConst(b"ab1a1", read_expression('""').pos)
    wide = read_expression('L"aé"'.encode().decode("latin-1"))
    assert isinstance(wide, StrConst)
    assert (wide.value, wide.width) == (b"a\0\xe9\0", 2)


def test_floating_constants_are_kept_as_text() -> None:
    for text in ("1.0", ".5f", "1e3", "0x1p-3", "1.", "3.5e+10L"):
        assert isinstance(read_expression(text), FloatConst)


@pytest.mark.parametrize(
    "text", ["", "a b", "a +", "(a", "f(a,)", "f(,a)", "a ? b", "a[", "a.3", "sizeof", "{1}", "a #"]
)
def test_broken_expressions_are_refused(text: str) -> None:
    with pytest.raises(CParseError):
        read_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "x" + ")" * 5000,
        "-" * 5000 + "x",
        "(int)" * 5000 + "x",
        "+".join(["x"] * 5000),
        "x" + "[0]" * 5000,
        "x" + "=x" * 5000,
        "x" + "?x:x" * 5000,
        "({ " * 2000 + "x;" + " });" * 2000,
        "f(" * 5000 + ")" * 5000,
        "(typeof(" * 2000 + "x" + ")) 0" * 2000,
        "&" * 1 + "(struct s){" * 2000 + "}" * 2000,
    ],
)
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(CParseError, match="nested too deeply"):
        read_expression(text)


def test_a_hundred_levels_are_no_trouble() -> None:
    assert outline(read_expression("(" * 150 + "x" + ")" * 150)) == outline(read_expression("x"))
    assert isinstance(read_expression("|".join(["x"] * 400)), Binary)
