"""What text expanded and parsed to, kept for every place where it would come to the same again.

Expanding asks which macro a name is, and parsing whether a name is a type, rarely how wide a type of the data model is.
Each question follows from the text and the answers before it, so the answers are a way through a tree, and what is at
its end holds wherever they are the same: for another profile, another tree, another file that includes the text.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from ptlint.csrc.datamodel import Constants
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.macrodefs import Macro, MacroEnv

MAX_TEXTS = 100_000

_Lookup = Callable[[str], Macro | None]
_IsType = Callable[[str], bool]
_F = TypeVar("_F", int, bool)


class _Question:
    """What to ask: which macro *name* is, whether it names a type, or that fact of the data model; what follows."""

    __slots__ = ("answers", "kind", "name")

    def __init__(self, name: str, kind: int) -> None:
        self.name = name
        self.kind = kind
        self.answers: dict[Hashable, Any] = {}


_MACRO, _TYPE, _FACT = range(3)


class _Result:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Asking:
    """The macros, types and constants of one place, remembering what was asked of them.

    It is a MacroEnv, the parser's Names and its Constants.
    """

    def __init__(self, env: MacroEnv, is_typedef: _IsType, model: Constants) -> None:
        self._lookup = env.lookup
        self._is_typedef = is_typedef
        self._model = model
        self._macros: dict[str, Macro | None] = {}
        self._types: dict[str, bool] = {}
        self._facts: set[str] = set()
        self.trail: list[tuple[str, int, Hashable]] = []

    def lookup(self, name: str) -> Macro | None:
        """Return the macro *name*, or None."""
        try:
            return self._macros[name]
        except KeyError:
            found = self._macros[name] = self._lookup(name)
            self.trail.append((name, _MACRO, None if found is None else found.content))
            return found

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._is_typedef(name)
            self.trail.append((name, _TYPE, found))
        return found

    @property
    def long_size(self) -> int:
        """Return the size of ``long``."""
        return self._told("long_size", self._model.long_size)

    @property
    def char_signed(self) -> bool:
        """Return whether ``char`` is signed."""
        return self._told("char_signed", self._model.char_signed)

    @property
    def biggest_align(self) -> int:
        """Return the alignment that ``aligned`` without a number means."""
        return self._told("biggest_align", self._model.biggest_align)

    def _told(self, name: str, found: _F) -> _F:
        if name not in self._facts:
            self._facts.add(name)
            self.trail.append((name, _FACT, found))
        return found


_KNOWN: dict[Hashable, Any] = {}


def recalled(key: Hashable, env: MacroEnv, is_typedef: _IsType, model: Constants, make: Callable[[Asking], Any]) -> Any:
    """Return what *make* returns for *key*, from an earlier time when all that it asked has the same answers.

    *make* depends on *key* and on what it asks the Asking, and its value is not changed by anybody. A CSourceError that
    it raises is raised again: what is too large to expand takes longest.
    """
    node = _KNOWN.get(key)
    lookup = env.lookup
    while node.__class__ is _Question:
        answer: Hashable
        if node.kind == _MACRO:
            macro = lookup(node.name)
            answer = None if macro is None else macro.content
        elif node.kind == _TYPE:
            answer = is_typedef(node.name)
        else:
            answer = getattr(model, node.name)
        node = node.answers.get(answer)
    if node is not None:
        if isinstance(node.value, CSourceError):
            raise type(node.value)(node.value.pos, node.value.what)
        return node.value
    asking = Asking(env, is_typedef, model)
    try:
        value = make(asking)
    except CSourceError as error:
        _keep(key, asking.trail, type(error)(error.pos, error.what))
        raise
    _keep(key, asking.trail, value)
    return value


def _keep(key: Hashable, trail: list[tuple[str, int, Hashable]], value: Any) -> None:
    if len(_KNOWN) >= MAX_TEXTS:
        _KNOWN.clear()
    place: dict[Any, Any] = _KNOWN
    at: Hashable = key
    for name, kind, answer in trail:
        question = place.get(at)
        if question is None:
            question = place[at] = _Question(name, kind)
        place, at = question.answers, answer
    place[at] = _Result(value)
