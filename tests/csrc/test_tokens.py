"""Tokens and their places."""

from hypothesis import given
from hypothesis import strategies as st

from ptlint.csrc.tokens import tokenize


def texts(source: str | bytes) -> list[str]:
    return [token.text for token in tokenize(source, "a.c")]


def test_operators_are_read_longest_first() -> None:
    assert texts("a<<=b>>c->d++ +e...f##g") == [
        "a",
        "<<=",
        "b",
        ">>",
        "c",
        "->",
        "d",
        "++",
        "+",
        "e",
        "...",
        "f",
        "##",
        "g",
    ]


def test_comments_are_white_space() -> None:
    tokens = tokenize("a/* one\n two */b // three\nc", "a.c")
    assert [(token.text, token.line, token.column, token.space) for token in tokens] == [
        ("a", 1, 1, False),
        ("b", 2, 8, True),
        ("c", 3, 1, True),
    ]


def test_a_continued_line_keeps_the_places_of_the_file() -> None:
    tokens = tokenize("one \\\n  two th\\\nree \\  \r\nfour\nfive", "a.c", line=10, column=4)
    assert [(token.text, token.line, token.column) for token in tokens] == [
        ("one", 10, 4),
        ("two", 11, 3),
        ("three", 11, 7),
        ("four", 13, 1),
        ("five", 14, 1),
    ]


def test_literals_keep_prefix_and_escapes() -> None:
    source = r"""L"a\"b" u8"c" 'x' '\'' U'y' u"z" L'\\'"""
    assert [token.kind for token in tokenize(source, "a.c")] == ["str", "str", "char", "char", "char", "str", "char"]
    assert texts(source) == source.split()


def test_numbers_are_preprocessing_numbers() -> None:
    assert texts("0x1fUL 1e+5 .5f 0x1p-3 1.2.3 5...6") == ["0x1fUL", "1e+5", ".5f", "0x1p-3", "1.2.3", "5...6"]


def test_bytes_beyond_ascii_are_one_column_each() -> None:
    tokens = tokenize("\u00e9 = '\u20ac';".encode(), "a.c")
    assert [token.column for token in tokens] == [1, 4, 6, 11]


def test_an_unterminated_literal_is_its_quote_alone() -> None:
    assert texts("it's\nfine") == ["it", "'", "s", "fine"]


def test_an_unterminated_comment_hides_the_rest() -> None:
    assert texts("a /* b c\n d") == ["a"]


def test_long_white_space_and_quotes_take_linear_time() -> None:
    assert texts(" \t" * 200_000) == []
    assert len(texts("/*/" * 100_000)) == 0
    assert len(texts("it's \"\n" * 50_000)) == 200_000


@given(st.text(alphabet="ab1 .\"'\\\n/*<>=+-#L", max_size=40))
def test_every_token_stands_where_it_says(source: str) -> None:
    lines = source.split("\n")
    for token in tokenize(source, "a.c"):
        written = "\n".join([lines[token.line - 1][token.column - 1 :], *lines[token.line :]])
        assert "".join(written.replace("\\\n", "")).startswith(token.text[:1])
