"""The outer words of a file are at least what its items declare, and little more where braces fit together."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.csrc.directives import scan
from ptlint.csrc.items import items_of
from ptlint.csrc.outermost import files_declaring, files_with_typedef, outer_words, outer_words_with
from tests.csrc.test_segments import CONDITIONS, PIECES, read

NESTED = (
    "struct outer { struct inner { enum { DEEP } kind; } one; int member; };\n",
    "union un {\n",
    "static int many(int n)\n{\n\tif (n) {\n\t\tlocal(n);\n\t}\n}\n",
    "struct __attribute__((packed)) tight { enum small : char { TINY } e; };\n",
    "int (*pointed)(int a);\n",
    "SET_UP(\n",
    ")\n",
    "int took(struct in_brackets { enum { THERE } x; } *p)\n{ }\n",
    "typedef int (*told)(int);\n",
)


@given(st.lists(st.sampled_from(PIECES + CONDITIONS + NESTED), max_size=24))
@settings(max_examples=300, deadline=None)
def test_no_name_that_a_reading_declares_is_missing(pieces: list[str]) -> None:
    instance = read("".join(pieces))
    assert items_of(instance).names.keys() <= outer_words(instance.scan)


def test_what_stands_in_a_body_or_a_comment_is_no_outer_word() -> None:
    one = scan("one.h", b"/* said */\nstatic int fn(int n)\n{\n\tif (n) {\n\t\tinside(n);\n\t}\n\treturn other();\n}\n")
    assert outer_words(one) == {"static", "int", "fn"}


def test_what_stands_in_brackets_is_no_outer_word_but_for_pointers() -> None:
    one = scan("one.h", b"int fn(int n, int (*cb)(long)) __printf(1, fmt);\nint (*hook)(int arg);\n")
    assert {"fn", "hook"} <= outer_words(one)
    assert not {"fmt", "arg"} & outer_words(one)


def test_tags_and_enumerators_at_any_depth_are_outer_words() -> None:
    one = scan("one.h", NESTED[0].encode())
    assert {"outer", "inner", "DEEP"} <= outer_words(one)


def test_where_a_branch_opens_a_block_that_it_does_not_close_every_word_counts() -> None:
    text = b"#ifdef A\nint f(void) {\n#else\nint g(void) {\n#endif\n\tinside();\n}\n"
    assert "inside" in outer_words(scan("one.h", text))


def test_words_lead_to_the_files_that_may_declare_them() -> None:
    one = scan("one.h", b"typedef struct { int inside_a_record; } made_here;\nextern int only_one_declares_it;\n")
    outer_words(one)
    assert files_declaring("only_one_declares_it") == [one.number]
    assert outer_words_with("only_one_declares") == ["only_one_declares_it"]
    assert files_with_typedef("made_here") == [one.number]
    assert files_with_typedef("inside_a_record") == []


def test_hostile_text_costs_no_more_than_its_length() -> None:
    text = b"struct " * 100_000 + b"{" * 100_000
    assert "struct" in outer_words(scan("one.h", text))
