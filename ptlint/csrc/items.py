"""The file-scope items of active text: where each begins and ends, and which names it may declare.

The text is cut at ``;`` and at the ``}`` of function bodies, with comments and literals left aside; the names are those
that stand where a declared name can stand. Both need no knowledge of macros or types, so they hold for a scan and a set
of active lines and are kept with it. What an item really declares is decided when its expansion is parsed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item, names_of
from ptlint.csrc.segments import (
    Segments,
    active_segments,
    active_text,
    segments_of,
    without_literals,
)

MAX_ITEM_HEAD = 20_000  # bytes from the beginning of an item to its body
MAX_BRACES = 64  # blocks of one item that are no function body

_SIGNS = re.compile(r"[{}();=]")
_BLANK = re.compile(r"\s*+")
_LONE_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")
_LONE_MACRO = re.compile(r"[A-Z][A-Z0-9_]*+(?=[ \t]*+(?:\n[ \t]*+(?:\n|\Z)|\Z))")  # a blank line follows
_STATIC_CALL = re.compile(r"\s*(?:static|extern)\s+[A-Z][A-Z0-9_]*\s*\(")  # static DEFINE_PER_CPU(type, name);
_LONE_WORD = re.compile(r"\s*[A-Za-z]\w*[ \t]*(?:\n|\Z)")
_BLANK_LINE = re.compile(r"[ \t]*+\n[ \t]*+\n")
_TYPEDEF = re.compile(r"(?:__extension__\s*)?typedef\b")
_NEXT_WORD = re.compile(r"[A-Za-z_]")
_RECORD_HEAD = re.compile(r"\b(?:struct|union|enum)\b[\w\s]*(?::[\w\s]+)?$")
_ATTRIBUTE = re.compile(r"\b(?:__attribute__|__attribute|__aligned|__section|__printf|__scanf|__declspec|_Alignas|"
                        r"__randomize_layout|__alloc_size|__assume_aligned|__counted_by)\s*$")  # fmt: skip
_CALLED = re.compile(r"\s*\(")


@dataclass(frozen=True, slots=True)
class ItemIndex:
    """The items of one file, and where a name may be declared: name -> (what, item number, offset of the name).

    ``calls`` are the items that may make names no text shows: macro calls, items that begin with one or with a word
    alone on its line, and enums with one in them.
    *what* is ``function``, ``ordinary`` (prototype or variable), ``typedef``, ``struct``, ``union``, ``enum`` or
    ``enumerator``.
    """

    items: tuple[Item, ...]
    names: dict[str, list[tuple[str, int, int]]]
    calls: tuple[int, ...]


_CUT_OFF = Item("cut off", 0, 0, 0)
_EMPTY = ItemIndex((), {}, ())
_OPEN = ItemIndex((_CUT_OFF,), {}, ())
"""What stands for segments whose last item goes on in the next one."""


class FileItems:
    """The items of one reading of a file, put together from those of its segments.

    Items are numbered through the whole file, as ``places`` and ``calls`` say them.
    """

    __slots__ = ("_by_segment", "_names", "calls", "items", "segments")

    def __init__(self, segments: Segments, groups: list[tuple[list[int], ItemIndex]]) -> None:
        self.segments = segments
        items: list[Item] = []
        calls: list[int] = []
        self._by_segment: dict[int, tuple[int, ItemIndex]] = {}
        self._names: dict[str, list[tuple[str, int, int]]] | None = None
        for numbers, index in groups:
            if index.items:
                base = len(items)
                items += index.items
                calls += [base + number for number in index.calls]
                for number in numbers:
                    self._by_segment[number] = base, index
        self.items = items
        self.calls = calls

    def places(self, name: str) -> list[tuple[str, int, int]]:
        """Return where *name* may be declared: what, item number, offset of the name."""
        return [
            (what, base + number, offset)
            for base, index in self.groups_with(name)
            for what, number, offset in index.names.get(name, ())
        ]

    def groups_with(self, word: str) -> Iterator[tuple[int, ItemIndex]]:
        """Yield those of ``groups`` in whose segments *word* stands."""
        last: ItemIndex | None = None
        for segment in self.segments.words.get(word, ()):
            held = self._by_segment.get(segment)
            if held is not None and held[1] is not last:
                last = held[1]
                yield held

    @property
    def names(self) -> dict[str, list[tuple[str, int, int]]]:
        """Return all places by name."""
        if self._names is None:
            self._names = {}
            for base, index in self.groups():
                for name, places in index.names.items():
                    moved = [(what, base + number, offset) for what, number, offset in places]
                    self._names.setdefault(name, []).extend(moved)
        return self._names

    def groups(self) -> Iterator[tuple[int, ItemIndex]]:
        """Yield what is found in the segments, with the number of the first item of each."""
        last = None
        for base, index in self._by_segment.values():
            if index is not last:
                last = index
                yield base, index


def items_of(instance: Instance) -> FileItems:
    """Return the items of the active text of *instance*."""
    kept = instance.index
    if isinstance(kept, FileItems):
        return kept
    segments = segments_of(instance.scan)
    active = active_segments(instance)
    groups: list[tuple[list[int], ItemIndex]] = []
    at = 0
    while at < len(active):
        numbers, index = _group(instance, segments, active, at)
        groups.append((numbers, index))
        at += len(numbers)
    found = instance.index = FileItems(segments, groups)
    return found


def _group(instance: Instance, segments: Segments, active: list[int], at: int) -> tuple[list[int], ItemIndex]:
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
            found = known[key] = _index_between(instance, segments, active[at : at + taken], whole)
        if found is not _OPEN:
            return active[at : at + taken], found


def _index_between(instance: Instance, segments: Segments, numbers: list[int], whole: bool) -> "ItemIndex":
    start = segments.bounds[numbers[0]][0]
    end = len(segments.plain) if whole else segments.bounds[numbers[-1]][1]
    text, code = segments.plain, segments.code
    if len(numbers) > 1 or whole:
        text, code = instance.active_text(), active_text(instance, code)
    if not code[start:end].strip():
        return _EMPTY
    items = tuple(_cut(text, code, start, end, whole))
    if items and items[-1] is _CUT_OFF:
        return _OPEN
    return _index(text, code, items)


def index_of_text(text: str) -> ItemIndex:
    """Return the items of *text*, which needs no preprocessing."""
    code = without_literals(text)
    return _index(text, code, tuple(_cut(text, code, 0, len(text), whole=True)))


def _cut(text: str, code: str, position: int, size: int, whole: bool) -> Iterator[Item]:
    """Yield the items of *text* from *position* to *size*; *code* is the same without comments and literals.

    Unless that is the *whole* text, what an item is must not depend on what comes after *size*: where it may, the last
    item is ``_CUT_OFF``.
    """
    line, counted = text.count("\n", 0, position) + 1, position
    while True:
        start = _skip_blank(code, position, size)
        if start >= size:
            return
        kind, end = _one(text, code, start, size, whole)
        if end < 0:
            yield _CUT_OFF
            return
        line += text.count("\n", counted, start)
        counted = start
        if end > start + 1 or text[start] != ";":
            is_made = kind == "declaration" and _STATIC_CALL.match(text, start, size) is not None
            yield Item(kind, start, end, line, _LONE_CALL.match(text, start, size) is not None, is_made)
        position = end


def _skip_blank(code: str, position: int, size: int) -> int:
    found = _BLANK.match(code, position, size)
    return found.end() if found else position


def _one(text: str, code: str, start: int, size: int, whole: bool) -> tuple[str, int]:
    """Return kind and end of the item that begins at *start*; -1 where what comes after *size* may decide."""
    undecided = ("", -1)
    alone = _LONE_MACRO.match(text, start, size)
    if alone is not None:
        return ("call", alone.end()) if whole or _BLANK_LINE.match(text, alone.end(), size) else undecided
    depth = 0
    blocks = 0
    assigned = False
    body = False
    lone = _LONE_CALL.match(text, start, size)
    calls = 0
    for match in _SIGNS.finditer(code, start, size):
        sign = match.group()
        if sign == ";" and depth == 0:
            return _kind_of(text, start, lone is not None and calls == 1), match.end()
        if sign == "=" and depth == 0 and not body:
            assigned = True
        elif sign in "({":
            if sign == "{" and depth == 0 and not assigned:
                blocks += 1
                if blocks > MAX_BRACES:
                    return "declaration", match.start()
                body = body or (match.start() - start < MAX_ITEM_HEAD and _is_body(code[start : match.start()]))
            depth += 1
        elif sign in ")}":
            depth = max(depth - 1, 0)
            if depth or (sign == ")" and lone is None):
                continue
            if sign == "}" and body:
                if lone is None:
                    return "function", match.end()
                following = _skip_blank(code, match.end(), size)
                if following >= size and not whole:
                    return undecided
                if text[following : following + 1] == ";":  # a macro that begins a record
                    return "function", following + 1
                return "function", match.end()
            calls += sign == ")"
            if sign == ")" and calls == 1 and lone is not None and not lone.group(1).startswith("__"):
                following = _skip_blank(code, match.end(), size)
                if following >= size and not whole:
                    return undecided
                if _ends_lone_call(text, match.end(), following):
                    return "call", match.end()
    return ("declaration", size) if whole else undecided


def _ends_lone_call(text: str, end: int, following: int) -> bool:
    """Return whether ``NAME(...)`` stands alone: the next word begins on another line."""
    return "\n" in text[end:following] and _NEXT_WORD.match(text, following) is not None


def _is_body(head: str) -> bool:
    """Return whether ``{`` after *head* opens a function body and not a struct, union or enum."""
    flat, groups = _without_parens(head)
    names = [flat[:at] for at in groups]
    if any(not _ATTRIBUTE.search(name) for name in names):
        return not _RECORD_HEAD.search(_tail_after_groups(flat, groups))
    return False


def _tail_after_groups(flat: str, groups: list[int]) -> str:
    return flat[groups[-1] :] if groups else flat


def _without_parens(head: str) -> tuple[str, list[int]]:
    """Return *head* without its bracketed groups, and the offset in the result where each one stood."""
    out: list[str] = []
    groups: list[int] = []
    depth = length = last = 0
    for match in re.finditer(r"[()]", head):
        if match.group() == "(":
            if depth == 0:
                out.append(head[last : match.start()])
                length += match.start() - last
                groups.append(length)
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                last = match.end()
    if depth == 0:
        out.append(head[last:])
    return "".join(out), groups


def _kind_of(text: str, start: int, lone: bool) -> str:
    if _TYPEDEF.match(text, start):
        return "typedef"
    return "call" if lone else "declaration"


def _index(text: str, code: str, items: tuple[Item, ...]) -> ItemIndex:
    names: dict[str, list[tuple[str, int, int]]] = {}
    calls: list[int] = []
    for number, item in enumerate(items):
        leads = item.kind == "function" and item.leads_with_call
        if item.kind == "call" or leads or _LONE_WORD.match(text, item.start) or item.is_made:
            calls.append(number)
        for what, name, offset in names_of(code, item):
            names.setdefault(name, []).append((what, number, offset))
            if what == "enumerator" and _CALLED.match(text, offset + len(name)) and number not in calls[-1:]:
                calls.append(number)
    return ItemIndex(items, names, tuple(calls))
