"""Files, folders, maildirs and standard input, cut into single mails."""

import os
import re
import select
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from ptlint.errors import InputError
from ptlint.mail.raw import RawMail, bounded

MAX_BYTES = 256 * 1024 * 1024
"""The most that is read from one source, after decompression."""

PIPE_SECONDS = 10
"""How long a named pipe may keep a run waiting for its first byte."""

_PATCH_SUFFIXES = frozenset({".patch", ".diff", ".eml", ".mbox", ".mbx", ".mail", ".gz"})
# git mailsplit: a separator ends in a time and a year after 1990; "From here on" in a commit message does not.
_SEPARATOR = re.compile(rb"From [^\n]*\d[^\n]\d\d:\d\d[ \t]*(\d+)[^\n:]*(?:\n|\Z)")
_FIELD = re.compile(rb"(?:>?From |[!-9;-~]+:)")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_FORMAT_PATCH_FROM = re.compile(rb"From [0-9a-f]{40} Mon Sep 17 00:00:00 2001\n?")
_KNOWN_FIELD = re.compile(rb"^(?:from|subject|date|message-id|to|mime-version|content-type):", re.I | re.MULTILINE)
_DIFF_START = re.compile(rb"^(?:diff --git |diff -|Index: |--- \S)", re.MULTILINE)


def read_sources(paths: Sequence[Path | Literal["-"]], stdin: BinaryIO) -> tuple[RawMail, ...]:
    """Return every mail of *paths* in order; ``"-"`` reads *stdin*.

    A path is an mbox (also compressed with gzip), a maildir, a folder of patch files, a single mail or a bare diff.
    Raises InputError when one of them cannot be read, is empty, or holds neither mail nor diff.
    """
    mails: list[RawMail] = []
    for path in paths:
        if path == "-":
            mails += split_mails(_bounded(stdin, "<stdin>"), "<stdin>")
        elif path.is_dir():
            mails += _read_folder(path)
        else:
            mails += split_mails(_read_file(path), str(path))
    return tuple(mails)


def split_mails(data: bytes, source: str) -> list[RawMail]:
    """Return the mails in the bytes of one file.

    Raises InputError when there is none.
    """
    if data.startswith(b"\x1f\x8b"):
        data = _decompress(data, source)
    lead = len(data) - len(data.lstrip(b" \t\r\n\v\f"))
    if lead == len(data):
        raise InputError(f"{source}: the file is empty")
    line = 1 + data.count(b"\n", 0, lead)
    data = data[lead:]
    if not _is_separator(data, 0):
        return [bounded(_single(data, source, line))]
    return [bounded(mail) for mail in _split_mbox(data, source, line)]


def _single(data: bytes, source: str, line: int) -> RawMail:
    """Return a file without separators as the one mail or diff that it is."""
    data = _with_unix_line_ends(data)
    header = data[: 64 * 1024].split(b"\n\n", 1)[0]
    if _FIELD.match(data) and _KNOWN_FIELD.search(header):
        return RawMail(data, source, line)
    if _DIFF_START.search(data):
        return RawMail(data, source, line, is_bare_diff=True)
    raise InputError(
        f"{source}:{line}: this is neither a mail nor a diff; give an mbox, a maildir, a mail or a patch file"
    )


def _split_mbox(data: bytes, source: str, line: int) -> Iterator[RawMail]:
    starts = [start for start in _from_lines(data) if start == 0 or _header_follows(data, start)]
    counted = 0
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        line += data.count(b"\n", counted, start)
        counted = start
        below = data.find(b"\n", start, end) + 1 or end
        content = data[below:end]
        # git format-patch writes its separator without quoting the text below; every other writer of an mbox quotes.
        if not _FORMAT_PATCH_FROM.match(data, start):
            content = _QUOTED_FROM.sub(rb"\1", content)
        yield RawMail(_with_unix_line_ends(content), source, line + 1)


def _from_lines(data: bytes) -> Iterator[int]:
    start = 0
    while start >= 0:
        if _is_separator(data, start):
            yield start
        start = data.find(b"\nFrom ", start)
        start = start + 1 if start >= 0 else -1


def _is_separator(data: bytes, start: int) -> bool:
    found = _SEPARATOR.match(data, start)
    return found is not None and int(found[1][:9]) > 90


def _header_follows(data: bytes, start: int) -> bool:
    below = data.find(b"\n", start) + 1
    if not below:
        return False
    if data.startswith((b"From ", b">From "), below):
        return _is_separator(data, below + data.startswith(b">", below))
    return _FIELD.match(data, below) is not None


def _with_unix_line_ends(data: bytes) -> bytes:
    """Return *data* with LF line ends when it is stored with CRLF.

    A mail stored with LF keeps a CR at the end of a line: there it belongs to the patched file.
    """
    end = data.find(b"\n")
    return data.replace(b"\r\n", b"\n") if end > 0 and data[end - 1 : end] == b"\r" else data


def _read_folder(folder: Path) -> Iterable[RawMail]:
    parts = [folder / name for name in ("cur", "new") if (folder / name).is_dir()]
    if parts:
        files = sorted((file for part in parts for file in _files(part)), key=lambda file: file.name)
    else:
        files = [file for file in _files(folder) if file.suffix in _PATCH_SUFFIXES]
    if not files:
        raise InputError(f"{folder}: the folder holds neither a maildir nor patch files")
    return [mail for file in files for mail in split_mails(_read_file(file), str(file))]


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror})") from error


def _read_file(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_opened) as file:
            return _bounded(file, str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _opened(path: str, flags: int) -> int:
    """Open a file; a pipe that nobody writes to is given up instead of waited for."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        if not poll.poll(PIPE_SECONDS * 1000):
            os.close(descriptor)
            raise InputError(f"{path}: a pipe that nothing wrote to in {PIPE_SECONDS} seconds")
    os.set_blocking(descriptor, True)
    return descriptor


def _bounded(file: BinaryIO, source: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{source}: larger than {MAX_BYTES >> 20} MiB, which is the most that is read from one file")
    return data


def _decompress(data: bytes, source: str) -> bytes:
    import gzip
    import io
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{source}: damaged gzip data ({error})") from error
    if len(plain) > MAX_BYTES:
        raise InputError(f"{source}: expands to more than {MAX_BYTES >> 20} MiB, which is the most that is read")
    return plain
