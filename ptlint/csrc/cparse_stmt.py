"""Statements."""

from ptlint.csrc.ast import (
    Block,
    Break,
    Case,
    Continue,
    Declaration,
    Default,
    Expr,
    ExprStmt,
    For,
    Goto,
    If,
    Label,
    NestedFunction,
    Pos,
    Return,
    Stmt,
    Switch,
    While,
)
from ptlint.csrc.cparse_attr import ATTRIBUTE, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS, pos_of
from ptlint.csrc.cparse_decl import Declarations


class Statements(Declarations):
    """The whole grammar: statements, over all that stands in them."""

    def block(self) -> Block:
        """Read a compound statement."""
        pos = self.pos
        self.expect("{")
        self.push_scope()
        items: list[Stmt] = []
        while self.text != "}":
            items.append(self.item())
        self.pop_scope()
        return Block(tuple(items), pos, pos_of(self.expect("}")))

    def item(self) -> Stmt:
        """Read a declaration or a statement."""
        if self.starts_declaration():
            self.enter()
            declaration = self.declaration()
            self.depth -= 1
            return declaration
        return self.statement()

    def statement(self) -> Stmt:
        """Read a statement."""
        self.enter()
        token = self.tokens[self.at]
        text = token.text
        if token.kind == "id":
            read = _STATEMENTS.get(text)
            if read is not None:
                found = read(self)
            elif text in ("case", "default") or (self.tokens[self.at + 1].text == ":" and text not in KEYWORDS):
                found = self.labelled()
            else:
                found = self.expression_statement()
        elif text == "{":
            found = self.block()
        else:
            found = self.expression_statement()
        self.depth -= 1
        return found

    def expression_statement(self) -> Stmt:
        """Read an expression or nothing, and the semicolon."""
        pos = self.pos
        if self.text in ATTRIBUTE:
            self.attributes(Attributes())
        elif self.text == "fallthrough" and not self.is_object("fallthrough"):
            self.at += 1
        if self.accept(";"):
            return ExprStmt(None, pos)
        expr = self.expression()
        self.expect(";")
        return ExprStmt(expr, pos)

    def labelled(self) -> Stmt:
        """Read labels and cases, as many as stand together, and the statement behind them."""
        labels: list[tuple[str, Expr | None, Expr | None, Pos]] = []
        while True:
            token = self.tokens[self.at]
            text = token.text
            if text == "case":
                self.at += 1
                low = self.conditional()
                high = self.conditional() if self.accept("...") else None
                labels.append(("case", low, high, pos_of(token)))
            elif (
                token.kind == "id"
                and self.tokens[self.at + 1].text == ":"
                and (text == "default" or text not in KEYWORDS)
            ):
                self.at += 1
                labels.append((text, None, None, pos_of(token)))
            else:
                break
            self.expect(":")
            self.attributes(Attributes())
        self.enter(len(labels))
        body: Stmt = ExprStmt(None, self.pos) if self.text == "}" else self.item()
        self.depth -= len(labels)
        for name, low_value, high_value, pos in reversed(labels):
            if low_value is not None:
                body = Case(low_value, high_value, body, pos)
            elif name == "default":
                body = Default(body, pos)
            else:
                body = Label(name, body, pos)
        return body

    def condition(self) -> Expr:
        """Read a keyword and the parenthesised expression behind it."""
        self.at += 1
        self.expect("(")
        cond = self.expression()
        self.expect(")")
        return cond

    def if_(self) -> Stmt:
        """Read ``if``."""
        pos = self.pos
        cond = self.condition()
        then = self.statement()
        return If(cond, then, self.statement() if self.accept("else") else None, pos)

    def while_(self) -> Stmt:
        """Read ``while``."""
        pos = self.pos
        cond = self.condition()
        return While(cond, self.statement(), False, pos)

    def switch(self) -> Stmt:
        """Read ``switch``."""
        pos = self.pos
        cond = self.condition()
        return Switch(cond, self.statement(), pos)

    def do(self) -> Stmt:
        """Read ``do … while``."""
        pos = self.pos
        self.at += 1
        body = self.statement()
        if self.text != "while":
            raise self.error("expected 'while'")
        cond = self.condition()
        self.expect(";")
        return While(cond, body, True, pos)

    def for_(self) -> Stmt:
        """Read ``for``."""
        pos = self.pos
        self.at += 1
        self.expect("(")
        self.push_scope()
        init: Declaration | Expr | None = None
        if self.starts_declaration():
            declaration = self.declaration()
            if isinstance(declaration, NestedFunction):
                raise self.error("a function cannot be defined here")
            init = declaration
        else:
            init = self.expression() if self.text != ";" else None
            self.expect(";")
        cond = self.expression() if self.text != ";" else None
        self.expect(";")
        step = self.expression() if self.text != ")" else None
        self.expect(")")
        body = self.statement()
        self.pop_scope()
        return For(init, cond, step, body, pos)

    def goto(self) -> Stmt:
        """Read ``goto``."""
        pos = self.pos
        self.at += 1
        if self.accept("*"):
            target = self.expression()
            self.expect(";")
            return Goto("", pos, target)
        label = self.identifier("a label").text
        self.expect(";")
        return Goto(label, pos)

    def jump(self) -> Stmt:
        """Read ``break``, ``continue`` or ``return``."""
        pos = self.pos
        keyword = self.text
        self.at += 1
        if keyword == "return":
            value = self.expression() if self.text != ";" else None
            self.expect(";")
            return Return(value, pos)
        self.expect(";")
        return Break(pos) if keyword == "break" else Continue(pos)

    def local_labels(self) -> Stmt:
        """Read ``__label__``, which changes nothing for what ptlint asks."""
        pos = self.pos
        self.at += 1
        self.identifier("a label")
        while self.accept(","):
            self.identifier("a label")
        self.expect(";")
        return ExprStmt(None, pos)


_STATEMENTS = {
    "if": Statements.if_,
    "while": Statements.while_,
    "do": Statements.do,
    "for": Statements.for_,
    "switch": Statements.switch,
    "goto": Statements.goto,
    "break": Statements.jump,
    "continue": Statements.jump,
    "return": Statements.jump,
    "__label__": Statements.local_labels,
    "_Static_assert": Statements.static_assert,
    "asm": Statements.asm,
    "__asm__": Statements.asm,
    "__asm": Statements.asm,
}
