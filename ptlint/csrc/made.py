"""Names that macro calls at file scope make: by pasting, or because the macro is the head of a record or a function."""

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ptlint.csrc.errors import CSourceError
from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item
from ptlint.csrc.items import index_of_text, items_of
from ptlint.csrc.lonecalls import called_alone, files_calling, files_passing, words_passed_in
from ptlint.csrc.site import Site, definitions_within
from ptlint.csrc.tokens import Token

if TYPE_CHECKING:
    from ptlint.csrc.scope import Scope

MAX_CHAIN = 4  # macros that name one another, from the call on
MAX_NAME = 80  # of a name, the first so many letters are looked at
MOST_ALIKE = 64  # calls of one macro that are looked at for a name that it writes itself, whatever it is passed
MAX_HEAD = 2000  # bytes of an item in which a macro that makes names is looked for

_WORD = re.compile(r"[A-Za-z_]\w*")
_PIECE = re.compile(r"\w+")  # what can be pasted: words and numbers
_TAGGED = re.compile(r"\b(?:struct|union|enum)\b")
_TYPED = re.compile(r"\b(?:__)?typeof(?:__)?\s*\(")  # the macro declares a variable of a type it is given
_BODY = re.compile(r"\)[\s\\]*\{")  # the macro brings a whole function


class MadeNames:
    """The names that macro calls make in the unit of *scope*."""

    def __init__(self, scope: "Scope") -> None:
        self._scope = scope
        self._written: dict[str, set[str]] | None = None
        self._made: dict[tuple[int, int], dict[str, str]] = {}
        self._macros: dict[tuple[int, int], frozenset[str]] = {}
        self._passing: dict[str, set[int]] = {}  # the files by a word they pass

    def sites(self, name: str, wanted: tuple[str, ...]) -> Iterator[Site]:
        """Yield where macro calls at file scope make *name*, which the text does not show as declared.

        A name that is pasted holds an argument of the call, any other is written in the macro, so only calls with such
        a word are expanded, one after the other as they are asked for.
        """
        written = self._written_in_macros().get(name, ())
        alike: dict[str, int] = {}
        for instance in self._candidates(name, written):
            for number in _calls_for(instance, name, written):
                first, passed = _heads(instance)[number]
                if first in written and not any(word in name for word in passed):
                    alike[first] = alike.get(first, 0) + 1
                    if alike[first] > MOST_ALIKE:
                        continue
                item = items_of(instance).items[number]
                if item.kind == "declaration" and not item.is_made and wanted and "enumerator" not in wanted:
                    continue
                made = self._made_by(instance, number, name, written)
                if name in made and (not wanted or made[name] in wanted):
                    yield Site(instance, made[name], number, item.line)

    def _made_by(self, instance: Instance, number: int, name: str, written: Collection[str]) -> dict[str, str]:
        """Return the names that item *number* makes, nothing when its words cannot make *name*."""
        item = items_of(instance).items[number]
        key = (id(instance), number)
        if key not in self._macros:
            self._macros[key] = self._macros_of(instance, item)
        pieces = self._macros[key]
        first, passed = _heads(instance)[number]
        if first not in written and not _is_made_of(name, pieces | passed):
            return {}
        if key not in self._made:
            self._made[key] = self._names_made(instance, item) if pieces else {}
        return self._made[key]

    def _candidates(self, name: str, written: Collection[str]) -> list[Instance]:
        """Return the files with a macro call whose words are part of *name*, or whose macro is one of *written*."""
        self._scope.files()  # makes their calls known
        known = self._scope.unit.table.__contains__  # a macro that was undefined later is in it, too
        files = files_calling(written)
        for word in words_passed_in(name[:MAX_NAME]):
            if word not in self._passing:
                self._passing[word] = files_passing(word, known)
            files |= self._passing[word]
        return self._scope.instances_of(files)

    def _written_in_macros(self) -> dict[str, set[str]]:
        """Return the words in function-making macros that stand alone somewhere: word -> those macros."""
        if self._written is None:
            self._written = {}
            self._scope.files()  # makes their calls known
            for macro_name in called_alone() & self._scope.unit.table.keys():
                macro = self._scope.macro(macro_name)
                if macro is not None and _BODY.search(macro.text):
                    for word in _WORD.findall(macro.text):
                        self._written.setdefault(word, set()).add(macro_name)
        return self._written

    def _macros_of(self, instance: Instance, item: Item) -> frozenset[str]:
        """Return the words at the head of an item and of the macros that it leads to, none when none makes names."""
        lines = definitions_within(instance, item)  # an enum may define the macro that makes its constants
        state = self._scope.state_at(instance, lines[0] if lines else item.line)
        pending = set(_PIECE.findall(instance.active_text(), item.start, min(item.end, item.start + MAX_HEAD)))
        defined = self._scope.unit.table.keys()
        seen: set[str] = set()
        makes = False
        for _ in range(MAX_CHAIN):
            following: set[str] = set()
            for word in (pending - seen) & defined:
                macro = state.lookup(word)
                if macro is not None:
                    makes = makes or _makes_names(macro.text)
                    following |= macro.pieces
            seen |= pending
            pending = following
        return frozenset(seen | pending) if makes else frozenset()

    def _names_made(self, instance: Instance, item: Item) -> dict[str, str]:
        end = ""
        if item.kind == "function":  # what its head makes; the body declares nothing
            item = item._replace(end=instance.active_text().index("{", item.start))
            end = " { };"
        try:
            return self._scope.expanding(instance, item, f"made{end}", lambda tokens, *_: _names_in(tokens, end))
        except CSourceError:
            return {}


