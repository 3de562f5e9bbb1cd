"""The store of an entry, which 32-bit ARM has in assembly (arch/arm/mm/proc-*.S).

With short descriptors the Linux entry is stored as it is, and the processor's own entry, derived from it, 2048 bytes
further on: that one is not looked at. With long descriptors (LPAE) the one entry serves both: an entry without access
loses its valid bit, and AP[2] makes all but dirty writable ones read-only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer
from ptlint.sim.blob import Blob
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID, is_record, size_of
from ptlint.sim.values import Scalar, arithmetic, choose

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.machine import Machine
    from ptlint.sim.program import Program


@lowers("cpu_set_pte_ext", r"/cpu_\w+_set_pte_ext/")
def set_pte_ext(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """set_pte_ext(ptep, pte, ext): one store."""
    pointer = expressions.expr(call.args[0])
    if not isinstance(pointer.type, CPointer):
        raise CannotExecute("stores an entry through what is no pointer", call.pos)
    type, run_pointer = pointer.type.to, pointer.run
    run_value = converted(expressions.expr(call.args[1]), type).run
    size = size_of(type)
    long = _Long(expressions.program) if size == 8 else None

    def run(frame: Frame) -> Value:
        machine = frame.machine
        address, value = scalar(run_pointer(frame)), run_value(frame)
        machine.pos = call.pos
        if is_record(type) and long is None:
            assert isinstance(value, Blob)
            machine.store_blob(address, value)
            return None
        raw = value.load(0, size, False) if isinstance(value, Blob) else scalar(value)
        machine.store(address, size, raw if long is None else long.held(machine, raw))
        return None

    return Op(VOID, run)


class _Long:
    """The bits of a long descriptor that cpu_v7_set_pte_ext() changes (arch/arm/mm/proc-v7-3level.S)."""

    def __init__(self, program: Program) -> None:
        self.none = program.constant("L_PTE_NONE")
        self.valid = program.constant("L_PTE_VALID")
        self.dirty = program.constant("L_PTE_DIRTY")
        self.readonly = program.constant("L_PTE_RDONLY")
        self.protect = program.constant("PTE_AP2")

    def held(self, machine: Machine, value: Scalar) -> Scalar:
        """Return what memory holds for *value*: an entry that is not valid is stored as it is."""
        changed = _where(machine, value, self.none, _clear(value, self.valid), value)
        locked = arithmetic("|", changed, self.protect, 8, False)
        opened = _clear(changed, self.protect)
        flags = arithmetic("^", changed, self.dirty, 8, False)
        guarded = _where(machine, flags, self.dirty | self.readonly, locked, opened)
        return _where(machine, value, self.valid, guarded, value)


def _clear(value: Scalar, bits: int) -> Scalar:
    return arithmetic("&", value, ~bits & 0xFFFF_FFFF_FFFF_FFFF, 8, False)


def _where(machine: Machine, tested: Scalar, bits: int, then: Scalar, other: Scalar) -> Scalar:
    """Return *then* where *tested* has one of *bits*, else *other*."""
    truth = machine.truth(arithmetic("&", tested, bits, 8, False))
    if isinstance(truth, bool):
        return then if truth else other
    return choose(truth, then, other, False)
