"""The C parser: expanded tokens in, the syntax of ``csrc.ast`` out.

A recursive-descent parser for GNU C as the kernel writes it. It reads all that it is given or raises ``CParseError``;
nothing is skipped but attributes, qualifiers and annotations. Types that are not declared anywhere are taken for types
where the text allows nothing else, so that code can be read from a patch alone. How deeply constructs nest is bounded
(``cparse_cursor.NESTING_LIMIT`` and ``HEIGHT_LIMIT``): no node is deeper than about a thousand levels.
"""

from ptlint.csrc.ast import Expr, External, FunctionDef, Type
from ptlint.csrc.cparse_cursor import Names
from ptlint.csrc.cparse_stmt import Statements
from ptlint.csrc.datamodel import LP64, Constants
from ptlint.csrc.recursion import deep_recursion
from ptlint.csrc.tokens import Token

__all__ = ["Names", "Tokens", "parse_expression", "parse_external", "parse_function", "parse_type"]

Tokens = list[Token] | tuple[Token, ...]


def parse_function(tokens: Tokens, names: Names, model: Constants = LP64) -> FunctionDef:
    """Return the one function that *tokens* define.

    :raises CParseError: they are anything else.
    """
    found = parse_external(tokens, names, model)
    if len(found) == 1 and isinstance(found[0], FunctionDef):
        return found[0]
    raise Statements(tokens, names, model).error("expected one function definition")


def parse_external(tokens: Tokens, names: Names, model: Constants = LP64) -> list[External]:
    """Return the functions and declarations of *tokens*, which stand at file scope.

    :raises CParseError: something is no C, or not supported.
    """
    with deep_recursion():
        return Statements(tokens, names, model).externals()


def parse_expression(tokens: Tokens, names: Names, model: Constants = LP64) -> Expr:
    """Return the expression that *tokens* spell, commas included.

    :raises CParseError: they are no expression, or more than one.
    """
    parser = Statements(tokens, names, model)
    with deep_recursion():
        expression = parser.expression()
    _at_end(parser)
    return expression


def parse_type(tokens: Tokens, names: Names, model: Constants = LP64) -> Type:
    """Return the type name that *tokens* spell.

    :raises CParseError: they are no type name, or more than one.
    """
    parser = Statements(tokens, names, model)
    with deep_recursion():
        type_ = parser.type_name()
    _at_end(parser)
    return type_


def _at_end(parser: Statements) -> None:
    if parser.tokens[parser.at].kind != "eof":
        raise parser.error("expected the end")
