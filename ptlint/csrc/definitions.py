"""Where raw text seems to define a name at file scope: a cheap first test, without preprocessing."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from string import ascii_letters

from ptlint.csrc.words import occurrences

MAX_OCCURRENCES = 2000  # of a name in one file that are looked at as definitions
MAX_HEAD = 4000  # bytes from a function's name to its body
_AFTER_NAME = re.compile(r"\s*+(?:__\w++\s*+)*([\[=(;])")
_HEAD_SIGN = re.compile(r"[(){;=]")
_LETTERS = frozenset(f"{ascii_letters}_")
_BEFORE_SIGN = re.compile(r"(?<!\w)([A-Za-z_]\w*+)(?=\s*+(?:__\w++\s*+)*[(\[=;])")


def holds_word(word: str, text: str) -> bool:
    """Return whether *word* stands anywhere in *text*, as a whole word."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (_is_of_word(text[at - 1 : at]) or _is_of_word(text[end : end + 1])):
            return True
        at = text.find(word, end)
    return False


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def looks_defined(name: str, text: str) -> bool:
    """Return whether raw *text* seems to define function or variable *name* at file scope: a cheap first test."""
    return next(definitions(name, text), None) is not None


def definitions(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where raw *text* seems to define *name* at file scope: offset of the name, and of the ``{`` of a body.

    The second is -1 for a variable.
    """
    for start in islice(occurrences(text, name), MAX_OCCURRENCES):
        found = _AFTER_NAME.match(text, start + len(name))
        if found is None:
            continue
        line_start = text.rfind("\n", max(0, start - MAX_HEAD), start) + 1
        if not (text[line_start].isalpha() or text[line_start] == "_"):
            continue
        if found.group(1) != "(":
            yield start, -1
            continue
        depth = 0
        for sign in _HEAD_SIGN.finditer(text, found.end() - 1, found.end() + MAX_HEAD):
            depth += (sign.group() == "(") - (sign.group() == ")")
            if depth == 0 and sign.group() in "{;=":
                if sign.group() == "{":
                    yield start, sign.start()
                break


@lru_cache(maxsize=1 << 12)
def defined_words(text: str) -> frozenset[str]:
    """Return every name that raw *text* may define at file scope: what ``looks_defined`` can be true for."""
    return frozenset(words_defined(text))


def words_defined(text: str) -> set[str]:
    """Return what ``defined_words`` does, for a text that is asked for once."""
    unindented = [line for line in text.split("\n") if line[:1] in _LETTERS]
    return set(_BEFORE_SIGN.findall("\n@\n".join(unindented)))  # no line goes on in the next
