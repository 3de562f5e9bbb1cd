"""Unary and binary operators over lowered operands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, xor
from typing import Any, TypeVar

import numpy as np

from ptlint.csrc.ctypes import CPointer, CType
from ptlint.sim.convert import constant, converted, scalar, tested
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Run, Value
from ptlint.sim.places import mixed
from ptlint.sim.types import INT, common, is_integer, is_pointer, is_record, is_signed, is_void, promoted, size_of
from ptlint.sim.values import Mask, Scalar, Unknown, arithmetic, choose, compare, narrow, negate, of_mask, some, to_bool

T = TypeVar("T")

COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))


def binary(op: str, left: Op, right: Op, long: CType) -> Op:
    """Return ``left op right`` for everything but ``&&`` and ``||``. *long* is the type of a pointer difference."""
    if is_pointer(left.type) or is_pointer(right.type):
        return _pointer(op, left, right, long)
    if left.bits is not None or right.bits is not None:
        bits = _bits_left(op, left, right)
        plain = binary(op, replace(left, bits=None), replace(right, bits=None), long)
        return plain if op in COMPARISONS else replace(plain, bits=bits)
    if op in ("<<", ">>"):
        result = promoted(left.type)
        left = converted(left, result)
        right = converted(right, promoted(right.type))
    else:
        result = common(promoted(left.type), promoted(right.type))
        left, right = converted(left, result), converted(right, result)
    if op in COMPARISONS:
        return _comparison(op, left, right)
    if op in ("/", "%"):
        return _division(op, left, right)
    size, signed = result.size, result.signed
    if op in _BITWISE:
        return _fold(op, left, right, result, _bitwise(op, size, signed))
    if op in _SUMS:
        return _fold(op, left, right, result, _sum(op, size, signed))
    if op in ("<<", ">>") and right.const is not None and 0 <= right.const < 8 * size:
        return _fold(op, left, right, result, _shift(op, size, signed))
    return _fold(op, left, right, result, lambda a, b: arithmetic(op, a, b, size, signed))


_BITWISE: dict[str, Callable[[Any, Any], Any]] = {"&": and_, "|": or_, "^": xor}
_SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul}
_COMPARED: dict[str, Callable[[Any, Any], Any]] = {"==": eq, "!=": ne, "<": lt, ">": gt, "<=": le, ">=": ge}


def _bitwise(op: str, size: int, signed: bool) -> Callable[[Scalar, Scalar], Scalar]:
    """Return ``arithmetic`` of *op* for operands of one type: what comes out of these is in its range."""
    apply = _BITWISE[op]

    def combined(a: Scalar, b: Scalar) -> Scalar:
        if a.__class__ is Unknown or b.__class__ is Unknown:
            return arithmetic(op, a, b, size, signed)
        result: Scalar = apply(a, b)
        return result

    return combined


def _sum(op: str, size: int, signed: bool) -> Callable[[Scalar, Scalar], Scalar]:
    """Return ``arithmetic`` of *op* for operands of one type: what comes out of these may wrap."""
    apply = _SUMS[op]

    def combined(a: Scalar, b: Scalar) -> Scalar:
        if a.__class__ is Unknown or b.__class__ is Unknown:
            return arithmetic(op, a, b, size, signed)
        return narrow(apply(a, b), size, signed)

    return combined


def _shift(op: str, size: int, signed: bool) -> Callable[[Scalar, Scalar], Scalar]:
    """Return ``arithmetic`` of *op* by a constant that is less than the width."""
    left = op == "<<"

    def shifted(a: Scalar, b: Scalar) -> Scalar:
        if isinstance(a, Unknown) or isinstance(b, Unknown):
            return arithmetic(op, a, b, size, signed)
        return narrow(a << b, size, signed) if left else a >> b

    return shifted


def _comparison(op: str, left: Op, right: Op) -> Op:
    """Return ``compare`` of *op* over operands of one type."""
    if left.const is not None and right.const is not None:
        value = compare(op, left.const, right.const)
        assert isinstance(value, int)
        return constant(value, INT)
    apply, run_left, run_right = _COMPARED[op], left.run, right.run

    def run(frame: Frame) -> Value:
        a, b = scalar(run_left(frame)), scalar(run_right(frame))
        if a.__class__ is Unknown or b.__class__ is Unknown:
            return compare(op, a, b)
        result = apply(a, b)
        return of_mask(result) if result.__class__ is np.ndarray else int(result)

    def test(frame: Frame) -> bool | Mask:
        a, b = scalar(run_left(frame)), scalar(run_right(frame))
        if a.__class__ is Unknown or b.__class__ is Unknown:
            return frame.machine.truth(compare(op, a, b))
        result: bool | Mask = apply(a, b)
        return result

    return Op(INT, run, test=test)


def _bits_left(op: str, left: Op, right: Op) -> int | None:
    """Return the bits of the result of an operator on a wide bit-field, None where it has a type of its own.

    GCC does arithmetic on such a field in its width, other compilers in that of its type. Raises CannotExecute where
    that may make a difference.
    """
    field, other = (left, right) if left.bits is not None else (right, left)
    if op in ("<<", ">>") and left.bits is None:
        return None
    if op not in ("<<", ">>") and other.bits is None and size_of(promoted(other.type)) == size_of(field.type):
        return None
    is_counted = is_signed(field.type) or not is_signed(other.type) or (other.const is not None and other.const >= 0)
    if op in ("+", "-", "*", "<<") or not (op == ">>" or is_counted):
        raise CannotExecute(f"arithmetic on a bit-field of {field.bits} bits, whose width compilers do not agree on")
    return max(left.bits or 0, right.bits or 0) if op != ">>" else left.bits


def _fold(op: str, left: Op, right: Op, type: CType, apply: Callable[[Scalar, Scalar], Scalar]) -> Op:
    if left.const is not None and right.const is not None:
        value = apply(left.const, right.const)
        if isinstance(value, int):
            return constant(value, type)
    run_left, run_right, const = left.run, right.run, right.const
    if const is not None:
        return Op(type, lambda frame: apply(scalar(run_left(frame)), const))
    return Op(type, lambda frame: apply(scalar(run_left(frame)), scalar(run_right(frame))))


def _division(op: str, left: Op, right: Op) -> Op:
    size, signed = size_of(left.type), is_signed(left.type)
    if left.const is not None and right.const:
        value = arithmetic(op, left.const, right.const, size, signed)
        assert isinstance(value, int)
        return constant(value, left.type)
    run_left, run_right = left.run, right.run

    def run(frame: Frame) -> Value:
        a, b = scalar(run_left(frame)), scalar(run_right(frame))
        if isinstance(a, Unknown) or isinstance(b, Unknown):
            return arithmetic(op, a, b, size, signed)
        zero = b == 0
        if isinstance(zero, np.ndarray):
            bad = zero & frame.machine.mask
            b = np.where(zero, 1, b).astype(b.dtype) if isinstance(b, np.ndarray) else b
        else:
            bad = frame.machine.mask if zero else np.zeros(frame.machine.lanes, dtype=bool)
            b = 1 if zero else b
        if some(bad):
            frame.machine.note("fault", "division by zero", bad)
            frame.machine.kill(bad)
        return arithmetic(op, a, b, size, signed)

    return Op(left.type, run)


def _pointer(op: str, left: Op, right: Op, long: CType) -> Op:
    if op in COMPARISONS:
        return _comparison(op, _as_address(left), _as_address(right))
    if op == "-" and is_pointer(left.type) and is_pointer(right.type):
        assert isinstance(left.type, CPointer)
        step, size = size_of(left.type.to), size_of(long)

        def difference(frame: Frame) -> Value:
            bytes_apart = arithmetic("-", scalar(left.run(frame)), scalar(right.run(frame)), size, True)
            return arithmetic("/", bytes_apart, step, size, True) if step != 1 else bytes_apart

        return Op(long, difference)
    if op not in ("+", "-"):
        raise CannotExecute(f"operator {op} on a pointer")
    pointer, offset = (left, right) if is_pointer(left.type) else (right, left)
    assert isinstance(pointer.type, CPointer)
    size = pointer.type.size
    index = converted(offset, promoted(offset.type))
    step = size_of(pointer.type.to)
    run_pointer, run_index = pointer.run, index.run

    last = (1 << 8 * size) - 1

    def moved(frame: Frame) -> Value:
        base, count = scalar(run_pointer(frame)), scalar(run_index(frame))
        if base.__class__ is int and count.__class__ is int:
            return (base + count * step if op == "+" else base - count * step) & last
        count = narrow(count, size, False)
        by = arithmetic("*", count, step, size, False)
        return arithmetic(op, base, by, size, False)

    if pointer.const is not None and index.const is not None:
        by = index.const * step
        value = narrow(pointer.const + by if op == "+" else pointer.const - by, size, False)
        assert isinstance(value, int)
        return constant(value, pointer.type)
    return Op(pointer.type, moved)


def _as_address(op: Op) -> Op:
    if is_pointer(op.type):
        return op
    if op.const is not None:
        return constant(op.const, op.type)
    return op


def unary(op: str, operand: Op) -> Op:
    """Return ``+ - ~ !`` of *operand*."""
    if op == "!":
        run = operand.run
        if operand.const is not None:
            return constant(int(not operand.const), INT)
        test_operand = tested(operand)

        def test(frame: Frame) -> bool | Mask:
            truth = test_operand(frame)
            return not truth if isinstance(truth, bool) else ~truth

        return Op(INT, lambda frame: negate(scalar(run(frame))), test=test)
    if operand.bits is not None and op != "+":
        raise CannotExecute(f"arithmetic on a bit-field of {operand.bits} bits, whose width compilers do not agree on")
    type = promoted(operand.type)
    value = converted(operand, type)
    size, signed = type.size, type.signed
    if op == "+":
        return value
    apply: Callable[[Scalar], Scalar]
    if op == "-":
        apply = lambda v: arithmetic("-", 0, v, size, signed)  # noqa: E731
    else:
        apply = lambda v: arithmetic("^", v, -1 if signed else (1 << 8 * size) - 1, size, signed)  # noqa: E731
    if value.const is not None:
        result = apply(value.const)
        assert isinstance(result, int)
        return constant(result, type)
    run_value = value.run
    return Op(type, lambda frame: apply(scalar(run_value(frame))))


def logical(op: str, left: Op, right: Op) -> Op:
    """Return ``left && right`` or ``left || right`` with C's short circuit, lane by lane."""
    stop = op == "||"
    if left.const is not None:
        if bool(left.const) == stop:
            return constant(int(stop), INT)
        return truth_value(right)
    test_left, test_right = tested(left), tested(right)

    def test(frame: Frame) -> bool | Mask:
        first = test_left(frame)
        if isinstance(first, bool):
            return stop if first == stop else test_right(frame)
        going = frame.machine.mask & (~first if stop else first)
        if not some(going):
            return stop
        second = narrowed(frame, going, lambda: test_right(frame))
        result: Mask = first | second if stop else first & second
        return result

    return Op(INT, lambda frame: _as_int(test(frame)), test=test)


