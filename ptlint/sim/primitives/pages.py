"""Page frames and their struct page: an array in pfn order, wherever the memory model puts it (memory_model.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CType
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.machine import Machine
from ptlint.sim.opaque import opaque
from ptlint.sim.primitives.registry import lowers, written
from ptlint.sim.types import size_or_none
from ptlint.sim.values import Scalar, arithmetic

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

DEFAULT_PAGE_STRUCT = 64
"""Bytes of a struct page where the tree does not define one."""


def _page(expressions: Expressions) -> tuple[CType, int]:
    type = expressions.resolve(written("struct page"))
    return type, size_or_none(type) or DEFAULT_PAGE_STRUCT


def first_pfn(machine: Machine) -> int:
    """Return the pfn whose struct page stands at the start of the array: page_pfn of the scenario, 0 without one."""
    return machine.page_base_pfn


def _array(machine: Machine, type: CType) -> int:
    return opaque(machine, "page", type).base


@lowers("pfn_to_page", "__pfn_to_page")
def pfn_to_page(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The struct page of a frame number."""
    type, size = _page(expressions)
    run_pfn = converted(expressions.expr(call.args[0]), expressions.program.size_type).run
    width = expressions.program.model.pointer_size

    def run(frame: Frame) -> Value:
        pfn = scalar(run_pfn(frame))
        relative = arithmetic("-", pfn, first_pfn(frame.machine), width, False)
        offset = arithmetic("*", relative, size, width, False)
        return arithmetic("+", offset, _array(frame.machine, type), width, False)

    return Op(expressions.program.pointer_to(type), run)


@lowers("page_to_pfn", "__page_to_pfn")
def page_to_pfn(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The frame number of a struct page."""
    type, size = _page(expressions)
    pointer = expressions.expr(call.args[0])
    if not isinstance(pointer.type, CPointer):
        raise CannotExecute("page_to_pfn() of what is no pointer", call.pos)
    run_page, width = pointer.run, expressions.program.model.pointer_size

    def run(frame: Frame) -> Value:
        offset = arithmetic("-", scalar(run_page(frame)), _array(frame.machine, type), width, True)
        index = arithmetic("/", offset, size, width, True)
        return arithmetic("+", _unsigned(index, width), first_pfn(frame.machine), width, False)

    return Op(expressions.program.size_type, run)


def _unsigned(value: Scalar, width: int) -> Scalar:
    from ptlint.sim.values import narrow

    return narrow(value, width, False)