def _calls_for(instance: Instance, name: str, macros: Collection[str]) -> list[int]:
    """Return the items that may make *name*: a word they pass is part of it, or they begin with one of *macros*."""
    facts = instance.active.facts
    found: list[int] | None = facts.get(("passing", name))
    if found is None:
        found = [number for number, (_, passed) in _heads(instance).items() if any(word in name for word in passed)]
        facts["passing", name] = found
    if macros:
        found = sorted({*found, *(number for number, (first, _) in _heads(instance).items() if first in macros)})
    return found


def _heads(instance: Instance) -> dict[int, tuple[str, frozenset[str]]]:
    """Return the items that may make names: the word that each begins with, and the longer ones behind it."""
    facts = instance.active.facts
    found: dict[int, tuple[str, frozenset[str]]] | None = facts.get("heads")
    if found is None:
        found = facts["heads"] = {}
        items, text = items_of(instance), instance.active_text()
        for number in items.calls:
            item = items.items[number]
            end = item.end if item.kind != "function" else min(item.end, item.start + MAX_HEAD)
            words = _WORD.findall(text, item.start, end)
            passed = frozenset(word for word in words[item.leads_with_call :] if len(word) > 1)
            found[number] = (words[0] if words else "", passed)
    return found


def _names_in(tokens: list[Token], end: str) -> dict[str, str]:
    text = " ".join(token.text for token in tokens) + end
    return {name: places[0][0] for name, places in index_of_text(text).names.items()}


def _makes_names(text: str) -> bool:
    """Return whether a macro with this text may make a name: by pasting, as a record, a variable or a function."""
    return "##" in text or any(sign.search(text) is not None for sign in (_TAGGED, _TYPED, _BODY))


def _is_made_of(name: str, words: Collection[str]) -> bool:
    """Return whether *name* is one of *words* or several of them, one behind the other: what pasting can come to."""
    size = len(name)
    pending, reached = [0], {0}
    while pending:
        start = pending.pop()
        ends = [end for end in range(start + 1, size + 1) if name[start:end] in words and end not in reached]
        pending += ends
        reached.update(ends)
    return size in reached
