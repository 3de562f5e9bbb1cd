"""The text of a file between its conditionals. What is active of it is a choice of whole segments.

Many readings of one file differ in few segments, so whatever is found in a segment is found once for all of them.
"""

import re
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptlint.csrc.directives import FileScan
    from ptlint.csrc.instance import Instance

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_COMMENT_OR_LITERAL = re.compile(
    r"""/\*.*?(?:\*/|\Z) | //[^\n]* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'""", re.DOTALL | re.VERBOSE
)
_NOT_NEWLINE = re.compile(r"[^\n]+")
_BLANKED = bytes(10 if code == 10 else 32 for code in range(256))
_TO_WORDS = bytes(code if (code < 128 and chr(code).isalnum()) or chr(code) in "_$(" else 32 for code in range(256))
_TYPE_SIGNS = re.compile(r"[{};]")
MAX_TYPEDEF = 20_000
_CONDITIONAL = frozenset(("if", "elif", "else", "endif"))


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of one file. ``bounds`` are their offsets; ``following`` maps a conditional directive to its number.

    ``plain`` is the text with all directives blanked, ``code`` without comments and literals too, ``blank`` with
    everything blanked: same length, same lines. ``groups`` is the place of what is found in them (``csrc.items``),
    ``words`` tells the segments a word is in.
    """

    bounds: tuple[tuple[int, int], ...]
    following: dict[int, int]
    conditionals: tuple[int, ...]
    plain: str
    code: str
    blank: str
    words: dict[str, list[int]]
    groups: dict[Any, Any] = field(default_factory=dict)


def segments_of(scan: "FileScan") -> Segments:
    """Return the segments of a file, made once."""
    found = scan.segments
    if found is None:
        found = scan.segments = _segments(scan)
    return found


def _segments(scan: "FileScan") -> Segments:
    text, directives = scan.text, scan.directives
    blank = text.encode("latin-1").translate(_BLANKED).decode("latin-1")
    pieces: list[str] = []
    at = 0
    for one in directives:
        pieces.append(text[at : one.start])
        pieces.append(blank[one.start : one.end])
        at = one.end
    pieces.append(text[at:])
    plain = "".join(pieces)
    conditionals = tuple(step.at for step in scan.steps if step.op in _CONDITIONAL and step.at < len(directives))
    starts = [0, *(directives[at].end for at in conditionals)]
    ends = [*(directives[at].start for at in conditionals), len(text)]
    bounds = tuple(zip(starts, ends, strict=True))
    pieces, at = [], 0
    for start, end in bounds:
        pieces.append(blank[at:start])
        pieces.append(without_literals(plain[start:end]))
        at = end
    code = "".join(pieces)
    words: dict[str, list[int]] = {}
    for number, (start, end) in enumerate(bounds):
        for word in set(_WORD.findall(code, start, end)):
            words.setdefault(word, []).append(number)
    following = {at: number for number, at in enumerate(conditionals, 1)}
    return Segments(bounds, following, conditionals, plain, code, blank, words)


def without_literals(text: str) -> str:
    """Return *text* with comments and literals blanked: same length, same lines."""
    return _COMMENT_OR_LITERAL.sub(_blanked, text)


def _blanked(found: re.Match[str]) -> str:
    text = found.group()
    return _NOT_NEWLINE.sub(lambda line: " " * len(line.group()), text) if "\n" in text else " " * len(text)


def active_segments(instance: "Instance") -> list[int]:
    """Return the segments that are active in one reading of a file, in order."""
    parts, skips = segments_of(instance.scan), instance.skips
    if not skips:
        return list(range(len(parts.bounds)))
    conditionals, following = parts.conditionals, parts.following
    active = [0]
    at, size, last = 0, len(conditionals), len(instance.scan.directives)
    while at < size:
        directive = conditionals[at]
        while directive in skips:
            directive = skips[directive]
        if directive >= last:
            break
        at = following[directive]
        active.append(at)
    return active


def active_text(instance: "Instance", text: str = "") -> str:
    """Return the text of one reading with inactive lines and directives blanked: same length, same lines.

    *text* is that of all segments, ``plain`` when it is not given.
    """
    parts = segments_of(instance.scan)
    text = text or parts.plain
    if not instance.skips:
        return text
    pieces: list[str] = []
    done = 0
    for number in active_segments(instance):
        start, end = parts.bounds[number]
        pieces.append(parts.blank[done:start])
        pieces.append(text[start:end])
        done = end
    pieces.append(parts.blank[done:])
    return "".join(pieces)


# --- which files hold a word --------------------------------------------------------------------------------------

numbers = count()
"""Gives every scan its number."""

_HOLDING: dict[str, list[int]] = {}
_ALL: list[str] = []
_WITH: dict[str, tuple[int, list[str]]] = {}
_CALLED: set[str] = set()
_TYPES: dict[str, list[int]] = {}


def words_of(scan: "FileScan") -> frozenset[str]:
    """Return every identifier that stands anywhere in a file (and every number)."""
    if scan.words is None:
        pieces = _pieces(segments_of(scan).code.replace("(", " ( "))
        _CALLED.update([word for word, following in pairwise(pieces) if following == "("])
        scan.words = frozenset(_pieces(scan.text.replace("(", " ")))
        for word in scan.words:
            held = _HOLDING.get(word)
            if held is None:
                _HOLDING[word] = [scan.number]
                _ALL.append(word)
            else:
                held.append(scan.number)
        if "typedef" in scan.words:
            for word in _typedef_words(segments_of(scan).code):
                _TYPES.setdefault(word, []).append(scan.number)
    return scan.words


def _pieces(text: str) -> list[str]:
    """Return the words, numbers and lone brackets of a text."""
    return text.encode("latin-1").translate(_TO_WORDS).decode("ascii").split()


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


def files_with_typedef(word: str) -> list[int]:
    """Return the numbers of the files, of those whose words were asked for, in which *word* may be a typedef name."""
    return _TYPES.get(word, [])


def is_called(word: str) -> bool:
    """Return whether *word* stands before a bracket in the code of any of the files whose words were asked for."""
    return word in _CALLED


def files_holding(word: str) -> list[int]:
    """Return the numbers of the files in which *word* stands, as far as their words were asked for."""
    return _HOLDING.get(word, [])


def words_with(part: str) -> list[str]:
    """Return the words of all those files that hold *part*, in no particular order."""
    done, found = _WITH.get(part, (0, []))
    if done < len(_ALL):
        found += [word for word in _ALL[done:] if part in word]
        _WITH[part] = len(_ALL), found
    return found
