"""The file-scope items of active text: where each begins and ends, and which names it may declare.

The text is cut at ``;`` and at the ``}`` of function bodies, with comments and literals left aside; the names are those
that stand where a declared name can stand. Both need no knowledge of macros or types, so they hold for a scan and a set
of active lines and are kept with it. What an item really declares is decided when its expansion is parsed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from ptlint.csrc.cutting import CUT_OFF, cut
from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item, names_of
from ptlint.csrc.segments import Segments, without_literals
from ptlint.csrc.words import WordPlaces

Place = tuple[str, int, int]
"""Where a name may be declared: what, item number, offset of the name."""

_LONE_WORD = re.compile(r"\s*[A-Za-z]\w*[ \t]*(?:\n|\Z)")
_CALLED = re.compile(r"\s*\(")


class ItemIndex:
    """The items of a text, and where a name may be declared: what, item number, offset of the name.

    *what* is ``function``, ``ordinary`` (prototype or variable), ``typedef``, ``struct``, ``union``, ``enum`` or
    ``enumerator``. *text* and *code* (without comments and literals) are the same from the offset *shift* on. What an
    item may declare is looked at when somebody asks for a word that stands in it.
    """

    __slots__ = ("_calls", "_code", "_declared", "_names", "_shift", "_starts", "_text", "_words", "items")

    def __init__(self, items: tuple[Item, ...], text: str = "", code: str = "", shift: int = 0) -> None:
        self.items = items
        self._text = text
        self._code = code
        self._shift = shift
        self._starts = [one.start for one in items]
        self._declared: dict[int, tuple[tuple[str, str, int], ...]] = {}
        self._names: dict[str, list[Place]] | None = None
        self._calls: tuple[int, ...] | None = None
        self._words = WordPlaces(code)

    def number_at(self, offset: int) -> int:
        """Return the number of the item that the byte at *offset* belongs to, -1 when it is in none."""
        number = bisect_right(self._starts, offset) - 1
        return number if number >= 0 and offset < self.items[number].end else -1

    def is_in_head(self, number: int, offset: int) -> bool:
        """Return whether *offset* may be in the part of item *number* that declares: not in a function's body."""
        item = self.items[number]
        if item.kind != "function":
            return True
        code, start = self._code, item.start - self._shift
        body = code.find("{", start)
        return offset - self._shift < body or code.count("(", start, body) != code.count(")", start, body)

    def declared_by(self, number: int) -> tuple[tuple[str, str, int], ...]:
        """Return what item *number* may declare: what, name, offset of the name."""
        found = self._declared.get(number)
        if found is None:
            item, shift = self.items[number], self._shift
            source = self._code[item.start - shift : item.end - shift]
            found = self._declared[number] = tuple(names_of(source, item.kind, item.start))
        return found

    def places(self, name: str) -> list[Place]:
        """Return where *name* may be declared."""
        found: list[Place] = []
        done = 0
        for at in self._words.at(name):
            number = self.number_at(at + self._shift) if at >= done else -1
            if number >= 0:
                done = self.items[number].end - self._shift
                if not self.is_in_head(number, at + self._shift):
                    continue
                found += [(what, number, offset) for what, other, offset in self.declared_by(number) if other == name]
        return found

    @property
    def names(self) -> dict[str, list[Place]]:
        """Return all places by name."""
        if self._names is None:
            self._names = {}
            for number in range(len(self.items)):
                for what, name, offset in self.declared_by(number):
                    self._names.setdefault(name, []).append((what, number, offset))
        return self._names

    @property
    def functions(self) -> list[tuple[str, int, int]]:
        """Return the functions with a body: name, item number, offset of the name."""
        return [
            (name, number, offset)
            for number, item in enumerate(self.items)
            if item.kind == "function"
            for _, name, offset in self.declared_by(number)
        ]

    @property
    def calls(self) -> tuple[int, ...]:
        """Return the items that may make names no text shows.

        These are macro calls, items that begin with one or with a word alone on its line, and enums with one in them.
        """
        if self._calls is None:
            self._calls = tuple(number for number, item in enumerate(self.items) if self._is_call(number, item))
        return self._calls

    def _is_call(self, number: int, item: Item) -> bool:
        text, shift = self._text, self._shift
        if item.kind == "call" or item.is_made or (item.kind == "function" and item.leads_with_call):
            return True
        if _LONE_WORD.match(text, item.start - shift):
            return True
        return text.find("enum", item.start - shift, item.end - shift) >= 0 and any(
            what == "enumerator" and _CALLED.match(text, offset - shift + len(name))
            for what, name, offset in self.declared_by(number)
        )


_EMPTY = ItemIndex(())
_OPEN = ItemIndex((CUT_OFF,))
"""What stands for segments whose last item goes on in the next one."""


