"""Where in a patch the quoted lines of a reply stand."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ptlint.core.patch import Hunk, HunkLine, Patch
from ptlint.mail.ccode import squeezed
from ptlint.mail.quotes import Quoted

_CALLED = re.compile(r"([A-Za-z_]\w*)\s*\(")
_NO_FUNCTION = frozenset({"if", "for", "while", "switch", "return", "sizeof", "defined", "__attribute__", "__section"})
_LINES_ABOVE = 8
_TELLING = 6

_Order = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a patch. ``function`` is the one that it stands in, ``""`` outside of one."""

    patch: Patch
    hunk: Hunk
    at: int
    function: str

    @property
    def path(self) -> str:
        """Return the file of the hunk, as it is called after the patch."""
        return next((file.path for file in self.patch.files if any(hunk is self.hunk for hunk in file.hunks)), "")

    @property
    def lines_above(self) -> tuple[str, ...]:
        """Return the code up to and with the line, nearest last; removed lines only if the line is one."""
        kind = self.hunk.lines[self.at].kind
        lines = [line for line in self.hunk.lines[: self.at + 1] if line.kind in (" ", "-" if kind == "-" else "+")]
        return tuple(text for line in lines[-_LINES_ABOVE:] if (text := _text(line).rstrip()).strip())

    @property
    def closes_function(self) -> bool:
        """Return whether the line is the brace that ends a function."""
        return self.hunk.lines[self.at].text.startswith(b"}")

    @property
    def body_above(self) -> tuple[str, ...]:
        """Return the function's lines from its opening brace to the line; nothing when the brace is not in the hunk."""
        lines = [_text(line) for line in self.hunk.lines[: self.at + 1] if line.kind != "-"]
        start = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].startswith("{")), None)
        return tuple(lines[start:]) if start is not None else ()


@dataclass(frozen=True, slots=True)
class PatchLines:
    """Where each line of a patch stands, by its sign and its text without white space."""

    patch: Patch
    hunks: tuple[Hunk, ...]
    places: Mapping[str, Sequence[_Order]]


def lines_of(patch: Patch) -> PatchLines:
    """Return the lines of *patch*, to be looked up by what a reply quotes."""
    hunks = tuple(hunk for file in patch.files for hunk in file.hunks)
    places: dict[str, list[_Order]] = {}
    for hunk_at, hunk in enumerate(hunks):
        for at, line in enumerate(hunk.lines):
            if line.text.strip():
                places.setdefault(line.kind + _without_spaces(_text(line)), []).append((hunk_at, at))
    return PatchLines(patch, hunks, places)


