"""The names that an item of file scope may declare: those that stand where a declared name can stand."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ptlint.csrc.words import IN_WORD

_RECORD = re.compile(
    r"\b(struct|union|enum)\b((?:\s*+(?:__attribute__\s*+\(\([^()]*(?:\([^()]*\))?[^()]*\)\)|[A-Za-z_]\w*+))*)\s*(?::[\w\s]+)?\{"
)
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_ENUMERATOR = re.compile(r"(?:^|,)\s*([A-Za-z_]\w*)")
_BEFORE_END = re.compile(r"([A-Za-z_$][\w$]*)(?=\s*(?:[=;,\[]|(?:__\w+|asm)\s*[=;,]|\Z))")
_POINTED = re.compile(r"\(\s*\*\s*(?:\w+\s+)*?([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)")
_POINTER_TYPE = re.compile(r"\(\s*(?:\*|\^)\s*(?:const\s+|volatile\s+)?([A-Za-z_]\w*)\s*\)")
_PARTS = re.compile(r"[^,;]+")
_BEGINS_WORD = frozenset(sign for sign in map(chr, range(128)) if sign.isalpha() or sign in "_$")
_TO_BODY = re.compile(r"\(+|\)+|\{+")  # runs: brackets may be nested as deep as a file is long
_BRACKET = re.compile(r"\(+|\)+")
_BRACKETS = {"(": _BRACKET, "{": re.compile(r"\{+|\}+"), "[": re.compile(r"\[+|\]+")}


class Item(NamedTuple):
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


def names_of(source: str, kind: str, base: int) -> Iterator[tuple[str, str, int]]:
    """Yield what an item of this *kind*, whose text is *source* and stands at *base*, may declare.

    That is what it is (see ``ItemIndex``), the name, and the offset of the name. *source* is without comments and
    literals.
    """
    if kind == "function":
        head = source[: _body_start(source)]
        for name, offset in _before_groups(head):
            yield "function", name, base + offset
        return
    if "{" in source:
        yield from _tagged(source, base)
    outer = _blank_groups(source, "{")
    if kind == "typedef":
        for name, offset in _typedef_names(outer):
            yield "typedef", name, base + offset
        return
    for name, offset in _before_groups(outer):
        yield "ordinary", name, base + offset
    flat = _blank_groups(outer, "(")
    for match in _BEFORE_END.finditer(flat):
        yield "ordinary", match.group(1), base + match.start(1)
    for match in _POINTED.finditer(outer):
        yield "ordinary", match.group(1), base + match.start(1)


def _body_start(source: str) -> int:
    depth = 0
    for match in _TO_BODY.finditer(source):
        start, end = match.span()
        sign = source[start]
        if sign == "{" and depth == 0:
            return start
        depth += (end - start) * ((sign == "(") - (sign == ")"))
    return len(source)


def _before_groups(head: str) -> Iterator[tuple[str, int]]:
    """Yield the identifiers that stand before a bracketed group of *head* at its outermost level."""
    depth = last = 0
    for match in _BRACKET.finditer(head):
        at, end = match.span()
        if head[at] == ")":
            depth -= end - at
        else:
            if depth == 0:
                name = _word_before(head, last, at)
                if name >= 0:
                    yield head[name:at].rstrip(), name
            depth += end - at
        last = end


def _word_before(text: str, start: int, end: int) -> int:
    """Return where the word begins that ends *text* between these offsets but for white space, -1 when none does."""
    while end > start and text[end - 1].isspace():
        end -= 1
    first = end
    while first > start and text[first - 1] in IN_WORD:
        first -= 1
    while first < end and text[first] not in _BEGINS_WORD:
        first += 1
    return first if first < end else -1


def _tagged(source: str, base: int) -> Iterator[tuple[str, str, int]]:
    for match in _RECORD.finditer(source):
        every = list(_WORD.finditer(match.group(2)))
        words = [word for word in every if not word.group().startswith("__")] or every  # attributes are no names
        if words:
            yield match.group(1), words[-1].group(), base + match.start(2) + words[-1].start()
        if match.group(1) == "enum":
            end = source.find("}", match.end())
            inside = source[match.end() : end if end >= 0 else len(source)]
            flat = _blank_groups(inside, "(")
            for one in _ENUMERATOR.finditer(flat):
                yield "enumerator", one.group(1), base + match.end() + one.start(1)


def _blank_groups(source: str, opening: str) -> str:
    """Return *source* with everything inside bracketed groups blanked, same length."""
    if opening not in source:
        return source
    out: list[str] = []
    depth = last = 0
    for match in _BRACKETS[opening].finditer(source):
        start, end = match.span()
        if source[start] == opening:
            if depth == 0:
                out.append(source[last:start])
                last = start
            depth += end - start
        elif depth > end - start:
            depth -= end - start
        elif depth:
            out.append(" " * (start + depth - last))
            last = start + depth
            depth = 0
    out.append(source[last:] if depth == 0 else " " * (len(source) - last))
    return "".join(out)


def _typedef_names(outer: str) -> Iterator[tuple[str, int]]:
    """Yield what a typedef names: ``(*name)(…)``, or the last words before ``;``, ``,``, ``[`` or ``(``."""
    pointer = _POINTER_TYPE.search(outer)
    if pointer is not None:
        yield pointer.group(1), pointer.start(1)
        return
    flat = _blank_groups(outer, "(")
    for part in _PARTS.finditer(flat):
        words = list(_WORD.finditer(_blank_groups(part.group(), "[")))
        for word in reversed(words):
            if word.group() != "typedef":
                yield word.group(), part.start() + word.start()
                if not word.group().startswith("__"):
                    break
