"""Macro expansion of a token stream, by the rules of C11 6.10.3 with GNU's extensions.

The algorithm is Dave Prosser's (hide sets); ``tests/csrc/test_macros_gcc.py`` compares it with ``gcc -E``.
"""

from collections.abc import Container, Iterator
from itertools import count

from ptlint.csrc.ast import Pos
from ptlint.csrc.errors import MacroError, MacroLimit
from ptlint.csrc.macrodefs import Macro, MacroEnv, define_from
from ptlint.csrc.tokens import NOTHING, Token, spelling, tokenize

__all__ = ["TOKEN_LIMIT", "Macro", "MacroEnv", "define_from", "expand", "position"]

TOKEN_LIMIT = 150_000
"""How many tokens one expansion may produce, nested ones included."""

NESTING_LIMIT = 100
"""How deep macro uses may stand in the arguments of macro uses."""

CHAIN_LIMIT = 400
"""How many macros may lead from one to the next: what each token remembers of them grows with it."""

_Arguments = dict[str, list[Token]]


def expand(
    tokens: list[Token] | tuple[Token, ...],
    env: MacroEnv,
    keep: Container[str] = NOTHING,
    limit: int = TOKEN_LIMIT,
    used: set[str] | None = None,
) -> list[Token]:
    """Return *tokens* with every macro of *env* expanded.

    Macros named in *keep* stay where they are called (their arguments are expanded). A token that a macro produced
    gets the place of the outermost use and that macro's name; an argument keeps its own place. ``__LINE__``,
    ``__FILE__`` and ``__COUNTER__`` (counting from 0 in each call) are built in. Names of expanded macros are added
    to *used*.

    :raises MacroError: a use does not fit its macro, or its argument list has no end.
    :raises MacroLimit: more than *limit* tokens would come out, or uses nest too deeply.
    """
    return _Expander(env, keep, limit, used if used is not None else set()).run(tokens, 0)


