"""``#if`` expressions: parsed once per text, evaluated against a macro table.

Integer rules are those of the preprocessor: 64 bits, unsigned where an operand is, names that are no macros are 0.
Most conditions of the kernel test ``defined(X)``, a symbol that is a number, or a chain of such; those are answered
without expanding tokens. Whatever calls a function-like macro, or names one whose body is more than one token, is
expanded by the real rules.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, Protocol

MAX_DEPTH = 120  # nested parentheses and operators of one condition
MAX_LENGTH = 10_000  # signs of one condition: each is read anew for every unit that it cannot be understood in
MAX_CHAIN = 32  # object-like macros that name one another

_TOKEN = re.compile(
    r"""\s*(?:(?P<num>\.?\d(?:[eEpP][-+]|[\w.])*) | (?P<id>[A-Za-z_$][\w$]*) | (?P<chr>(?:u8|[LuU])?'(?:[^'\\]|\\.)+')
    | (?P<op>&&|\|\||<<|>>|[<>=!]=|[-+*/%&|^~!<>()?:,]) | (?P<str>"[^"\\]*+(?:\\.[^"\\]*+)*") | (?P<bad>\S))""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uUlL]*)$")
_SIMPLE = re.compile(r"\(?\s*(?:(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)|([A-Za-z_]\w*))\s*\)?$")
_HAS = frozenset({"__has_attribute", "__has_builtin", "__has_feature", "__has_extension", "__has_cpp_attribute"})
_HAS_INCLUDE = frozenset({"__has_include", "__has_include_next"})
_PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip


class ConditionError(Exception):
    """A condition that cannot be understood; ``what`` says why."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class _NeedsExpansion(Exception):
    """The quick evaluation met a macro that is more than a number or a name."""


class MacroView(Protocol):
    """What a condition asks of the macro table."""

    def is_defined(self, name: str) -> bool:
        """Return whether *name* is a macro."""

    def object_body(self, name: str) -> str | None:
        """Return the body of object-like macro *name* on one line, None when it is none or takes arguments."""

    def expand_text(self, text: str) -> str:
        """Return *text* with all macros expanded."""

    def has_include(self, spelled: str) -> bool:
        """Return whether ``#include`` of *spelled* (with its quotes) would find a file."""


class Number(NamedTuple):
    """A value of the preprocessor."""

    value: int
    unsigned: bool = False


class _Node(NamedTuple):
    kind: str  # num, id, defined, call, has, include, unary, binary, cond
    text: str = ""
    number: Number = Number(0)
    parts: "tuple[_Node, ...]" = ()


def evaluate(text: str, view: MacroView) -> bool:
    """Return whether the condition *text* (one line, no comments) holds. Raises ConditionError."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"a condition of more than {MAX_LENGTH} signs")
    node = parse(text)
    try:
        return _value(node, view, expanded=False).value != 0
    except _NeedsExpansion:
        expanded = parse(view.expand_text(_settle(text, view)))
        return _value(expanded, view, expanded=True).value != 0


@lru_cache(maxsize=1 << 14)
def parse(text: str) -> _Node:
    """Return the syntax of a condition. Raises ConditionError."""
    tokens = [(found.lastgroup or "", found.group(found.lastgroup or 0)) for found in _TOKEN.finditer(text)]
    parser = _Parser(tokens)
    node = parser.conditional(0)
    if not parser.at_end():
        raise ConditionError(f"unexpected {parser.peek()!r} in a condition")
    return node


def _settle(text: str, view: MacroView) -> str:
    """Return *text* with ``defined`` and the ``__has_…`` questions answered, which come before expansion."""
    out: list[str] = []
    tokens = [found.group(0).strip() for found in _TOKEN.finditer(text)]
    at = 0
    while at < len(tokens):
        word = tokens[at]
        if word == "defined" and at + 1 < len(tokens):
            paren = tokens[at + 1] == "("
            name = tokens[at + 2] if paren and at + 2 < len(tokens) else tokens[at + 1]
            out.append("1" if view.is_defined(name) else "0")
            at += 4 if paren else 2
        elif word in _HAS or word in _HAS_INCLUDE:
            close = at + 1
            while close < len(tokens) and tokens[close] != ")":
                close += 1
            inner = "".join(tokens[at + 2 : close])
            out.append(str(_has(word, inner, view)))
            at = close + 1
        else:
            out.append(word)
            at += 1
    return " ".join(out)


def _has(word: str, inner: str, view: MacroView) -> int:
    if word in _HAS_INCLUDE:
        return int(view.has_include(inner))
    return int(word == "__has_attribute")  # attributes never change what ptlint reads; builtins it does not know might


class _Parser:
    """A precedence parser over the tokens of one condition."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    def peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise ConditionError(f"expected {wanted!r} in a condition, found {self.peek() or 'its end'!r}")
        self._at += 1

    def conditional(self, depth: int) -> _Node:
        cond = self._binary(1, depth + 1)
        if self.peek() != "?":
            return cond
        self._at += 1
        then = self.conditional(depth + 1)
        self._take(":")
        return _Node("cond", parts=(cond, then, self.conditional(depth + 1)))

    def _binary(self, least: int, depth: int) -> _Node:
        if depth > MAX_DEPTH:
            raise ConditionError("a condition is nested too deeply")
        left = self._unary(depth + 1)
        length = 0
        while (rank := _PRECEDENCE.get(self.peek(), 0)) >= least:
            length += 1
            if length > MAX_DEPTH:
                raise ConditionError("a condition has too many operators")
            op = self.peek()
            self._at += 1
            left = _Node("binary", op, parts=(left, self._binary(rank + 1, depth + 1)))
        return left

    def _unary(self, depth: int) -> _Node:
        signs: list[str] = []
        while self.peek() in ("!", "-", "+", "~"):
            signs.append(self.peek())
            self._at += 1
        if len(signs) > MAX_DEPTH:
            raise ConditionError("a condition has too many operators")
        node = self._primary(depth)
        for sign in reversed(signs):
            node = _Node("unary", sign, parts=(node,))
        return node

    def _primary(self, depth: int) -> _Node:
        if self.at_end():
            raise ConditionError("a condition ends too early")
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind == "num":
            return _Node("num", text, number=_number(text))
        if kind == "chr":
            return _Node("num", text, number=Number(ord(text.strip("LuU8'")[-1:] or "\0")))
        if text == "(":
            node = self.conditional(depth + 1)
            self._take(")")
            return node
        if kind != "id":
            raise ConditionError(f"unexpected {text!r} in a condition")
        if text == "defined":
            return self._defined()
        if self.peek() == "(":
            return self._call(text)
        return _Node("id", text)

    def _defined(self) -> _Node:
        paren = self.peek() == "("
        self._at += paren
        if self.at_end() or self._tokens[self._at][0] != "id":
            raise ConditionError("defined without a name")
        node = _Node("defined", self.peek())
        self._at += 1
        if paren:
            self._take(")")
        return node

    def _call(self, name: str) -> _Node:
        inner: list[str] = []
        depth = 0
        while not self.at_end():
            text = self.peek()
            self._at += 1
            depth += (text == "(") - (text == ")")
            if depth == 0:
                return _Node(
                    "has" if name in _HAS or name in _HAS_INCLUDE else "call",
                    name,
                    parts=(_Node("id", "".join(inner[1:])),),
                )
            inner.append(text)
        raise ConditionError(f"{name}( is not closed in a condition")


