"""The values of C's integer, character and string constants."""

import re

from ptlint.csrc.ast import IntConst, Pos, StrConst
from ptlint.csrc.datamodel import Constants
from ptlint.csrc.errors import CParseError
from ptlint.csrc.tokens import Token

_INTEGER = re.compile(r"(0[xX][0-9a-fA-F']++|0[bB][01']++|[0-9][0-9']*+)([uU]?(?:ll?|LL?|wb|WB)?[uU]?)\Z")
_FLOAT = re.compile(
    r"(0[xX][0-9a-fA-F]*+\.?[0-9a-fA-F]*+[pP][+-]?[0-9]++|[0-9]*+\.?[0-9]*+(?:[eE][+-]?[0-9]++)?)[fFlL]?\Z"
)
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]+)|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_SIMPLE = {
    b"n": 10, b"t": 9, b"r": 13, b"0": 0, b"a": 7, b"b": 8, b"f": 12, b"v": 11, b"e": 27, b"E": 27,
    b"\\": 92, b"'": 39, b'"': 34, b"?": 63,
}  # fmt: skip
_WIDTHS = {"": 1, "u8": 1, "u": 2, "U": 4, "L": 2}  # the kernel is built with -fshort-wchar


def is_float(text: str) -> bool:
    """Return whether the preprocessing number *text* is a floating constant."""
    return _FLOAT.match(text) is not None and _INTEGER.match(text) is None


def integer(token: Token, pos: Pos, model: Constants) -> IntConst:
    """Return the integer constant *token* with the type of C11 6.4.4.1.

    :raises CParseError: it is no integer constant, or fits no integer type.
    """
    match = _INTEGER.match(token.text)
    if match is None:
        raise CParseError(pos, f"{token.text!r} is not a number")
    digits, suffix = match[1].replace("'", ""), match[2].lower()
    decimal = digits[0] != "0" or len(digits) == 1
    try:
        value = int(digits, 0) if decimal or digits[1] in "xXbB" else int(digits, 8)
    except ValueError:
        raise CParseError(pos, f"{token.text!r} is not a number") from None
    longs = suffix.count("l")
    small = value < 1 << 31  # fits whatever there is
    ladder = [("int", 32), ("long", 32 if small else model.long_size * 8), ("long long", 64)][longs:]
    for name, bits in ladder:
        if "u" not in suffix and value < 1 << (bits - 1):
            return IntConst(value, name, pos)
        if ("u" in suffix or not decimal) and value < 1 << bits:
            return IntConst(value, "unsigned " + name, pos)
    if decimal and value < 1 << 64:
        return IntConst(value, "__int128", pos)  # as gcc does, with a warning
    raise CParseError(pos, f"{token.text!r} is too large for an integer")


def character(token: Token, pos: Pos, model: Constants) -> IntConst:
    """Return the value of the character constant *token*, which has type ``int``.

    :raises CParseError: it is empty or has an unknown escape.
    """
    prefix, body = _split(token.text, "'")
    width = _WIDTHS[prefix]
    units = _units(body, width, pos)
    if not units:
        raise CParseError(pos, "empty character constant")
    if width > 1:
        return IntConst(units[-1], "unsigned short" if width == 2 else "unsigned int", pos)
    value = 0
    for unit in units:
        value = (value << 8 | unit) & 0xFFFFFFFF
    bits = 8 if len(units) == 1 else 32
    if value >> (bits - 1) and (bits == 32 or model.char_signed):
        value -= 1 << bits
    return IntConst(value, "int", pos)


def string(tokens: list[Token], pos: Pos) -> StrConst:
    """Return adjacent string literals as one, without the final NUL; wide units are little-endian.

    :raises CParseError: an escape is unknown, or the widths differ.
    """
    parts = [_split(token.text, '"') for token in tokens]
    widths = {_WIDTHS[prefix] for prefix, _ in parts if prefix} or {1}
    if len(widths) > 1:
        raise CParseError(pos, "string literals of different widths stand together")
    width = widths.pop()
    units = [unit for _, body in parts for unit in _units(body, width, pos)]
    return StrConst(b"".join(unit.to_bytes(width, "little") for unit in units), pos, width)


def _split(text: str, quote: str) -> tuple[str, bytes]:
    start = text.index(quote)
    return text[:start], text[start + 1 : -1].encode("latin-1", "replace")


def _units(body: bytes, width: int, pos: Pos) -> list[int]:
    if b"\\" not in body:
        return _encode(body, width)
    units: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        units += _encode(body[end : match.start()], width)
        end = match.end()
        hexadecimal, octal, short, long, other = match.groups()
        if hexadecimal is not None:
            units.append(int(hexadecimal, 16) & ((1 << 8 * width) - 1))
        elif octal is not None:
            units.append(int(octal, 8) & ((1 << 8 * width) - 1))
        elif other is not None:
            if other not in _SIMPLE:
                raise CParseError(pos, f"unknown escape \\{other.decode('latin-1')}")
            units.append(_SIMPLE[other])
        else:
            point = int(short or long, 16)
            if point > 0x10FFFF or 0xD800 <= point < 0xE000:
                raise CParseError(pos, "a universal character name that names no character")
            units += _encode(chr(point).encode(), width)
    return units + _encode(body[end:], width)


def _encode(raw: bytes, width: int) -> list[int]:
    if width == 1:
        return list(raw)
    coded = raw.decode("utf-8", "replace").encode("utf-16-le" if width == 2 else "utf-32-le")
    return [int.from_bytes(coded[at : at + width], "little") for at in range(0, len(coded), width)]
