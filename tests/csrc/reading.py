"""C text in, syntax out, for tests: with the typedef names a test gives, and a short spelling of trees."""

from dataclasses import fields, is_dataclass

from ptlint.csrc.ast import Declaration, EnumType, Expr, External, FunctionDef, Pos, RecordType, Type
from ptlint.csrc.constexpr import enumerator_values, evaluate
from ptlint.csrc.cparse import parse_expression, parse_external, parse_function, parse_type
from ptlint.csrc.ctypes import CType, TypeTable
from ptlint.csrc.datamodel import LP64, DataModel
from ptlint.csrc.exprtypes import type_of_expression
from ptlint.csrc.tokens import tokenize

TYPEDEFS = ("pte_t", "pteval_t", "u32", "u64", "size_t")


class Typedefs:
    """Typedef names."""

    def __init__(self, *names: str) -> None:
        self.names = frozenset(names or TYPEDEFS)

    def is_typedef(self, name: str) -> bool:
        return name in self.names


def read_file(text: str, *typedefs: str, model: DataModel = LP64) -> list[External]:
    return parse_external(tokenize(text, "a.c"), Typedefs(*typedefs), model)


def read_function(text: str, *typedefs: str) -> FunctionDef:
    return parse_function(tokenize(text, "a.c"), Typedefs(*typedefs))


def read_expression(text: str, *typedefs: str, model: DataModel = LP64) -> Expr:
    return parse_expression(tokenize(text, "a.c"), Typedefs(*typedefs), model)


def read_type(text: str, *typedefs: str) -> Type:
    return parse_type(tokenize(text, "a.c"), Typedefs(*typedefs))


def outline(node: object) -> str:
    """Return *node* on one line, without places and without trailing default fields."""
    if isinstance(node, tuple):
        return "[" + ", ".join(outline(item) for item in node) + "]"
    if not is_dataclass(node) or isinstance(node, type):
        return str(node)
    values = [getattr(node, item.name) for item in fields(node)]
    shown = [outline(value) for value in values if not isinstance(value, Pos)]
    while shown and shown[-1] in ("None", "False", "", "[]", "frozenset()"):
        shown.pop()
    return f"{type(node).__name__}({', '.join(shown)})"


class Declared:
    """The types of a text, found as a universe finds them."""

    def __init__(self, text: str, *, model: DataModel = LP64) -> None:
        self.typedefs: dict[str, Type] = {}
        self.records: dict[tuple[str, str | None], RecordType] = {}
        self.enums: dict[str | None, EnumType] = {}
        self.constants: dict[str, int] = {}
        self.variables: dict[str, Type] = {}
        self.types = TypeTable(self, model)
        for item in parse_external(tokenize(text, "a.h"), self, model):
            assert isinstance(item, Declaration)
            self.declare(item)

    def declare(self, item: Declaration) -> None:
        if isinstance(item.type, RecordType) and item.type.members is not None:
            self.records[item.type.kind, item.type.tag] = item.type
        if isinstance(item.type, EnumType) and item.type.members is not None:
            self.enums[item.type.tag] = item.type
            self.constants.update(enumerator_values(item.type, self.types))
        for declarator in item.declarators:
            names = self.typedefs if "typedef" in item.storage else self.variables
            names[declarator.name] = declarator.type

    def is_typedef(self, name: str) -> bool:
        return name in self.typedefs

    def typedef(self, name: str) -> Type | None:
        return self.typedefs.get(name)

    def record(self, kind: str, tag: str | None) -> RecordType | None:
        return self.records.get((kind, tag))

    def enum(self, tag: str | None) -> EnumType | None:
        return self.enums.get(tag)

    def enumerator(self, name: str) -> int | None:
        return self.constants.get(name)

    def variable(self, name: str) -> CType | None:
        written = self.variables.get(name)
        return None if written is None else self.types.resolve(written)

    def expression(self, text: str) -> Expr:
        return parse_expression(tokenize(text, "a.c"), self, self.types.model)

    def value(self, text: str) -> int:
        """Return the value of a constant expression."""
        return evaluate(self.expression(text), self.types, self.enumerator, self.type_of_expression)

    def type_of(self, text: str) -> CType:
        """Return the type of an expression."""
        return self.type_of_expression(self.expression(text))

    def type_of_expression(self, expr: Expr) -> CType:
        return type_of_expression(expr, self.types, self.variable)

    def type(self, text: str) -> CType:
        """Return the type that a type name means."""
        return self.types.resolve(parse_type(tokenize(text, "a.c"), self, self.types.model))
