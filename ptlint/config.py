"""``.ptlint.toml`` in the top folder of a tree: which rules run, and which findings are left out for what reason.

The file belongs to the tree, which may be anybody's: it is read as data, bounded, and all that it leaves out is
counted and listed in the report.
"""

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ptlint.core.finding import Finding
from ptlint.errors import UsageError

NAME = ".ptlint.toml"
MOST_BYTES = 1 << 20
MOST_ENTRIES = 10_000
_KEYS = {"rules": dict, "ignore": list}
_OF_RULES = ("select", "ignore")
_OF_IGNORE = ("rules", "path", "function", "reason")
_CODE = re.compile(r"[A-Za-z]{2,8}[0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings that are left out: of rules (codes or their beginnings), by patterns of path and function.

    ``*`` stands for any text, ``/`` included; an empty pattern fits everything. ``line`` is that of the entry.
    """

    rules: tuple[str, ...]
    reason: str
    path: str = ""
    function: str = ""
    line: int = 0

    def covers(self, finding: Finding) -> bool:
        """Return whether *finding* is left out."""
        return (
            finding.code.startswith(self.rules)
            and (not self.path or fnmatchcase(finding.span.path, self.path))
            and (not self.function or fnmatchcase(finding.function, self.function))
        )


@dataclass(frozen=True, slots=True)
class Config:
    """What a tree asks for. ``select`` and ``ignore`` are as the options of the same names."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    ignores: tuple[Ignore, ...] = ()


def read_config(data: bytes | None) -> Config:
    """Return what the file with the bytes *data* asks for, nothing for None. UsageError when it is not as it should be.

    What it may hold: a table ``[rules]`` with the lists ``select`` and ``ignore``, and tables ``[[ignore]]`` with
    ``rules``, ``path`` and ``function`` (patterns, each optional) and a ``reason``.
    """
    if data is None:
        return Config()
    if len(data) > MOST_BYTES:
        raise _fault(f"is larger than {MOST_BYTES >> 20} MiB")
    try:
        document = tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise _fault("is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise _fault(f"is no TOML: {error}") from error
    except RecursionError as error:
        raise _fault("is nested too deeply") from error
    for key, value in document.items():
        if key not in _KEYS:
            raise _fault(f"has {key!r}, and it may hold [rules] and [[ignore]]")
        if not isinstance(value, _KEYS[key]):
            raise _fault(f"has {key!r} not as {'[rules]' if key == 'rules' else '[[ignore]]'}")
    rules = document.get("rules", {})
    for key in rules:
        if key not in _OF_RULES:
            raise _fault(f"has {key!r} under [rules], which may hold {' and '.join(_OF_RULES)}")
    entries = document.get("ignore", [])
    if len(entries) > MOST_ENTRIES:
        raise _fault(f"has more than {MOST_ENTRIES:,} tables [[ignore]]")
    lines = _lines(data.decode())
    ignores = tuple(_ignore(entry, lines[at] if at < len(lines) else 0) for at, entry in enumerate(entries))
    return Config(_codes(rules, "select", 0), _codes(rules, "ignore", 0), ignores)


def _ignore(entry: object, line: int) -> Ignore:
    if not isinstance(entry, dict):
        raise _fault("has an [[ignore]] that is no table", line)
    for key in entry:
        if key not in _OF_IGNORE:
            raise _fault(f"has {key!r} under [[ignore]], which may hold {', '.join(_OF_IGNORE)}", line)
    rules = _codes(entry, "rules", line)
    if not rules:
        raise _fault("has an [[ignore]] without rules", line)
    reason, path, function = (_text(entry, key, line) for key in ("reason", "path", "function"))
    if not reason:
        raise _fault("has an [[ignore]] without a reason: say why these findings are left out", line)
    return Ignore(rules, reason, path, function, line)


def _codes(table: dict[str, object], key: str, line: int) -> tuple[str, ...]:
    values = table.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and _CODE.fullmatch(one) for one in values):
        raise _fault(f'has {key!r} that is no list of codes or their beginnings, as ["PT407", "PT7"]', line)
    return tuple(one.upper() for one in values)


def _text(table: dict[str, object], key: str, line: int) -> str:
    value = table.get(key, "")
    if not isinstance(value, str):
        raise _fault(f"has a {key} that is no text", line)
    return " ".join(value.split())


def _lines(text: str) -> list[int]:
    """Return the lines of the headings ``[[ignore]]``, for messages."""
    heads = re.compile(r"\s*\[\[\s*ignore\s*\]\]")
    return [number for number, line in enumerate(text.splitlines(), start=1) if heads.match(line)]


def _fault(what: str, line: int = 0) -> UsageError:
    return UsageError(f"{NAME}{f':{line}' if line else ''} {what}")
