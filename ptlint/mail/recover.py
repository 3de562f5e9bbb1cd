"""Diffs that a mail client damaged: wrapped lines, lost empty lines, cuts. Counts of the hunks decide."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ptlint.core.patch import FilePatch, Hunk, HunkLine
from ptlint.mail.diff import HUNK_HEADER, CorruptPatch, parse_diff
from ptlint.mail.fit import GLUED, Fit, Piece, fit_hunk, segments

__all__ = ["Piece", "Recovered", "recover_files"]

_HEADER_WORDS = (
    "diff --git ",
    "index ",
    "--- ",
    "+++ ",
    "new file mode ",
    "deleted file mode ",
    "old mode ",
    "new mode ",
    "similarity index ",
    "dissimilarity index ",
    "rename from ",
    "rename to ",
    "copy from ",
    "copy to ",
)


@dataclass(slots=True)
class Recovered:
    """The files of a damaged diff, what was done to read them (``notes``) and what is gone (``lost``)."""

    files: tuple[FilePatch, ...] = ()
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(slots=True)
class _Log:
    """Counts of repairs, and sentences on losses."""

    rewrapped: int = 0
    blank_restored: int = 0
    blank_dropped: int = 0
    assumed_wraps: int = 0
    guessed_places: int = 0
    lost: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Return a sentence for each sort of repair that was done."""
        counts = (
            (self.rewrapped, "line(s) wrapped by a mail client were joined again"),
            (self.assumed_wraps, "line(s) without quote marks were assumed to end the quoted line above them"),
            (
                self.blank_restored,
                "empty context line(s) that a mail client lost were restored: the hunk counts ask for them",
            ),
            (self.guessed_places, "of the restored empty lines stand at an assumed place"),
            (self.blank_dropped, "empty line(s) that the hunk counts do not have room for were left out"),
        )
        return [f"{count} {what}" for count, what in counts if count]


def recover_files(pieces: Sequence[Piece]) -> Recovered:
    """Return the files of a damaged diff; *pieces* starts at its first header line.

    Nothing is guessed: a hunk whose lines do not come out at the counts of its header is kept only in the runs of
    lines that stand together, and ``lost`` says so.
    """
    log = _Log()
    notes: list[str] = []
    extra = _stuffing(pieces)
    stuffed = extra > 0
    if stuffed:
        notes.append(f"{extra} space(s) that mail clients put before lines starting with a space were taken away")
        pieces = [_unstuffed(piece, extra) for piece in pieces]
    files: list[FilePatch] = []
    at = 0
    while at < len(pieces):
        if not _is_file_header(pieces, at):
            at += 1
            continue
        at, file = _read_file(pieces, at, log, stuffed)
        if file is not None:
            files.append(file)
    if _tabs_are_gone(files):
        notes.append("tabs were turned to spaces by a mail client; the recovered lines are indented with spaces")
    return Recovered(tuple(files), tuple(notes + log.notes()), tuple(log.lost))


def _is_file_header(pieces: Sequence[Piece], at: int) -> bool:
    text = pieces[at].text
    if text.startswith("diff --git "):
        return True
    return text.startswith("--- ") and at + 1 < len(pieces) and pieces[at + 1].text.startswith("+++ ")


def _stuffing(pieces: Sequence[Piece]) -> int:
    """Return how many spaces too many every context line starts with.

    It is more than none when all have them and some of these would otherwise stand at column 0 of the file, where C
    puts braces, directives and function heads.
    """
    in_hunk = False
    widths: list[int] = []
    for piece in pieces:
        if piece.text.startswith("@@ -"):
            in_hunk = True
        elif piece.text.startswith("diff --git "):
            in_hunk = False
        elif in_hunk and piece.text[:1] == " " and piece.text.strip() and not GLUED.match(piece.text):
            width = len(piece.text) - len(piece.text.lstrip(" "))
            # The lines of a comment stand one column further in.
            widths.append(width - 1 if piece.text[width] == "*" else width)
    least = min(widths, default=1)
    return least - 1 if 1 < least <= 4 else 0


def _unstuffed(piece: Piece, extra: int) -> Piece:
    stuffed = piece.text.startswith(" " * (extra + 1)) and not GLUED.match(piece.text)
    return replace(piece, text=piece.text[extra:]) if stuffed else piece