def _as_int(value: bool | Mask) -> Scalar:
    return int(value) if isinstance(value, bool) else of_mask(value)


def truth_value(op: Op) -> Op:
    """Return *op* as the C ``int`` 0 or 1."""
    if op.const is not None:
        return constant(int(bool(op.const)), INT)
    run = op.run

    def truth(frame: Frame) -> Value:
        value = to_bool(scalar(run(frame)))
        return value.view(np.int64) if isinstance(value, np.ndarray) else value

    return Op(INT, truth, test=tested(op))


def narrowed(frame: Frame, mask: Mask, body: Callable[[], T]) -> T:
    """Run *body* in the lanes of *mask*; lanes that it loses (a return in a statement expression) stay lost."""
    machine = frame.machine
    saved = machine.mask
    machine.mask = mask
    result = body()
    if machine.mask is mask:
        machine.mask = saved
    else:
        machine.mask = saved & ~(mask & ~machine.mask)
    return result


def conditional(cond: Op, then: Op, other: Op) -> Op:
    """Return ``cond ? then : other``."""
    type = conditional_type(then, other)
    if not is_void(type):
        then, other = converted(then, type), converted(other, type)
    if cond.const is not None:
        chosen = then if cond.const else other
        return Op(type, chosen.run, chosen.const)
    test, run_then, run_other, signed = tested(cond), then.run, other.run, is_signed(type)

    def run(frame: Frame) -> Value:
        machine = frame.machine
        truth = test(frame)
        if isinstance(truth, bool):
            return run_then(frame) if truth else run_other(frame)
        yes, no = machine.mask & truth, machine.mask & ~truth
        if not some(no):
            return run_then(frame)
        if not some(yes):
            return run_other(frame)
        return _both(frame, yes, no, run_then, run_other, signed)

    return Op(type, run)


