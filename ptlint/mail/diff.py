"""Unified and git diffs, read by the rules of git apply.

unidiff is not used here: it works on text and splits lines at CR and at form feeds, so it cannot give back the bytes
of a patch. It is the cross-check in the tests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ptlint.core.patch import FilePatch, Hunk, HunkLine
from ptlint.errors import InputError
from ptlint.mail.mime import split_lines
from ptlint.mail.paths import Names, git_header_names, header_path, traditional_names

HUNK_HEADER = re.compile(rb"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(?: ?([^\n]*))\n?\Z")
_INDEX = re.compile(rb"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?\s*\Z")
_SIMILARITY = (b"similarity index ", b"dissimilarity index ")


class CorruptPatch(InputError):
    """A diff that git apply would refuse. ``line`` counts from 1 in the patch text."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line} of the patch: {reason}")
        self.line = line
        self.reason = reason


def parse_diff(patch: bytes, first_line: int = 0) -> tuple[FilePatch, ...]:
    """Return what the diffs in *patch* do, in order; text around them is skipped, as git apply skips it.

    *first_line* is the line of the mail body at which *patch* starts; it fills ``source_line`` when it is not 0.
    Raises CorruptPatch when a hunk does not hold the lines that its header promises.
    """
    return _Parser(split_lines(patch) if patch else [], first_line).files()


