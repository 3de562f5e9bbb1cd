"""Expressions: precedence climbing over expanded tokens."""

from ptlint.csrc.ast import (
    Alignof,
    Assign,
    Binary,
    Block,
    Call,
    Cast,
    Comma,
    CompoundLiteral,
    Conditional,
    Expr,
    FloatConst,
    GenericSelection,
    IncDec,
    Index,
    InitList,
    LabelAddress,
    MemberAccess,
    Name,
    Offsetof,
    Pos,
    SizeofExpr,
    SizeofType,
    StmtExpr,
    Type,
    TypeArg,
    Unary,
)
from ptlint.csrc.cparse_cursor import KEYWORDS, Cursor, pos_of
from ptlint.csrc.literals import character, integer, is_float, string

_PRECEDENCE = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_ASSIGNMENTS = frozenset(("=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&=", "^=", "|="))
_ALIGNOF = frozenset(("_Alignof", "__alignof__", "__alignof"))
_UNARY = frozenset(("+", "-", "!", "~", "*", "&"))
_POSTFIX = frozenset(("(", "[", ".", "->", "++", "--"))


class Expressions(Cursor):
    """The expression part of the grammar; types and blocks come from the classes that build on it."""

    def type_name(self) -> Type:
        """Read a type name."""
        raise NotImplementedError

    def starts_type(self, index: int) -> bool:
        """Return whether a type name begins at token *index*."""
        raise NotImplementedError

    def is_cast(self) -> bool:
        """Return whether the parenthesis that is next encloses a type name."""
        raise NotImplementedError

    def init_list(self) -> InitList:
        """Read a braced initialiser."""
        raise NotImplementedError

    def block(self) -> Block:
        """Read a compound statement."""
        raise NotImplementedError

    def expression(self) -> Expr:
        """Read an expression, commas included."""
        left = self.assignment()
        while self.accept(","):
            height = self.height
            right = self.assignment()
            self.grow(height, self.height)
            left = Comma(left, right, left.pos)
        return left

    def assignment(self) -> Expr:
        """Read an expression without a comma at its top."""
        self.enter()
        left = self.conditional()
        operator = self.tokens[self.at].text
        if operator in _ASSIGNMENTS:
            self.at += 1
            height = self.height
            value = self.assignment()
            self.grow(height, self.height)
            left = Assign(operator[:-1], left, value, left.pos)
        self.depth -= 1
        return left

    def conditional(self) -> Expr:
        """Read a conditional expression, which is also what a constant expression may be."""
        cond = self.binary(1)
        if self.tokens[self.at].text != "?":
            return cond
        self.at += 1
        self.enter()
        height = self.height
        then = None
        if self.tokens[self.at].text != ":":
            then = self.expression()
            height = max(height, self.height)
        self.expect(":")
        other = self.conditional()
        self.grow(height, self.height)
        self.depth -= 1
        return Conditional(cond, then, other, cond.pos)

    def binary(self, lowest: int) -> Expr:
        """Read operands joined by operators that bind at least as tightly as *lowest*."""
        left = self.unary()
        tokens = self.tokens
        while True:
            operator = tokens[self.at].text
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < lowest:
                return left
            self.at += 1
            height = self.height
            right = self.binary(precedence + 1)
            self.grow(height, self.height)
            left = Binary(operator, left, right, left.pos)

    def unary(self) -> Expr:
        """Read a cast or an expression with prefix operators."""
        token = self.tokens[self.at]
        text = token.text
        if token.kind == "punct":
            if text == "(":
                return self.cast() if self.is_cast() else self.postfix(self.primary())
            if text in _UNARY or text in ("++", "--", "&&"):
                return self.prefixed(text)
        elif text == "sizeof" or text in _ALIGNOF:
            return self.sized(text)
        return self.postfix(self.primary())

    def prefixed(self, operator: str) -> Expr:
        """Read an operator and its operand."""
        pos = self.pos
        self.at += 1
        if operator == "&&":
            self.height = 1
            return LabelAddress(self.identifier("a label").text, pos)
        self.enter()
        operand = self.unary()
        self.grow(self.height)
        self.depth -= 1
        if operator in ("++", "--"):
            return IncDec(operator, True, operand, pos)
        return Unary(operator, operand, pos)

    def cast(self) -> Expr:
        """Read ``(type)value`` or ``(type){ … }``."""
        pos = self.pos
        self.expect("(")
        self.enter()
        type_ = self.measured(self.type_name)
        type_height = self.height
        self.expect(")")
        if self.tokens[self.at].text == "{":
            literal = CompoundLiteral(type_, self.measured(self.init_list), pos)
            self.grow(type_height, self.height)
            self.depth -= 1
            return self.postfix(literal)
        value = self.unary()
        self.grow(type_height, self.height)
        self.depth -= 1
        return Cast(type_, value, pos)

    def sized(self, keyword: str) -> Expr:
        """Read ``sizeof`` or ``_Alignof`` and what it is of."""
        pos = self.pos
        self.at += 1
        self.enter()
        of: Type | Expr
        if self.text == "(" and self.is_cast():
            close = self.closing(self.at)
            if self.tokens[close + 1].text != "{":
                self.at += 1
                of = self.measured(self.type_name)
                self.expect(")")
                self.depth -= 1
                return SizeofType(of, pos) if keyword == "sizeof" else Alignof(of, pos)
        operand = self.unary()
        self.grow(self.height)
        self.depth -= 1
        return SizeofExpr(operand, pos) if keyword == "sizeof" else Alignof(operand, pos)

    def postfix(self, base: Expr) -> Expr:
        """Read the calls, subscripts, members and increments behind *base*."""
        while True:
            text = self.tokens[self.at].text
            if text not in _POSTFIX:
                return base
            self.at += 1
            height = self.height
            if text == "(":
                base = Call(base, self.arguments(), base.pos)
            elif text == "[":
                index = self.expression()
                self.expect("]")
                base = Index(base, index, base.pos)
            elif text in ("++", "--"):
                base = IncDec(text, False, base, base.pos)
            else:
                base = MemberAccess(base, self.identifier("a member name").text, text == "->", base.pos)
            self.grow(height, self.height)

    def arguments(self) -> tuple[Expr, ...]:
        """Read arguments up to and with the closing parenthesis. A type may stand for one."""
        if self.accept(")"):
            self.height = 1
            return ()
        arguments: list[Expr] = []
        height = 0
        while True:
            if self.starts_type(self.at):
                pos = self.pos
                arguments.append(TypeArg(self.measured(self.type_name), pos))
            else:
                arguments.append(self.assignment())
            height = max(height, self.height)
            if self.accept(")"):
                self.height = height
                return tuple(arguments)
            self.expect(",")

    def primary(self) -> Expr:
        """Read a name, a constant or something in parentheses."""
        token = self.tokens[self.at]
        self.height = 1
        match token.kind:
            case "id":
                if token.text in KEYWORDS:
                    return self.keyword(token.text)
                self.at += 1
                return Name(token.text, pos_of(token))
            case "num":
                self.at += 1
                if is_float(token.text):
                    return FloatConst(token.text, pos_of(token))
                return integer(token, pos_of(token), self.model)
            case "str":
                start = self.at
                while self.tokens[self.at].kind == "str":
                    self.at += 1
                return string(self.tokens[start : self.at], pos_of(token))
            case "char":
                self.at += 1
                return character(token, pos_of(token), self.model)
        if token.text != "(":
            raise self.error("expected an expression")
        return self.parenthesised()

    def parenthesised(self) -> Expr:
        """Read ``(expression)`` or ``({ statements })``."""
        pos = self.pos
        self.at += 1
        if self.text == "{":
            self.enter()
            inner: Expr = StmtExpr(self.measured(self.block), pos)
            self.depth -= 1
        else:
            inner = self.expression()
        self.expect(")")
        return inner

    def keyword(self, keyword: str) -> Expr:
        """Read an expression that begins with a keyword."""
        pos = self.pos
        if keyword == "_Generic":
            return self.measured(lambda: self.generic(pos))
        if keyword == "__builtin_offsetof":
            return self.measured(lambda: self.offset_of(pos))
        raise self.error("expected an expression")

    def generic(self, pos: Pos) -> Expr:
        """Read ``_Generic``."""
        self.at += 1
        self.expect("(")
        self.enter()
        control = self.assignment()
        choices: list[tuple[Type | None, Expr]] = []
        while self.accept(","):
            of = None if self.accept("default") else self.type_name()
            self.expect(":")
            choices.append((of, self.assignment()))
        self.expect(")")
        self.depth -= 1
        return GenericSelection(control, tuple(choices), pos)

    def offset_of(self, pos: Pos) -> Expr:
        """Read ``__builtin_offsetof``."""
        self.at += 1
        self.expect("(")
        of = self.type_name()
        self.expect(",")
        path: Expr = MemberAccess(Name("", pos), self.identifier("a member name").text, False, pos)
        path = self.postfix(path)
        self.expect(")")
        return Offsetof(of, path, pos)
