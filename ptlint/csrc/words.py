"""Where a word stands in a text."""

import re
from collections.abc import Iterator

_IN_WORD = re.compile(r"[\w$]")


def words_at(text: str, word: str, start: int = 0) -> Iterator[int]:
    """Yield the offsets from *start* on at which *word* is one of *text*, as ``[A-Za-z_$][\\w$]*`` would find it."""
    size = len(word)
    at = text.find(word, start) if word else -1
    while at >= 0:
        end = at + size
        if not (_IN_WORD.match(text, end) or (at and _IN_WORD.match(text, at - 1) and not _is_after_number(text, at))):
            yield at
        at = text.find(word, end)


def _is_after_number(text: str, at: int) -> bool:
    """Return whether only digits that begin no word stand before *at*: of ``3f`` the word is ``f``."""
    start = at
    while start and text[start - 1].isdigit():
        start -= 1
    return start < at and not (start and _IN_WORD.match(text, start - 1))
