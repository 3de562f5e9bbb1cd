"""The load-reserve/store-conditional loops of powerpc's page tables, each one atomic step.

Entries of book3s64 are big-endian in memory whatever the kernel is (arch/powerpc/include/asm/pgtable-be-types.h).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import converted, scalar
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.bits import swap_bytes
from ptlint.sim.primitives.exchange import modify
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.values import Scalar

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


def _be64(frame: Frame, value: Scalar) -> Scalar:
    if frame.machine.memory.big_endian:
        return value
    return scalar(swap_bytes(frame, [value], [], "__builtin_bswap64"))


@lowers("__radix_pte_update", "hash__pte_update_one")
def radix_pte_update(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Clear and set bits of one entry, return the old value.

    __radix_pte_update() (book3s/64/radix.h) and hash__pte_update_one() (book3s/64/hash.h): ldarx, andc, or, stdcx. The
    hash form also waits for H_PAGE_BUSY, which no lane holds, and clears H_PAGE_HPTEFLAGS nowhere.
    """
    long = expressions.program.size_type
    pointer = expressions.expr(call.args[0]).run
    clear, set_ = (converted(expressions.expr(arg), long).run for arg in call.args[1:3])

    def run(frame: Frame) -> Value:
        address = scalar(pointer(frame))
        clr, add = scalar(clear(frame)), scalar(set_(frame))
        frame.machine.pos = call.pos
        frame.machine.note("atomic", name)
        old = modify(frame.machine, address, 8, _be64(frame, clr), _be64(frame, add))
        return _be64(frame, old)

    return Op(long, run)
