"""What text expanded and parsed to, kept for every place where it would come to the same again.

Expanding asks which macro a name is, and parsing whether a name is a type. Each question follows from the text and the
answers before it, so the answers are a way through a tree, and what is at its end holds wherever they are the same: for
another profile, another tree, another file that includes the text.
"""

from collections.abc import Callable, Hashable
from typing import Any

from ptlint.csrc.macrodefs import Macro, MacroEnv

MAX_TEXTS = 100_000

_Lookup = Callable[[str], Macro | None]
_IsType = Callable[[str], bool]


class _Question:
    """Which macro *name* is or, *of_type*, whether it names a type; what follows each answer."""

    __slots__ = ("answers", "name", "of_type")

    def __init__(self, name: str, of_type: bool) -> None:
        self.name = name
        self.of_type = of_type
        self.answers: dict[Hashable, Any] = {}


class _Result:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Asking:
    """The macros and types of one place: a MacroEnv and the parser's Names, which remembers what it was asked."""

    def __init__(self, env: MacroEnv, is_typedef: _IsType) -> None:
        self._lookup = env.lookup
        self._is_typedef = is_typedef
        self._macros: dict[str, Macro | None] = {}
        self._types: dict[str, bool] = {}
        self.trail: list[tuple[str, bool, Hashable]] = []

    def lookup(self, name: str) -> Macro | None:
        """Return the macro *name*, or None."""
        try:
            return self._macros[name]
        except KeyError:
            found = self._macros[name] = self._lookup(name)
            self.trail.append((name, False, None if found is None else found.content))
            return found

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._is_typedef(name)
            self.trail.append((name, True, found))
        return found


_KNOWN: dict[Hashable, Any] = {}


def recalled(key: Hashable, env: MacroEnv, is_typedef: _IsType, make: Callable[[Asking], Any]) -> Any:
    """Return what *make* returns for *key*, from an earlier time when all that it asked has the same answers.

    *make* depends on *key* and on what it asks the Asking, and its value is not changed by anybody. What it raises is
    not kept.
    """
    node = _KNOWN.get(key)
    lookup = env.lookup
    while node.__class__ is _Question:
        answer: Hashable
        if node.of_type:
            answer = is_typedef(node.name)
        else:
            macro = lookup(node.name)
            answer = None if macro is None else macro.content
        node = node.answers.get(answer)
    if node is not None:
        return node.value
    asking = Asking(env, is_typedef)
    value = make(asking)
    _keep(key, asking.trail, value)
    return value


def _keep(key: Hashable, trail: list[tuple[str, bool, Hashable]], value: Any) -> None:
    if len(_KNOWN) >= MAX_TEXTS:
        _KNOWN.clear()
    place: dict[Any, Any] = _KNOWN
    at: Hashable = key
    for name, of_type, answer in trail:
        question = place.get(at)
        if question is None:
            question = place[at] = _Question(name, of_type)
        place, at = question.answers, answer
    place[at] = _Result(value)
