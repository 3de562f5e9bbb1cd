"""Declarations, statements and what stands at file scope."""

from ptlint.csrc.ast import (
    Asm,
    AsmOperand,
    Block,
    Break,
    Case,
    Continue,
    Declaration,
    Declarator,
    Default,
    Designator,
    Expr,
    ExprStmt,
    External,
    For,
    FunctionDef,
    FunctionType,
    Goto,
    If,
    InitItem,
    InitList,
    Label,
    NestedFunction,
    Pos,
    Return,
    StaticAssert,
    Stmt,
    Switch,
    Type,
    TypeofExpr,
    While,
)
from ptlint.csrc.cparse_attr import ASM, ATTRIBUTE, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS, pos_of
from ptlint.csrc.cparse_type import AUTO, STORAGE, TYPE_WORDS, Types
from ptlint.csrc.literals import string

_ASM_QUALIFIERS = frozenset(("volatile", "__volatile", "__volatile__", "goto", "inline", "__inline", "__inline__"))


class Statements(Types):
    """The part of the grammar that reads declarations, statements and functions."""

    # --- initialisers

    def init_list(self) -> InitList:
        """Read a braced initialiser."""
        pos = self.pos
        self.expect("{")
        self.enter()
        items: list[InitItem] = []
        while not self.accept("}"):
            designators = self.designators()
            items.append(InitItem(designators, self.initialiser()))
            if not self.accept(","):
                self.expect("}")
                break
        self.depth -= 1
        return InitList(tuple(items), pos)

    def initialiser(self) -> Expr | InitList:
        """Read an initialiser."""
        return self.init_list() if self.text == "{" else self.assignment()

    def designators(self) -> tuple[Designator, ...]:
        """Read designators and their ``=``, in the GNU spellings too; none is an empty tuple."""
        if self.tokens[self.at].kind == "id" and self.tokens[self.at + 1].text == ":":
            name = self.identifier("a member name").text
            self.at += 1
            return (Designator(name),)
        found: list[Designator] = []
        while True:
            if self.accept("."):
                found.append(Designator(self.identifier("a member name").text))
            elif self.accept("["):
                index = self.conditional()
                last = self.conditional() if self.accept("...") else None
                self.expect("]")
                found.append(Designator(None, index, last))
            else:
                break
        if found and not self.accept("=") and found[-1].name is not None:
            raise self.error("expected '='")
        return tuple(found)

    # --- declarations

    def starts_declaration(self) -> bool:
        """Return whether a declaration and no expression is next in a block."""
        token = self.tokens[self.at]
        if token.kind != "id":
            return False
        text = token.text
        if text in STORAGE or text in TYPE_WORDS or text in ("_Alignas", "__builtin_va_list"):
            return True
        if text in ATTRIBUTE:
            return self.tokens[self.closing(self.at + 1) + 1].text != ";"
        following = self.tokens[self.at + 1]
        if text in KEYWORDS or following.text == ":":
            return False
        if self.is_typedef(text):
            return True
        if following.kind == "id" and not self.is_object(text):
            return following.text not in KEYWORDS or following.text in TYPE_WORDS or following.text in STORAGE
        return self._declares_pointer(self.at)

    def _declares_pointer(self, index: int) -> bool:
        # ``unknown * name`` followed by what follows a declarator: as an expression it would be pointless.
        if self.tokens[index + 1].text != "*" or self.is_object(self.tokens[index].text):
            return False
        after = index + 1
        while self.tokens[after].text == "*":
            after += 1
        return self.tokens[after].kind == "id" and self.tokens[after + 1].text in (";", "=", ",", "[")

    def declaration(self) -> Declaration | NestedFunction:
        """Read a declaration in a block, or a function nested in one."""
        external = self.external_declaration()
        if isinstance(external, FunctionDef):
            return NestedFunction(external, external.pos)
        return external

    def external_declaration(self) -> Declaration | FunctionDef:
        """Read a declaration or a function."""
        pos = self.pos
        storage: set[str] = set()
        shared = Attributes()
        base = self.specifiers(storage, shared)
        declarators: list[Declarator] = []
        while self.text != ";":
            found = Attributes(cleanup=shared.cleanup)
            token, type_ = self.declarator(base, found)
            if token is None:
                raise self.error("expected a name to declare")
            self.attributes(found, annotations=True)
            if self.text == "{" and isinstance(type_, FunctionType) and not declarators:
                return self.function(token.text, type_, frozenset(storage), pos_of(token))
            self.declare(token.text, "typedef" in storage)
            init = self.initialiser() if self.accept("=") else None
            type_ = self._deduced(type_, init)
            declarators.append(Declarator(token.text, type_, init, pos_of(token), found.cleanup))
            self.attributes(found)
            if not self.accept(","):
                break
        self.expect(";")
        if base is AUTO:
            base = declarators[0].type if declarators else base
        return Declaration(frozenset(storage), base, tuple(declarators), pos)

    def _deduced(self, type_: Type, init: Expr | InitList | None) -> Type:
        if type_ is not AUTO:
            return type_
        if init is None or isinstance(init, InitList):
            raise self.error("__auto_type needs an initialiser")
        return TypeofExpr(init)

    def function(self, name: str, type_: FunctionType, storage: frozenset[str], pos: Pos) -> FunctionDef:
        """Read the body of a function whose declarator was read."""
        self.declare(name, False)
        self.push_scope()
        for param in type_.params:
            if param.name is not None:
                self.declare(param.name, False)
        body = self.block()
        self.pop_scope()
        return FunctionDef(name, type_, body, storage, pos, body.end)

    def externals(self) -> list[External]:
        """Read everything up to the end."""
        found: list[External] = []
        while self.tokens[self.at].kind != "eof":
            if self.accept(";"):
                continue
            if self.text in ASM:
                found.append(self.asm())
            elif self.text == "_Static_assert":
                found.append(self.static_assert())
            else:
                found.append(self.external_declaration())
        return found

    # --- statements

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

    def static_assert(self) -> StaticAssert:
        """Read ``_Static_assert``."""
        pos = self.pos
        self.at += 1
        self.expect("(")
        cond = self.conditional()
        if self.accept(","):
            self.assignment()
        self.expect(")")
        self.expect(";")
        return StaticAssert(cond, pos)

    # --- inline assembly

    def asm(self) -> Asm:
        """Read inline assembly."""
        pos = self.pos
        self.at += 1
        volatile = False
        while self.text in _ASM_QUALIFIERS:
            volatile = volatile or "volatile" in self.text
            self.at += 1
        self.expect("(")
        text = self.literal()
        outputs: tuple[AsmOperand, ...] = ()
        inputs: tuple[AsmOperand, ...] = ()
        clobbers: list[str] = []
        labels: list[str] = []
        if self.accept(":"):
            outputs = self.operands()
        if self.accept(":"):
            inputs = self.operands()
        if self.accept(":"):
            while self.tokens[self.at].kind == "str":
                clobbers.append(self.literal().decode("latin-1"))
                if not self.accept(","):
                    break
        if self.accept(":"):
            while self.tokens[self.at].kind == "id":
                labels.append(self.identifier("a label").text)
                if not self.accept(","):
                    break
        self.expect(")")
        self.expect(";")
        return Asm(text, outputs, inputs, tuple(clobbers), tuple(labels), volatile, pos)

    def literal(self) -> bytes:
        """Read string literals that must be there."""
        start = self.at
        while self.tokens[self.at].kind == "str":
            self.at += 1
        if start == self.at:
            raise self.error("expected a string")
        return string(self.tokens[start : self.at], pos_of(self.tokens[start])).value

    def operands(self) -> tuple[AsmOperand, ...]:
        """Read the operands of one section of inline assembly."""
        found: list[AsmOperand] = []
        while self.text not in (":", ")"):
            name = ""
            if self.accept("["):
                name = self.identifier("an operand name").text
                self.expect("]")
            constraint = self.literal().decode("latin-1")
            self.expect("(")
            found.append(AsmOperand(name, constraint, self.expression()))
            self.expect(")")
            if not self.accept(","):
                break
        return tuple(found)


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
