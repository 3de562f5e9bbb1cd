"""The text of a file between its conditionals. What is active of it is a choice of whole segments.

Many readings of one file differ in few segments, so whatever is found in a segment is found once for all of them.
"""

import re
from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

from ptlint.csrc.escapes import without_overfull
from ptlint.csrc.words import WordPlaces

if TYPE_CHECKING:
    from ptlint.csrc.directives import FileScan

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
COMMENT_OR_LITERAL = re.compile(
    r"""/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*/ | /\*.*+ | //[^\n]*+
    | "[^"\\\n]*+(?:\\.[^"\\\n]*+)*" | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*'""",
    re.DOTALL | re.VERBOSE,
)
"""A comment, to the end of the text when nothing closes it, a string or a character."""

_NOT_NEWLINE = re.compile(r"[^\n]+")
_BLANKED = bytes(10 if code == 10 else 32 for code in range(256))
_TO_WORDS = bytes(code if (code < 128 and chr(code).isalnum()) or chr(code) in "_$" else 32 for code in range(256))
_CONDITIONAL = frozenset(("if", "elif", "else", "endif"))


class Segments:
    """The segments of one file. ``bounds`` are their offsets, ``lines`` the lines they begin on.

    ``plain`` is the text with all directives blanked, ``code`` without comments and literals too, ``blank`` with
    everything blanked: same length, same lines. ``groups`` is the place of what is found in them (``csrc.items``).
    """

    __slots__ = (
        "_begins",
        "_code",
        "_words",
        "blank",
        "bounds",
        "conditionals",
        "following",
        "groups",
        "last",
        "lines",
        "plain",
        "starts",
    )

    def __init__(self, scan: "FileScan") -> None:
        text, directives = scan.text, scan.directives
        self.blank = blank = text.encode("latin-1").translate(_BLANKED).decode("latin-1")
        pieces: list[str] = []
        at = 0
        for one in directives:
            pieces.append(text[at : one.start])
            pieces.append(blank[one.start : one.end])
            at = one.end
        pieces.append(text[at:])
        self.plain = "".join(pieces)
        self.conditionals = tuple(
            step.at for step in scan.steps if step.op in _CONDITIONAL and step.at < len(directives)
        )
        self.following = {at: number for number, at in enumerate(self.conditionals, 1)}
        self.starts = [0, *(directives[at].end for at in self.conditionals)]
        ends = [*(directives[at].start for at in self.conditionals), len(text)]
        self.bounds = tuple(zip(self.starts, ends, strict=True))
        self.lines = [1, *(directives[at].end_line for at in self.conditionals)]
        self.last = len(directives)
        self.groups: dict[Any, Any] = {}
        self._code: str | None = None
        self._words: WordPlaces | None = None
        self._begins: list[int] | None = None

    @property
    def begins(self) -> list[int]:
        """Return the offsets at which the lines begin."""
        if self._begins is None:
            self._begins = [0, *accumulate(len(line) + 1 for line in self.plain.split("\n"))][:-1]
        return self._begins

    def line_of(self, offset: int) -> int:
        """Return the number of the line that *offset* is in."""
        return bisect_right(self.begins, offset)

    @property
    def words(self) -> WordPlaces:
        """Return where the words of ``code`` stand."""
        if self._words is None:
            self._words = WordPlaces(self.code)
        return self._words

    @property
    def code(self) -> str:
        """Return ``plain`` without comments and literals."""
        if self._code is None:
            plain, blank = self.plain, self.blank
            pieces: list[str] = []
            done = 0
            for start, end in self.bounds:
                pieces.append(blank[done:start])
                done = start
                for found in COMMENT_OR_LITERAL.finditer(plain, start, end):
                    pieces.append(plain[done : found.start()])
                    done = found.end()
                    pieces.append(blank[found.start() : done])
                pieces.append(plain[done:end])
                done = end
            self._code = "".join(pieces)
        return self._code

    def joined(self, text: str, numbers: Sequence[int], end: int) -> str:
        """Return what the segments *numbers* hold of *text*, ``plain`` or ``code``, from the first of them to *end*."""
        pieces: list[str] = []
        done = self.starts[numbers[0]]
        for number in numbers:
            start, stop = self.bounds[number]
            pieces.append(self.blank[done:start])
            pieces.append(text[start:stop])
            done = stop
        pieces.append(self.blank[done:end])
        return "".join(pieces)

    def active(self, skips: Mapping[int, int]) -> list[int]:
        """Return the segments that a reading leaves active, see ``Instance.skips``, in order."""
        if not skips:
            return list(range(len(self.bounds)))
        conditionals, following = self.conditionals, self.following
        active = [0]
        at, size, last = 0, len(conditionals), self.last
        while at < size:
            directive = conditionals[at]
            while directive in skips:
                directive = skips[directive]
            if directive >= last:
                break
            at = following[directive]
            active.append(at)
        return active


class Active:
    """What one choice of segments leaves of a file, shared by all readings that choose so.

    ``numbers`` are the segments; ``items`` is the place of what they hold, see ``csrc.items``, ``facts`` that of
    anything else.
    """

    __slots__ = ("_text", "facts", "items", "numbers", "segments")

    def __init__(self, segments: Segments, numbers: list[int]) -> None:
        self.segments = segments
        self.numbers = numbers
        self.items: object = None
        self.facts: dict[Hashable, Any] = {}
        self._text: str | None = segments.plain if len(numbers) == len(segments.bounds) else None

    @property
    def text(self) -> str:
        """Return the text with inactive lines and directives blanked: same length, same lines."""
        if self._text is None:
            self._text = self.segments.joined(self.segments.plain, self.numbers, len(self.segments.plain))
        return self._text


def segments_of(scan: "FileScan") -> Segments:
    """Return the segments of a file, made once."""
    found = scan.segments
    if found is None:
        found = scan.segments = Segments(scan)
    return found


def active_of(scan: "FileScan", skips: Mapping[int, int]) -> Active:
    """Return what a reading with *skips* leaves of a file."""
    key = tuple(skips.items())
    found = scan.actives.get(key)
    if found is None:
        segments = segments_of(scan)
        found = scan.actives[key] = Active(segments, segments.active(skips))
    return found


def without_literals(text: str) -> str:
    """Return *text* with comments and literals blanked: same length, same lines."""
    return COMMENT_OR_LITERAL.sub(_blanked, without_overfull(text))


def _blanked(found: re.Match[str]) -> str:
    text = found.group()
    return _NOT_NEWLINE.sub(lambda line: " " * len(line.group()), text) if "\n" in text else " " * len(text)


# --- which files hold a word --------------------------------------------------------------------------------------

numbers = count()
"""Gives every scan its number."""

_READ: list[tuple[int, frozenset[str]]] = []  # number and words of every file whose words were asked for
_HOLDING: dict[str, tuple[int, list[int]]] = {}  # by word: how many of those were looked at, and which hold it


def words_of(scan: "FileScan") -> frozenset[str]:
    """Return every identifier that stands anywhere in a file (and every number)."""
    if scan.words is None:
        scan.words = frozenset(scan.text.encode("latin-1").translate(_TO_WORDS).decode("ascii").split())
        _READ.append((scan.number, scan.words))
    return scan.words


def files_holding(word: str) -> list[int]:
    """Return the numbers of the files in which *word* stands, as far as their words were asked for."""
    done, found = _HOLDING.get(word, (0, []))
    if done < len(_READ):  # few words are ever asked for: an index of all takes longer than the sets themselves
        found += [number for number, words in _READ[done:] if word in words]
        _HOLDING[word] = len(_READ), found
    return found
