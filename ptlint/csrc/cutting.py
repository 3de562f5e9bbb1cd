"""Where the file-scope items of a text begin and end: cut at ``;`` and at the ``}`` of function bodies."""

import re
from collections.abc import Iterator

from ptlint.csrc.itemnames import Item

MAX_ITEM_HEAD = 20_000  # bytes from the beginning of an item to its body
MAX_RECORD_HEAD = 400  # bytes from struct, union or enum to its members, where more stands before
MAX_BRACES = 64  # blocks of one item that are no function body

_PARENS = re.compile(r"[()]")
_SIGNS = re.compile(r"[{}();=]")
_BLANK = re.compile(r"\s*+")
_LONE_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\(")
_LONE_MACRO = re.compile(r"[A-Z][A-Z0-9_]*+(?=[ \t]*+(?:\n[ \t]*+(?:\n|\Z)|\Z))")  # a blank line follows
_STATIC_CALL = re.compile(r"\s*(?:static|extern)\s+[A-Z][A-Z0-9_]*\s*\(")  # static DEFINE_PER_CPU(type, name);
_BLANK_LINE = re.compile(r"[ \t]*+\n[ \t]*+\n")
_TYPEDEF = re.compile(r"(?:__extension__\s*)?typedef\b")
_NEXT_WORD = re.compile(r"[A-Za-z_]")
_RECORD_HEAD = re.compile(r"\b(?:struct|union|enum)\b[\w\s]*(?::[\w\s]+)?$")
_ATTRIBUTE = re.compile(r"\b(?:__attribute__|__attribute|__aligned|__section|__printf|__scanf|__declspec|_Alignas|"
                        r"__randomize_layout|__alloc_size|__assume_aligned|__counted_by)\s*$")  # fmt: skip
_new = tuple.__new__
_PLAIN = r"[^(){}]*+"
_NESTED = 6  # brackets inside one another that one match goes over


def _balanced(depth: int) -> str:
    return _PLAIN if depth == 0 else rf"{_PLAIN}(?:[({{]{_balanced(depth - 1)}[)}}]{_PLAIN})*"


_BALANCED = re.compile(_balanced(_NESTED))
_RUNS = re.compile(r"[({]+|[)}]+")
FEW_LEVELS = 16  # levels that are left one by one; where there are more, runs of brackets are counted

CUT_OFF = Item("cut off", 0, 0, 0)
"""An item of which what comes after the text may decide where it ends."""


def cut(text: str, code: str, position: int, size: int, whole: bool, line: int = 1, shift: int = 0) -> Iterator[Item]:
    """Yield the items of *text* from *position*, which is on *line*, to *size*; their offsets begin with *shift*.

    *code* is the same without comments and literals. Unless that is the *whole* text, what an item is must not depend
    on what comes after *size*: where it may, the last item is ``CUT_OFF``.
    """
    counted = position
    while True:
        start = _skip_blank(code, position, size)
        if start >= size:
            return
        leads = _LONE_CALL.match(text, start, size)
        kind, end = _one(text, code, start, size, whole, leads)
        if end < 0:
            yield CUT_OFF
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
                body = body or _is_body_after(code, start, match.start())
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
    for _ in range(FEW_LEVELS):
        balanced = _BALANCED.match(code, at, size)
        at = balanced.end() if balanced is not None else at
        if at >= size:
            return -1
        depth += 1 if code[at] in "({" else -1
        at += 1
        if depth == 0:
            return at
    for run in _RUNS.finditer(code, at, size):
        start, end = run.span()
        if code[start] in "({":
            depth += end - start
        elif end - start >= depth:
            return start + depth
        else:
            depth -= end - start
    return -1


def _ends_lone_call(text: str, end: int, following: int) -> bool:
    """Return whether ``NAME(...)`` stands alone: the next word begins on another line."""
    return "\n" in text[end:following] and _NEXT_WORD.match(text, following) is not None


def _is_body_after(code: str, start: int, at: int) -> bool:
    """Return whether ``{`` at *at* opens a function body. What cannot be a head ends with its block as one does: else
    what follows would be lost with it.
    """
    if 0 < at - start < MAX_ITEM_HEAD:
        return _is_body(code[start:at])
    return at == start or not _RECORD_HEAD.search(code[at - MAX_RECORD_HEAD : at])


def _is_body(head: str) -> bool:
    """Return whether ``{`` after *head* opens a function body and not a struct, union or enum."""
    if "(" not in head:
        return False
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
    for match in _PARENS.finditer(head):
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