class QuotedCode:
    """The lines of a reply that are text of patches, matched without regard to white space.

    Lines are looked for in the patch that matched last and behind the line that matched, so that those that occur
    often (``}``) are found where the reply quotes them; then in the other patches in the order given. Only text at a
    depth where telling lines match is taken for quoted patch text.
    """

    def __init__(self, quoted: Sequence[Quoted], patches: Sequence[PatchLines]) -> None:
        self._patches = patches
        self.depths = self._patch_depths(quoted)
        self._found: dict[int, Place] = {}
        self._match(quoted)

    def _patch_depths(self, quoted: Sequence[Quoted]) -> frozenset[int]:
        """Return the depths at which patch text is quoted: the one with most of it, and others with enough of it."""
        hits = Counter[int]()
        for line in quoted:
            if line.depth and len(line.text.strip()) >= _TELLING and self._candidates(line.text, None):
                hits[line.depth] += 1 + 2 * (line.text[0] in "+-")
        most = max(hits.values(), default=0)
        return frozenset(depth for depth, count in hits.items() if count == most or count >= 9)

    def _candidates(self, text: str, current: PatchLines | None) -> tuple[PatchLines, Sequence[_Order]] | None:
        for key in dict.fromkeys((_key(text), _key(text.lstrip(" ")))):
            for lines in (current, *self._patches):
                if lines is not None and key in lines.places:
                    return lines, lines.places[key]
        return None

    def _match(self, quoted: Sequence[Quoted]) -> None:
        current: PatchLines | None = None
        last: _Order = (-1, -1)
        above: Place | None = None
        for line in quoted:
            if line.depth not in self.depths or not line.text.strip():
                above = above if line.depth in self.depths else None
                continue
            found = self._candidates(line.text, current)
            if found is not None:
                lines, places = found
                behind = next((place for place in places if lines is current and place > last), places[0])
                current, last = lines, behind
                above = Place(lines.patch, lines.hunks[last[0]], last[1], "")
                self._found[line.number] = above
            elif above is not None and line.text[0] not in "+-":
                # The rest of a wrapped line.
                self._found[line.number] = above

    def is_patch_depth(self, depth: int) -> bool:
        """Return whether text at *depth* is that of a patch mail: its diff, or its message."""
        return depth in self.depths or (bool(self.depths) and depth > max(self.depths))

    def place_of(self, number: int) -> Place | None:
        """Return where line *number* of the reply stands in the patches, None when it is no quoted line of them."""
        place = self._found.get(number)
        return Place(place.patch, place.hunk, place.at, _function_at(place.hunk, place.at)) if place else None

    def definition_of(self, name: str) -> Place | None:
        """Return where the patches define the function *name*; else where they show it, else where they change it."""
        best: tuple[int, Place] | None = None
        for lines in self._patches:
            for hunk in lines.hunks:
                rank, at = _rank_of(hunk, name)
                if rank and (best is None or rank > best[0]):
                    best = rank, Place(lines.patch, hunk, at, name)
        return best[1] if best else None

    def defines(self, text: str) -> bool:
        """Return whether the patches hold this very code already, in whatever layout."""
        wanted = squeezed(text)
        return any(
            wanted in squeezed("\n".join(_text(line) for line in hunk.lines if line.kind != "-"))
            for lines in self._patches
            for hunk in lines.hunks
        )


def is_quoted_statement(text: str, place: Place) -> bool:
    """Return whether the statement stands in the hunk already, added, kept or removed."""
    wanted = squeezed(text)
    for kinds in ("+ ", "- "):
        code = squeezed("\n".join(_text(line) for line in place.hunk.lines if line.kind in kinds))
        start = code.find(wanted)
        while start >= 0:
            if start == 0 or not (code[start - 1].isalnum() or code[start - 1] in "_*.>"):
                return True
            start = code.find(wanted, start + 1)
    return False


def _key(text: str) -> str:
    kind = text[:1]
    return kind + _without_spaces(text[1:]) if kind in ("+", "-") else " " + _without_spaces(text)


def _without_spaces(text: str) -> str:
    """Return *text* without white space."""
    return "".join(text.split())


def _text(line: HunkLine) -> str:
    return line.text.decode("utf-8", "replace")


def _function_at(hunk: Hunk, at: int) -> str:
    """Return the name of the function around a line of a hunk, from the lines above it or the hunk's heading.

    Kernel code has the head and the braces of a function at column 0, and little else.
    """
    side = "-" if hunk.lines[at].kind == "-" else "+"
    lines = [_text(line) for line in hunk.lines[: at + 1] if line.kind in (" ", side)]
    inside = False
    for text in reversed(lines):
        if not text.strip() or text[0] in " \t#" or text.rstrip().endswith(":"):
            continue
        if text[0] == "{":
            inside = True
        elif text[0] == "}" and not inside and text is not lines[-1]:
            return ""
        elif name := _head_name(text):
            return name
        elif text.startswith("/*") or text.rstrip().endswith(";"):
            return ""
    return _head_name(hunk.section.decode("utf-8", "replace"))


def _head_name(text: str) -> str:
    """Return the function that a line at column 0 starts to define, ``""`` when it is no such line."""
    if not text or text[0] in " \t#/*}{" or text.rstrip().endswith(";"):
        return ""
    return next((match[1] for match in _CALLED.finditer(text) if match[1] not in _NO_FUNCTION), "")


def _rank_of(hunk: Hunk, name: str) -> tuple[int, int]:
    """Return how surely *hunk* holds the function (3 adds it, 2 shows it, 1 is inside of it, 0 not) and the line."""
    for at, line in enumerate(hunk.lines):
        if line.kind != "-" and _head_name(_text(line)) == name:
            return (3 if line.kind == "+" else 2), at
    return int(bool(hunk.lines) and _head_name(hunk.section.decode("utf-8", "replace")) == name), 0