def elvis(cond: Op, other: Op) -> Op:
    """Return the op of ``cond ?: other``, which evaluates *cond* once."""
    type = conditional_type(cond, other)
    cond, other = converted(cond, type), converted(other, type)
    if cond.const is not None:
        return cond if cond.const else other
    run_cond, run_other, signed = cond.run, other.run, is_signed(type)

    def run(frame: Frame) -> Value:
        value = scalar(run_cond(frame))
        truth = frame.machine.truth(value)
        if isinstance(truth, bool):
            return value if truth else run_other(frame)
        rest = frame.machine.mask & ~truth
        if not some(rest):
            return value
        second = narrowed(frame, rest, lambda: scalar(run_other(frame)))
        return choose(truth, value, second, signed)

    return Op(type, run)


def comma(left: Op, right: Op) -> Op:
    """Return the op of ``left, right``."""
    run_left, run_right = left.run, right.run
    if left.const is not None:
        return Op(right.type, run_right, right.const)

    def run(frame: Frame) -> Value:
        run_left(frame)
        return run_right(frame)

    return Op(right.type, run)


def _both(frame: Frame, yes: Mask, no: Mask, run_then: Run, run_other: Run, signed: bool) -> Value:
    a = narrowed(frame, yes, lambda: run_then(frame))
    b = narrowed(frame, no & frame.machine.mask, lambda: run_other(frame))
    if a is None or b is None:
        return None
    return mixed(yes, a, b, signed)


def conditional_type(then: Op, other: Op) -> CType:
    """Return the type of a conditional expression."""
    if is_void(then.type) or is_void(other.type):
        return then.type if is_void(then.type) else other.type
    if is_record(then.type):
        return then.type
    if is_integer(then.type) and is_integer(other.type):
        return common(promoted(then.type), promoted(other.type))
    if is_pointer(then.type) and is_pointer(other.type):
        if _is_null(then) or _is_null(other):
            return other.type if _is_null(then) else then.type
        return other.type if _to_void(other.type) else then.type
    return then.type if is_pointer(then.type) else other.type


def _to_void(type: CType) -> bool:
    return isinstance(type, CPointer) and is_void(type.to)


def _is_null(op: Op) -> bool:
    """Return whether a pointer is a null pointer constant: the other arm of a conditional gives the type then."""
    return op.const == 0 and _to_void(op.type)
