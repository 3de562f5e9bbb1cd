"""``GIT binary patch`` blocks: base85 over zlib, a whole file (``literal``) or a ``delta`` against the old one."""

import base64
import re
import zlib

from ptlint.errors import InputError
from ptlint.tree.modes import MAX_FILE

_HEADER = re.compile(rb"(literal|delta) (\d{1,10})$")


class BinaryPatchError(InputError):
    """A binary block that is damaged or does not fit the file; the message is a phrase."""


def apply_binary(block: bytes, before: bytes) -> bytes:
    """Return what the first (forward) half of a binary block makes of *before*. Raises BinaryPatchError."""
    lines = [line.rstrip(b"\r") for line in block.split(b"\n")]
    if lines and lines[0].startswith(b"GIT binary patch"):
        lines = lines[1:]
    header = _HEADER.match(lines[0]) if lines else None
    if header is None:
        raise BinaryPatchError("the binary patch has no literal or delta header")
    size = int(header[2])
    if size > MAX_FILE:
        raise BinaryPatchError(f"the binary patch makes more than {MAX_FILE >> 20} MiB")
    data = _inflate(b"".join(_decode(line) for line in _until_blank(lines[1:])), size)
    return data if header[1] == b"literal" else _apply_delta(data, before)


def _until_blank(lines: list[bytes]) -> list[bytes]:
    return lines[: lines.index(b"")] if b"" in lines else lines


def _decode(line: bytes) -> bytes:
    """Decode one line: a letter for the number of bytes, then base85 in groups of five."""
    first = line[:1]
    if first.isupper():
        length = first[0] - ord("A") + 1
    elif first.islower():
        length = first[0] - ord("a") + 27
    else:
        raise BinaryPatchError("a line of the binary patch does not start with its length")
    if len(line) - 1 != (length + 3) // 4 * 5:
        raise BinaryPatchError("a line of the binary patch is longer or shorter than it says")
    try:
        return base64.b85decode(line[1:])[:length]
    except ValueError as error:
        raise BinaryPatchError("a line of the binary patch is not base85") from error


def _inflate(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, size + 1)
    except zlib.error as error:
        raise BinaryPatchError("the binary patch cannot be decompressed") from error
    if len(data) != size:
        raise BinaryPatchError("the binary patch does not have the size it says")
    return data


def _apply_delta(delta: bytes, before: bytes) -> bytes:
    """Run git's delta (Documentation/gitformat-pack: sizes, then copy and insert instructions) over *before*."""
    source_size, at = _varint(delta, 0)
    target_size, at = _varint(delta, at)
    if source_size != len(before) or target_size > MAX_FILE:
        raise BinaryPatchError("the binary delta is for a file of another size")
    result = bytearray()
    while at < len(delta) and len(result) <= target_size:
        code = delta[at]
        at += 1
        if code & 0x80:
            offset, size, at = _copy_range(delta, at, code)
            if offset + size > len(before):
                raise BinaryPatchError("the binary delta copies from beyond the file")
            result += before[offset : offset + size]
        elif code:
            result += delta[at : at + code]
            at += code
        else:
            raise BinaryPatchError("the binary delta has an unknown instruction")
    if len(result) != target_size or at != len(delta):
        raise BinaryPatchError("the binary delta does not make the size it says")
    return bytes(result)


def _copy_range(delta: bytes, at: int, code: int) -> tuple[int, int, int]:
    """Return offset, size and the next position of a copy instruction; its low bits say which bytes are present."""
    value = 0
    for bit in range(7):
        if code & 1 << bit:
            if at >= len(delta):
                raise BinaryPatchError("the binary delta ends in the middle")
            value |= delta[at] << 8 * bit
            at += 1
    offset, size = value & 0xFFFFFFFF, value >> 32
    return offset, size or 0x10000, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift <= 56:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
    raise BinaryPatchError("the binary delta has no size")
