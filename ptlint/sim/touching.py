"""Which of what changed gets at entries, and which overrides that concerns: by text, before anything is parsed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import islice

from ptlint.calls.generic import generic_texts
from ptlint.csrc.definitions import MAX_OCCURRENCES
from ptlint.csrc.items import items_of
from ptlint.csrc.words import occurrences
from ptlint.sim.program import Program

MOST_ASKED = 1000
"""Names of interest that are looked at one by one: of the thousands of a scan some always matter."""

_HAVE_ARCH = re.compile(r"^[ \t]*#[ \t]*ifndef[ \t]+\w*HAVE_ARCH", re.MULTILINE)
_CALLED = re.compile(r"\b([a-z_]\w*+)\s*\(")
_HEAD_OF_ENTRY = re.compile(r"\s*\([^;{]*\bpte_t\s*\*")
_POINTER = re.compile(r"_*[a-z]*ptep?_*|xp")


def touching(program: Program, is_helper: Callable[[str], object]) -> frozenset[str] | None:
    """Return what of the program's interest gets at entries, is a helper, or may decide which body of one runs.

    None for all. What makes a value of another (a setter, a mask) is the same for both bodies.
    """
    if program.interest is None or len(program.interest) > MOST_ASKED:
        return None
    return frozenset(
        name for name in program.interest if name.isupper() or is_helper(name) or _gets_an_entry(program, name)
    )


def _gets_an_entry(program: Program, name: str) -> bool:
    """Return whether *name* is given an entry and may be part of a helper.

    A function of a ``.c`` file of generic code is none, unless the file defines helpers that architectures give.
    """
    universe = program.universe
    macro = universe.macro(name)
    if macro is not None and macro.params is not None:
        return any(_POINTER.fullmatch(param) for param in macro.params)
    given = universe.overrides.get(name)
    texts = [given.text] if given is not None else []
    for site in universe.headers.written(name, "function"):
        item = items_of(site.instance).items[site.number]
        texts.append(site.instance.active_text()[item.start : item.end])
    sources = {path: universe.text_of(path) for path in universe.defining_files(name)}
    texts += [text for path, text in sources.items() if path.startswith("arch/") or _gives_helpers(text)]
    return any(
        _HEAD_OF_ENTRY.match(text, at + len(name))
        for text in texts
        for at in islice(occurrences(text, name), MAX_OCCURRENCES)
    )


@lru_cache(maxsize=256)
def _gives_helpers(text: str) -> bool:
    """Return whether a file of generic code defines helpers that architectures give."""
    return "HAVE_ARCH" in text and _HAVE_ARCH.search(text) is not None


def is_concerned(program: Program, interest: frozenset[str] | None, name: str, guards: frozenset[str]) -> bool:
    """Return whether a change of *interest* is one of override *name*.

    That is the override, one of its *guards*, and what it or the generic body leads to.
    """
    if interest is None or name in interest or guards & interest:
        return True
    if all(one.isupper() for one in interest):  # constants, the same for both bodies
        return False
    if program.leads_to((name,), interest):
        return True
    words = {word for body in generic_texts(program.universe, name) for word in _CALLED.findall(body.text)} - {name}
    return bool(words) and program.leads_to(sorted(words), interest)
