"""Code that no profile builds: the configuration under which the conditionals around a function let it be."""

from __future__ import annotations

import re
from dataclasses import replace

from ptlint.csrc.directives import FileScan
from ptlint.csrc.profile import Profile

_SYMBOL = re.compile(r"(!?)\s*(?:defined\s*\(?\s*|IS_(?:ENABLED|BUILTIN|REACHABLE)\s*\(\s*)?CONFIG_(\w+)")
MAX_SYMBOLS = 12


def wanted_symbols(scan: FileScan, line: int) -> dict[str, bool] | None:
    """Return the configuration symbols that must be set (or not) for *line* to be built, as far as they are plain.

    None when the conditionals around the line ask for one symbol both ways.
    """
    open_: list[tuple[str, str, bool]] = []
    for number, one in enumerate(scan.directives):
        if one.line > line:
            break
        if one.kind in ("if", "ifdef", "ifndef"):
            open_.append((one.kind, scan.argument(number), True))
        elif one.kind == "else" and open_:
            open_[-1] = (*open_[-1][:2], False)
        elif one.kind == "elif" and open_:
            open_[-1] = ("if", scan.argument(number), True)
        elif one.kind == "endif" and open_:
            open_.pop()
    found: dict[str, bool] = {}
    for kind, condition, holds in open_:
        for symbol, value in _symbols(kind, condition, holds):
            if found.setdefault(symbol, value) != value:
                return None
    return found if len(found) <= MAX_SYMBOLS else None


def _symbols(kind: str, condition: str, holds: bool) -> list[tuple[str, bool]]:
    wanted = holds != (kind == "ifndef")
    pairs = [(match[2], (match[1] != "!") == wanted) for match in _SYMBOL.finditer(condition)]
    alone = "||" if wanted else "&&"
    return pairs[:1] if alone in condition else pairs


def with_symbols(profile: Profile, symbols: dict[str, bool]) -> Profile | None:
    """Return *profile* with *symbols* set and unset, under a name that says so; None when it is so already."""
    different = {symbol: value for symbol, value in symbols.items() if profile.is_set(symbol) != value}
    if not different:
        return None
    config = {name: value for name, value in profile.config.items() if different.get(name, True)}
    config |= {symbol: "y" for symbol, value in different.items() if value}
    label = ",".join(f"{'' if value else '!'}{symbol}" for symbol, value in sorted(different.items()))
    return replace(profile, name=f"{profile.name}[{label}]", config=config)
