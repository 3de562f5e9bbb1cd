"""Code that a patch moves: to another file, under another name, or out of one function into another.

What was wrong with it before is not what the patch brings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from ptlint.core.tree import SourceTree
from ptlint.passes.changes import Change, bare, functions_in
from ptlint.passes.faults import Look, Token, parted, token_of
from ptlint.passes.functions import View

Place = tuple[str, str]
"""Path and name of a function."""

MOST_PAIRS = 400
ALIKE = 0.8
"""The share of tokens in common from which a function under a new name is taken for a removed one."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


def origins_of(before: SourceTree, changes: Iterable[Change]) -> dict[Place, Place]:
    """Return for each new function among *changes* the removed one that it was before: moved, renamed, or both."""
    changes = tuple(changes)
    new = [one for one in changes if one.kind == "function" and one.is_new]
    gone = {(one.span.path, one.name) for one in changes if one.kind == "removed"} if new else set()
    if not gone:
        return {}
    texts = {place: text for path in sorted({path for path, _ in gone}) for place, text in _texts(before, path, gone)}
    found: dict[Place, Place] = {}
    for one in new:
        same = [place for place in texts if place[1] == one.name and place not in found.values()]
        if same:
            found[one.span.path, one.name] = same[0]
    left = [one for one in new if (one.span.path, one.name) not in found]
    free = {place: text for place, text in texts.items() if place not in found.values()}
    if len(left) * len(free) <= MOST_PAIRS:
        found |= _renamed(left, free)
    return found


def _texts(tree: SourceTree, path: str, wanted: set[Place]) -> Iterator[tuple[Place, str]]:
    for one in functions_in(path, (tree.read(path) or b"").decode("latin-1")):
        if (path, one.name) in wanted:
            yield (path, one.name), one.text


def _renamed(new: list[Change], old: dict[Place, str]) -> dict[Place, Place]:
    """Return the pairs of functions that differ in little but their name, the most alike first."""
    pairs = []
    for one in new:
        tokens = _tokens(one.text, one.name)
        for place, text in old.items():
            matcher = SequenceMatcher(None, _tokens(text, place[1]), tokens, autojunk=False)
            if matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE:
                pairs.append((matcher.ratio(), (one.span.path, one.name), place))
    found: dict[Place, Place] = {}
    for ratio, here, place in sorted(pairs, reverse=True):
        if ratio >= ALIKE and here not in found and place not in found.values():
            found[here] = place
    return found


def _tokens(text: str, name: str) -> list[str]:
    return ["@" if token == name else token for token in _TOKEN.findall(bare(text))]


def faults_gone(pairs: Iterable[tuple[View, View | None]], look: Look) -> Counter[Token]:
    """Return the faults that functions had before and have no more: they may stand elsewhere now."""
    return Counter(token_of(fault, old) for old, new in pairs for fault in parted(old, new, look)[0])


def under_new_names(subject: str, origins: Mapping[Place, Place]) -> str:
    """Return what *subject* (names joined by ``+``) is called after the patch."""
    names = {old: new for (_, new), (_, old) in origins.items() if old != new}
    return "+".join(names.get(name, name) for name in subject.split("+"))
