"""What git mailinfo makes of a mail: author, subject, message and patch, byte for byte.

The rules are those of git 2.39's ``mailinfo`` as ``git am`` calls it (in-body headers on, scissors off), checked
against it in the tests.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.mail.encoding import decode_text, decode_words
from ptlint.mail.mime import BodyLines, LineReader, Part, field_value, read_field

_INFO_FIELDS = (b"from", b"subject", b"date")
_SPACES = re.compile(r"[ \t\n\r\v\f]+")
_MANUAL_BREAK = re.compile(rb"---[ \t\r\v\f]*\n")
_FORMAT_PATCH_FROM = re.compile(rb">From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\n\Z")


@dataclass(frozen=True, slots=True)
class MailInfo:
    """A mail split into the commit it would become, and all of its header.

    ``author_name``, ``author_email``, ``subject`` and ``date`` take in-body headers into account. ``message`` is the
    log message, ``patch`` the rest of the body from the line that ended the message; ``b""`` when none did.
    ``fields`` are the fields of the mail's own header in order, lower-case name and decoded value.
    ``text`` are the decoded lines of the body, before format=flowed is undone, with the part of each; line 1 of the
    body is the first one. ``patch_line`` is the line of it at which ``patch`` starts, 0 without a patch.
    """

    author_name: str
    author_email: str
    subject: str
    date: str
    message: str
    patch: bytes
    fields: tuple[tuple[str, str], ...]
    text: tuple[tuple[bytes, Part], ...]
    patch_line: int = 0
    is_nested: bool = False

    def get(self, name: str) -> str:
        """Return the first header field *name* (lower case), ``""`` when it is not there."""
        return next((value for key, value in self.fields if key == name), "")


@dataclass(slots=True)
class _Message:
    """The state of git's reader while it is above the patch."""

    found: dict[bytes, bytes] = field(default_factory=dict)
    pending: bytes = b""
    in_header: bool = True
    lines: list[str] = field(default_factory=list)

    def take(self, line: bytes, part: Part) -> bool:
        """Read one line of the message; return whether it is the first line of the patch instead."""
        if self.in_header:
            if line in (b"", b"\n"):
                if self.pending:
                    self._flush()
                    self.in_header = False
                return False
            self.in_header = self._take_inbody(line)
            if self.in_header:
                return False
        if is_patch_break(line):
            return True
        self.lines.append(decode_text(line, part.charset))
        return False

    def _take_inbody(self, line: bytes) -> bool:
        if self.pending and line[:1] in (b" ", b"\t"):
            self.pending = self.pending.removesuffix(b"\n") + line
            return True
        self._flush()
        if line.startswith(b">From") and line[5:6].isspace():
            return _FORMAT_PATCH_FROM.match(line) is not None
        if line.startswith(b"[PATCH]") and line[7:8].isspace():
            self.found[b"subject"] = line
            return True
        if any(name not in self.found and field_value(line, name) is not None for name in _INFO_FIELDS):
            self.pending = line
            return True
        return False

    def _flush(self) -> None:
        for name in _INFO_FIELDS:
            value = field_value(self.pending, name)
            if value is not None:
                self.found[name] = value
        self.pending = b""

    def finish(self) -> None:
        """Take an in-body header that ended with the mail."""
        self._flush()


def is_patch_break(line: bytes) -> bool:
    """Return whether git ends the commit message at *line*: ``---``, ``--- file``, ``diff -`` or ``Index: ``."""
    if line.startswith((b"diff -", b"Index: ")):
        return True
    if len(line) < 4 or not line.startswith(b"---"):
        return False
    if line[3:4] == b" " and not line[4:5].isspace():
        return True
    return _MANUAL_BREAK.match(line) is not None


def read_mailinfo(data: bytes, *, reads_nested: bool = False) -> MailInfo:
    """Return what git mailinfo reads from the bytes of one mail (LF line ends).

    *reads_nested* also decodes a multipart inside of a part, which git takes for text (``is_nested``).
    """
    reader = LineReader(data, len(data) - len(data.lstrip(b" \t\n\r\v\f")))
    body = BodyLines(reader, reads_nested=reads_nested)
    header: list[bytes] = []
    while True:
        first, is_field = read_field(reader)
        if not is_field:
            break
        header.append(first)
        body.take_field(first)
    # Without parts, the first line that comes is the one that ended the header; in base64 it is nothing.
    separator = 0 if body.boundaries or body.part.encoding == "base64" else 1
    message, patch, patch_line = _Message(), list[bytes](), 0
    for line in body.lines(first):
        if patch or message.take(line, body.part):
            patch_line = patch_line or max(len(body.text) - separator, 1)
            patch.append(line)
    message.finish()
    del body.text[:separator]
    return _assemble(header, body, message, patch, patch_line)


