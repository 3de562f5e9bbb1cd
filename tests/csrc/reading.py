"""C text in, syntax out, for tests: with the typedef names a test gives, and a short spelling of trees."""

from dataclasses import fields, is_dataclass

from ptlint.csrc.ast import Expr, External, FunctionDef, Pos, Type
from ptlint.csrc.cparse import parse_expression, parse_external, parse_function, parse_type
from ptlint.csrc.datamodel import LP64, DataModel
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
