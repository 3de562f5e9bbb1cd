"""Pieces of C that stand in no file of the tree: functions that a patch or a reviewer brings."""

from collections.abc import Container
from typing import TYPE_CHECKING

from ptlint.csrc.ast import FunctionDef, Pos
from ptlint.csrc.cparse import parse_function
from ptlint.csrc.datamodel import DataModel
from ptlint.csrc.directives import MAX_FILE_BYTES, scan
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.escapes import MOST_ESCAPED, is_overfull
from ptlint.csrc.includes import IncludePath
from ptlint.csrc.macros import expand
from ptlint.csrc.recall import Asking, recalled
from ptlint.csrc.scope import MAX_ITEM_BYTES, Scope
from ptlint.csrc.tokens import tokenize
from ptlint.csrc.unit import MacroState, Unit

if TYPE_CHECKING:
    from ptlint.csrc.universe import SourceText

_PIECE = "<piece>"
"""The path of C that is no file."""


def function_of(
    text: "SourceText", scope: Scope, includes: IncludePath, model: DataModel, keep: Container[str]
) -> FunctionDef:
    """Return the function that *text* is, as code at the end of *scope* reads it; macros in *keep* stay calls.

    Raises CSourceError when it is none, or longer than what is read.
    """
    code = _active(text.text, scope.unit, includes)
    if len(code) > MAX_ITEM_BYTES:
        raise CSourceError(Pos(text.path, text.line, 1), f"an item of more than {MAX_ITEM_BYTES} bytes")
    if is_overfull(code):
        raise CSourceError(Pos(text.path, text.line, 1), f"a line with more than {MOST_ESCAPED} escaped quotes")

    def parse(asking: Asking) -> FunctionDef:
        tokens = expand(tokenize(code, text.path, text.line), asking, keep)
        return parse_function(tokens, asking, asking)

    key = ("function", text, code, keep)
    found: FunctionDef = recalled(key, MacroState(scope.unit), scope.is_typedef, model, parse)
    return found


def _active(text: str, unit: Unit, includes: IncludePath) -> str:
    """Return a piece of C with the conditionals in it decided at the end of *unit*, its lines where they were."""
    data = text.encode("latin-1", "replace")
    if b"#" not in data or len(data) > MAX_FILE_BYTES:
        return text
    found = scan(_PIECE, data)
    inner = Unit(includes, lambda path: found if path == _PIECE else None, parent=unit)
    inner.read(_PIECE)
    return inner.by_path[_PIECE][0].active_text()
