"""xchg(), cmpxchg() and try_cmpxchg(): one atomic step each (include/linux/atomic/atomic-instrumented.h).

The macros of the kernel take any pointer of the right width; the result has the type of what it points to. Casts of the
pointer (x86 passes ``(long *)&pte`` ) are the caller's and are honoured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CPointer, CType
from ptlint.sim.blob import Blob
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.machine import Machine
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import BOOL, INT, is_record, is_signed, size_of
from ptlint.sim.values import Scalar, compare, narrow, of_mask, some

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions

_ORDERS = r"(?:_relaxed|_acquire|_release|_local|_mb|_double)?"


def pointed(expressions: Expressions, call: ast.Call) -> tuple[Op, CType]:
    """Return the pointer argument and the type it points to. Raises CannotExecute for no pointer."""
    pointer = expressions.expr(call.args[0])
    if not isinstance(pointer.type, CPointer):
        raise CannotExecute("an atomic operation on what is no pointer", call.pos)
    return pointer, pointer.type.to


@lowers(f"/(?:arch_|raw_|__arch_|__)*xchg(?:32|64)?{_ORDERS}/")
def xchg(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """xchg(p, value): store and return what was there."""
    pointer, type = pointed(expressions, call)
    value = converted(expressions.expr(call.args[1]), type)
    run_pointer, run_value = pointer.run, value.run

    def run(frame: Frame) -> Value:
        address, new = scalar(run_pointer(frame)), run_value(frame)
        frame.machine.pos = call.pos
        return exchange(frame.machine, address, new, type)

    return Op(type, run)


def exchange(machine: Machine, address: Scalar, new: Value, type: CType) -> Value:
    """Store *new* at *address* and return what was there, in one step."""
    size = size_of(type)
    with machine.atomic(address, size):
        if is_record(type):
            assert isinstance(new, Blob)
            old: Value = machine.load_blob(address, size)
            machine.store_blob(address, new)
        else:
            old = machine.load(address, size, is_signed(type))
            machine.store(address, size, scalar(new))
    return old


@lowers(f"/(?:arch_|raw_|__arch_|__)*(?:sync_)?cmpxchg(?:32|64|128)?{_ORDERS}/")
def cmpxchg(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """cmpxchg(p, old, new): store *new* if *old* is there; return what was there."""
    pointer, type = pointed(expressions, call)
    expected, value = (converted(expressions.expr(arg), type) for arg in call.args[1:3])
    run_pointer, run_expected, run_value = pointer.run, expected.run, value.run
    if is_record(type):
        raise CannotExecute("cmpxchg() of a structure", call.pos)

    def run(frame: Frame) -> Value:
        address = scalar(run_pointer(frame))
        old, new = scalar(run_expected(frame)), scalar(run_value(frame))
        frame.machine.pos = call.pos
        return compare_exchange(frame.machine, address, old, new, type)[0]

    return Op(type, run)


def compare_exchange(
    machine: Machine, address: Scalar, expected: Scalar, new: Scalar, type: CType
) -> tuple[Scalar, Scalar]:
    """Return what was at *address* and the ``_Bool`` whether it was *expected* (then *new* is stored), in one step."""
    size, signed = size_of(type), is_signed(type)
    with machine.atomic(address, size):
        found = machine.load(address, size, signed)
        hit = machine.truth(compare("==", found, expected))
        if isinstance(hit, bool):
            if hit:
                machine.store(address, size, new)
            return found, int(hit)
        taken = machine.mask & hit
        if some(taken):
            saved = machine.mask
            machine.mask = taken
            machine.store(address, size, new)
            machine.mask = machine.without_dead(saved)
    return found, of_mask(hit, signed=False)


@lowers(f"/(?:arch_|raw_|__)*(?:sync_)?try_cmpxchg(?:32|64)?{_ORDERS}/")
def try_cmpxchg(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """try_cmpxchg(p, &old, new): as cmpxchg(); what was there goes to *old*; the result tells whether it was stored."""
    pointer, type = pointed(expressions, call)
    old_place = expressions.expr(call.args[1])
    value = converted(expressions.expr(call.args[2]), type)
    run_pointer, run_old, run_value, size = pointer.run, old_place.run, value.run, size_of(type)
    if is_record(type):
        raise CannotExecute("try_cmpxchg() of a structure", call.pos)

    def run(frame: Frame) -> Value:
        machine = frame.machine
        address, kept = scalar(run_pointer(frame)), scalar(run_old(frame))
        new = scalar(run_value(frame))
        machine.pos = call.pos
        expected = machine.load(kept, size, is_signed(type))
        found, hit = compare_exchange(machine, address, expected, new, type)
        if not isinstance(hit, int) or not hit:
            machine.store(kept, size, found)
        return hit

    return Op(BOOL, run)


def modify(machine: Machine, address: Scalar, size: int, clear: Scalar, set_: Scalar) -> Scalar:
    """Clear and set bits at *address* in one step and return what was there."""
    from ptlint.sim.values import arithmetic

    ones = (1 << 8 * size) - 1
    with machine.atomic(address, size):
        old = machine.load(address, size, False)
        kept = arithmetic("&", old, arithmetic("^", narrow(clear, size, False), ones, size, False), size, False)
        machine.store(address, size, arithmetic("|", kept, narrow(set_, size, False), size, False))
    return old


_LONG_OPS = r"(?:add|sub|inc|dec|and|or|xor|andnot)"


@lowers(r"/(?:arch_|raw_)*atomic(?:_long|64)?_(?:read|set)(?:_acquire|_release)?/")
def atomic_read_set(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """atomic_read(p), atomic_set(p, value): one load or store of the counter."""
    pointer = expressions.expr(call.args[0])
    counter = _counter(expressions, pointer, name)
    run_pointer, size = pointer.run, size_of(counter)
    if "_read" in name:

        def read(frame: Frame) -> Value:
            address = scalar(run_pointer(frame))
            frame.machine.pos = call.pos
            return frame.machine.load(address, size, True)

        return Op(counter, read)
    value = converted(expressions.expr(call.args[1]), counter).run

    def write(frame: Frame) -> Value:
        address, new = scalar(run_pointer(frame)), scalar(value(frame))
        frame.machine.pos = call.pos
        frame.machine.store(address, size, new)
        return None

    return Op(expressions.program.builtin("void"), write)


def _counter(expressions: Expressions, pointer: Op, name: str) -> CType:
    program = expressions.program
    if "_long" in name:
        return program.long
    return program.builtin("long long") if "64" in name else INT


@lowers(
    rf"/(?:arch_|raw_)*atomic(?:_long|64)?_(?:fetch_)?{_LONG_OPS}(?:_return|_and_test|_negative)?{_ORDERS}/",
)
def atomic_arithmetic(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """atomic_add(i, p), atomic_inc(p), …: one step; ``_return`` gives the new, ``fetch_`` the old value."""
    kind = next(op for op in ("andnot", "add", "sub", "inc", "dec", "and", "xor", "or") if _is_kind(name, op))
    counted = kind in ("inc", "dec")
    pointer = expressions.expr(call.args[-1])
    counter = _counter(expressions, pointer, name)
    operand = None if counted else converted(expressions.expr(call.args[0]), counter).run
    run_pointer, size = pointer.run, size_of(counter)

    def run(frame: Frame) -> Value:
        machine = frame.machine
        by = 1 if operand is None else scalar(operand(frame))
        address = scalar(run_pointer(frame))
        machine.pos = call.pos
        with machine.atomic(address, size):
            old = machine.load(address, size, True)
            new = _applied(kind, old, by, size)
            machine.store(address, size, new)
        if asks is not None:
            return narrow(compare(asks, new, 0), 1, False)
        return old if "fetch_" in name else new

    asks = "==" if name.endswith("_and_test") else "<" if name.endswith("_negative") else None
    returns = counter if "_return" in name or "fetch_" in name else expressions.program.builtin("void")
    return Op(returns if asks is None else BOOL, run)


def _is_kind(name: str, kind: str) -> bool:
    return any(part == kind for part in name.split("_"))


def _applied(kind: str, old: Scalar, by: Scalar, size: int) -> Scalar:
    from ptlint.sim.values import arithmetic

    signs = {"add": "+", "inc": "+", "sub": "-", "dec": "-", "and": "&", "or": "|", "xor": "^"}
    if kind == "andnot":
        return arithmetic("&", old, arithmetic("^", by, -1, size, True), size, True)
    return arithmetic(signs[kind], old, by, size, True)


def lanes_of(machine: Machine, value: Scalar) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Return *value* as one uint64 a lane."""
    if isinstance(value, int):
        return np.full(machine.lanes, value & 0xFFFF_FFFF_FFFF_FFFF, dtype=np.uint64)
    if isinstance(value, np.ndarray):
        return value.view(np.uint64)
    raise CannotExecute("an unknown value in an atomic operation", machine.pos, machine.function)
