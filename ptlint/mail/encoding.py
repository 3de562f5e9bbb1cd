"""Transfer encodings, character sets and encoded words, as git reads them."""

import binascii
import codecs
import re

_QP_ESCAPE = re.compile(rb"=(?:([0-9A-Fa-f]{2})|(\n|$))")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
# Python knows these beside character sets; some of them take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?(.*?)\?=", re.DOTALL)


def decode_quoted_printable(line: bytes, *, is_header: bool = False) -> bytes:
    """Return a quoted-printable line decoded; a soft line break takes the newline with it.

    What is no valid escape stays as it is, as in git. ``is_header`` reads ``_`` as a space (RFC 2047, 4.2).
    """
    if is_header:
        line = line.replace(b"_", b" ")
    if b"=" not in line:
        return line
    out: list[bytes] = []
    position = 0
    for match in _QP_ESCAPE.finditer(line):
        out.append(line[position : match.start()])
        position = match.end()
        if match[1] is None:
            return b"".join(out)
        out.append(bytes.fromhex(match[1].decode("ascii")))
    return b"".join([*out, line[position:]])


def decode_base64(line: bytes) -> bytes:
    """Return a base64 line decoded; bytes outside the alphabet and an incomplete last group are dropped, as in git."""
    symbols = _NOT_BASE64.sub(b"", line)
    loose = len(symbols) % 4
    if loose == 1:
        symbols = symbols[:-1]
    elif loose:
        symbols += b"=" * (4 - loose)
    return binascii.a2b_base64(symbols)


def decode_text(data: bytes, charset: str) -> str:
    """Return *data* as text. Never fails: an unknown or wrong *charset* falls back to UTF-8, then windows-1252.

    Mail without a charset is UTF-8 today and was Latin-1 once; windows-1252 covers the latter.
    """
    for name in (charset, "utf-8"):
        text = _strictly(data, name)
        if text is not None:
            return text
    return data.decode("cp1252", errors="replace")


def _strictly(data: bytes, charset: str) -> str | None:
    name = "utf-8" if charset.lower() in ("", "us-ascii", "ascii") else charset
    try:
        return None if codecs.lookup(name).name in _NO_CHARSETS else data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        return None


def decode_words(text: str) -> str:
    """Return a header value with its RFC 2047 encoded words decoded; a damaged one stays as written."""
    if "=?" not in text:
        return text
    out: list[str] = []
    position = 0
    pending, charset = b"", ""
    for match in _ENCODED_WORD.finditer(text):
        between = text[position : match.start()]
        # White space between two encoded words is not part of the text (RFC 2047, 6.2).
        joins = bool(out or pending) and not between.strip()
        if not joins or charset != match[1].lower():
            out.append(decode_text(pending, charset))
            pending = b""
        if not joins:
            out.append(between)
        raw = match[3].encode("utf-8", "surrogateescape")
        pending += decode_base64(raw) if match[2] in "bB" else decode_quoted_printable(raw, is_header=True)
        charset = match[1].lower()
        position = match.end()
    return "".join([*out, decode_text(pending, charset), text[position:]])
