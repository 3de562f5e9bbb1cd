"""Directives are found where the preprocessor finds them, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.csrc.directives import (
    MAX_DIRECTIVES,
    MAX_FILE_BYTES,
    SourceLimit,
    _found_by_tokens,
    _found_outside_comments,
    scan,
)


def kinds(text: str) -> list[tuple[str, int]]:
    return [(one.kind, one.line) for one in scan("a.h", text.encode()).directives]


def test_a_directive_in_a_comment_or_a_string_is_none() -> None:
    text = '/*\n#define A\n*/\n// #define B\nchar *s = "\\\n#define C\\\n";\n  #  define D 1\n'
    assert kinds(text) == [("define", 8)]


def test_a_directive_runs_over_continued_lines_and_comments() -> None:
    found = scan("a.h", b"#define A(x) \\\n\tx /* two\nlines */ + 1\nint a;\n#undef A\n").directives
    assert [(one.kind, one.line, one.end_line) for one in found] == [("define", 1, 3), ("undef", 5, 5)]


def test_an_include_guard_is_seen_around_comments_only() -> None:
    body = b"#ifndef _A_H\n#define _A_H\nint a;\n#endif /* _A_H */\n"
    assert scan("a.h", b"/* licence */\n" + body).guard == "_A_H"
    assert scan("a.h", b"#if !defined(_A_H)\n#define _A_H\n#endif\n").guard == "_A_H"
    assert scan("a.h", body + b"int b;\n").guard == ""
    assert scan("a.h", b"#ifndef A\n#else\n#endif\n").guard == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("#ifdef A\n", "#if without #endif"),
        ("#endif\n", "#endif without #if"),
        ("#else\n", "#else without #if"),
        ("#define\n", "#define without a name"),
    ],
)
def test_a_broken_directive_is_a_fault_with_its_line(text: str, what: str) -> None:
    assert scan("a.h", text.encode()).faults == ((1, what),)


def test_a_file_beyond_the_limit_is_refused_in_one_sentence() -> None:
    with pytest.raises(SourceLimit, match=r"big\.h: \d+ bytes are more than"):
        scan("big.h", b"x" * (MAX_FILE_BYTES + 1))


def test_deeply_nested_conditionals_are_no_recursion() -> None:
    depth = MAX_DIRECTIVES // 2
    found = scan("a.h", b"#if 1\n" * depth + b"#endif\n" * depth)
    assert len(found.steps) == 2 * depth
    assert found.steps[0].target == 2 * depth - 1


PIECES = ["\n", "\n#define A ", "\n # if 1", "/*", "*/", "//", "/", "*", '"', "'", "\\", "\\\n", "\\\r\n", " x", "#"]


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
@settings(max_examples=3000, deadline=None)
def test_the_quick_way_finds_what_reading_comment_by_comment_finds_or_gives_up(text: str) -> None:
    assert _found_outside_comments(text) in (None, _found_by_tokens(text))


def test_the_quick_way_does_for_usual_text() -> None:
    text = '/* it\'s\n#no */\n#define A 1 /* of\ntwo */\nint a; // b\n#define S "/*"\n/* end */\n#undef A\n'
    assert [(one.kind, one.line) for one in _found_outside_comments(text) or ()] == [
        ("define", 3),
        ("define", 6),
        ("undef", 8),
    ]