@dataclass(slots=True)
class _Parser:
    lines: Sequence[bytes]
    first_line: int
    at: int = 0
    found: list[FilePatch] = field(default_factory=list)

    def files(self) -> tuple[FilePatch, ...]:
        """Read all files."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            file = None
            if line.startswith(b"diff --git "):
                file = self._git_header()
            elif line.startswith(b"--- "):
                file = self._traditional_header()
            if file is not None:
                self.found.append(self._with_content(file))
            elif self.at < len(self.lines) and self.lines[self.at] is line:
                self.at += 1
        return tuple(self.found)

    def _peek(self, ahead: int = 0) -> bytes:
        at = self.at + ahead
        return self.lines[at] if at < len(self.lines) else b""

    def _traditional_header(self) -> FilePatch | None:
        """Read ``---`` and ``+++`` lines that a hunk follows; None when this is not one."""
        new = self._peek(1)
        if not new.startswith(b"+++ ") or not self._peek(2).startswith(b"@@ -"):
            return None
        old_path, new_path = traditional_names(self.lines[self.at][4:], new[4:])
        self.at += 2
        return FilePatch(old_path, new_path)

    def _git_header(self) -> FilePatch | None:
        """Read a ``diff --git`` line and the extended header below it; None when there is no name in it."""
        names = git_header_names(self.lines[self.at][len(b"diff --git ") :])
        file = FilePatch(names.default, names.default)
        start = self.at
        self.at += 1
        explicit = False
        while self.at < len(self.lines):
            changed = self._extended(file, names)
            if changed is None:
                break
            explicit = explicit or changed != file
            file = changed
            self.at += 1
        if not file.path:
            if explicit or self._peek().startswith(b"@@ -"):
                raise CorruptPatch(start + 1, "the git header names no file")
            return None
        return file

    def _extended(self, file: FilePatch, names: Names) -> FilePatch | None:
        """Return *file* with what the current line says, None when the line ends the header."""
        line = self.lines[self.at]
        word, _, value = line.rstrip(b"\r\n").partition(b" ")
        if word in (b"---", b"+++"):
            return self._side(file, names, word, line)
        if match := _INDEX.match(line):
            old, new = match[1].decode(), match[2].decode()
            mode = int(match[3], 8) if match[3] else None
            return replace(
                file,
                old_blob=old,
                new_blob=new,
                old_mode=file.old_mode if mode is None else mode,
                new_mode=file.new_mode if mode is None else mode,
            )
        if line.startswith(_SIMILARITY):
            return file
        return _extended_word(file, names, word, value)

    def _side(self, file: FilePatch, names: Names, word: bytes, line: bytes) -> FilePatch | None:
        """Return *file* with the path of a ``---`` or ``+++`` line of a git header."""
        if word == b"---" and not self._peek(1).startswith(b"+++ "):
            return None
        path = header_path(line[4:], names.strips)
        if word == b"---":
            return file if file.is_rename or file.is_copy else replace(file, old_path=path)
        return file if file.is_rename or file.is_copy else replace(file, new_path=path)

    def _with_content(self, file: FilePatch) -> FilePatch:
        line = self._peek()
        if line.startswith(b"GIT binary patch"):
            return replace(file, binary=self._binary())
        if line.startswith(b"Binary files ") and line.rstrip().endswith(b" differ"):
            self.at += 1
            return replace(file, binary=line)
        hunks: list[Hunk] = []
        while self._peek().startswith(b"@@ -"):
            hunks.append(self._hunk())
        return replace(file, hunks=tuple(hunks))

    def _binary(self) -> bytes:
        """Read a binary block: its first line, the forward data and, if present, the reverse data."""
        start = self.at
        self.at += 1
        while self._peek().startswith((b"literal ", b"delta ")):
            while self._peek().strip():
                self.at += 1
            self.at += 1
        return b"".join(self.lines[start : self.at])

    def _hunk(self) -> Hunk:
        start = self.at
        header = HUNK_HEADER.match(self.lines[start])
        if header is None:
            raise CorruptPatch(start + 1, "the hunk header cannot be read")
        old_start, old, new_start, new = (int(text) if text else 1 for text in header.groups()[:4])
        self.at += 1
        lines = [] if old else self._added(new)
        left = [old, new - len(lines)]
        while left[0] > 0 or left[1] > 0:
            lines.append(self._hunk_line(start, left))
        if self._peek().startswith(b"\\ ") and lines:
            lines[-1] = replace(lines[-1], newline=False)
            self.at += 1
        return Hunk(old_start, old, new_start, new, header[5].rstrip(b"\r"), tuple(lines))

    def _added(self, count: int) -> list[HunkLine]:
        """Read *count* lines that are added one after the other; none when they are anything else."""
        lines = self.lines[self.at : self.at + count]
        if len(lines) < count or not all(line.startswith(b"+") for line in lines):
            return []
        first = self.first_line + self.at if self.first_line else 0
        step = 1 if first else 0
        self.at += count
        return [
            HunkLine("+", line[1:].removesuffix(b"\n"), True, first + number * step)
            for number, line in enumerate(lines)
        ]

    def _hunk_line(self, start: int, left: list[int]) -> HunkLine:
        """Read one line, and the no-newline marker if one follows it inside the hunk."""
        line = self._peek()
        missing = f"the hunk of line {start + 1} lacks {max(left[0], 0)} old and {max(left[1], 0)} new lines here"
        kind = line[:1] or b"?"
        # git apply takes an empty line for an empty context line: mailers strip the space.
        if kind == b"\n" or line == b"\r\n":
            kind, text = b" ", line
        else:
            text = line[1:]
        if kind not in b" +-":
            raise CorruptPatch(self.at + 1, missing)
        left[0] -= kind in b" -"
        left[1] -= kind in b" +"
        if min(left) < 0:
            raise CorruptPatch(self.at + 1, f"the hunk of line {start + 1} holds more lines than its header says")
        source = self.first_line + self.at if self.first_line else 0
        self.at += 1
        newline = not (any(left) and self._peek().startswith(b"\\ "))
        if not newline:
            self.at += 1
        return HunkLine(kind.decode(), text.removesuffix(b"\n"), newline, source)


def _extended_word(file: FilePatch, names: Names, word: bytes, value: bytes) -> FilePatch | None:
    kind, _, rest = value.partition(b" ")
    match word, kind:
        case b"old", b"mode":
            return replace(file, old_mode=_mode(rest))
        case b"new", b"mode":
            return replace(file, new_mode=_mode(rest))
        case b"new", b"file":
            return replace(file, old_path=None, new_path=file.path, new_mode=_mode(rest.removeprefix(b"mode ")))
        case b"deleted", b"file":
            return replace(file, old_path=file.path, new_path=None, old_mode=_mode(rest.removeprefix(b"mode ")))
        case ((b"rename" | b"copy"), (b"from" | b"old")):
            path = header_path(rest, 0)
            return replace(file, old_path=path, is_rename=word == b"rename", is_copy=word == b"copy")
        case ((b"rename" | b"copy"), (b"to" | b"new")):
            path = header_path(rest, 0)
            return replace(file, new_path=path, is_rename=word == b"rename", is_copy=word == b"copy")
        case _:
            return None


def _mode(text: bytes) -> int | None:
    digits = text.strip()[:6]
    return int(digits, 8) if digits and not digits.strip(b"01234567") else None
