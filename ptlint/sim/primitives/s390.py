"""The instructions by which s390 changes a valid entry (Principles of Operation; arch/s390/include/asm/pgtable.h)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CType
from ptlint.sim.convert import converted, scalar
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.exchange import compare_exchange, modify
from ptlint.sim.primitives.registry import lowers, runs
from ptlint.sim.types import BOOL, VOID
from ptlint.sim.values import Unknown, arithmetic

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


def _constant(expressions: Expressions, text: str) -> int:
    return expressions.program.constant(text)


def _flushing(expressions: Expressions, call: ast.Call, name: str, clear: int = 0, set_: int = 0) -> Op:
    """Return the step that changes bits of an entry, the second argument, and flushes the first, an address."""
    address = converted(expressions.expr(call.args[0]), expressions.program.size_type).run
    pointer = expressions.expr(call.args[1]).run

    def run(frame: Frame) -> Value:
        addr, entry = scalar(address(frame)), scalar(pointer(frame))
        frame.machine.pos = call.pos
        modify(frame.machine, entry, 8, clear, set_)
        frame.machine.note("flush", name, address=addr)
        return None

    return Op(VOID, run)


@lowers("__ptep_ipte")
def ipte(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """IPTE: set the invalid bit of the entry and flush its translation, in one step."""
    return _flushing(expressions, call, name, set_=_constant(expressions, "_PAGE_INVALID"))


@lowers("__ptep_ipte_range")
def ipte_range(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """IPTE with a range: nr + 1 entries from ptep on."""
    long = expressions.program.size_type
    address = converted(expressions.expr(call.args[0]), long).run
    number = converted(expressions.expr(call.args[1]), long).run
    pointer = expressions.expr(call.args[2]).run
    invalid = _constant(expressions, "_PAGE_INVALID")

    def run(frame: Frame) -> Value:
        addr, ptep, nr = scalar(address(frame)), scalar(pointer(frame)), scalar(number(frame))
        frame.machine.pos = call.pos
        if not isinstance(nr, int):
            from ptlint.sim.errors import CannotExecute

            raise CannotExecute("an IPTE range whose length differs between scenarios", call.pos)
        for index in range(min(nr + 1, 256)):
            modify(frame.machine, arithmetic("+", ptep, 8 * index, 8, False), 8, 0, invalid)
        frame.machine.note("flush", name, address=addr, nr=nr + 1)
        return None

    return Op(VOID, run)


@lowers("__ptep_rdp")
def rdp(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """RDP: clear the protection bit of the entry and flush its translation, in one step."""
    return _flushing(expressions, call, name, clear=_constant(expressions, "_PAGE_PROTECT"))


_INVALID = {"pmd": "_SEGMENT_ENTRY_INVALID", "pud": "_REGION_ENTRY_INVALID"}


@lowers("__pmdp_idte", "__pudp_idte")
def idte(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """IDTE: set the invalid bit of a segment or region-third table entry and flush its translations, in one step."""
    return _flushing(expressions, call, name, set_=_constant(expressions, _INVALID[name[2:5]]))


@lowers("cspg")
def compare_swap_purge(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """CSPG: compare and swap an entry in one step and flush all translations where it was swapped."""
    pointer = expressions.expr(call.args[0])
    long = expressions.program.size_type
    expected, value = (converted(expressions.expr(arg), long) for arg in call.args[1:3])
    run_pointer, run_expected, run_value = pointer.run, expected.run, value.run

    def run(frame: Frame) -> Value:
        place, old, new = scalar(run_pointer(frame)), scalar(run_expected(frame)), scalar(run_value(frame))
        frame.machine.pos = call.pos
        hit = compare_exchange(frame.machine, place, old, new, long)[1]
        frame.machine.note("flush", name)
        return hit

    return Op(BOOL, run)


@runs("/uv_(?:convert|destroy|pin|import|make)\\w*/", returns="int")
def ultravisor(frame: Frame, values: Sequence[Value], types: Sequence[CType], name: str) -> Value:
    """Calls of the ultravisor for protected guests (arch/s390/kernel/uv.c): they do not change entries; any answer."""
    return Unknown(f"{name}()")
