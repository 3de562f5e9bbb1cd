"""Text that is no C, too much C, or meant to do harm: an error that names a place, and soon."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.csrc.constexpr import ConstError
from ptlint.csrc.cparse_cursor import KEYWORDS
from ptlint.csrc.errors import CParseError, CSourceError, MacroError
from ptlint.csrc.items import index_of_text
from ptlint.csrc.macros import define_from, expand
from ptlint.csrc.tokens import tokenize
from tests.csrc.reading import Declared, read_expression, read_file
from tests.csrc.test_macros import Definitions

WORDS = (
    *sorted(KEYWORDS),
    *("pte_t", "u32", "x", "y", "foo", "__foo", "__init", "0", "1ul", "'a'", "'\\400'", '"s"', 'L"w"', "1.5", "0xz"),
    *("(", ")", "[", "]", "{", "}", ";", ";", ",", "=", "*", "&", "+", "-", "++", "--", ".", "->", "?", ":", "..."),
    *("!", "~", "<<", "<", "==", "&&", "|", "#", "##", "@", "\\"),
    *(
        "__attribute__((packed))",
        "__attribute__((aligned(",
        "_Static_assert",
        "_Pragma",
        "case 1:",
        "int a",
        "f(",
        "({",
    ),
)
SNIPPETS = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


@settings(max_examples=600, deadline=None)
@given(SNIPPETS)
def test_no_text_makes_anything_but_a_parse_error(text: str) -> None:
    for source, read in ((text, read_file), (f"void f(void) {{ {text} }}", read_file), (text, read_expression)):
        with suppress(CParseError):
            read(source)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_anything_but_an_error(data: bytes) -> None:
    text = data.decode("latin-1")
    with suppress(MacroError):
        macro = define_from(text, "a.h", 1)
        expand(tokenize(f"{macro.name}(a, b) {macro.name}", "a.c"), Definitions({macro.name: macro}))


@settings(max_examples=300, deadline=None)
@given(SNIPPETS)
def test_what_parses_has_a_type_and_a_value_or_an_error(text: str) -> None:
    world = Declared("typedef struct { unsigned long pte; } pte_t; typedef unsigned u32; struct s { int a; } x, *y;")
    for ask in (world.value, world.type_of, lambda text: world.type(text).size):
        with suppress(CSourceError):
            ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "struct " + "__a " * 50_000,
        "int " + "__a " * 50_000,
        "int x " + "__a " * 50_000,
        "void f(void) { x " + "* " * 50_000,
        "void f(void) { " + "(x) " * 50_000,
        "int x = " + "sizeof(" * 20_000,
        "int a[" * 20_000,
        "void f(void) { asm(" + '"a" ' * 20_000,
        "enum { " + "A = 1, " * 20_000,
        "__attribute__((" * 20_000,
    ],
)
def test_long_broken_text_is_refused_soon(text: str) -> None:
    with pytest.raises(CParseError):
        read_file(text)


def test_the_deepest_tree_can_still_be_evaluated() -> None:
    world = Declared("int x;")
    assert world.value("+".join(["1"] * 500)) == 500
    assert world.value("(" * 150 + "1" + ")" * 150) == 1
    assert str(world.type_of("-" * 199 + "x")) == "int"
    assert world.type("int " + "*" * 150).size == 8
    with pytest.raises(ConstError):
        world.value("+".join(["1"] * 500) + " + x")


@pytest.mark.parametrize("text", ["1" * 100_000, "0" * 100_000 + "8", "0x" + "1" * 100_000, "0x" + "f" * 100_000 + "."])
def test_a_very_long_number_is_refused_soon(text: str) -> None:
    with pytest.raises(CParseError):
        read_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        f"int {'(*' * 3000}f(void){')(int)' * 3000}\n{{\n\treturn 0;\n}}\n",
        f"int f({', '.join(f'a{i}' for i in range(5000))})\n{'int a;' * 5000}\n{{\n\treturn 0;\n}}\n",
        "{\n\treturn 0;\n}\n",
    ],
)
def test_a_function_behind_what_is_no_head_is_not_lost_with_it(text: str) -> None:
    found = index_of_text(f"{text}static int g(void)\n{{\n\treturn 1;\n}}\nstruct s {{ int x; }} h;\n")
    assert [what for what, *_ in found.names["g"]] == ["function"]
    assert found.items[-1].kind == "declaration"
