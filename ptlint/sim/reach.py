"""What a helper may lead to, by the words of its text: quick, and never too little.

Text is not parsed or expanded: every word of a function or macro that is itself a function or macro is followed, in all
of its definitions, as long as the text is about page tables at all. Code that is not cannot change what a run does to
an entry but by what it returns, and the word for it stands in the text that asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from ptlint.csrc.cparse_cursor import KEYWORDS
from ptlint.csrc.items import items_of
from ptlint.csrc.reuse import MAX_HELD
from ptlint.csrc.scope import Scope
from ptlint.csrc.segments import without_literals
from ptlint.sim.primitives import find_primitive
from ptlint.sim.primitives.registry import Leads

if TYPE_CHECKING:
    from ptlint.sim.program import Program

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_ABOUT = re.compile(r"pte|pgprot|pfn|[Pp]age_?table|PAGE_|swp|SWP_")
_ABOVE = re.compile(r"p(?:m|u|4|g)d")
"""Words of levels above the last: texts that have these alone matter where something of such a level is of interest."""
MOST_FOLLOWED = 4000
"""Names after which everything counts as reached."""


_Words = tuple[frozenset[str], frozenset[str]]
"""The names that a text uses and that stand for more text, and those of them that it seems to call."""

_NONE: _Words = (frozenset(), frozenset())


class Reach:
    """The words that each function and macro of a universe leads to, found on demand."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._headers = header_words(program.universe.headers)
        self._words: dict[tuple[str, bool], tuple[_Words, _Words]] = {}
        self._barren: dict[frozenset[str], set[tuple[str, bool]]] = {}
        self._is_above: dict[frozenset[str], bool] = {}

    def meets(self, entries: Iterable[str], wanted: frozenset[str]) -> bool:
        """Return whether running *entries* may use one of the names *wanted*; without entries nobody knows: True."""
        pending = [(name, True) for name in entries]
        if not pending:
            return True
        barren = self._barren.setdefault(wanted, set())
        if wanted not in self._is_above:
            self._is_above[wanted] = any(map(_ABOVE.search, wanted))
        above = self._is_above[wanted]
        seen: set[tuple[str, bool]] = set()
        while pending:
            one = pending.pop()
            if one[0] in wanted or len(seen) > MOST_FOLLOWED:
                return True
            if one in seen or one in barren:
                continue
            seen.add(one)
            words, called = self._words_of(one, above)
            if not words.isdisjoint(wanted):
                return True
            pending.extend((word, word in called) for word in words)
        barren |= seen
        return False

    def _words_of(self, one: tuple[str, bool], above: bool) -> _Words:
        """Return the words of a name when it is called, or only named: then it is no function of a ``.c`` file.

        Of a text that is about no page table there are none; those *above* the last level count where it is asked.
        """
        found = self._words.get(one)
        if found is None:
            words = _NONE if find_primitive(one[0]) is not None else self._text_words(*one)
            if any(map(_ABOUT.search, words[0])):
                found = words, words
            else:
                found = _NONE, words if any(map(_ABOVE.search, words[0])) else _NONE
            self._words[one] = found
        return found[above]

    def _text_words(self, name: str, is_called: bool) -> _Words:
        universe = self.program.universe
        words, called = self._headers.words_of(name)
        override = universe.overrides.get(name)
        texts = [] if override is None else [override.text]
        for path in universe.defining_files(name) if is_called else ():
            texts += _defined_as(name, universe.text_of(path))
        for part in map(_words_in, texts):
            words, called = words | part[0], called | part[1]
        for lead in filter(None, map(_lead, called)):
            more = lead(self.program, words)
            words, called = words | more, called | more
        return words, called


class HeaderWords:
    """The words of the functions and macros of headers, shared by all programs that run over them."""

    def __init__(self, headers: Scope) -> None:
        self._headers = headers
        self._words: dict[str, _Words] = {}

    def words_of(self, name: str) -> _Words:
        """Return the words in the text of *name*, and those of them that it seems to call."""
        found = self._words.get(name)
        if found is None:
            pieces = []
            for site in self._headers.written(name, "function"):
                item = items_of(site.instance).items[site.number]
                pieces.append(site.instance.active_text()[item.start : item.end])
            macro = self._headers.macro(name)
            found = self._words[name] = _words_in("\n".join([*pieces, macro.text] if macro is not None else pieces))
        return found


def _lead(name: str) -> Leads | None:
    primitive = find_primitive(name)
    return None if primitive is None else primitive.leads


@lru_cache(maxsize=20_000)
def _defined_as(name: str, text: str) -> tuple[str, ...]:
    """Return the parts of a ``.c`` file that look like a definition of function *name*, each to its last brace."""
    found = []
    at = text.find(name)
    while at >= 0:
        start = text.rfind("\n", 0, at) + 1
        head = _HEAD.match(text, start, at)
        if head is not None and _OPENS.match(text, at + len(name)):
            end = text.find("\n}", start)
            found.append(text[start : end if end >= 0 else len(text)])
        at = text.find(name, at + len(name))
    return tuple(found)


_HEAD = re.compile(r"(?![ \t#/*}])[^\n;]*(?<!\w)$")
_OPENS = re.compile(r"\s*\(")


@lru_cache(maxsize=20_000)
def _words_in(text: str) -> _Words:
    code = without_literals(text)
    return frozenset(_WORD.findall(code)) - KEYWORDS, frozenset(_CALL.findall(code)) - KEYWORDS


@lru_cache(maxsize=MAX_HELD)
def header_words(headers: Scope) -> HeaderWords:
    """Return the words of *headers*, made once."""
    return HeaderWords(headers)
