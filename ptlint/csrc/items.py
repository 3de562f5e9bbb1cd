"""The file-scope items of active text: where each begins and ends, and which names it may declare.

The text is cut at ``;`` and at the ``}`` of function bodies, with comments and literals left aside; the names are those
that stand where a declared name can stand. Both need no knowledge of macros or types, so they hold for a scan and a set
of active lines and are kept with it. What an item really declares is decided when its expansion is parsed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

from ptlint.csrc.instance import Instance
from ptlint.csrc.itemnames import Item, names_of
from ptlint.csrc.segments import Segments, without_literals
from ptlint.csrc.words import words_at

Place = tuple[str, int, int]
"""Where a name may be declared: what, item number, offset of the name."""

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
_new = tuple.__new__
_PLAIN = r"[^(){}]*+"
_NESTED = 6  # brackets inside one another that one match goes over


def _balanced(depth: int) -> str:
    return _PLAIN if depth == 0 else rf"{_PLAIN}(?:[({{]{_balanced(depth - 1)}[)}}]{_PLAIN})*"


_BALANCED = re.compile(_balanced(_NESTED))


class ItemIndex:
    """The items of a text, and where a name may be declared: what, item number, offset of the name.

    *what* is ``function``, ``ordinary`` (prototype or variable), ``typedef``, ``struct``, ``union``, ``enum`` or
    ``enumerator``. *text* and *code* (without comments and literals) are the same from the offset *shift* on. What an
    item may declare is looked at when somebody asks for a word that stands in it.
    """

    __slots__ = ("_calls", "_code", "_declared", "_names", "_shift", "_starts", "_text", "items")

    def __init__(self, items: tuple[Item, ...], text: str = "", code: str = "", shift: int = 0) -> None:
        self.items = items
        self._text = text
        self._code = code
        self._shift = shift
        self._starts = [one.start for one in items]
        self._declared: dict[int, tuple[tuple[str, str, int], ...]] = {}
        self._names: dict[str, list[Place]] | None = None
        self._calls: tuple[int, ...] | None = None

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
        for at in words_at(self._code, name):
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


_CUT_OFF = Item("cut off", 0, 0, 0)
_EMPTY = ItemIndex(())
_OPEN = ItemIndex((_CUT_OFF,))
"""What stands for segments whose last item goes on in the next one."""


class FileItems:
    """The items of one choice of a file's segments, put together from those of its segments.

    Items are numbered through the whole file, as ``places`` and ``calls`` say them.
    """

    __slots__ = ("_by_segment", "_calls", "_names", "_places", "items", "segments")

    def __init__(self, segments: Segments, groups: list[tuple[list[int], ItemIndex]]) -> None:
        self.segments = segments
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
            for at in words_at(self.segments.code, name):
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
    items = tuple(_cut(text, code, start, size, whole, segments.lines[numbers[0]], shift))
    if items and items[-1] is _CUT_OFF:
        return _OPEN
    return ItemIndex(items, text, code, shift)


def index_of_text(text: str) -> ItemIndex:
    """Return the items of *text*, which needs no preprocessing."""
    code = without_literals(text)
    return ItemIndex(tuple(_cut(text, code, 0, len(text), whole=True)), text, code)


def _cut(text: str, code: str, position: int, size: int, whole: bool, line: int = 1, shift: int = 0) -> Iterator[Item]:
    """Yield the items of *text* from *position*, which is on *line*, to *size*; their offsets begin with *shift*.

    *code* is the same without comments and literals. Unless that is the *whole* text, what an item is must not depend
    on what comes after *size*: where it may, the last item is ``_CUT_OFF``.
    """
    counted = position
    while True:
        start = _skip_blank(code, position, size)
        if start >= size:
            return
        leads = _LONE_CALL.match(text, start, size)
        kind, end = _one(text, code, start, size, whole, leads)
        if end < 0:
            yield _CUT_OFF
            return
        line += text.count("\n", counted, start)
        counted = start
        if end > start + 1 or text[start] != ";":
            is_made = kind == "declaration" and _STATIC_CALL.match(text, start, size) is not None
            yield _new(Item, (kind, start + shift, end + shift, line, leads is not None, is_made))
        position = end


def _skip_blank(code: str, position: int, size: int) -> int:
    found = _BLANK.match(code, position, size)
    return found.end() if found else position


def _one(text: str, code: str, start: int, size: int, whole: bool, lone: re.Match[str] | None) -> tuple[str, int]:
    """Return kind and end of the item that begins at *start*; -1 where what comes after *size* may decide.

    *lone* is the call that it begins with, if any.
    """
    undecided = ("", -1)
    alone = _LONE_MACRO.match(text, start, size)
    if alone is not None:
        return ("call", alone.end()) if whole or _BLANK_LINE.match(text, alone.end(), size) else undecided
    blocks = calls = 0
    assigned = body = False
    at = start
    while (match := _SIGNS.search(code, at, size)) is not None:
        sign = match.group()
        at = match.end()
        if sign == ";":
            return _kind_of(text, start, lone is not None and calls == 1), at
        if sign == "=":
            assigned = assigned or not body
            continue
        if sign in "({":
            if sign == "{" and not assigned:
                blocks += 1
                if blocks > MAX_BRACES:
                    return "declaration", match.start()
                body = body or (match.start() - start < MAX_ITEM_HEAD and _is_body(code[start : match.start()]))
            at = _closing(code, at, size)
            if at < 0:
                break
            sign = code[at - 1]
        if sign == ")" and lone is None:
            continue
        if sign == "}" and body:
            if lone is None:
                return "function", at
            following = _skip_blank(code, at, size)
            if following >= size and not whole:
                return undecided
            return "function", following + 1 if text[following : following + 1] == ";" else at  # a macro's record
        calls += sign == ")"
        if sign == ")" and calls == 1 and lone is not None and not lone.group(1).startswith("__"):
            following = _skip_blank(code, at, size)
            if following >= size and not whole:
                return undecided
            if _ends_lone_call(text, at, following):
                return "call", at
    return ("declaration", size) if whole else undecided


def _closing(code: str, at: int, size: int) -> int:
    """Return the offset past the bracket that closes the one before *at*, -1 when none does."""
    depth = 1
    while True:
        balanced = _BALANCED.match(code, at, size)
        at = balanced.end() if balanced is not None else at
        if at >= size:
            return -1
        depth += 1 if code[at] in "({" else -1
        at += 1
        if depth == 0:
            return at


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
