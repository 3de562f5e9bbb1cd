"""The file-scope items of active text: where each begins and ends, and which names it may declare.

The text is cut at ``;`` and at the ``}`` of function bodies, with comments and literals left aside; the names are those
that stand where a declared name can stand. Both need no knowledge of macros or types, so they hold for a scan and a set
of active lines and are kept with it. What an item really declares is decided when its expansion is parsed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ptlint.csrc.directives import FileScan
from ptlint.csrc.unit import Instance

MAX_OCCURRENCES = 2000  # of a name in one file that are looked at as definitions
MAX_ITEM_HEAD = 20_000  # bytes from the beginning of an item to its body
MAX_BRACES = 64  # blocks of one item that are no function body
MAX_HEAD = 4000  # bytes from a function's name to its body

_SCAN = re.compile(
    r"""/\*.*?(?:\*/|\Z) | //[^\n]* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | [{}();=]""", re.DOTALL | re.VERBOSE
)
_BLANK = re.compile(r"""(?:\s++|/\*.*?(?:\*/|\Z)|//[^\n]*+)*""", re.DOTALL)
_COMMENT_OR_LITERAL = re.compile(
    r"""/\*.*?(?:\*/|\Z) | //[^\n]* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'""", re.DOTALL | re.VERBOSE
)
_LONE_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")
_LONE_MACRO = re.compile(r"[A-Z][A-Z0-9_]*+(?=[ \t]*+(?:\n[ \t]*+(?:\n|\Z)|\Z))")  # a blank line follows
_STATIC_CALL = re.compile(r"\s*(?:static|extern)\s+[A-Z][A-Z0-9_]*\s*\(")  # static DEFINE_PER_CPU(type, name);
_LONE_WORD = re.compile(r"\s*[A-Za-z]\w*[ \t]*(?:\n|\Z)")
_TYPEDEF = re.compile(r"(?:__extension__\s*)?typedef\b")
_NEXT_WORD = re.compile(r"[A-Za-z_]")
_RECORD_HEAD = re.compile(r"\b(?:struct|union|enum)\b[\w\s]*(?::[\w\s]+)?$")
_ATTRIBUTE = re.compile(r"\b(?:__attribute__|__attribute|__aligned|__section|__printf|__scanf|__declspec|_Alignas|"
                        r"__randomize_layout|__alloc_size|__assume_aligned|__counted_by)\s*$")  # fmt: skip
