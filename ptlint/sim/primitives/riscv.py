"""Alternatives that are patched in at boot (arch/riscv/include/asm/errata_list.h).

The extension Svpbmt is a question to the machine. Errata of single vendors' cores are off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID
from ptlint.sim.values import choose

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

SVPBMT = "riscv_has_extension_likely(RISCV_ISA_EXT_SVPBMT)"


@lowers("ALT_THEAD_PMA", "ALT_SVPBMT_THEAD", "ALT_CMO_OP")
def vendor_alternative(_expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """Leave the value as the standard says."""
    return Op(VOID, lambda _frame: None)


@lowers("ALT_SVPBMT")
def memory_type(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """ALT_SVPBMT(value, NAME): value becomes NAME_SVPBMT with the extension, else 0."""
    name = call.args[1]
    if not isinstance(name, ast.Name):
        raise CannotExecute("ALT_SVPBMT() of what is no name", call.pos)
    place = expressions.place(call.args[0])
    bits = expressions.program.constant(f"{name.name}_SVPBMT")

    def run(frame: Frame) -> Value:
        frame.machine.pos = call.pos
        place.store(frame, place.locate(frame), choose(frame.machine.ask(SVPBMT), bits, 0, False))
        return None

    return Op(VOID, run)
