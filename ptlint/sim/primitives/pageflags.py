"""What a page or folio is: its flags, as questions by page (include/linux/page-flags.h).

Nobody set the flags of the pages of a scenario, so each is explored both ways, page by page, and stays as it is
throughout a run. One that no page has in a configuration (``FOLIO_TEST_FLAG_FALSE()``: a function that returns a
constant) is no question: what stands behind it may not even be linked there.
"""

from __future__ import annotations

from ptlint.csrc import ast
from ptlint.sim.convert import constant
from ptlint.sim.errors import CannotExecute
from ptlint.sim.expressions import Expressions
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers, values_of
from ptlint.sim.questions import ask
from ptlint.sim.types import BOOL


@lowers(r"/Page[A-Z][A-Za-z]*/", r"/folio_test_\w+/")
def flag(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """PageAnonExclusive(page), folio_test_large(folio), …: a question about this page."""
    fixed = _fixed(expressions, name)
    if fixed is not None:
        return constant(int(fixed), BOOL)
    ops = values_of(expressions, call, name)
    evaluate, types = [op.run for op in ops], [op.type for op in ops]

    def run(frame: Frame) -> Value:
        values = [op(frame) for op in evaluate]
        frame.machine.pos = call.pos
        return ask(frame.machine, name, values, types, BOOL)

    return Op(BOOL, run)


def _fixed(expressions: Expressions, name: str) -> bool | None:
    """Return what a flag is on every page of this configuration; None where that differs."""
    definition = expressions.program.definition(name, expressions.path)
    items = () if definition is None else definition.body.items
    if len(items) != 1 or not isinstance(items[0], ast.Return) or items[0].value is None:
        return None
    try:
        return bool(expressions.program.constant_expression(items[0].value, expressions))
    except CannotExecute:
        return None
