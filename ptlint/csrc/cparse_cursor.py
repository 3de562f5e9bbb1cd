"""A place in a list of expanded tokens, and what the parser must remember while it moves."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ptlint.csrc.ast import Pos
from ptlint.csrc.datamodel import Constants
from ptlint.csrc.errors import CParseError
from ptlint.csrc.tokens import Token

_T = TypeVar("_T")

NESTING_LIMIT = 400
"""How deeply constructs may nest. A pair of parentheses counts twice (an expression, and an operand in it)."""

HEIGHT_LIMIT = 600
"""How many operators may hang below one another in an expression, ``a + b + c …`` included."""


class Names(Protocol):
    """What the parser must know of the names around the text it reads."""

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name at file scope."""


# Qualifiers and markers that mean nothing to ptlint, wherever they stand. ``volatile`` counts only behind ``asm``.
_DROPPED = frozenset(("__extension__", "const", "__const", "__const__", "_Noreturn")) | {
    *("restrict", "__restrict", "__restrict__", "__seg_gs", "__seg_fs"),
}
_VOLATILE = frozenset(("volatile", "__volatile", "__volatile__"))
_BEHIND_ASM = frozenset(("asm", "__asm", "__asm__", "inline", "__inline", "__inline__", "goto"))


def _without_noise(tokens: list[Token] | tuple[Token, ...]) -> list[Token]:
    kept: list[Token] = []
    skip_pragma = 0
    for token in tokens:
        text = token.text
        if skip_pragma:
            skip_pragma += {"(": 1, ")": -1}.get(text, 0)
            if text == ")" and skip_pragma == 1:
                skip_pragma = 0
        elif text == "_Pragma":
            skip_pragma = 1
        elif text in _DROPPED or (text in _VOLATILE and not (kept and kept[-1].text in _BEHIND_ASM)):
            continue
        else:
            kept.append(token)
    return kept


def pos_of(token: Token) -> Pos:
    """Return the place of *token*."""
    return tuple.__new__(Pos, (token[2], token[3], token[4], token[6]))


def _closers(tokens: Sequence[Token]) -> dict[int, int]:
    """Return, for each opening bracket that is closed, where."""
    found: dict[int, int] = {}
    stack: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in ("(", "[", "{"):
            stack.append(index)
        elif stack and token.text in (")", "]", "}"):
            found[stack.pop()] = index
    return found


class Cursor:
    """Tokens, the place in them, scopes and bounds."""

    def __init__(self, tokens: list[Token] | tuple[Token, ...], names: Names, model: Constants) -> None:
        kept = _without_noise(tokens)
        last = kept[-1] if kept else Token("eof", "", "", 0, 0)
        end = Token("eof", "", last.path, last.line, last.column + len(last.text), False, last.macro)
        self.tokens = [*kept, end, end, end, end]
        self.at = 0
        self.model = model
        self.depth = 0
        self.height = 0
        self._tallest = 0
        self._closers: dict[int, int] | None = None
        self._names = names
        self._known: dict[str, bool] = {}
        self._scopes: list[dict[str, bool]] = [{}]

    # --- moving

    @property
    def pos(self) -> Pos:
        """Return the place of the next token."""
        return pos_of(self.tokens[self.at])

    @property
    def text(self) -> str:
        """Return the text of the next token, empty at the end."""
        return self.tokens[self.at].text

    def accept(self, text: str) -> bool:
        """Step over *text* if it is next."""
        if self.tokens[self.at].text == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        """Step over *text*, which must be next."""
        token = self.tokens[self.at]
        if token.text != text:
            raise self.error(f"expected {text!r}")
        self.at += 1
        return token

    def identifier(self, what: str) -> Token:
        """Step over a name that is not a keyword."""
        token = self.tokens[self.at]
        if token.kind != "id" or token.text in KEYWORDS:
            raise self.error(f"expected {what}")
        self.at += 1
        return token

    def closing(self, start: int) -> int:
        """Return the index of the bracket that closes the one at *start*."""
        if self._closers is None:
            self._closers = _closers(self.tokens)
        if start not in self._closers:
            raise CParseError(pos_of(self.tokens[start]), f"{self.tokens[start].text!r} is never closed")
        return self._closers[start]

    def error(self, what: str) -> CParseError:
        """Return the error *what* at the next token."""
        token = self.tokens[self.at]
        found = "the end" if token.kind == "eof" else repr(token.text)
        return CParseError(pos_of(token), f"{what}, found {found}")

    # --- bounds

    def enter(self, levels: int = 1) -> None:
        """Go *levels* deeper; the caller takes them back from ``depth`` when it is done."""
        self.depth += levels
        if self.depth > NESTING_LIMIT:
            raise CParseError(self.pos, "nested too deeply")

    def grow(self, left: int, right: int = 0) -> None:
        """Note that a node was put over operands of these heights."""
        self.height = (left if left > right else right) + 1
        if self.height > self._tallest:
            self._tallest = self.height
            if self.height > HEIGHT_LIMIT:
                raise CParseError(self.pos, "nested too deeply")

    def measured(self, read: Callable[[], _T]) -> _T:
        """Return what *read* reads, and let ``height`` be more than that of any expression inside."""
        outer, self._tallest = self._tallest, 0
        result = read()
        inner, self._tallest = self._tallest, outer
        self.grow(inner)
        return result

    # --- scopes

    def push_scope(self) -> None:
        """Begin a scope in which names may be declared anew."""
        self._scopes.append({})

    def pop_scope(self) -> None:
        """End the innermost scope."""
        self._scopes.pop()

    def declare(self, name: str, is_typedef: bool) -> None:
        """Remember what *name* is from here to the end of the scope."""
        self._scopes[-1][name] = is_typedef

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name here."""
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = name in BUILTIN_TYPEDEFS or self._names.is_typedef(name)
        return known

    def is_object(self, name: str) -> bool:
        """Return whether *name* was declared in the text read so far as something else than a type."""
        for scope in reversed(self._scopes):
            if name in scope:
                return not scope[name]
        return False


BUILTIN_TYPEDEFS = frozenset(("__int128_t", "__uint128_t", "__builtin_va_list"))

_WORDS = """
auto break case char continue default do double else enum extern float for goto if inline int long register return
short signed sizeof static struct switch typedef union unsigned void while _Alignas _Alignof _Atomic _Bool _Complex
_Generic _Static_assert _Thread_local __alignof __alignof__ __asm __asm__ asm __attribute __attribute__ __auto_type
__builtin_offsetof __complex__ __imag__ __inline __inline__ __int128 __label__ __real__ __signed
__signed__ __thread __typeof __typeof__ typeof typeof_unqual __typeof_unqual__
"""
KEYWORDS = frozenset(_WORDS.split())
"""The names that cannot be declared."""
