"""Statements and functions."""

import pytest

from ptlint.csrc.ast import Asm, Block, If, NestedFunction, Stmt
from ptlint.csrc.errors import CParseError
from tests.csrc.reading import outline, read_file, read_function


def statement(text: str) -> Stmt:
    """Return the one statement *text* is."""
    (item,) = read_function(f"void f(void) {{ {text} }}").body.items
    return item


def test_a_function_knows_where_it_begins_and_ends() -> None:
    function = read_function("static int\nf(int a)\n{\n\treturn a;\n}")
    assert (function.name, function.pos.line, function.body.pos.line, function.end.line) == ("f", 2, 3, 5)


def test_else_belongs_to_the_nearest_if() -> None:
    outer = statement("if (a) if (b) c(); else d();")
    assert isinstance(outer, If)
    assert outer.other is None
    assert isinstance(outer.then, If)
    assert outer.then.other is not None


def test_loops() -> None:
    assert outline(statement("for (int i = 0, *p; i < n; i++, p++) ;")).startswith("For(Declaration(")
    assert outline(statement("for (;;) { break; }")) == "For(None, None, None, Block([Break()]))"
    assert outline(statement("do x--; while (x);")) == "While(Name(x), ExprStmt(IncDec(--, False, Name(x))), True)"
    assert outline(statement("while (x) continue;")) == "While(Name(x), Continue())"


def test_cases_may_be_ranges_and_stand_together() -> None:
    assert outline(statement("switch (x) { case 1 ... 3: case 4: y(); break; default: }")) == (
        "Switch(Name(x), Block([Case(IntConst(1, int), IntConst(3, int), Case(IntConst(4, int), None,"
        " ExprStmt(Call(Name(y))))), Break(), Default(ExprStmt())]))"
    )


def test_labels_may_have_attributes_and_end_a_block() -> None:
    assert outline(statement("out: __attribute__((unused)) return;")) == "Label(out, Return())"
    assert outline(statement("{ goto out; out: }")) == "Block([Goto(out), Label(out, ExprStmt())])"
    assert outline(statement("goto *table[x];")) == "Goto(, Index(Name(table), Name(x)))"
    assert outline(statement("{ __label__ a, b; }")) == "Block([ExprStmt()])"


def test_a_label_may_be_named_like_a_type() -> None:
    assert outline(statement("pte_t: x();")) == "Label(pte_t, ExprStmt(Call(Name(x))))"


def test_fallthrough_is_an_empty_statement() -> None:
    assert outline(statement("{ __attribute__((fallthrough)); fallthrough; }")) == "Block([ExprStmt(), ExprStmt()])"


def test_a_product_is_told_from_a_pointer_declaration() -> None:
    body = read_function("void f(int a) { a * b; pte_t * c; unknown * d; a(b); }").body
    assert [type(item).__name__ for item in body.items] == ["ExprStmt", "Declaration", "Declaration", "ExprStmt"]


def test_inline_assembly_keeps_its_operands() -> None:
    asm = statement(
        'asm volatile goto("1: %l[out]\\n" "2:"'
        ' : [res] "=&r" (x), "+Q" (*p) : "r" (y), [n] "i" (3) : "memory", "cc" : out);'
    )
    assert isinstance(asm, Asm)
    assert (asm.text, asm.volatile, asm.clobbers, asm.labels) == (b"1: %l[out]\n2:", True, ("memory", "cc"), ("out",))
    assert [(operand.name, operand.constraint) for operand in asm.outputs] == [("res", "=&r"), ("", "+Q")]
    assert [outline(operand.expr) for operand in asm.inputs] == ["Name(y)", "IntConst(3, int)"]
    assert outline(statement('__asm__ __volatile__("" ::: "memory");')) == "Asm(b'', [], [], [memory], [], True)"
    assert outline(read_file('asm(".globl x");')[0]) == "Asm(b'.globl x')"


def test_a_nested_function_is_recorded_as_one() -> None:
    assert isinstance(statement("int inner(int a) { return a; }"), NestedFunction)


def test_static_assertions_keep_the_condition() -> None:
    assert outline(read_file('_Static_assert(sizeof(u32) == 4, "size");')[0]).startswith("StaticAssert(Binary(==")


def test_pragma_operators_are_dropped() -> None:
    assert outline(statement('{ _Pragma("GCC diagnostic push") x(); }')) == "Block([ExprStmt(Call(Name(x)))])"


def test_only_one_function_is_a_function() -> None:
    for text in ("int a;", "", "void f(void) { } void g(void) { }"):
        with pytest.raises(CParseError):
            read_function(text)


@pytest.mark.parametrize(
    "text",
    [
        *("if x;", "x", "else y();", "while (1)", "do ; while (0)", "return", "goto ;", "{", "asm(x);", "for (;) ;"),
        *("switch (x) { case : }", "int a b c;", "int f(void) { ", "x y z;", "3 = ;"),
    ],
)
def test_broken_statements_are_refused(text: str) -> None:
    with pytest.raises(CParseError):
        read_function(f"void f(void) {{ {text} }}")


@pytest.mark.parametrize(
    "text",
    [
        "{" * 3000 + "}" * 3000,
        "if (x) " * 3000 + ";",
        "if (x) ; else " * 3000 + ";",
        "a: " * 3000 + ";",
        "switch (x) {" + "case 1: " * 3000 + "}",
    ],
)
def test_what_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(CParseError, match="nested too deeply"):
        read_function(f"void f(void) {{ {text} }}")


def test_long_blocks_are_no_trouble() -> None:
    body = read_function("void f(void) {" + "x();" * 3000 + "}").body
    assert isinstance(body, Block)
    assert len(body.items) == 3000