class _Expander:
    def __init__(self, env: MacroEnv, keep: Container[str], limit: int, used: set[str]) -> None:
        self.env = env
        self.keep = keep
        self.budget = limit
        self.used = used
        self.counter: Iterator[int] = count()
        self.left_over = False  # whether white space stands behind what ``run`` returned last
        self.unions: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}

    def run(self, tokens: list[Token] | tuple[Token, ...], depth: int) -> list[Token]:
        if depth > NESTING_LIMIT:
            raise MacroLimit(position(tokens[0]), "macro uses nest too deeply")
        pending = list(tokens)
        pending.reverse()
        result: list[Token] = []
        left_over = False
        lookup, keep = self.env.lookup, self.keep
        while pending:
            token = pending.pop()
            name = token.text
            if token.kind != "id" or name in token.hide:
                result.append(token)
                continue
            macro = lookup(name)
            if macro is None:
                result.append(self.builtin(token) if name in _BUILTIN else token)
            elif macro.params is None and not (name in keep and pending and pending[-1].text == "("):
                self.used.add(name)
                hide = self.union(token.hide, frozenset((name,)))
                left_over = self.push(pending, token, self.substitute(macro, {}, token, hide, depth), hide)
            elif name in keep or not pending or pending[-1].text != "(" or pending[-1].kind != "punct":
                result.append(token)
            else:
                self.used.add(name)
                arguments, close = self.arguments(macro, token, pending)
                hide = (token.hide & close.hide) | {name}
                left_over = self.push(pending, token, self.substitute(macro, arguments, token, hide, depth), hide)
        self.left_over = left_over
        return result

    def push(self, pending: list[Token], use: Token, replacement: list[Token], hide: frozenset[str]) -> bool:
        # The last element of a replacement is an ``eof`` that carries the white space left over at its end. What is
        # left over at the end of everything is returned.
        rest = replacement.pop()
        self.spend(len(replacement), use)
        if not replacement:
            space = use.space or rest.space
            if pending and space and not pending[-1].space:
                pending[-1] = pending[-1]._replace(space=True)
            return space and not pending
        if rest.space and pending and not pending[-1].space:
            pending[-1] = pending[-1]._replace(space=True)
        if len(hide) > CHAIN_LIMIT:
            raise MacroLimit(position(use), f"more than {CHAIN_LIMIT} macros lead from one to the next")
        replacement.reverse()
        pending += replacement
        first = pending[-1]
        if first.space != use.space:
            pending[-1] = first._replace(space=use.space)
        return False

    def union(self, left: frozenset[str], right: frozenset[str]) -> frozenset[str]:
        if not left:
            return right
        key = (left, right)
        found = self.unions.get(key)
        if found is None:
            found = self.unions[key] = left | right
        return found

    def spend(self, amount: int, use: Token) -> None:
        self.budget -= amount
        if self.budget < 0:
            raise MacroLimit(position(use), f"the expansion of {use.macro or use.text} is too large")

    def builtin(self, token: Token) -> Token:
        match token.text:
            case "__LINE__":
                return token._replace(kind="num", text=str(token.line))
            case "__FILE__":
                return token._replace(kind="str", text=_quoted(token.path))
            case _:
                return token._replace(kind="num", text=str(next(self.counter)))

    def arguments(self, macro: Macro, use: Token, pending: list[Token]) -> tuple[_Arguments, Token]:
        names = macro.parameters
        collected, close = self.collect(use, pending, len(names), macro.variadic is not None)
        if len(names) == 0 and collected == [[]]:
            collected = []
        omitted = macro.variadic is not None and len(collected) == len(names) - 1
        if omitted:
            collected.append([])
        if len(collected) != len(names):
            needs = f"{len(names)} arguments, not {len(collected)}"
            raise MacroError(position(use), f"macro {macro.name} takes {needs}")
        arguments = dict(zip(names, collected, strict=True))
        if macro.variadic is not None and (omitted or (len(names) == 1 and not collected[0])):
            arguments[_OMITTED] = []
        return arguments, close

    def collect(self, use: Token, pending: list[Token], wanted: int, variadic: bool) -> tuple[list[list[Token]], Token]:
        pending.pop()
        depth = 1
        current: list[Token] = []
        collected = [current]
        while pending:
            token = pending.pop()
            text = token.text
            if token.kind == "punct":
                if text == "(":
                    depth += 1
                elif text == ")":
                    depth -= 1
                    if depth == 0:
                        return collected, token
                elif text == "," and depth == 1 and not (variadic and len(collected) == wanted):
                    current = []
                    collected.append(current)
                    continue
            current.append(token)
        raise MacroError(position(use), f"the arguments of macro {use.text} have no end")

    def substitute(
        self, macro: Macro, arguments: _Arguments, use: Token, hide: frozenset[str], depth: int
    ) -> list[Token]:
        """Return the replacement of one use, followed by an ``eof`` token that carries white space at its end."""
        if macro.is_plain:
            return self.replaced(macro.body, arguments, use, hide, depth)
        return self.hidden(_Substitution(self, macro, arguments, use, depth).run(macro.body), hide)

    def replaced(
        self, body: tuple[Token, ...], arguments: _Arguments, use: Token, hide: frozenset[str], depth: int
    ) -> list[Token]:
        """Return the replacement by a body without ``#``, ``##`` and ``__VA_OPT__``."""
        path, line, column, origin = use.path, use.line, use.column, use.macro or use.text
        new_token = tuple.__new__
        result: list[Token] = []
        expanded: dict[str, tuple[list[Token], bool]] = {}
        space = False
        for token in body:
            kind, text, space_before = token.kind, token.text, space or token.space
            if kind == "id" and text in arguments:
                if text not in expanded:
                    expanded[text] = self.hidden(self.run(arguments[text], depth + 1), hide), self.left_over
                inside, left_over = expanded[text]
                space = left_over or (space_before and not inside)
                if inside:
                    at = len(result)
                    result += inside
                    if inside[0].space != space_before:
                        result[at] = inside[0]._replace(space=space_before)
                    if len(result) > self.budget:
                        self.spend(len(result), use)
            else:
                space = False
                result.append(new_token(Token, (kind, text, path, line, column, space_before, origin, hide)))
        if len(result) > self.budget:
            self.spend(len(result), use)
        result.append(use._replace(kind="eof", space=space))
        return result

    def hidden(self, tokens: list[Token], hide: frozenset[str]) -> list[Token]:
        """Return *tokens* with the macros of *hide* hidden from each."""
        union = self.union
        new_token = tuple.__new__
        return [
            new_token(Token, (kind, text, path, line, column, space, macro, union(hidden, hide) if hidden else hide))
            for kind, text, path, line, column, space, macro, hidden in tokens
        ]


