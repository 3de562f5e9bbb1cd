"""Where a word stands in a text."""

import re
from collections.abc import Iterable, Iterator, Sequence

_WORD = re.compile(r"[A-Za-z_$][\w$]*")

IN_WORD = frozenset(sign for sign in map(chr, range(256)) if sign.isalnum() or sign in "_$")
"""The signs of latin-1 that go on a word: files are read as that."""


def words_at(text: str, word: str, start: int = 0) -> Iterator[int]:
    """Yield the offsets from *start* on at which *word* is one of *text*, as ``[A-Za-z_$][\\w$]*`` would find it."""
    size, in_word, last = len(word), IN_WORD, len(text)
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
    return start < at and not (start and text[start - 1] in IN_WORD)


SEARCHED = 1 << 22
"""Signs of a text that are searched for one word after the other before all its words are listed."""


class WordPlaces:
    """Where the words of one text stand: searched for each that is asked for, and listed once many were."""

    __slots__ = ("_left", "_listed", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._left = max(SEARCHED, 16 * len(text))
        self._listed: dict[str, list[int]] | None = None

    def at(self, word: str) -> Sequence[int]:
        """Return the offsets at which *word* is one of the text, as ``words_at`` does."""
        if self._listed is None:
            self._left -= len(self.text)
            if self._left > 0:
                return list(words_at(self.text, word))
            self._listed = {}
            for match in _WORD.finditer(self.text):
                self._listed.setdefault(match.group(), []).append(match.start())
        return self._listed.get(word, ())


LONG_TEXT = 1 << 17
"""Signs from which on a text is kept with its words once it was asked for one."""


def occurrences(text: str, word: str) -> Iterable[int]:
    """Return the offsets at which *word* is one of *text*; in a long text they are not searched for ever again."""
    return words_at(text, word) if len(text) < LONG_TEXT else _places(text).at(word)


_MOST_KEPT = 16
_PLACES: dict[int, WordPlaces] = {}  # by identity: to compare long texts with each other takes longer than to search


def _places(text: str) -> WordPlaces:
    found = _PLACES.get(id(text))
    if found is None or found.text is not text:
        if len(_PLACES) >= _MOST_KEPT:
            del _PLACES[next(iter(_PLACES))]
        found = _PLACES[id(text)] = WordPlaces(text)
    return found
