"""Where raw text seems to define a name at file scope: a cheap first test, without preprocessing."""

import re
from collections.abc import Iterator
from itertools import islice

MAX_OCCURRENCES = 2000  # of a name in one file that are looked at as definitions
MAX_HEAD = 4000  # bytes from a function's name to its body
_IN_WORD = re.compile(r"\w")
_UNINDENTED = re.compile(r"^[A-Za-z_][^\n]*+", re.MULTILINE)
_BEFORE_SIGN = re.compile(r"([A-Za-z_]\w*+)(?=\s*+(?:__\w++\s*+)*[(\[=;])")


def looks_defined(name: str, text: str) -> bool:
    """Return whether raw *text* seems to define function or variable *name* at file scope: a cheap first test."""
    return next(definitions(name, text), None) is not None


def definitions(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where raw *text* seems to define *name* at file scope: offset of the name, and of the ``{`` of a body.

    The second is -1 for a variable.
    """
    pattern = rf"{re.escape(name)}\s*+(?:__\w++\s*+)*([\[=(;])"  # begins with a literal, which is found fast
    for found in islice(re.finditer(pattern, text), MAX_OCCURRENCES):
        if _IN_WORD.match(text, max(found.start() - 1, 0), found.start()):
            continue
        line_start = text.rfind("\n", max(0, found.start() - MAX_HEAD), found.start()) + 1
        if not (text[line_start].isalpha() or text[line_start] == "_"):
            continue
        if found.group(1) != "(":
            yield found.start(), -1
            continue
        depth = 0
        for sign in re.finditer(r"[(){;=]", text[found.end() - 1 : found.end() + MAX_HEAD]):
            depth += (sign.group() == "(") - (sign.group() == ")")
            if depth == 0 and sign.group() in "{;=":
                if sign.group() == "{":
                    yield found.start(), found.end() - 1 + sign.start()
                break


def defined_words(text: str) -> frozenset[str]:
    """Return every name that raw *text* may define at file scope: what ``looks_defined`` can be true for."""
    return frozenset(
        name for line in _UNINDENTED.finditer(text) for name in _BEFORE_SIGN.findall(text, line.start(), line.end())
    )
