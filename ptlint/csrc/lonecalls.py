"""Macro calls that may stand at file scope or in an enum, as the text of a file shows them."""

import re
from collections.abc import Callable, Iterable, Set
from typing import NamedTuple

from ptlint.csrc.directives import FileScan

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_LONE_LINE = re.compile(r"^(?:(?:static|extern)[ \t]+)?([A-Za-z_]\w*+)[ \t]*+(?:\(([^;{}]{0,300}+)|$)", re.MULTILINE)
_ENUM_LINE = re.compile(r"\n[ \t]++([A-Z_][A-Z0-9_]*+)\(([^;{}()\n]*+)\)[^;{}\n]*+$", re.MULTILINE)


class LoneCalls(NamedTuple):
    """The macro calls of a file that may stand at file scope or in an enum: the macros, and the words passed."""

    macros: frozenset[str]
    words: frozenset[str]


def lone_calls(scan: FileScan, text: str = "") -> LoneCalls:
    """Return what a file shows of macro calls that may make names, in any branch.

    *text* is what of it may stand at file scope, with its lines, where that is known.
    """
    found: LoneCalls | None = scan.item_cache.get("lone")
    if found is None:
        passed: dict[tuple[str, str], None] = {}
        macros: set[str] = set()
        for pattern in (_LONE_LINE, _ENUM_LINE):
            for macro, inside in pattern.findall(f"\n{text or scan.text}"):
                macros.add(macro)
                if inside:
                    passed.update(((word, macro), None) for word in _WORD.findall(inside) if len(word) > 1)
        found = scan.item_cache["lone"] = LoneCalls(frozenset(macros), frozenset(word for word, _ in passed))
        for word, macro in passed:
            if word not in _PASSED:
                _IN_ORDER.append(word)
                _BY_HEAD.setdefault(word[:2], []).append(word)
            _PASSED.setdefault(word, {}).setdefault(macro, []).append(scan.number)
        for macro in macros:
            _CALLING.setdefault(macro, []).append(scan.number)
    return found


_PASSED: dict[str, dict[str, list[int]]] = {}  # by word and by macro
_BY_HEAD: dict[str, list[str]] = {}  # those words by their first two letters
_CALLING: dict[str, list[int]] = {}


def words_passed_in(name: str) -> Set[str]:
    """Return the words that are part of *name* and passed by a lone call of the files that were looked at."""
    done, found = _PARTS.get(name, (0, set()))
    if done == len(_IN_ORDER):
        return found
    if len(_IN_ORDER) - done <= FEW_WORDS:
        found.update([word for word in _IN_ORDER[done:] if word in name])
    else:
        for at in range(len(name) - 1):
            found.update([word for word in _BY_HEAD.get(name[at : at + 2], ()) if name.startswith(word, at)])
    _PARTS[name] = len(_IN_ORDER), found
    return found


FEW_WORDS = 500
"""Words that are looked for one by one in a name; among more, those that begin as a part of it does are."""

_IN_ORDER: list[str] = []  # the passed words, as they were found
_PARTS: dict[str, tuple[int, set[str]]] = {}  # by name: how many of them were looked for, and which are in it


def files_passing(word: str, is_macro: Callable[[str], bool]) -> set[int]:
    """Return the numbers of the files, of those that were looked at, with a lone call of a macro that passes *word*."""
    return {number for macro, numbers in _PASSED[word].items() if is_macro(macro) for number in numbers}


def called_alone() -> Set[str]:
    """Return every macro of which a file that was looked at has a lone call."""
    return _CALLING.keys()


def files_calling(macros: Iterable[str]) -> set[int]:
    """Return the numbers of the files, of those that were looked at, with a lone call of one of *macros*."""
    return {number for macro in macros for number in _CALLING.get(macro, ())}
