"""Where a word stands in a text."""

from collections.abc import Iterator

_IN_WORD = frozenset(sign for sign in map(chr, range(256)) if sign.isalnum() or sign in "_$")
"""The signs of latin-1 that go on a word: files are read as that."""


def words_at(text: str, word: str, start: int = 0) -> Iterator[int]:
    """Yield the offsets from *start* on at which *word* is one of *text*, as ``[A-Za-z_$][\\w$]*`` would find it."""
    size, in_word, last = len(word), _IN_WORD, len(text)
    at = text.find(word, start) if word else -1
    while at >= 0:
        end = at + size
        if not (
            (end < last and text[end] in in_word) or (at and text[at - 1] in in_word and not _is_after_number(text, at))
        ):
            yield at
        at = text.find(word, end)


def _is_after_number(text: str, at: int) -> bool:
    """Return whether only digits that begin no word stand before *at*: of ``3f`` the word is ``f``."""
    start = at
    while start and text[start - 1].isdigit():
        start -= 1
    return start < at and not (start and text[start - 1] in _IN_WORD)
