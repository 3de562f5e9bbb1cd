"""Conversions between C types, at lowering time where the value is constant."""

from __future__ import annotations

from collections.abc import Callable

from ptlint.csrc.ctypes import CPointer, CType
from ptlint.sim.blob import WIDEST, Blob
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Run, Test, Value
from ptlint.sim.opaque import pointed_at
from ptlint.sim.types import IMPLICIT, is_bool, is_integer, is_pointer, is_record, is_signed, is_void, size_of
from ptlint.sim.values import Scalar, Unknown, narrow, to_bool


def constant(value: int, type: CType) -> Op:
    """Return the op of a constant."""
    return Op(type, lambda _frame: value, value)


def scalar(value: Value) -> Scalar:
    """Return *value* as the scalar it must be. Raises CannotExecute for a structure or nothing."""
    if value is None or isinstance(value, Blob):
        raise CannotExecute("uses a structure or void as a number")
    return value


def converted(op: Op, to: CType) -> Op:
    """Return *op* converted to *to* as by assignment, call or cast. Raises CannotExecute where C has no meaning."""
    if is_void(to):
        return Op(to, op.run)
    if is_record(to) or is_record(op.type):
        if is_record(to) and is_record(op.type):
            return Op(to, op.run)
        raise CannotExecute(f"converts {op.type} to {to}")
    if is_void(op.type):
        raise CannotExecute(f"uses a void expression as {to}")
    if op.type is IMPLICIT and not is_bool(to) and size_of(to) > size_of(IMPLICIT):
        raise CannotExecute(f"uses {op.type} as {to}")
    change = conversion(op.type, to)
    if change is None:
        return Op(to, op.run, op.const, test=op.test)
    if op.const is not None:
        value = change(op.const)
        assert isinstance(value, int)
        return constant(value, to)
    run = op.run
    if isinstance(to, CPointer):
        target = to.to

        def run_pointer(frame: Frame) -> Value:
            value = change(scalar(run(frame)))
            return pointed_at(frame.machine, value, target) if isinstance(value, Unknown) else value

        return Op(to, run_pointer)
    keeps = op.test is not None and (is_bool(to) or size_of(to) >= size_of(op.type))
    return Op(to, _changed(run, to, change), test=op.test if keeps else None)


def _changed(run: Run, to: CType, change: Callable[[Scalar], Scalar]) -> Run:
    """Return *run* and then *change*, the conversion to *to*."""
    if is_bool(to) or size_of(to) != WIDEST:
        return lambda frame: change(scalar(run(frame)))
    signed, last = is_signed(to), (1 << 8 * WIDEST) - 1

    def widened(frame: Frame) -> Value:
        value = run(frame)
        if value.__class__ is int and not signed:
            assert isinstance(value, int)
            return value & last
        return narrow(scalar(value), WIDEST, signed)

    return widened


def tested(op: Op) -> Test:
    """Return what tells whether the value of *op* is not 0: one bool where all lanes agree, else one a lane."""
    if op.test is not None:
        return op.test
    run = op.run
    return lambda frame: frame.machine.truth(scalar(run(frame)))


def conversion(source: CType, to: CType) -> Callable[[Scalar], Scalar] | None:
    """Return how a scalar of *source* becomes one of *to*, None when nothing changes."""
    if is_bool(to):
        return None if is_bool(source) else to_bool
    size, signed = size_of(to) if is_integer(to) else _word(to, source), is_signed(to)
    if size > WIDEST or (is_integer(source) and size_of(source) > WIDEST):
        raise CannotExecute(f"an integer of 128 bits ({source} to {to})")
    if is_integer(source) and is_integer(to) and size_of(source) == size and is_signed(source) == signed:
        return None
    if is_pointer(source) and is_pointer(to):
        return None
    if is_integer(source) and not is_signed(source) and size_of(source) <= size and not signed and not is_pointer(to):
        return None
    return lambda value: narrow(value, size, signed)


def _word(to: CType, source: CType) -> int:
    for type in (to, source):
        if isinstance(type, CPointer):
            return type.size
    raise CannotExecute(f"converts {source} to {to}")
