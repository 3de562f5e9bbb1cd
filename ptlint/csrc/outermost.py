"""The words that may be declared at file scope, by the raw text of a file: which files are worth cutting into items.

These are the words outside of all blocks and brackets, and inside the braces of records and enums, whichever
conditionals hold. Macro calls that may make names (``csrc.lonecalls``) are looked for in the same text.
"""

import re
from collections import defaultdict
from collections.abc import Set
from itertools import islice

from ptlint.csrc.directives import FileScan
from ptlint.csrc.lonecalls import lone_calls
from ptlint.csrc.segments import COMMENT_OR_LITERAL

_RECORD_HEAD = re.compile(
    r"\b(?:struct|union|enum)\b"
    r"(?:\s*+(?:__attribute__\s*+\(\([^()]*(?:\([^()]*\))?[^()]*\)\)|[A-Za-z_]\w*+)){0,16}\s*+(?::[\w\s]++)?\Z"
)
_BRACE = re.compile(r"[{}]")
_FLAT = r"[^{}]*+"
_INSIDE = re.compile(rf"{_FLAT}(?:\{{{_FLAT}(?:\{{{_FLAT}(?:\{{{_FLAT}\}}{_FLAT})*\}}{_FLAT})*\}}{_FLAT})*")
_OPENED = "\x01"
_GROUP = re.compile(r"\((?!\s*+[*^])[^()\x01]*+\)")  # what is in brackets names nothing, but a pointer and a record
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_TYPE_SIGNS = re.compile(r"[{};]")
_TO_WORDS = bytes(code if (code < 128 and chr(code).isalnum()) or chr(code) in "_$" else 32 for code in range(256))
_TO_SIGNS = _TO_WORDS[:40] + b"(" + _TO_WORDS[41:42] + b"*" + _TO_WORDS[43:]
MAX_TYPEDEF = 20_000
MAX_DEPTH = 60
"""Blocks within blocks; of a file with more every word counts."""
MANY_LEFT = 200
"""Brackets left for each group that was taken away, from which on the others are not worth another look."""

_DECLARING: defaultdict[str, list[int]] = defaultdict(list)
_ALL: list[str] = []
_WITH: dict[str, tuple[int, list[str]]] = {}
_LIKE: dict[re.Pattern[str], tuple[int, set[str]]] = {}
_TYPES: dict[str, list[int]] = {}
_FUNCTIONS: defaultdict[str, list[int]] = defaultdict(list)


def outer_words(scan: FileScan) -> frozenset[str]:
    """Return at least every name that an item of the file may declare at file scope, under any conditionals."""
    found: frozenset[str] | None = scan.item_cache.get("outer")
    if found is None:
        code = COMMENT_OR_LITERAL.sub(" ", _without_directives(scan))
        flat = _without_blocks(code) if _is_even(scan, "{", "}") else None
        lone_calls(scan, code if flat is None else flat)
        for word in _called(code if flat is None else flat):
            _FUNCTIONS[word].append(scan.number)
        if flat is None:
            flat = code
        elif _is_even(scan, "(", ")"):
            flat = _without_groups(flat)
        found = scan.item_cache["outer"] = frozenset(_pieces(flat, _TO_WORDS))
        before = len(_DECLARING)
        for word in found:
            _DECLARING[word].append(scan.number)
        _ALL.extend(islice(reversed(_DECLARING), len(_DECLARING) - before))
        if "typedef" in found:
            for word in _typedef_words(code):
                _TYPES.setdefault(word, []).append(scan.number)
    return found


def _pieces(text: str, table: bytes) -> list[str]:
    return text.encode("latin-1").translate(table).decode("ascii").split()


def _called(text: str) -> set[str]:
    """Return at least every word that a bracket follows, but one with a pointer in it."""
    pieces = text.encode("latin-1").translate(_TO_SIGNS).decode("ascii").replace("*", " * ").split("(")
    inside = [piece.lstrip()[:1] for piece in islice(pieces, 1, None)]
    words = [piece.rsplit(None, 1) for piece in pieces]
    return {before[-1] for before, sign in zip(words, inside, strict=False) if before and sign != "*"}


def files_declaring(word: str) -> list[int]:
    """Return the numbers of the files that may declare *word*, as far as their outer words were asked for."""
    return _DECLARING.get(word, [])


def files_with_function(word: str) -> list[int]:
    """Return the numbers of the files that may declare *word* as a function, as far as outer words were asked for."""
    return _FUNCTIONS.get(word, [])


