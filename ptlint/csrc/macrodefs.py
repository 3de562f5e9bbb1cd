"""Macro definitions, read from the text after ``#define``. ``csrc.macros`` puts them to use."""

import re
from dataclasses import dataclass, field
from typing import Protocol

from ptlint.csrc.ast import Pos
from ptlint.csrc.errors import MacroError
from ptlint.csrc.tokens import Token, spelling, tokenize

PREDEFINED = "<predefined>"  # the path of macros that the compiler and the configuration bring


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro. ``params`` is None for an object-like one; ``variadic`` names the parameter that takes the rest.

    ``text`` is the replacement as written, from ``line`` and ``column`` of ``path`` on; it becomes tokens on first use,
    since most macros of a translation unit are never used.
    """

    name: str
    params: tuple[str, ...] | None
    variadic: str | None
    text: str
    path: str
    line: int
    column: int = 1
    _body: list[tuple[Token, ...]] = field(default_factory=list, init=False, repr=False, compare=False)
    _content: list[int] = field(default_factory=list, init=False, repr=False, compare=False)
    _pieces: list[frozenset[str]] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def content(self) -> int:
        """Return a number that two macros share only when every use of them is the same to the parser.

        It steps over most attributes: macros that are nothing else (``notrace``) are one.
        """
        if not self._content:
            text = self.text or spelling(self.body)
            if self.params is None and _IDLE_ATTRIBUTE.fullmatch(text):
                text = "__attribute__(())"
            self._content.append(_CONTENTS.setdefault((self.params, self.variadic, text), len(_CONTENTS)))
        return self._content[0]

    @property
    def body(self) -> tuple[Token, ...]:
        """Return the tokens of the replacement."""
        if not self._body:
            self._body.append(tuple(tokenize(self.text, self.path, self.line, self.column)))
        return self._body[0]

    @property
    def pieces(self) -> frozenset[str]:
        """Return the words and numbers of the replacement."""
        if not self._pieces:
            self._pieces.append(frozenset(_PIECE.findall(self.text)))
        return self._pieces[0]

    @property
    def is_plain(self) -> bool:
        """Return whether nothing in the replacement is made of letters: no ``#``, ``##`` or ``__VA_OPT__``."""
        return "#" not in self.text and "__VA_OPT__" not in self.text and (bool(self.text) or not self.body)

    @property
    def is_function(self) -> bool:
        """Return whether it is used with arguments."""
        return self.params is not None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return all parameters with the variadic one last."""
        params = self.params or ()
        return params if self.variadic is None else (*params, self.variadic)

    def same_as(self, other: "Macro") -> bool:
        """Return whether a second definition is a permitted repetition: same parameters and spelling (C11 6.10.3)."""
        return (self.params, self.variadic) == (other.params, other.variadic) and spelling(self.body) == spelling(
            other.body
        )


_IDLE_ATTRIBUTE = re.compile(
    r"\s*__attribute__\s*\(\(\s*(?!_*(?:packed|aligned|cleanup|mode|vector_size)_*\b)\w+\s*(?:\([\d\s,]*\)\s*)?\)\)\s*"
)
_PIECE = re.compile(r"\w+")
_CONTENTS: dict[tuple[tuple[str, ...] | None, str | None, str], int] = {}


class MacroEnv(Protocol):
    """What is defined at some place of a translation unit."""

    def lookup(self, name: str) -> Macro | None:
        """Return the macro *name*, or None."""


_NAME = re.compile(r"[ \t\f\v]*+([A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*+)(\(([\w \t,.]*+)\))?")


def define_from(text: str, path: str, line: int, column: int = 1) -> Macro:
    """Return the macro that ``#define`` followed by *text* defines; *line* and *column* are where *text* begins.

    :raises MacroError: there is no name, or the parameter list is not one.
    """
    match = _NAME.match(text)
    if match is None:
        return _define_from_tokens(text, path, line, column)
    end = match.end()
    if match[2] is None:
        if text[end : end + 1] in ("(", "\\", "/"):
            return _define_from_tokens(text, path, line, column)
        return Macro(match[1], None, None, text[end:], path, line, column + end)
    names = [name.strip() for name in match[3].split(",")] if match[3].strip() else []
    params, variadic = _parameters(names, Pos(path, line, column))
    return Macro(match[1], params, variadic, text[end:], path, line, column + end)


def _define_from_tokens(text: str, path: str, line: int, column: int) -> Macro:
    # The long way, for names and parameter lists that continuations or comments interrupt.
    tokens = tokenize(text, path, line, column)
    where = Pos(path, line, column)
    if not tokens or tokens[0].kind != "id":
        raise MacroError(where, "#define without a name")
    if len(tokens) < 2 or tokens[1].text != "(" or tokens[1].space:
        macro = Macro(tokens[0].text, None, None, "", path, line, column)
        macro._body.append(tuple(tokens[1:]))
        return macro
    close = next((number for number, token in enumerate(tokens) if token.text == ")"), None)
    if close is None:
        raise MacroError(where, f"#define {tokens[0].text}: the parameter list has no end")
    names = "".join(token.text + " " if token.kind == "id" else token.text for token in tokens[2:close])
    params, variadic = _parameters([name.strip() for name in names.split(",")] if names else [], where)
    macro = Macro(tokens[0].text, params, variadic, "", path, line, column)
    macro._body.append(tuple(tokens[close + 1 :]))
    return macro


def _parameters(names: list[str], where: Pos) -> tuple[tuple[str, ...], str | None]:
    variadic = None
    if names and names[-1].endswith("..."):
        variadic = names.pop()[:-3].strip() or "__VA_ARGS__"
    everything = [*names, variadic] if variadic else names
    if not all(name.isidentifier() or name.replace("$", "_").isidentifier() for name in everything):
        raise MacroError(where, f"a macro parameter list cannot hold {', '.join(everything)!r}")
    if len(set(everything)) != len(everything):
        raise MacroError(where, "a macro parameter is named twice")
    return tuple(names), variadic
