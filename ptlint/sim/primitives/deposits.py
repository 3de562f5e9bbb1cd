"""Tables that are kept for the split of a huge page (include/linux/pgtable.h, pgtable_trans_huge_deposit() and kin).

Where a scenario has such a table it is the one that is withdrawn; else the kernel's own code runs, which keeps them in
lists that no scenario fills, or behind the entries themselves (powerpc hash).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CRecord
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers, written
from ptlint.sim.questions import ask

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

WITHDRAW = "pgtable_trans_huge_withdraw"

FRAME = 0x300
"""The page frame of the table, from that of the first page that the machine has."""


@lowers(WITHDRAW)
def withdraw(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """The table of the scenario, by its page or by its first entry."""
    from ptlint.sim.calls import direct  # calls finds the primitives

    program = expressions.program
    definition = program.definition(name, expressions.path)
    source = None if definition is None else direct(program, expressions, definition, call)
    ops = [expressions.expr(arg) for arg in call.args]
    type = expressions.resolve(written("pgtable_t"))
    is_page = isinstance(type, CPointer) and isinstance(type.to, CRecord) and type.to.tag == "page"
    page = program.snippet("pfn_to_page(pfn)", (("pfn", "unsigned long"),)) if is_page else None

    def run(frame: Frame) -> Value:
        machine = frame.machine
        kept = None if machine.stage is None else machine.stage.kept
        if kept is None and source is not None:
            return source.run(frame)
        values = [op.run(frame) for op in ops]
        machine.pos = call.pos
        if kept is None:
            return ask(machine, name, values, [op.type for op in ops], type)
        machine.note("told", name)
        if page is None:
            return kept.base
        inner = Frame(machine, page.size)
        inner.slots[0] = machine.page_base_pfn + FRAME
        return page.op.run(inner)

    return Op(type, run)
