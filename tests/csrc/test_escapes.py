"""Lines with very many escaped quotes are not read: each quote of an open literal would be looked at by itself."""

from hypothesis import given
from hypothesis import strategies as st

from ptlint.csrc.escapes import MOST_ESCAPED, is_overfull, without_overfull


@given(st.text(alphabet="ab\"\\'\n\r ", max_size=200))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert not is_overfull(text)
    assert without_overfull(text) is text


def test_a_line_of_escaped_quotes_is_blanked_and_the_others_stay() -> None:
    line = '"' + '\\"a' * (MOST_ESCAPED + 1)
    text = f"int x;\n{line}\nint y;\n"
    assert is_overfull(text)
    assert without_overfull(text) == f"int x;\n{' ' * len(line)}\nint y;\n"


def test_lines_that_a_backslash_joins_are_one() -> None:
    text = ('"' + '\\"a' * 100 + "\\\n") * (MOST_ESCAPED // 100 + 1)
    assert is_overfull(text)
    assert without_overfull(text).strip(" \n") == ""
    assert len(without_overfull(text)) == len(text)


def test_as_many_on_lines_of_their_own_are_read() -> None:
    assert not is_overfull('f("\\"");\n' * (MOST_ESCAPED + 1))