class FileItems:
    """The items of one choice of a file's segments, put together from those of its segments.

    Items are numbered through the whole file, as ``places`` and ``calls`` say them.
    """

    __slots__ = ("_by_segment", "_calls", "_names", "_places", "_words", "items", "segments")

    def __init__(self, segments: Segments, groups: list[tuple[list[int], ItemIndex]]) -> None:
        self.segments = segments
        self._words = segments.words
        items: list[Item] = []
        self._by_segment: dict[int, tuple[int, ItemIndex]] = {}
        self._places: dict[str, list[Place]] = {}
        self._names: dict[str, list[Place]] | None = None
        self._calls: list[int] | None = None
        for numbers, index in groups:
            if index.items:
                base = len(items)
                items += index.items
                for number in numbers:
                    self._by_segment[number] = base, index
        self.items = items

    def places(self, name: str) -> list[Place]:
        """Return where *name* may be declared: what, item number, offset of the name."""
        found = self._places.get(name)
        if found is None:
            found = self._places[name] = []
            done = 0
            for at in self._words.at(name):
                held = self._by_segment.get(bisect_right(self.segments.starts, at) - 1) if at >= done else None
                number = held[1].number_at(at) if held is not None else -1
                if held is not None and number >= 0:
                    base, index = held
                    done = index.items[number].end
                    places = index.declared_by(number) if index.is_in_head(number, at) else ()
                    found += [(what, base + number, offset) for what, other, offset in places if other == name]
        return found

    @property
    def calls(self) -> list[int]:
        """Return the items that may make names no text shows, see ``ItemIndex.calls``."""
        if self._calls is None:
            self._calls = [base + number for base, index in self._groups() for number in index.calls]
        return self._calls

    @property
    def names(self) -> dict[str, list[Place]]:
        """Return all places by name."""
        if self._names is None:
            self._names = {}
            for base, index in self._groups():
                for name, places in index.names.items():
                    moved = [(what, base + number, offset) for what, number, offset in places]
                    self._names.setdefault(name, []).extend(moved)
        return self._names

    @property
    def functions(self) -> list[tuple[str, int, int]]:
        """Return the functions with a body: name, item number, offset of the name."""
        return [
            (name, base + number, offset) for base, index in self._groups() for name, number, offset in index.functions
        ]

    def _groups(self) -> Iterator[tuple[int, ItemIndex]]:
        """Yield what is found in the segments, with the number of the first item of each."""
        last = None
        for base, index in self._by_segment.values():
            if index is not last:
                last = index
                yield base, index


def items_of(instance: Instance) -> FileItems:
    """Return the items of the active text of *instance*."""
    active = instance.active
    kept = active.items
    if isinstance(kept, FileItems):
        return kept
    segments, numbers = active.segments, active.numbers
    groups: list[tuple[list[int], ItemIndex]] = []
    at = 0
    while at < len(numbers):
        taken, index = _group(segments, numbers, at)
        groups.append((taken, index))
        at += len(taken)
    found = active.items = FileItems(segments, groups)
    return found


def _group(segments: Segments, active: list[int], at: int) -> tuple[list[int], ItemIndex]:
    """Return the segments from the one at *at* on that hold whole items, and those items.

    What was found is kept by the segments' numbers, which decide it; the last one of a file ends whatever is open.
    """
    known = segments.groups
    taken, wanted = 0, 1  # twice as many each time, so that an item without an end costs no more than its text
    while True:
        while taken < wanted and at + taken < len(active):
            known = known.setdefault(active[at + taken], {})
            taken += 1
        wanted *= 2
        whole = at + taken == len(active)
        key = "last" if whole else "index"
        found = known.get(key)
        if found is None:
            found = known[key] = _index_between(segments, active[at : at + taken], whole)
        if found is not _OPEN:
            return active[at : at + taken], found


def _index_between(segments: Segments, numbers: list[int], whole: bool) -> ItemIndex:
    text, code, bounds = segments.plain, segments.code, segments.bounds
    if all(not code[slice(*bounds[number])].strip() for number in numbers):
        return _EMPTY
    start, size, shift = segments.starts[numbers[0]], bounds[numbers[-1]][1], 0
    if len(numbers) > 1 or whole:
        end = len(text) if whole else size
        text, code = segments.joined(text, numbers, end), segments.joined(code, numbers, end)
        start, size, shift = 0, len(text), start
    items = tuple(cut(text, code, start, size, whole, segments.lines[numbers[0]], shift))
    if items and items[-1] is CUT_OFF:
        return _OPEN
    return ItemIndex(items, text, code, shift)


def index_of_text(text: str) -> ItemIndex:
    """Return the items of *text*, which needs no preprocessing."""
    return _index_of_text(text) if len(text) < LONG_TEXT else _index_of_long_text(text)


LONG_TEXT = 1 << 17
"""Characters of a text whose items are kept, for it is asked for more than once: a file before and after a patch."""


@lru_cache(maxsize=4)
def _index_of_long_text(text: str) -> ItemIndex:
    return _index_of_text(text)


def _index_of_text(text: str) -> ItemIndex:
    code = without_literals(text)
    return ItemIndex(tuple(cut(text, code, 0, len(text), whole=True)), text, code)