def _read_file(pieces: Sequence[Piece], at: int, log: _Log, stuffed: bool) -> tuple[int, FilePatch | None]:
    """Read one file's header and hunks from *at*; return where it ends and the file."""
    at, header = _header_lines(pieces, at, log)
    try:
        parsed = parse_diff("".join(line + "\n" for line in header).encode() + b"@@ -0,0 +1 @@\n+\n")
    except CorruptPatch as error:
        log.lost.append(f"a quoted file header cannot be read ({error.reason})")
        return at, None
    if not parsed:
        log.lost.append("a quoted file header names no file")
        return at, None
    file = replace(parsed[0], hunks=())
    hunks: list[Hunk] = []
    while at < len(pieces) and not _is_file_header(pieces, at):
        if not pieces[at].text.startswith("@@ -"):
            at += 1
            continue
        at, found = _read_hunk(pieces, at, file.path, log, stuffed)
        hunks += found
    return at, replace(file, hunks=tuple(hunks))


def _header_lines(pieces: Sequence[Piece], at: int, log: _Log) -> tuple[int, list[str]]:
    lines = [pieces[at].text.rstrip()]
    at += 1
    while at < len(pieces) and not pieces[at].text.startswith("@@ -"):
        text = pieces[at].text.rstrip()
        if text.startswith("diff --git ") or not text:
            break
        if text.startswith(_HEADER_WORDS):
            lines.append(text)
        elif lines[-1].startswith(("diff --git ", "--- ", "+++ ", "rename ", "copy ")):
            lines[-1] = f"{lines[-1]} {text}" if lines[-1].startswith("diff --git ") else lines[-1] + text
            log.rewrapped += 1
        at += 1
    return at, lines


def _read_hunk(pieces: Sequence[Piece], at: int, path: str, log: _Log, stuffed: bool) -> tuple[int, list[Hunk]]:
    """Read the hunk at *at*; return where it ends and the hunk, or the runs of its lines that are left."""
    header, body = _hunk_header(pieces, at, log)
    end = body
    while end < len(pieces) and not pieces[end].text.startswith("@@ -") and not _is_file_header(pieces, end):
        end += 1
    match = HUNK_HEADER.match(header.encode() + b"\n")
    if match is None:
        log.lost.append(f"{path}: a quoted hunk header cannot be read")
        return end, []
    old_start, old, new_start, new = (int(text) if text else 1 for text in match.groups()[:4])
    fit = fit_hunk(pieces[body:end], old, new, stuffed=stuffed, is_last=end == len(pieces))
    if fit is not None:
        _count(fit, log)
        return end, [Hunk(old_start, old, new_start, new, match[5], fit.lines)]
    left = _partial_hunks(pieces[body:end], (old_start, new_start), match[5], stuffed)
    kept = sum(len(hunk.lines) for hunk in left)
    log.lost.append(
        f"{path}: the hunk at line {new_start} does not come out at its {old} old and {new} new lines"
        f"; {kept} quoted lines of it are kept in {len(left)} part(s), the rest is lost"
    )
    return end, left


def _hunk_header(pieces: Sequence[Piece], at: int, log: _Log) -> tuple[str, int]:
    """Return the hunk header with its wrapped rest, and the place behind it."""
    header = pieces[at].text.rstrip()
    at += 1
    while at < len(pieces) and (text := pieces[at].text) and text[:1] not in " +-\\@" and not pieces[at].interrupted:
        header = f"{header} {text.strip()}"
        log.rewrapped += 1
        at += 1
    return header, at


def _count(fit: Fit, log: _Log) -> None:
    log.rewrapped += fit.joined
    log.assumed_wraps += fit.assumed_wraps
    log.blank_restored += fit.restored
    log.blank_dropped += fit.dropped
    log.guessed_places += fit.guessed_places


def _partial_hunks(pieces: Sequence[Piece], starts: tuple[int, int], section: bytes, stuffed: bool) -> list[Hunk]:
    """Return the runs of lines that stand together as hunks. Line numbers behind a cut are the least possible ones."""
    old_start, new_start = starts
    hunks: list[Hunk] = []
    for lines in segments(pieces, stuffed=stuffed):
        old = sum(line.kind != "+" for line in lines)
        new = sum(line.kind != "-" for line in lines)
        if old != len(lines) or new != len(lines):
            hunks.append(Hunk(old_start, old, new_start, new, section if not hunks else b"", lines, True))
        old_start, new_start = old_start + old, new_start + new
    return hunks


def _tabs_are_gone(files: Sequence[FilePatch]) -> bool:
    lines: list[HunkLine] = [line for file in files for hunk in file.hunks for line in hunk.lines]
    indented = [line for line in lines if line.text.startswith(b"    ")]
    return bool(indented) and not any(b"\t" in line.text for line in lines)