def _number(text: str) -> Number:
    found = _NUMBER.match(text)
    if found is None:
        raise ConditionError(f"{text!r} is not an integer")
    digits, suffix = found.groups()
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
    try:
        value = int(digits, 8 if octal else 0)
    except ValueError:
        raise ConditionError(f"{text!r} is not an integer") from None
    return _wrap(value, "u" in suffix.lower() or value > (1 << 63) - 1)


def _wrap(value: int, unsigned: bool) -> Number:
    value &= (1 << 64) - 1
    return Number(value - (1 << 64) if not unsigned and value >> 63 else value, unsigned)


def _value(node: _Node, view: MacroView, expanded: bool) -> Number:
    match node.kind:
        case "num":
            return node.number
        case "defined":
            return Number(int(view.is_defined(node.text)))
        case "has":
            return Number(_has(node.text, node.parts[0].text, view))
        case "id":
            return Number(0) if expanded else _symbol(node.text, view)
        case "call":
            if expanded or not view.is_defined(node.text):
                raise ConditionError(f"{node.text}() is not a macro, in a condition")
            raise _NeedsExpansion
        case "unary":
            return _unary(node.text, _value(node.parts[0], view, expanded))
        case "cond":
            chosen = 1 if _value(node.parts[0], view, expanded).value else 2
            return _value(node.parts[chosen], view, expanded)
    left = _value(node.parts[0], view, expanded)
    if node.text == "&&":
        return Number(int(left.value != 0 and _value(node.parts[1], view, expanded).value != 0))
    if node.text == "||":
        return Number(int(left.value != 0 or _value(node.parts[1], view, expanded).value != 0))
    return _binary(node.text, left, _value(node.parts[1], view, expanded))


def _symbol(name: str, view: MacroView) -> Number:
    """Return the value of a name that is a number, a chain of names that ends in one, or no macro at all."""
    for _ in range(MAX_CHAIN):
        if not view.is_defined(name):
            return Number(int(name == "true"))
        body = view.object_body(name)
        simple = _SIMPLE.match(body) if body is not None else None
        if simple is None:
            raise _NeedsExpansion
        if simple.group(3) is None:
            return _number(simple.group(1) + simple.group(2))
        if simple.group(3) == name:
            return Number(0)
        name = simple.group(3)
    return Number(0)


def _unary(op: str, operand: Number) -> Number:
    operations: dict[str, Callable[[int], int]] = {"-": lambda x: -x, "+": lambda x: x, "~": lambda x: ~x}
    if op == "!":
        return Number(int(operand.value == 0))
    return _wrap(operations[op](operand.value), operand.unsigned)


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "&": lambda a, b: a & b, "|": lambda a, b: a | b, "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << (b & 63), ">>": lambda a, b: a >> (b & 63),
}  # fmt: skip


def _binary(op: str, left: Number, right: Number) -> Number:
    unsigned = left.unsigned if op in ("<<", ">>") else left.unsigned or right.unsigned
    a, b = (_wrap(left.value, unsigned).value, _wrap(right.value, unsigned).value)
    if op in _COMPARISONS:
        return Number(int(_COMPARISONS[op](a, b)))
    if op in _ARITHMETIC:
        return _wrap(_ARITHMETIC[op](a, b), unsigned)
    if b == 0:
        raise ConditionError("division by zero in a condition")
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return _wrap(quotient if op == "/" else a - b * quotient, unsigned)
