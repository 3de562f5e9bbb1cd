"""File names in the header of a diff."""

import re
from dataclasses import dataclass

_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}
_ESCAPE = re.compile(rb'\\([abtnvfr"\\]|[0-3][0-7]{2})')
_QUOTED = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*)"')
_TIMESTAMP = re.compile(rb"\s+\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: *[-+]\d\d:?\d\d)?\s*\Z")
_EPOCH = re.compile(rb"\s(?:1970-01-01|1969-12-31)[ T]\d\d:\d\d:\d\d(?:\.0+)?(?: *[-+]\d\d:?\d\d)?\s*\Z")


@dataclass(frozen=True, slots=True)
class Names:
    """What a ``diff --git`` line says: the name both sides share (None when they differ), and how many leading
    components are prefixes (1 for ``a/`` and ``b/``, 0 for ``diff.noprefix``).
    """

    default: str | None
    strips: int


def git_header_names(rest: bytes) -> Names:
    """Return the names in a ``diff --git`` line, *rest* being what follows these words."""
    rest = rest.rstrip(b"\r\n")
    if rest.startswith(b'"') or rest.endswith(b'"'):
        sides = _quoted_sides(rest)
    else:
        sides = _equal_sides(rest)
    if sides is None:
        return Names(None, 1)
    old, new = sides
    # Both sides alike and no one-letter prefix: written with diff.noprefix.
    strips = 0 if old == new and len(old.split(b"/", 1)[0]) != 1 else 1
    old_path, new_path = _stripped(old, strips), _stripped(new, strips)
    return Names(old_path if old_path == new_path else None, strips)


def _quoted_sides(rest: bytes) -> tuple[bytes, bytes] | None:
    if first := _QUOTED.match(rest):
        old, new = _unescaped(first[1]), rest[first.end() :].lstrip()
        second = _QUOTED.match(new)
        return old, _unescaped(second[1]) if second else new
    old, _, new = rest.partition(b' "')
    return (old, _unescaped(new[:-1])) if new else None


def _equal_sides(rest: bytes) -> tuple[bytes, bytes] | None:
    """Split at the space that leaves the same name on both sides: names may hold spaces themselves."""
    middle = len(rest) // 2
    if rest[middle : middle + 1] != b" ":
        return None
    old, new = rest[:middle], rest[middle + 1 :]
    return (old, new) if old == new or _stripped(old, 1) == _stripped(new, 1) else None


def header_path(text: bytes, strips: int) -> str | None:
    """Return the path of a ``---``, ``+++``, ``rename`` or ``copy`` line; None for ``/dev/null``."""
    text = text.rstrip(b"\r\n")
    quoted = _QUOTED.match(text)
    name = _unescaped(quoted[1]) if quoted else text.split(b"\t", 1)[0]
    return None if name == b"/dev/null" else _stripped(name, strips)


def traditional_names(old: bytes, new: bytes) -> tuple[str | None, str | None]:
    """Return old and new path of a diff without git header; None marks a new or deleted file.

    As in git, the shorter name is taken when the other only adds to it (``file.orig``, ``file~``), and a timestamp at
    the epoch means that the file is not there.
    """
    old_path, new_path = _traditional(old), _traditional(new)
    if old_path is None or new_path is None:
        return old_path, new_path
    name = old_path if new_path.startswith(old_path) and len(old_path) < len(new_path) else new_path
    return None if _EPOCH.search(old) else name, None if _EPOCH.search(new) and not _EPOCH.search(old) else name


def _traditional(text: bytes) -> str | None:
    return header_path(_TIMESTAMP.sub(b"", text.rstrip(b"\r\n")), 1)


def _stripped(name: bytes, strips: int) -> str:
    for _ in range(strips):
        _, slash, rest = name.lstrip(b"/").partition(b"/")
        name = rest if slash else name
    return name.decode("utf-8", "surrogateescape")


def _unescaped(name: bytes) -> bytes:
    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1].decode("ascii")
        return bytes([_ESCAPES[code] if code in _ESCAPES else int(code, 8) & 0xFF])

    return _ESCAPE.sub(byte, name)