class _Substitution:
    """One use of one macro: parameters replaced, ``#`` and ``##`` done, before the result is scanned again."""

    def __init__(self, expander: _Expander, macro: Macro, arguments: _Arguments, use: Token, depth: int) -> None:
        self.expander = expander
        self.macro = macro
        self.arguments = arguments
        self.expanded: _Arguments = {}
        self.behind: dict[str, bool] = {}  # of an expanded argument, whether white space stands behind it
        self.use = use
        self.origin = use.macro or use.text
        self.depth = depth

    def run(self, body: tuple[Token, ...]) -> list[Token]:
        result: list[Token] = []
        number, size, space = 0, len(body), False
        while number < size:
            first, single = body[number], number + 1
            operand, number = self.operand(body, number, pasted=_is_paste(body, number - 1))
            while number < size - 1 and _is_paste(body, number):
                is_comma = first.text == "," and len(operand) == 1 and body[number + 1].text == self.macro.variadic
                right, number = self.operand(body, number + 1, pasted=True)
                if is_comma:
                    operand = [] if _OMITTED in self.arguments else operand + right
                else:
                    operand = self.paste(operand, right)
            space = space or first.space
            left_over = number == single and first.text in self.behind and self.behind[first.text]
            if operand:
                if operand[0].space != space:
                    operand[0] = operand[0]._replace(space=space)
                space = False
                result += operand
                if len(result) > self.expander.budget:
                    self.expander.spend(len(result), self.use)
            space = space or left_over
        result.append(self.use._replace(kind="eof", space=space))
        return result

    def operand(self, body: tuple[Token, ...], number: int, pasted: bool) -> tuple[list[Token], int]:
        token = body[number]
        following = number + 1
        if token.text == "#" and self.macro.params is not None and following < len(body):
            content, after = self.operand_of_stringize(body, following)
            if content is not None:
                text = _quoted_tokens(content)
                self.expander.spend(len(text) // 16, self.use)
                return [self.made("str", text, token)], after
        if token.kind == "id":
            if token.text == "__VA_OPT__" and self.macro.variadic and following < len(body):
                return self.va_opt(body, number)
            if token.text in self.arguments:
                if pasted or _is_paste(body, following):
                    return list(self.arguments[token.text]), following
                return list(self.argument(token.text)), following
        return [self.made(token.kind, token.text, token)], following

    def operand_of_stringize(self, body: tuple[Token, ...], number: int) -> tuple[list[Token] | None, int]:
        token = body[number]
        if token.text == "__VA_OPT__" and self.macro.variadic and number + 1 < len(body):
            return self.va_opt(body, number)
        if token.text in self.arguments and token.text != _OMITTED:
            return self.arguments[token.text], number + 1
        return None, number

    def va_opt(self, body: tuple[Token, ...], number: int) -> tuple[list[Token], int]:
        # __VA_OPT__(content): content when the variadic argument has tokens, else nothing.
        depth = 0
        for close in range(number + 1, len(body)):
            depth += {"(": 1, ")": -1}.get(body[close].text, 0)
            if depth == 0:
                break
        else:
            raise MacroError(position(self.use), f"macro {self.macro.name}: __VA_OPT__ has no end")
        content = body[number + 2 : close]
        if any(token.text == "__VA_OPT__" for token in content):
            raise MacroError(position(self.use), f"macro {self.macro.name}: __VA_OPT__ inside __VA_OPT__")
        variadic = self.macro.variadic or ""
        if not self.argument(variadic):
            return [], close + 1
        return self.run(content)[:-1], close + 1

    def argument(self, name: str) -> list[Token]:
        if name not in self.expanded:
            self.expanded[name] = self.expander.run(self.arguments[name], self.depth + 1)
            self.behind[name] = self.expander.left_over
        return self.expanded[name]

    def paste(self, left: list[Token], right: list[Token]) -> list[Token]:
        if not left or not right:
            return left or right
        first, second = left[-1], right[0]
        text = first.text + second.text
        self.expander.spend(len(text) // 16, self.use)
        made = tokenize(text, first.path)
        if len(made) != 1:
            return [*left, second._replace(space=False), *right[1:]]
        pasted = first._replace(kind=made[0].kind, text=text, hide=first.hide & second.hide)
        return [*left[:-1], pasted, *right[1:]]

    def made(self, kind: str, text: str, body_token: Token) -> Token:
        use = self.use
        fields = (kind, text, use.path, use.line, use.column, body_token.space, self.origin, NOTHING)
        return tuple.__new__(Token, fields)


_BUILTIN = frozenset(("__LINE__", "__FILE__", "__COUNTER__"))
_OMITTED = "..."  # no parameter can have this name: marks a variadic argument that was left out


def position(token: Token) -> Pos:
    """Return where *token* stands."""
    return Pos(token.path, token.line, token.column, token.macro)


def _is_paste(body: tuple[Token, ...], number: int) -> bool:
    return 0 <= number < len(body) and body[number].text == "##" and body[number].kind == "punct"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted_tokens(tokens: list[Token]) -> str:
    escaped = [
        token._replace(text=token.text.replace("\\", "\\\\").replace('"', '\\"'))
        if token.kind in ("str", "char")
        else token
        for token in tokens
    ]
    return '"' + spelling(escaped) + '"'