def _assemble(header: list[bytes], body: BodyLines, message: _Message, patch: list[bytes], patch_line: int) -> MailInfo:
    info = {name: _info_field(name, header, body.fields, message, bool(patch)) for name in _INFO_FIELDS}
    name, email = split_address(info[b"from"])
    return MailInfo(
        author_name=name,
        author_email=email,
        subject=_single_spaced(clean_subject(info[b"subject"])),
        date=_single_spaced(info[b"date"]),
        message="".join(message.lines),
        patch=b"".join(patch),
        fields=tuple(_fields(header)),
        text=tuple(body.text),
        patch_line=patch_line,
        is_nested=body.is_nested,
    )


def _info_field(name: bytes, header: list[bytes], part: list[bytes], message: _Message, has_patch: bool) -> str:
    """Return a field: of the body if there is a patch, else the last of the mail's header, else the first of a part."""
    if has_patch and name in message.found:
        return _decoded(message.found[name])
    values = [value for line in reversed(header) if (value := field_value(line, name)) is not None]
    values += [value for line in part if (value := field_value(line, name)) is not None]
    return _decoded(values[0]) if values else ""


def _fields(header: list[bytes]) -> Iterator[tuple[str, str]]:
    for line in header:
        name, colon, value = line.partition(b":")
        if colon and b" " not in name:
            yield name.decode("ascii", "replace").lower(), _decoded(value.strip())


def _decoded(value: bytes) -> str:
    return decode_words(decode_text(value, ""))


def _single_spaced(text: str) -> str:
    return _SPACES.sub(" ", text)


def clean_subject(subject: str) -> str:
    """Return *subject* without ``Re:``, colons, spaces and bracketed tags in front, as git mailinfo does."""
    at = 0
    while at < len(subject):
        char = subject[at]
        if char in "rR" and len(subject) > at + 3 and subject[at + 1] in "eE" and subject[at + 2] == ":":
            at += 3
        elif char in " \t:":
            at += 1
        elif char == "[" and (end := subject.find("]", at)) >= 0:
            at = end + 1
        else:
            break
    return subject[at:].strip(" \t\n\r\v\f")


def split_address(value: str) -> tuple[str, str]:
    """Return name and address of a From field, as git mailinfo splits it."""
    text = _unquoted(_single_spaced(value))
    at = text.find("@")
    if at < 0:
        return _bogus_address(text)
    start = at
    while start > 0 and not text[start - 1].isspace():
        start -= 1
        if text[start] == "<":
            break
    bracket = text[start] == "<"
    end = start + bracket
    while end < len(text) and text[end] not in " \n\t\r\v\f>":
        end += 1
    email = text[start + bracket : end]
    name = _single_spaced(text[:start] + (" " if bracket else "") + text[end + 1 :]).strip()
    if name.startswith("(") and name.endswith(")"):
        name = name[1:-1]
    return (email if not name or len(name.encode()) > 60 or set(name) & set("@<>") else name), email


def _bogus_address(text: str) -> tuple[str, str]:
    """Return what stands around ``<>`` when the address has no ``@``; both empty without brackets."""
    start, end = text.find("<"), text.find(">")
    if start < 0 or end < start:
        return "", ""
    email = text[start + 1 : end]
    name = text[:start].strip()
    return (email if not name or len(name.encode()) > 60 or set(name) & set("@<>") else name), email


def _unquoted(text: str) -> str:
    """Return *text* without the quotes and backslashes of RFC 822 strings; comments keep their parentheses."""
    out: list[str] = []
    quoted, depth, literal = False, 0, False
    for char in text:
        if literal:
            out.append(char)
            literal = False
        elif char == "\\" and (quoted or depth):
            literal = True
        elif char == '"' and not depth:
            quoted = not quoted
        else:
            depth += 0 if quoted else (char == "(") - (char == ")" and depth > 0)
            out.append(char)
    return "".join(out)
