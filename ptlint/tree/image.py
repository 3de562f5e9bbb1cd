"""The lines of a file while hunks are laid over it, by the rules of git's ``apply.c``.

Where git looks for a hunk decides which tree a patch gives, so the order of the search is kept exactly: the stated
line, then one line further down, one up, two down, two up. ``git am`` never drops context lines to make a hunk fit.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from ptlint.core.patch import Hunk

_SPACE = b" \t\n\r"
"""What git's ``isspace()`` takes for white space."""


_SCANNED = 8
"""Lines that can be passed over in the time in which one is compared."""


@dataclass(eq=False)
class Image:
    """A file as lines with their newlines. ``taken`` marks what an earlier hunk wrote: no other hunk may match it.

    ``budget`` is how much may still be compared, in lines; a search that uses it up finds nothing. It bounds what a
    hostile patch costs to some seconds, far above what any real one needs.
    """

    lines: list[bytes]
    taken: bytearray = field(default_factory=bytearray)
    budget: int = 50_000_000

    def __post_init__(self) -> None:
        if not self.taken:
            self.taken = bytearray(len(self.lines))

    def data(self) -> bytes:
        """Return the bytes of the file."""
        return b"".join(self.lines)

    def replace(self, at: int, count: int, lines: list[bytes]) -> None:
        """Put *lines* in place of *count* lines at index *at*."""
        self.budget -= len(self.lines) // _SCANNED
        self.lines[at : at + count] = lines
        self.taken[at : at + count] = b"\1" * len(lines)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a hunk asks for: its old and new lines, the index where it expects them, and how it is anchored.

    ``has_bare_line`` tells that some old line has no newline.
    """

    before: list[bytes]
    after: list[bytes]
    line: int
    at_start: bool
    at_end: bool
    has_bare_line: bool


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
    line = max(hunk.new_start - 1, 0)
    return Sought(before, after, line, hunk.old_start <= 1, not ends_with_context, _has_bare_line(before))


def _with_newline(text: bytes, newline: bool) -> bytes:
    return text + b"\n" if newline else text


def reversed_hunk(hunk: Sought) -> Sought:
    """Return the hunk that would undo *hunk*, sought at the same place."""
    return replace(hunk, before=hunk.after, after=hunk.before, has_bare_line=_has_bare_line(hunk.after))


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
    image.budget -= len(image.lines) // _SCANNED
    nearest = sorted(candidates(image, hunk), key=lambda at: (abs(at - start), at < start))
    return next((at for at in nearest if _matches(image, hunk, at)), None)


def candidates(image: Image, hunk: Sought) -> list[int]:
    """Return the indexes whose line could be the first line of *hunk*."""
    if image.budget <= 0:
        return []
    last = len(image.lines) - len(hunk.before)
    if not hunk.before or hunk.has_bare_line:
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
    return hunk.has_bare_line and _matches_loosely(image, hunk, at, here)


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
    """Return where a hunk that fits nowhere comes nearest: line number, line expected there, line found (None: end).

    The line expected is empty when the lines agree and the hunk fails for where they stand.
    """
    at = _nearest_place(image, hunk)
    found: tuple[int, bytes, bytes | None] | None = None
    for number, wanted in enumerate(hunk.before, at):
        here = image.lines[number] if 0 <= number < len(image.lines) else None
        if here != wanted and (found is None or _tells(wanted)):
            found = max(number, 0) + 1, wanted, here
            if _tells(wanted):
                break
    return found or (at + 1, b"", None)


def _tells(line: bytes) -> bool:
    """Return whether a line says where it belongs: blank lines and braces stand everywhere."""
    return len(line.strip()) > 2


def _nearest_place(image: Image, hunk: Sought) -> int:
    """Return the index at which most lines of the hunk find themselves again; of several, the nearest to its own."""
    wanted: dict[bytes, list[int]] = {}
    for index, line in enumerate(hunk.before[:_WEIGHED]):
        if _tells(line):
            wanted.setdefault(line, []).append(index)
    votes: Counter[int] = Counter()
    for number, line in enumerate(image.lines):
        for index in wanted.get(line, ())[:_REPEATED]:
            votes[number - index] += 1
    own = min(hunk.line, len(image.lines))
    return max(votes, key=lambda at: (votes[at], -abs(at - own), at), default=own)


_WEIGHED = 200
"""Lines of a hunk that are looked for when it fits nowhere."""

_REPEATED = 8
"""Times that a line which the hunk repeats is counted."""
