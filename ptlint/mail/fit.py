"""Which reading of damaged hunk lines gives the counts that the hunk header promises."""

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptlint.core.patch import HunkLine

MAX_STATES = 4096
"""Readings followed at once; a hunk that needs more is not recovered."""

MAX_RESTORED = 6
"""Empty context lines that are put back at an assumed place at most."""

GLUED = re.compile(r" {1,8}[-+]\S?")
"""A line that a mail client joined to the empty context line above it."""

_WRAP_WIDTH = 55


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of a damaged diff.

    ``interrupted`` says that other text stood before it, ``cut`` that the text before it was marked as left out.
    ``is_continuation`` marks the wrapped end of the line above it.
    """

    number: int
    text: str
    width: int
    interrupted: bool = False
    cut: bool = False
    is_continuation: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """The lines of a hunk that came out, and how many repairs of each kind that took."""

    lines: tuple[HunkLine, ...]
    joined: int = 0
    assumed_wraps: int = 0
    restored: int = 0
    dropped: int = 0
    guessed_places: int = 0


class _Read(enum.Enum):
    """What a piece is taken for: a line of its own, the rest of the line above, an empty context line, nothing, an
    empty context line and a line that were joined, a line behind an empty one that was lost, a no-newline marker.
    """

    OWN = "own"
    JOIN = "join"
    BLANK = "blank"
    DROP = "drop"
    SPLIT = "split"
    AFTER_BLANK = "after blank"
    MARKER = "marker"


# A reading, the old and new lines that it brings, and how unlikely it is.
_Reading = tuple[_Read, int, int, int]


@dataclass(frozen=True, slots=True)
class _Step:
    """The last reading on the best way to a pair of counts."""

    cost: int
    reading: _Read
    before: "_Step | None"


def fit_hunk(pieces: Sequence[Piece], old: int, new: int, *, stuffed: bool, is_last: bool) -> Fit | None:
    """Return the likeliest reading of *pieces* with exactly *old* and *new* lines, None when there is none.

    A cut inside the hunk rules it out. *is_last* says that no header follows, so lines may be missing at the end.
    """
    best = _best_path(pieces, old, new, stuffed)
    if best is not None:
        return _built(pieces, best)
    return _with_lost_blanks(pieces, old, new, stuffed, may_be_cut=is_last and not _signature_follows(pieces))


def segments(pieces: Sequence[Piece], *, stuffed: bool) -> Iterator[tuple[HunkLine, ...]]:
    """Yield the runs of lines that nothing interrupts, each piece read in its likeliest way."""
    run: list[HunkLine] = []
    for piece in pieces:
        reading = next(_readings(piece, None, stuffed), None)
        if piece.interrupted or piece.cut or reading is None or piece.text.rstrip() == "--":
            if run:
                yield tuple(run)
            run = []
        if piece.text.rstrip() == "--":
            return
        if reading is not None:
            _apply(run, piece, reading[0])
    if run:
        yield tuple(run)


def _readings(piece: Piece, before: Piece | None, stuffed: bool) -> Iterator[_Reading]:
    """Yield (reading, old, new, cost), the likeliest first."""
    text = piece.text
    if piece.is_continuation:
        yield _Read.JOIN, 0, 0, 0
        return
    after_gap = piece.interrupted
    if not text.strip():
        yield _Read.BLANK, 1, 1, 0
        yield _Read.DROP, 0, 0, 4
        return
    kind = text[0]
    if kind == "\\":
        yield _Read.MARKER, 0, 0, 0
        return
    if kind not in " +-":
        if not after_gap:
            yield _Read.JOIN, 0, 0, 0
        return
    counts = (int(kind != "+"), int(kind != "-"))
    if text.rstrip() == "--":
        yield _Read.OWN, *counts, 20
        return
    glued = GLUED.match(text)
    if glued:
        sign = text.lstrip(" ")[0]
        likely = 0 if stuffed else 3
        yield _Read.OWN, *counts, 3 - likely
        yield _Read.SPLIT, 1 + (sign == "-"), 1 + (sign == "+"), likely
    else:
        yield _Read.OWN, *counts, 0
    if before is not None and not after_gap and before.width >= _WRAP_WIDTH:
        yield _Read.JOIN, 0, 0, 3
    if after_gap:
        yield _Read.AFTER_BLANK, counts[0] + 1, counts[1] + 1, 5


def _best_path(pieces: Sequence[Piece], old: int, new: int, stuffed: bool) -> _Step | None:
    states: dict[tuple[int, int], _Step | None] = {(0, 0): None}
    best: _Step | None = None
    signs_left = _signed_lines(pieces)
    for at, piece in enumerate(pieces):
        if piece.cut or (piece.text.rstrip() == "--" and (old, new) in states):
            break
        following: dict[tuple[int, int], _Step | None] = {}
        for (had_old, had_new), step in states.items():
            for reading, more_old, more_new, cost in _readings(piece, pieces[at - 1] if at else None, stuffed):
                state = (had_old + more_old, had_new + more_new)
                if state[0] > old or state[1] > new:
                    continue
                total = cost + (step.cost if step else 0)
                known = following.get(state)
                if known is None or total < known.cost:
                    following[state] = _Step(total, reading, step)
        states = following
        if len(states) > MAX_STATES or not states:
            break
        done = states.get((old, new))
        # Added or removed lines behind the end of the hunk say that lines were cut out, or that too many were taken.
        if done is not None and not signs_left[at + 1] and (best is None or done.cost < best.cost):
            best = done
    return best


def _signed_lines(pieces: Sequence[Piece]) -> list[int]:
    """Return for each place how many added or removed lines stand at it and behind it, up to the signature."""
    end = next((at for at, piece in enumerate(pieces) if piece.text.rstrip() == "--"), len(pieces))
    left = [0] * (len(pieces) + 1)
    for at in range(len(pieces) - 1, -1, -1):
        left[at] = left[at + 1] + (at < end and pieces[at].text[:1] in ("+", "-"))
    return left


def _built(pieces: Sequence[Piece], last: _Step) -> Fit:
    readings: list[_Read] = []
    step: _Step | None = last
    while step is not None:
        readings.append(step.reading)
        step = step.before
    readings.reverse()
    lines: list[HunkLine] = []
    for piece, reading in zip(pieces, readings, strict=False):
        _apply(lines, piece, reading)
    used = pieces[: len(readings)]
    if len(pieces) > len(used) and pieces[len(used)].text.startswith("\\ "):
        _apply(lines, pieces[len(used)], _Read.MARKER)
    wrapped = sum(reading == _Read.JOIN for reading in readings)
    assumed = sum(piece.is_continuation for piece in used)
    return Fit(
        tuple(lines),
        joined=wrapped - assumed,
        assumed_wraps=assumed,
        restored=sum(reading in (_Read.SPLIT, _Read.AFTER_BLANK) for reading in readings),
        guessed_places=readings.count(_Read.AFTER_BLANK),
        dropped=sum(reading == _Read.DROP for reading in readings),
    )


def _apply(lines: list[HunkLine], piece: Piece, reading: _Read) -> None:
    """Do to *lines* what *reading* says of *piece*."""
    blank = HunkLine(" ", b"", source_line=piece.number)
    match reading:
        case _Read.OWN:
            lines.append(_line(piece.text, piece.number))
        case _Read.JOIN if lines:
            joined = lines[-1].text.rstrip(b" ") + b" " + piece.text.strip().encode()
            lines[-1] = HunkLine(lines[-1].kind, joined, lines[-1].newline, lines[-1].source_line)
        case _Read.BLANK:
            lines.append(HunkLine(" ", piece.text[1:].rstrip(" ").encode(), source_line=piece.number))
        case _Read.SPLIT:
            lines += [blank, _line(piece.text.lstrip(" "), piece.number)]
        case _Read.AFTER_BLANK:
            lines += [blank, _line(piece.text, piece.number)]
        case _Read.MARKER if lines:
            lines[-1] = HunkLine(lines[-1].kind, lines[-1].text, False, lines[-1].source_line)
        case _:
            return


def _line(text: str, number: int) -> HunkLine:
    return HunkLine(text[0], text[1:].encode(), source_line=number)


def _signature_follows(pieces: Sequence[Piece]) -> bool:
    return any(piece.text.rstrip() == "--" for piece in pieces)


def _with_lost_blanks(pieces: Sequence[Piece], old: int, new: int, stuffed: bool, *, may_be_cut: bool) -> Fit | None:
    """Return the hunk with empty context lines put back, when exactly that many old and new lines are missing.

    A mail client that drops white-space-only lines takes them everywhere; at the ends of a hunk the missing ones are
    those of the three context lines, elsewhere the place is assumed. Where the quote may simply end (*may_be_cut*),
    only one line that is missing at the very end is put back.
    """
    if any(piece.cut or piece.interrupted for piece in pieces):
        return None
    lines = [line for run in segments(pieces, stuffed=stuffed) for line in run]
    missing = old - sum(line.kind != "+" for line in lines)
    if not 0 < missing <= MAX_RESTORED or missing != new - sum(line.kind != "-" for line in lines):
        return None
    if may_be_cut and (missing > 1 or _context_run(lines[::-1]) != 2):
        return None
    if not may_be_cut and any(line.kind == " " and not line.text for line in lines):
        return None
    lead, trail = max(0, 3 - _context_run(lines)), max(0, 3 - _context_run(lines[::-1]))
    trail = min(trail, missing)
    lead = min(lead, missing - trail)
    inner = missing - lead - trail
    place = next((at + 1 for at, line in enumerate(lines[:-1]) if line.text.rstrip().endswith((b"}", b";"))), 1)
    blank = HunkLine(" ", b"")
    lines = [*lines[:place], *[blank] * inner, *lines[place:]]
    return Fit((*[blank] * lead, *lines, *[blank] * trail), restored=missing, guessed_places=missing)


def _context_run(lines: Sequence[HunkLine]) -> int:
    return next((at for at, line in enumerate(lines) if line.kind != " "), len(lines))
