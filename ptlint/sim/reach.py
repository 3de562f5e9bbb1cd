"""What a helper may lead to, by the words of its text: quick, and never too little.

Text is not parsed or expanded: every word of a function or macro that is itself a function or macro is followed, in all
of its definitions, as long as the text is about page tables at all. Code that is not cannot change what a run does to
an entry but by what it returns, and the word for it stands in the text that asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ptlint.csrc.items import items_of
from ptlint.csrc.scope import Scope
from ptlint.csrc.unit import Instance
from ptlint.sim.primitives import find_primitive

if TYPE_CHECKING:
    from ptlint.sim.program import Program

_WORD = re.compile(r"[A-Za-z_]\w*")
_CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
_ABOUT = re.compile(r"pte|pgprot|pfn|[Pp]age_?table|PAGE_")
MOST_FOLLOWED = 4000
"""Names after which everything counts as reached."""


class Reach:
    """The words that each function and macro of a universe leads to, found on demand."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._headers = header_words(program.universe.headers)
        self._words: dict[str, frozenset[str]] = {}
        self._called: set[str] = set()

    def meets(self, entries: Iterable[str], wanted: frozenset[str]) -> bool:
        """Return whether running *entries* may use one of the names *wanted*; without entries nobody knows: True."""
        seen: set[str] = set()
        pending = list(entries)
        self._called.update(pending)
        if not pending:
            return True
        while pending:
            name = pending.pop()
            if name in wanted or len(seen) > MOST_FOLLOWED:
                return True
            if name in seen:
                continue
            seen.add(name)
            words = self._words_of(name)
            if words & wanted:
                return True
            pending.extend(word for word in words if word not in seen)
        return False

    def _words_of(self, name: str) -> frozenset[str]:
        """Return the names that the text of *name* uses and that stand for more text."""
        found = self._words.get(name)
        if found is None:
            words = frozenset() if find_primitive(name) is not None else frozenset(self._text_words(name))
            found = self._words[name] = words if any(_ABOUT.search(word) for word in words) else frozenset()
        return found

    def _text_words(self, name: str) -> Iterable[str]:
        universe = self.program.universe
        override = universe.overrides.get(name)
        if override is not None:
            yield from self._read(override.text, 0, len(override.text))
        words, called = self._headers.words_of(name)
        self._called |= called
        yield from words
        for path in universe.defining_files(name) if name in self._called else ():
            text = universe.text_of(path)
            for head in re.finditer(rf"^(?![ \t#/*}}])[^\n;]*\b{re.escape(name)}\s*\(", text, re.MULTILINE):
                end = text.find("\n}", head.start())
                yield from self._read(text, head.start(), end if end >= 0 else len(text))

    def _read(self, text: str, start: int, end: int) -> list[str]:
        self._called.update(_CALL.findall(text, start, end))
        return _WORD.findall(text, start, end)


class HeaderWords:
    """The words of the functions and macros of headers, shared by all programs that run over them."""

    def __init__(self, headers: Scope) -> None:
        self._headers = headers
        self._places: dict[str, list[tuple[Instance, int, int]]] | None = None
        self._words: dict[str, tuple[frozenset[str], frozenset[str]]] = {}

    def words_of(self, name: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return the words in the text of *name*, and those of them that it seems to call."""
        found = self._words.get(name)
        if found is None:
            pieces = [instance.active_text()[start:end] for instance, start, end in self._functions().get(name, ())]
            macro = self._headers.macro(name)
            text = "\n".join([*pieces, macro.text] if macro is not None else pieces)
            found = self._words[name] = frozenset(_WORD.findall(text)), frozenset(_CALL.findall(text))
        return found

    def _functions(self) -> dict[str, list[tuple[Instance, int, int]]]:
        """Return the functions of the headers: name -> places of their text."""
        if self._places is None:
            self._places = {}
            for instance in self._headers.unit.instances:
                for name, start, end in _functions_in(instance):
                    self._places.setdefault(name, []).append((instance, start, end))
        return self._places


def _functions_in(instance: Instance) -> list[tuple[str, int, int]]:
    """Return the functions of one file as it was read: name, and where the text begins and ends."""
    key = ("functions", instance.mask)
    found: list[tuple[str, int, int]] | None = instance.scan.item_cache.get(key)
    if found is None:
        index = items_of(instance)
        found = instance.scan.item_cache[key] = [
            (name, index.items[number].start, index.items[number].end)
            for name, places in index.names.items()
            for what, number, _ in places
            if what == "function"
        ]
    return found


_SHARED: WeakKeyDictionary[Scope, HeaderWords] = WeakKeyDictionary()


def header_words(headers: Scope) -> HeaderWords:
    """Return the words of *headers*, made once."""
    if headers not in _SHARED:
        _SHARED[headers] = HeaderWords(headers)
    return _SHARED[headers]
