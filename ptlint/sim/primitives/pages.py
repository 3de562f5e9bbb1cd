"""Page frames and their struct page: an array in pfn order, wherever the memory model puts it (memory_model.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CType
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.machine import Machine
from ptlint.sim.opaque import UNSIZED, opaque
from ptlint.sim.primitives.registry import lowers, written
from ptlint.sim.types import size_or_none
from ptlint.sim.values import Scalar, arithmetic

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

DEFAULT_PAGE_STRUCT = 64
"""Bytes of a struct page where the tree does not define one."""


_LONE = "page of frame "
"""How the struct page of a frame far from those of the scenario is called: it has an object of its own."""


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
        if (
            isinstance(pfn, int)
            and isinstance(relative, int)
            and not -UNSIZED < _signed(relative, width) * size < UNSIZED
        ):
            return opaque(frame.machine, f"{_LONE}{pfn:#x}", type).base
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
        page = scalar(run_page(frame))
        lone = frame.machine.memory.find(page) if isinstance(page, int) else (None, 0)
        if lone[0] is not None and lone[0].name.startswith(_LONE):
            return int(lone[0].name.removeprefix(_LONE), 16) + lone[1] // size
        offset = arithmetic("-", page, _array(frame.machine, type), width, True)
        index = arithmetic("/", offset, size, width, True)
        return arithmetic("+", _unsigned(index, width), first_pfn(frame.machine), width, False)

    return Op(expressions.program.size_type, run)


@lowers("virt_to_page")
def virt_to_page(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The struct page of memory that the kernel addresses: an opaque one for each page of an object of the run."""
    type, size = _page(expressions)
    run_address = converted(expressions.expr(call.args[0]), expressions.program.size_type).run
    page_size = expressions.program.constant("PAGE_SIZE")

    def run(frame: Frame) -> Value:
        machine, address = frame.machine, scalar(run_address(frame))
        obj, offset = machine.memory.find(address) if isinstance(address, int) else (None, 0)
        if obj is None:
            raise CannotExecute("virt_to_page() of what is no object of the run", call.pos)
        pages = opaque(machine, f"page of {obj.name}", type)
        return pages.base + offset // page_size * size

    return Op(expressions.program.pointer_to(type), run)


def _signed(value: int, width: int) -> int:
    return value - (1 << 8 * width) if value >> (8 * width - 1) else value


def _unsigned(value: Scalar, width: int) -> Scalar:
    from ptlint.sim.values import narrow

    return narrow(value, width, False)
