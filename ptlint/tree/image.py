"""The lines of a file while hunks are laid over it, by the rules of git's ``apply.c``.

Where git looks for a hunk decides which tree a patch gives, so the order of the search is kept exactly: the stated
line, then one line further down, one up, two down, two up. ``git am`` never drops context lines to make a hunk fit.
"""

from dataclasses import dataclass, field

from ptlint.core.patch import Hunk

_SPACE = b" \t\n\r"
"""What git's ``isspace()`` takes for white space."""


@dataclass(eq=False)
class Image:
    """A file as lines with their newlines. ``taken`` marks what an earlier hunk wrote: no other hunk may match it.

    ``budget`` is how many lines may still be compared; a search that uses it up finds nothing.
    """

    lines: list[bytes]
    taken: bytearray = field(default_factory=bytearray)
    budget: int = 20_000_000

    def __post_init__(self) -> None:
        if not self.taken:
            self.taken = bytearray(len(self.lines))

    def data(self) -> bytes:
        """Return the bytes of the file."""
        return b"".join(self.lines)

    def replace(self, at: int, count: int, lines: list[bytes]) -> None:
        """Put *lines* in place of *count* lines at index *at*."""
        self.lines[at : at + count] = lines
        self.taken[at : at + count] = b"\1" * len(lines)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a hunk asks for: its old and new lines, the index where it expects them, and how it is anchored."""

    before: list[bytes]
    after: list[bytes]
    line: int
    at_start: bool
    at_end: bool


def split_lines(data: bytes) -> list[bytes]:
    """Split after every newline, and nowhere else; the last line may have none."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def sought(hunk: Hunk) -> Sought:
    """Return what *hunk* asks for.

    A hunk that starts at line 0 or 1 belongs at the start of the file and one without trailing context at its end.
    """
    before = [_with_newline(line.text, line.newline) for line in hunk.lines if line.kind != "+"]
    after = [_with_newline(line.text, line.newline) for line in hunk.lines if line.kind != "-"]
    ends_with_context = bool(hunk.lines) and hunk.lines[-1].kind == " "
    return Sought(before, after, max(hunk.new_start - 1, 0), hunk.old_start <= 1, not ends_with_context)


def _with_newline(text: bytes, newline: bool) -> bytes:
    return text + b"\n" if newline else text


def reversed_hunk(hunk: Sought) -> Sought:
    """Return the hunk that would undo *hunk*, sought at the same place."""
    return Sought(hunk.after, hunk.before, hunk.line, hunk.at_start, hunk.at_end)


def find(image: Image, hunk: Sought) -> int | None:
    """Return the index of the line where git puts *hunk*, or None when it fits nowhere."""
    count, total = len(hunk.before), len(image.lines)
    if hunk.at_start and hunk.at_end:
        return 0 if count == total and _matches(image, hunk, 0) else None
    if hunk.at_start or hunk.at_end:
        only = 0 if hunk.at_start else total - count
        return only if only >= 0 and _matches(image, hunk, only) else None
    start = min(hunk.line, total)
    if _matches(image, hunk, start):
        return start
    nearest = sorted(candidates(image, hunk), key=lambda at: (abs(at - start), at < start))
    return next((at for at in nearest if _matches(image, hunk, at)), None)


def candidates(image: Image, hunk: Sought) -> list[int]:
    """Return the indexes whose line could be the first line of *hunk*."""
    last = len(image.lines) - len(hunk.before)
    if not hunk.before or _has_bare_line(hunk.before):
        return list(range(last + 1))
    first, at = hunk.before[0], -1
    found: list[int] = []
    while True:
        try:
            at = image.lines.index(first, at + 1, max(last + 1, 0))
        except ValueError:
            return found
        found.append(at)


def _has_bare_line(lines: list[bytes]) -> bool:
    return any(not line.endswith(b"\n") for line in lines)


def _matches(image: Image, hunk: Sought, at: int) -> bool:
    end = at + len(hunk.before)
    if end > len(image.lines) or image.budget <= 0 or image.taken.find(1, at, end) >= 0:
        return False
    image.budget -= len(hunk.before) + 1
    here = image.lines[at:end]
    if here == hunk.before:
        return True
    return _has_bare_line(hunk.before) and _matches_loosely(image, hunk, at, here)


def _matches_loosely(image: Image, hunk: Sought, at: int, here: list[bytes]) -> bool:
    """Compare as git does: line by line without white space, then the bytes as far as the hunk has any.

    So a hunk whose last context line lacks its newline matches a line that has one (and takes the newline away).
    """
    pairs = zip(here, hunk.before, strict=True)
    if any(line.translate(None, _SPACE) != wanted.translate(None, _SPACE) for line, wanted in pairs):
        return False
    wanted = b"".join(hunk.before)
    if hunk.at_end:
        return b"".join(here) == wanted
    return b"".join(image.lines[at : at + len(hunk.before) + 1]).startswith(wanted)


def lay(image: Image, hunk: Sought) -> int | None:
    """Apply *hunk* and return by how many lines it moved, or None when it fits nowhere."""
    at = find(image, hunk)
    if at is None:
        return None
    image.replace(at, len(hunk.before), hunk.after)
    return at - hunk.line


def first_difference(image: Image, hunk: Sought) -> tuple[int, bytes, bytes | None]:
    """Return where a hunk that fits nowhere comes nearest: line number, line expected there, line found (None: end)."""
    start = min(hunk.line, len(image.lines))
    places = sorted([start, *candidates(image, hunk)], key=lambda at: abs(at - start))[:200]
    best, length = start, -1
    for at in places:
        same = _same_prefix(image.lines[at : at + len(hunk.before)], hunk.before)
        if same > length:
            best, length = at, same
    if length >= len(hunk.before):
        return best + 1, b"", None
    index = best + length
    return index + 1, hunk.before[length], image.lines[index] if index < len(image.lines) else None


def _same_prefix(here: list[bytes], wanted: list[bytes]) -> int:
    for index, (line, expected) in enumerate(zip(here, wanted, strict=False)):
        if line != expected:
            return index
    return min(len(here), len(wanted))