def files_with_typedef(word: str) -> list[int]:
    """Return the numbers of the files in which *word* may be a typedef name, as far as outer words were asked for."""
    return _TYPES.get(word, [])


def outer_words_with(part: str) -> list[str]:
    """Return the outer words of all those files that hold *part*, in no particular order."""
    done, found = _WITH.get(part, (0, []))
    if done < len(_ALL):
        found += [word for word in _ALL[done:] if part in word]
        _WITH[part] = len(_ALL), found
    return found


def outer_words_like(pattern: re.Pattern[str]) -> Set[str]:
    """Return the outer words of all those files in which *pattern* is found."""
    done, found = _LIKE.get(pattern, (0, set()))
    if done < len(_ALL):
        found.update([word for word in _ALL[done:] if pattern.search(word)])
        _LIKE[pattern] = len(_ALL), found
    return found


def _without_directives(scan: FileScan) -> str:
    pieces: list[str] = []
    at = 0
    for one in scan.directives:
        pieces.append(scan.text[at : one.start])
        at = one.end
    return "\n".join((*pieces, scan.text[at:]))


def _is_even(scan: FileScan, opening: str, closing: str) -> bool:
    """Return whether each branch of every conditional closes what it opens: depth is the same whichever holds."""
    text, at = scan.text, 0
    depths = [0]
    for one in scan.directives:
        if one.kind not in _CONDITIONAL:
            continue
        depths[-1] += text.count(opening, at, one.start) - text.count(closing, at, one.start)
        at = one.end
        if one.kind in _OPENING:
            depths.append(0)
        elif depths[-1] != 0 or len(depths) == 1:
            return False
        elif one.kind == "endif":
            depths.pop()
    return len(depths) == 1


_OPENING = frozenset(("if", "ifdef", "ifndef"))
_CONDITIONAL = _OPENING | {"elif", "else", "endif", "elifdef", "elifndef"}


def _without_blocks(code: str) -> str | None:
    """Return *code* without the braces and what they hold, but for records; None where braces do not fit."""
    pieces: list[str] = []
    done = records = 0
    while (brace := _BRACE.search(code, done)) is not None:
        at = brace.start()
        pieces.append(code[done:at])
        if code[at] == "}":
            records -= 1
            if records < 0:
                return None
            pieces.append(" ")
            done = at + 1
        elif _begins_record(code, done, at):
            records += 1
            pieces.append(f" {_OPENED}")
            done = at + 1
        else:
            pieces.append(" ")
            done = _past_block(code, at + 1)
            if done < 0:
                return None
    pieces.append(code[done:])
    return None if records else "".join(pieces)


def _begins_record(code: str, done: int, at: int) -> bool:
    """Return whether the brace at *at* begins the members of a record or an enum, whose head begins behind *done*."""
    start = max(done, max(code.rfind(sign, done, at) for sign in ";=") + 1)
    head = code[start:at]
    return ("struct" in head or "union" in head or "enum" in head) and _RECORD_HEAD.search(head) is not None


def _past_block(code: str, at: int) -> int:
    """Return the offset past the brace that closes the one before *at*, -1 when none does."""
    depth, size = 1, len(code)
    while depth and depth < MAX_DEPTH:
        inside = _INSIDE.match(code, at)
        at = inside.end() if inside is not None else at
        if at >= size:
            return -1
        depth += 1 if code[at] == "{" else -1
        at += 1
    return -1 if depth else at


def _without_groups(flat: str) -> str:
    """Return *flat* without brackets and what they hold, as far as nothing is named there."""
    for _ in range(MAX_DEPTH):
        flat, groups = _GROUP.subn(" ", flat)
        if not groups or flat.count("(") > MANY_LEFT * groups:
            break
    return flat


def _typedef_words(code: str) -> frozenset[str]:
    """Return at least every name that a typedef of *code* may make, whichever of its conditionals hold.

    These are the words outside the braces of each; where braces do not fit together, any word of the file may be one.
    """
    found: set[str] = set()
    at = 0
    while (at := code.find("typedef", at)) >= 0:
        depth, outside = 0, at
        for sign in _TYPE_SIGNS.finditer(code, at, at + MAX_TYPEDEF):
            if sign.group() == "{":
                if depth == 0:
                    found.update(_WORD.findall(code, outside, sign.start()))
                depth += 1
            elif sign.group() == "}":
                depth -= 1
                outside = sign.end()
            elif depth == 0:
                found.update(_WORD.findall(code, outside, sign.start()))
                at = sign.end()
                break
            if depth < 0:
                return frozenset(_WORD.findall(code))
        else:
            return frozenset(_WORD.findall(code))
    return frozenset(found)
