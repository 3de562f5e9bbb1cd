"""The body of a mail: parts, transfer encodings and format=flowed, line by line as git mailinfo reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.mail.encoding import decode_base64, decode_quoted_printable

MAX_BOUNDARIES = 5
"""Nested multiparts that git follows; deeper ones are read as text of the fifth."""

_NAME = re.compile(rb"(?:>?From |[!-9;-~]+:)")
_SPACE = b" \t\n\r\v\f"


@dataclass(slots=True)
class LineReader:
    """The lines of a mail, each with its newline; the last may lack it."""

    data: bytes
    position: int = 0

    def next(self) -> bytes | None:
        """Return the next line, or None at the end."""
        if self.position >= len(self.data):
            return None
        end = self.data.find(b"\n", self.position) + 1 or len(self.data)
        line = self.data[self.position : end]
        self.position = end
        return line

    def continues(self) -> bool:
        """Return whether the next line is folded, that is: starts with a space or tab."""
        return self.data[self.position : self.position + 1] in (b" ", b"\t")


def read_field(reader: LineReader) -> tuple[bytes, bool]:
    """Return the next header field unfolded and True, or the first line that is none and False.

    At the end of the mail the line is empty.
    """
    line = reader.next()
    if line is None:
        return b"", False
    text = line.rstrip(_SPACE)
    if not text or not _NAME.match(text):
        return text + b"\n", False
    parts = [text]
    while reader.continues():
        parts.append(b" " + (reader.next() or b"")[1:].rstrip(_SPACE))
    return b"".join(parts), True


def field_value(line: bytes, name: bytes) -> bytes | None:
    """Return what follows ``name:`` in *line* (any case), None when it is another field."""
    if line[: len(name)].lower() != name or line[len(name) : len(name) + 1] != b":":
        return None
    return line[len(name) + 1 :].lstrip(_SPACE)


@dataclass(slots=True)
class Part:
    """What the header of a mail or of a part says about the text below it."""

    charset: str = ""
    encoding: str = ""
    type: str = "text/plain"
    flowed: bool = False
    delsp: bool = False


@dataclass(slots=True)
class BodyLines:
    """Iterates over the decoded lines of a body, with the part that each stands in.

    ``part`` describes the part of the line just yielded. ``end_of_part`` lines are the empty lines that git inserts
    where a multipart ends. git takes the first boundary of a multipart inside of a part for text; ``reads_nested`` does
    not, and ``is_nested`` says that it makes a difference. ``text`` collects the
    decoded lines before format=flowed is undone.
    """

    reader: LineReader
    part: Part = field(default_factory=Part)
    reads_nested: bool = False
    is_nested: bool = False
    boundaries: list[bytes] = field(default_factory=list)
    fields: list[bytes] = field(default_factory=list)
    text: list[tuple[bytes, Part]] = field(default_factory=list)

    def take_field(self, line: bytes) -> None:
        """Note what a content field of a header says."""
        kind = field_value(line, b"content-type")
        if kind is not None:
            self._take_type(kind)
        encoding = field_value(line, b"content-transfer-encoding")
        if encoding is not None:
            lowered = encoding.lower()
            known = [name for name in ("base64", "quoted-printable") if name.encode("ascii") in lowered]
            self.part.encoding = known[0] if known else ""

    def _take_type(self, value: bytes) -> None:
        self.part.type = value.split(b";", 1)[0].strip().decode("ascii", "replace").lower()
        self.part.flowed = _parameter(value, b"format").lower() == b"flowed"
        self.part.delsp = _parameter(value, b"delsp").lower() == b"yes"
        boundary = _parameter(value, b"boundary")
        if boundary and len(self.boundaries) < MAX_BOUNDARIES:
            self.boundaries.append(b"--" + boundary)
        charset = _parameter(value, b"charset")
        self.part.charset = charset.decode("ascii", "replace") if charset else self.part.charset

    def lines(self, first: bytes) -> Iterator[bytes]:
        """Yield the decoded lines. *first* is the line at which the header ended."""
        line: bytes | None = first
        if self.boundaries:
            line = self._find_boundary()
        pending = _Pending()
        while line is not None:
            if self.boundaries and line.startswith(self.boundaries[-1]):
                yield from pending.flush()
                ended, line = self._enter_part(line)
                yield from [b"\n"] * ended
                if line is None:
                    return
                if self.boundaries and line.startswith(self.boundaries[-1]):
                    self.is_nested = True
                    if self.reads_nested:
                        continue
            for index, piece in enumerate(pending.decode(line, self.part)):
                self.text.append((piece, self.part))
                yield from pending.unflow(piece, self.part, rejoin=index == 0 and bool(self.part.encoding))
            line = self.reader.next()
        yield from pending.flush()

    def _find_boundary(self) -> bytes | None:
        while (line := self.reader.next()) is not None:
            if self.boundaries and line.startswith(self.boundaries[-1]):
                return line
        return None

    def _enter_part(self, line: bytes) -> tuple[int, bytes | None]:
        """Return how many multiparts ended at the boundary *line*, and the first line of the part behind it."""
        ended = 0
        found: bytes | None = line
        while found is not None and found[len(self.boundaries[-1]) :].startswith(b"--"):
            self.boundaries.pop()
            ended += 1
            found = self._find_boundary() if self.boundaries else None
        if found is None:
            return ended, None
        self.part = Part()
        while True:
            text, is_field = read_field(self.reader)
            if not is_field:
                break
            self.fields.append(text)
            self.take_field(text)
        # The line that ended the part's header is dropped, whatever it is.
        return ended, self.reader.next()


def _parameter(value: bytes, name: bytes) -> bytes:
    """Return the value of a parameter of a Content-Type, ``b""`` when it is not there."""
    at = value.lower().find(name + b"=")
    if at < 0:
        return b""
    rest = value[at + len(name) + 1 :]
    if rest.startswith(b'"'):
        return rest[1:].split(b'"', 1)[0]
    return re.split(rb"[; \t]", rest, maxsplit=1)[0]


@dataclass(slots=True)
class _Pending:
    """Text that waits for the rest of its line: a flowed line, and behind it an encoded line broken in two."""

    flowed: list[bytes] = field(default_factory=list)
    partial: list[bytes] = field(default_factory=list)

    def flush(self) -> Iterator[bytes]:
        """Yield what still waits, as it is."""
        if self.flowed or self.partial:
            yield b"".join([*self.flowed, *self.partial])
            self.flowed.clear()
            self.partial.clear()

    def decode(self, line: bytes, part: Part) -> list[bytes]:
        """Return the whole lines that *line* decodes to."""
        match part.encoding:
            case "base64":
                plain = decode_base64(line)
            case "quoted-printable":
                plain = decode_quoted_printable(line)
            case _:
                return [line]
        self.partial.append(plain)
        if b"\n" not in plain:
            return []
        lines = split_lines(b"".join(self.partial))
        self.partial.clear()
        if not lines[-1].endswith(b"\n"):
            self.partial.append(lines.pop())
        return lines

    def unflow(self, line: bytes, part: Part, *, rejoin: bool) -> Iterator[bytes]:
        """Yield *line* with what was flowed into it, nothing when it flows on (RFC 3676, read as git reads it).

        git joins before it looks at the line when the part is encoded (``rejoin``), else after it.
        """
        if not part.flowed:
            yield line
            return
        if rejoin and self.flowed:
            line = b"".join([*self.flowed, line])
            self.flowed.clear()
        bare = line.removesuffix(b"\n").removesuffix(b"\r")
        if bare == b"-- ":
            yield from self.flush()
            yield line
            return
        if bare.startswith(b" "):
            bare, line = bare[1:], line[1:]
        if bare.endswith(b" "):
            self.flowed.append(bare[:-1] if part.delsp else bare)
            return
        if self.flowed:
            line = b"".join([*self.flowed, line])
            self.flowed.clear()
        yield line


def split_lines(data: bytes) -> list[bytes]:
    """Return the lines of *data* with their newlines; only LF ends a line."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
