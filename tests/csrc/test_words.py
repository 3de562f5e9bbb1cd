"""A word is found where the words of a text are that word."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.csrc.words import words_at

WORD = re.compile(r"[A-Za-z_$][\w$]*")


@given(st.text("ab1_$ (-", max_size=40), st.sampled_from(["a", "ab", "a1", "_", "aa", "b_a"]), st.integers(0, 8))
@settings(max_examples=400, deadline=None)
def test_words_are_found_where_the_pattern_of_words_finds_them(text: str, word: str, start: int) -> None:
    expected = [found.start() for found in WORD.finditer(text) if found.group() == word]
    assert list(words_at(text, word, start)) == [at for at in expected if at >= start]


def test_no_word_is_nowhere() -> None:
    assert list(words_at("a b", "")) == []
