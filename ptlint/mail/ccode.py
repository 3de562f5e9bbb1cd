"""Whether a piece of text is C. The grammar is loaded only when a text looks like code at all."""

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_BYTES = 64 * 1024
"""Longer texts are not taken for a proposal."""

# Words of the kernel that the grammar does not know; blanking keeps every position.
_ANNOTATIONS = re.compile(
    rb"\b(?:__always_inline|noinline|__init|__exit|__must_check|__sched|__ref|__maybe_unused|__weak)\b"
)
_STATEMENTS = frozenset(
    {
        "break_statement",
        "comment",
        "compound_statement",
        "continue_statement",
        "declaration",
        "do_statement",
        "expression_statement",
        "for_statement",
        "goto_statement",
        "if_statement",
        "return_statement",
        "switch_statement",
        "while_statement",
    }
)
_EFFECTS = frozenset({"assignment_expression", "call_expression", "update_expression", "comma_expression"})
_TOKENS = re.compile(r"/\*.*?\*/|//[^\n]*|\s+", re.DOTALL)


@cache
def _parser() -> "Parser":
    import tree_sitter_c
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_c.language()))


def squeezed(text: str) -> str:
    """Return C text without white space and comments: equal for the same code in another layout."""
    return _TOKENS.sub("", text)


def _parsed(text: str) -> "Node | None":
    """Return the root of the syntax tree, None when the text is too long or no C."""
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        return None
    data = _ANNOTATIONS.sub(lambda match: b" " * len(match[0]), data)
    root = _parser().parse(data).root_node
    return None if root.has_error else root


def is_function(text: str) -> bool:
    """Return whether *text* is one whole function definition."""
    root = _parsed(text)
    if root is None:
        return False
    kinds = [child.type for child in root.named_children if child.type != "comment"]
    return kinds == ["function_definition"]


def function_name(text: str) -> str:
    """Return the name of the function that *text* defines, ``""`` when it defines none."""
    root = _parsed(text)
    found = (
        next((child for child in root.named_children if child.type == "function_definition"), None) if root else None
    )
    node = found.child_by_field_name("declarator") if found else None
    while node is not None and node.type != "identifier":
        node = node.child_by_field_name("declarator")
    return node.text.decode() if node is not None and node.text else ""


def is_statement(text: str) -> bool:
    """Return whether *text* is one or more statements with an effect, as they stand in a function.

    Prose that happens to parse (``Thanks;``, ``foo bar;``) is none.
    """
    if (
        "(" not in text
        and "=" not in text
        and not re.fullmatch(r"\s*(?:\w+(?:\+\+|--)|(?:\+\+|--)\w+|return\b.*|break|continue|goto \w+);\s*", text)
    ):
        return False
    root = _parsed("void f(void)\n{\n" + text + "}\n")
    if root is None or len(root.named_children) != 1:
        return False
    body = root.named_children[0].child_by_field_name("body")
    if body is None:
        return False
    nodes = body.named_children
    return any(node.type != "comment" for node in nodes) and all(_acts(node) for node in nodes)


def _acts(node: "Node") -> bool:
    if node.type not in _STATEMENTS:
        return False
    if node.type == "expression_statement":
        return bool(node.named_children) and node.named_children[0].type in _EFFECTS
    if node.type == "declaration":
        return any(child.type == "init_declarator" for child in node.named_children)
    return True


def statement_kind(text: str) -> str:
    """Return what sort of statement *text* starts with: ``if``, ``loop``, ``switch``, ``return`` or ``expression``."""
    root = _parsed("void f(void)\n{\n" + text + "}\n")
    body = root.named_children[0].child_by_field_name("body") if root and root.named_children else None
    first = next((node for node in body.named_children if node.type != "comment"), None) if body else None
    return _kind_of(first) if first is not None else "expression"


def _kind_of(node: "Node") -> str:
    word = node.type.removesuffix("_statement")
    return "loop" if word in ("for", "while", "do") else word if word in ("if", "switch", "return") else "expression"


def open_statements(body: Sequence[str]) -> list[tuple[str, int]]:
    """Return the statements that end where *body* ends, the outermost first: what sort, and the line each starts at.

    *body* are the lines of a function from its opening brace on; braces that are still open are closed. Statements
    that end at the closing brace of the function count as those at its end.
    """
    missing = sum(line.count("{") - line.count("}") for line in body)
    if missing < 0 or sum(map(len, body)) > MAX_BYTES:
        return []
    code = "void f(void)\n" + "\n".join(body) + "\n" + "}" * missing + "\n"
    root = _parser().parse(_ANNOTATIONS.sub(lambda match: b" " * len(match[0]), code.encode())).root_node
    node = root.named_children[0].child_by_field_name("body") if root.named_children else None
    end = None if missing == 0 else len(body)
    found: list[tuple[str, int]] = []
    while node is not None and not node.has_error:
        inner = node.named_children if node.type == "compound_statement" else _nested(node)
        inner = [child for child in inner if child.type != "comment"]
        node = inner[-1] if inner else None
        if node is None:
            break
        closes = end is None or node.end_point[0] == end
        if node.type not in ("compound_statement", "else_clause") and closes:
            found.append((_kind_of(node), node.start_point[0] - 1))
    return found


def _nested(node: "Node") -> "list[Node]":
    """Return the statements inside of a control statement, in order."""
    fields = (node.child_by_field_name(name) for name in ("consequence", "alternative", "body"))
    found = [child for child in fields if child is not None]
    return found or (list(node.named_children) if node.type == "else_clause" else [])