_RECORD = re.compile(
    r"\b(struct|union|enum)\b((?:\s*+(?:__attribute__\s*+\(\([^()]*(?:\([^()]*\))?[^()]*\)\)|[A-Za-z_]\w*+))*)\s*(?::[\w\s]+)?\{"
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_ENUMERATOR = re.compile(r"(?:^|,)\s*([A-Za-z_]\w*)")
_UNINDENTED = re.compile(r"^[A-Za-z_][^\n]*+", re.MULTILINE)
_BEFORE_SIGN = re.compile(r"([A-Za-z_]\w*+)(?=\s*+(?:__\w++\s*+)*[(\[=;])")
_LONE_LINE = re.compile(r"^(?:(?:static|extern)[ \t]+)?([A-Za-z_]\w*+)[ \t]*+(?:\(([^;{}]{0,300}+)|$)", re.MULTILINE)
_ENUM_LINE = re.compile(r"^[ \t]++([A-Z_][A-Z0-9_]*+)\(([^;{}()\n]*+)\)[^;{}\n]*+$", re.MULTILINE)
_CALLED = re.compile(r"\s*\(")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of file scope: offsets in the active text, its line, and ``kind``.

    ``leads_with_call`` is set when it begins with ``NAME(…)``, ``is_made`` when ``static`` stands before such a call.
    ``kind``: ``function`` (has a body), ``typedef``, ``declaration``, ``call`` (a macro call by its looks).
    """

    kind: str
    start: int
    end: int
    line: int
    leads_with_call: bool = False
    is_made: bool = False


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


def items_of(instance: Instance) -> ItemIndex:
    """Return the items of the active text of *instance*."""
    kept = instance.index
    if isinstance(kept, ItemIndex):
        return kept
    cache: dict[object, ItemIndex] = instance.scan.item_cache
    key = instance.mask
    found = cache.get(key)
    if found is None:
        text = instance.active_text()
        items = tuple(_cut(text))
        found = cache[key] = _index(text, items)
    instance.index = found
    return found


def index_of_text(text: str) -> ItemIndex:
    """Return the items of *text*, which needs no preprocessing."""
    return _index(text, tuple(_cut(text)))


def words_of(scan: FileScan) -> frozenset[str]:
    """Return every identifier that stands anywhere in a file."""
    if scan.words is None:
        scan.words = frozenset(_WORD.findall(scan.text))
    return scan.words


class LoneCalls(NamedTuple):
    """The macro calls of a file that may stand at file scope or in an enum: the macros, and the words passed."""

    macros: frozenset[str]
    words: frozenset[str]


def lone_calls(scan: FileScan) -> LoneCalls:
    """Return what the raw text of a file shows of macro calls that may make names, in any branch."""
    found: LoneCalls | None = scan.item_cache.get("lone")
    if found is None:
        macros: set[str] = set()
        words: set[str] = set()
        for pattern in (_LONE_LINE, _ENUM_LINE):
            for match in pattern.finditer(scan.text):
                macros.add(match.group(1))
                words.update(word for word in _WORD.findall(match.group(2) or "") if len(word) > 2)
        found = scan.item_cache["lone"] = LoneCalls(frozenset(macros), frozenset(words))
    return found


def looks_defined(name: str, text: str) -> bool:
    """Return whether raw *text* seems to define function or variable *name* at file scope: a cheap first test."""
    return next(definitions(name, text), None) is not None


def definitions(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield where raw *text* seems to define *name* at file scope: offset of the name, and of the ``{`` of a body.

    The second is -1 for a variable.
    """
    pattern = rf"\b{re.escape(name)}\s*+(?:__\w++\s*+)*([\[=(;])"
    for found in islice(re.finditer(pattern, text), MAX_OCCURRENCES):
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


def _cut(text: str) -> Iterator[Item]:
    position, line, counted = 0, 1, 0
    size = len(text)
    while True:
        start = _skip_blank(text, position)
        if start >= size:
            return
        kind, end = _one(text, start)
        line += text.count("\n", counted, start)
        counted = start
        if end > start + 1 or text[start] != ";":
            is_made = kind == "declaration" and _STATIC_CALL.match(text, start) is not None
            yield Item(kind, start, end, line, _LONE_CALL.match(text, start) is not None, is_made)
        position = end


def _skip_blank(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _one(text: str, start: int) -> tuple[str, int]:
    """Return kind and end of the item that begins at *start*."""
    alone = _LONE_MACRO.match(text, start)
    if alone is not None:
        return "call", alone.end()
    depth = 0
    blocks = 0
    assigned = False
    body = False
    lone = _LONE_CALL.match(text, start)
    calls = 0
    for match in _SCAN.finditer(text, start):
        sign = text[match.start()]
        if sign == ";" and depth == 0:
            return _kind_of(text, start, lone is not None and calls == 1), match.end()
        if sign == "=" and depth == 0 and not body:
            assigned = True
        elif sign in "({":
            if sign == "{" and depth == 0 and not assigned:
                blocks += 1
                if blocks > MAX_BRACES:
                    return "declaration", match.start()
                body = body or (match.start() - start < MAX_ITEM_HEAD and _is_body(text[start : match.start()]))
            depth += 1
        elif sign in ")}":
            depth = max(depth - 1, 0)
            if depth or (sign == ")" and lone is None):
                continue
            if sign == "}" and body:
                following = _skip_blank(text, match.end())
                if lone is not None and text[following : following + 1] == ";":  # a macro that begins a record
                    return "function", following + 1
                return "function", match.end()
            calls += sign == ")"
            if sign == ")" and calls == 1 and lone is not None and not lone.group(1).startswith("__"):
                following = _skip_blank(text, match.end())
                if _ends_lone_call(text, match.end(), following):
                    return "call", match.end()
    return "declaration", len(text)


def _ends_lone_call(text: str, end: int, following: int) -> bool:
    """Return whether ``NAME(...)`` stands alone: the next word begins on another line."""
    return "\n" in text[end:following] and _NEXT_WORD.match(text, following) is not None


def _is_body(head: str) -> bool:
    """Return whether ``{`` after *head* opens a function body and not a struct, union or enum."""
    head = _COMMENT_OR_LITERAL.sub(" ", head)
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


# --- names ------------------------------------------------------------------------------------------------------


def _index(text: str, items: tuple[Item, ...]) -> ItemIndex:
    names: dict[str, list[tuple[str, int, int]]] = {}
    calls: list[int] = []
    for number, item in enumerate(items):
        leads = item.kind == "function" and item.leads_with_call
        if item.kind == "call" or leads or _LONE_WORD.match(text, item.start) or item.is_made:
            calls.append(number)
        for what, name, offset in _names(text, item):
            names.setdefault(name, []).append((what, number, offset))
            if what == "enumerator" and _CALLED.match(text, offset + len(name)) and number not in calls[-1:]:
                calls.append(number)
    return ItemIndex(items, names, tuple(calls))


def _names(text: str, item: Item) -> Iterator[tuple[str, str, int]]:
    source = _COMMENT_OR_LITERAL.sub(lambda found: " " * len(found.group()), text[item.start : item.end])
    base = item.start
    if item.kind == "function":
        head = source[: _body_start(source)]
        for name, offset in _before_groups(head):
            yield "function", name, base + offset
        return
    if "{" in source:
        yield from _tagged(source, base)
    outer = _blank_groups(source, "{", "}")
    if item.kind == "typedef":
        for name, offset in _typedef_names(outer):
            yield "typedef", name, base + offset
        return
    for name, offset in _before_groups(outer):
        yield "ordinary", name, base + offset
    flat = _blank_groups(outer, "(", ")")
    for match in re.finditer(r"([A-Za-z_$][\w$]*)(?=\s*(?:[=;,\[]|__\w+\s*[=;,]|\Z))", flat):
        yield "ordinary", match.group(1), base + match.start(1)
    for match in re.finditer(r"\(\s*\*\s*(?:\w+\s+)*?([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)", outer):
        yield "ordinary", match.group(1), base + match.start(1)


def _body_start(source: str) -> int:
    depth = 0
    for match in re.finditer(r"[(){]", source):
        sign = match.group()
        if sign == "{" and depth == 0:
            return match.start()
        depth += (sign == "(") - (sign == ")")
    return len(source)


def _before_groups(head: str) -> Iterator[tuple[str, int]]:
    """Yield the identifiers that stand before a bracketed group of *head* at its outermost level."""
    depth = 0
    for match in re.finditer(r"([A-Za-z_$][\w$]*)\s*\(|[()]", head):
        if match.group(1) is not None:
            if depth == 0:
                yield match.group(1), match.start(1)
            depth += 1
        else:
            depth += 1 if match.group() == "(" else -1


def _tagged(source: str, base: int) -> Iterator[tuple[str, str, int]]:
    for match in _RECORD.finditer(source):
        every = list(_WORD.finditer(match.group(2)))
        words = [word for word in every if not word.group().startswith("__")] or every  # attributes are no names
        if words:
            yield match.group(1), words[-1].group(), base + match.start(2) + words[-1].start()
        if match.group(1) == "enum":
            end = source.find("}", match.end())
            inside = source[match.end() : end if end >= 0 else len(source)]
            flat = _blank_groups(inside, "(", ")")
            for one in _ENUMERATOR.finditer(flat):
                yield "enumerator", one.group(1), base + match.end() + one.start(1)


def _blank_groups(source: str, opening: str, closing: str) -> str:
    """Return *source* with everything inside bracketed groups blanked, same length."""
    if opening not in source:
        return source
    out: list[str] = []
    depth = last = 0
    for match in re.finditer(f"[{re.escape(opening + closing)}]", source):
        if match.group() == opening:
            if depth == 0:
                out.append(source[last : match.start()])
                last = match.start()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                out.append(" " * (match.end() - last))
                last = match.end()
    out.append(source[last:] if depth == 0 else " " * (len(source) - last))
    return "".join(out)


def _typedef_names(outer: str) -> Iterator[tuple[str, int]]:
    """Yield what a typedef names: ``(*name)(…)``, or the last words before ``;``, ``,``, ``[`` or ``(``."""
    pointer = re.search(r"\(\s*(?:\*|\^)\s*(?:const\s+|volatile\s+)?([A-Za-z_]\w*)\s*\)", outer)
    if pointer is not None:
        yield pointer.group(1), pointer.start(1)
        return
    flat = _blank_groups(outer, "(", ")")
    for part in re.finditer(r"[^,;]+", flat):
        words = list(_WORD.finditer(_blank_groups(part.group(), "[", "]")))
        for word in reversed(words):
            if word.group() != "typedef":
                yield word.group(), part.start() + word.start()
                if not word.group().startswith("__"):
                    break
