"""What can go wrong while C is read. None of these is the user's doing: callers turn them into "not understood"."""

from ptlint.csrc.ast import Pos

LONGEST = 400
"""Characters of what an error says: names in it may have millions."""


def brief(what: str) -> str:
    """Return *what*, its middle left out where it is longer than anybody reads."""
    return what if len(what) <= LONGEST else f"{what[: LONGEST // 2]}…{what[-LONGEST // 2 :]}"


class CSourceError(Exception):
    """C that ptlint does not take in: where, and what. The base of all errors of the C front end."""

    def __init__(self, pos: Pos, what: str) -> None:
        self.pos = pos
        self.what = brief(what)
        super().__init__(pos, self.what)

    def __str__(self) -> str:
        return f"{self.pos.path}:{self.pos.line}:{self.pos.column}: {self.what}" if self.pos.path else self.what


class MacroError(CSourceError):
    """A macro definition or use that the preprocessor rules do not allow."""


class MacroLimit(MacroError):
    """An expansion that would grow beyond its bound."""


class CParseError(CSourceError):
    """Tokens that are no C, or C that ptlint does not read."""


class CTypeError(CSourceError):
    """A type that cannot be resolved: unknown name, incomplete where a size is needed, or not supported."""


class IncompleteType(CTypeError):
    """A type whose size is asked for and not known: a record without members, ``[]``, a function."""


class ConstError(CSourceError):
    """An expression that is not an integer constant, or whose value is undefined."""
