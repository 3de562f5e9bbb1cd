"""Declarators, parameters and type names."""

from ptlint.csrc.ast import ArrayType, Expr, FunctionType, Param, PointerType, Pos, Type
from ptlint.csrc.cparse_attr import ADDRESS_SPACES, ATTRIBUTE, AttributeReader, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS, pos_of
from ptlint.csrc.tokens import Token


class Declarators(AttributeReader):
    """The part of the grammar that reads declarators; specifiers come from a class that builds on it."""

    def specifiers(self, storage: set[str], found: Attributes) -> Type:
        """Read declaration specifiers; storage classes go to *storage*, attributes to *found*."""
        raise NotImplementedError

    def type_name(self) -> Type:
        """Read a type without a declared name."""
        found = Attributes()
        base = self.specifiers(set(), found)
        name, type_ = self.declarator(base, found)
        if name is not None:
            raise self.error("a type name cannot declare")
        return type_

    def declarator(self, base: Type, found: Attributes) -> tuple[Token | None, Type]:
        """Read a declarator over *base*; the name is None when there is none."""
        while True:
            if self.accept("*"):
                base = PointerType(base)
            elif self.text in ATTRIBUTE:
                self.attributes(found)
            elif isinstance(base, PointerType) and self._annotates_a_pointer():
                self.attribute(found)
            elif self.text == "_Atomic":
                self.at += 1
            else:
                break
        self.enter()
        name: Token | None = None
        if self.text == "(" and self._nests():
            start = self.at
            self.at = self.closing(start) + 1
            outer = self.suffixes(base)
            end, self.at = self.at, start + 1
            name, base = self.declarator(outer, found)
            self.expect(")")
            self.at = end
        else:
            token = self.tokens[self.at]
            if token.kind == "id" and token.text not in KEYWORDS:
                name = token
                self.at += 1
            base = self.suffixes(base)
        self.depth -= 1
        return name, base

    def _annotates_a_pointer(self) -> bool:
        following = self.tokens[self.at + 1]
        if not self.is_annotation(self.at):
            return False
        if self.text in ADDRESS_SPACES or following.text == "*":
            return True
        return following.kind == "id" and following.text not in KEYWORDS  # ``*__name __attribute__((…))`` is a name

    def _nests(self) -> bool:
        # Whether the parenthesis holds a declarator and not parameters.
        token = self.tokens[self.at + 1]
        if token.text in ("*", "(", "[") or token.text in ATTRIBUTE:
            return True
        if token.kind != "id" or token.text in KEYWORDS or self.is_typedef(token.text):
            return False
        following = self.tokens[self.at + 2]
        return following.text in (")", "[", "(", "*") or (self.is_annotation(self.at + 1) and following.kind == "id")

    def suffixes(self, base: Type) -> Type:
        """Read the array bounds and parameters behind a declarator."""
        if self.text == "(":
            self.enter()
            function = self.parameters(base)
            self.depth -= 1
            return function
        if self.text != "[":
            return base
        self.at += 1
        self.enter()
        self.accept("static")
        size: Expr | None = None
        if self.text == "*" and self.tokens[self.at + 1].text == "]":
            self.at += 1
        elif self.text != "]":
            size = self.assignment()
        self.expect("]")
        inner = self.suffixes(base)
        self.depth -= 1
        return ArrayType(inner, size)

    def parameters(self, ret: Type) -> FunctionType:
        """Read a parameter list. Arrays and functions become the pointers that C makes of them."""
        self.expect("(")
        if self.accept(")"):
            return FunctionType(ret, (), oldstyle=True)
        if self.text == "void" and self.tokens[self.at + 1].text == ")":
            self.at += 2
            return FunctionType(ret, ())
        self.push_scope()
        params: list[Param] = []
        variadic = False
        while True:
            if self.accept("..."):
                variadic = True
                break
            params.append(self.parameter())
            if not self.accept(","):
                break
        self.expect(")")
        self.pop_scope()
        return FunctionType(ret, tuple(params), variadic)

    def parameter(self) -> Param:
        """Read one parameter."""
        pos: Pos = self.pos
        found = Attributes()
        base = self.specifiers(set(), found)
        name, type_ = self.declarator(base, found)
        self.attributes(found, annotations=True)
        if isinstance(type_, ArrayType):
            type_ = PointerType(type_.of)
        elif isinstance(type_, FunctionType):
            type_ = PointerType(type_)
        if name is not None:
            self.declare(name.text, False)
            pos = pos_of(name)
        return Param(name.text if name else None, type_, pos)
