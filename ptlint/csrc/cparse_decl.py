"""Declarations, initialisers and what stands at file scope."""

from ptlint.csrc.ast import (
    Declaration,
    Declarator,
    Designator,
    Expr,
    External,
    FunctionDef,
    FunctionType,
    InitItem,
    InitList,
    NestedFunction,
    Pos,
    StaticAssert,
    Type,
    TypeofExpr,
)
from ptlint.csrc.cparse_asm import Assembly
from ptlint.csrc.cparse_attr import ASM, ATTRIBUTE, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS, pos_of
from ptlint.csrc.cparse_type import AUTO, STORAGE, TYPE_WORDS


class Declarations(Assembly):
    """The part of the grammar that reads declarations and functions."""

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
