"""Lowering of expressions: syntax to closures, with C's types decided once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CPointer, CType
from ptlint.sim import operators
from ptlint.sim.blob import Blob
from ptlint.sim.convert import constant, converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Place, Value
from ptlint.sim.places import (
    bits_place,
    boxed_address,
    fitting,
    member_place,
    memory_place,
    record_of,
    slot_place,
    value_type,
)
from ptlint.sim.scope import Local, Scope
from ptlint.sim.types import CHAR, INT, VOID, exact_size_of, is_record, is_signed, is_void, size_of
from ptlint.sim.values import Scalar

if TYPE_CHECKING:
    from ptlint.sim.program import Program


class Expressions:
    """Lowers the expressions of one function."""

    def __init__(self, program: Program, scope: Scope, function: str) -> None:
        self.program = program
        self.scope = scope
        self.function = function
        self.path = ""
        self.returns: CType = VOID
        self.assembly: list[ast.Asm] = []
        """What was lowered of it: a branch that a constant rules out is not."""
        self._level = 0
        self.deepest = 0
        """How deep what was lowered is nested: an expression is one level, a statement several."""

    # --- types ----------------------------------------------------------------------------------------------------

    def resolve(self, type: ast.Type) -> CType:
        """Return the type that a written type means here."""
        return self.program.resolve(type, self)

    def type_of(self, expr: ast.Expr) -> CType:
        """Return the type of *expr* without running it (``typeof``, ``sizeof``): arrays stay arrays."""
        if isinstance(expr, (ast.Name, ast.MemberAccess, ast.Index)) or (
            isinstance(expr, ast.Unary) and expr.op == "*"
        ):
            place = self.place_or_none(expr)
            if place is not None:
                return place.type
        if isinstance(expr, ast.StrConst):
            return CArray(self.program.builtin("char"), len(expr.value) + 1)
        if isinstance(expr, ast.CompoundLiteral):
            return self.literal_type(expr)
        return self.expr(expr).type

    # --- expressions ----------------------------------------------------------------------------------------------

    def expr(self, expr: ast.Expr) -> Op:
        """Return the op of *expr*; an array becomes a pointer to its first element."""
        self.program.expressions += 1
        self.enter(1)
        try:
            return self._expr(expr)
        except CannotExecute as error:
            if error.pos is None:
                error.pos, error.function = expr.pos, self.function
            raise
        finally:
            self.enter(-1)

    def enter(self, levels: int) -> None:
        """Go *levels* deeper, negative ones back."""
        self._level += levels
        if self._level > self.deepest:
            self.deepest = self._level

    def _expr(self, expr: ast.Expr) -> Op:
        match expr:
            case ast.IntConst():
                return constant(expr.value, self.program.builtin(expr.type))
            case ast.StrConst():
                return self._string(expr)
            case ast.Name():
                return self._name(expr)
            case ast.MemberAccess() | ast.Index():
                return self._member_or_value(expr)
            case ast.Unary():
                return self._unary(expr)
            case ast.IncDec():
                return self._incdec(expr)
            case ast.Binary():
                return self._binary(expr)
            case ast.Assign():
                return self._assign(expr)
            case ast.Conditional():
                return self._conditional(expr)
            case ast.Comma():
                return self._comma(expr)
            case ast.Cast():
                return converted(self.expr(expr.value), self.resolve(expr.type))
            case ast.CompoundLiteral():
                return self._literal(expr)
            case ast.Call():
                return self.program.call(self, expr)
            case ast.SizeofType():
                return constant(exact_size_of(self.resolve(expr.type)), self.program.size_type)
            case ast.SizeofExpr():
                return constant(exact_size_of(self.type_of(expr.operand)), self.program.size_type)
            case ast.StmtExpr():
                return self.program.statement_expression(self, expr)
            case ast.Offsetof() | ast.Alignof() | ast.GenericSelection():
                return self._evaluated(expr)
            case _:
                raise CannotExecute(f"cannot execute {type(expr).__name__}", expr.pos)

    def _evaluated(self, expr: ast.Offsetof | ast.Alignof | ast.GenericSelection) -> Op:
        if isinstance(expr, ast.GenericSelection):
            wanted = self.expr(expr.control).type
            for written, choice in expr.choices:
                if written is not None and self.resolve(written) == wanted:
                    return self.expr(choice)
            for written, choice in expr.choices:
                if written is None:
                    return self.expr(choice)
            raise CannotExecute("_Generic without a matching type", expr.pos)
        if isinstance(expr, ast.Offsetof):
            return constant(self._offset(expr.path, self.resolve(expr.type))[0], self.program.size_type)
        type = self.resolve(expr.of) if isinstance(expr.of, ast.Type) else self.type_of(expr.of)
        return constant(self.program.align_of(type), self.program.size_type)

    def _offset(self, path: ast.Expr, type: CType) -> tuple[int, CType]:
        """Return where in *type* a path of offsetof() leads, in bytes, and the type there."""
        match path:
            case ast.Name():
                return 0, type
            case ast.MemberAccess():
                start, inner = self._offset(path.base, type)
                offset, found, _bits = self.program.member(record_of(inner), path.name)
                return start + offset, found
            case ast.Index():
                start, inner = self._offset(path.base, type)
                index = self.expr(path.index).const
                if isinstance(inner, CArray) and index is not None:
                    return start + index * size_of(inner.of), inner.of
        raise CannotExecute("an offset that is not constant", path.pos)

    def _string(self, expr: ast.StrConst) -> Op:
        program, data = self.program, expr.value
        if expr.width != 1:
            raise CannotExecute("a string of wide characters", expr.pos)
        return Op(program.pointer_to(program.builtin("char")), lambda frame: program.string(frame.machine, data))

    def _name(self, expr: ast.Name) -> Op:
        local = self.scope.find(expr.name)
        if local is None:
            value = self.program.enumerator(expr.name)
            if value is not None:
                return constant(value, self.program.enum_type(value))
            if self.program.is_function(expr.name):
                program, name = self.program, expr.name
                type = program.pointer_to(program.function_type(name, self))
                return Op(type, lambda frame: program.function_address(frame.machine, name))
        elif local.value is not None:
            return constant(local.value, local.type)
        return self.loaded(self.place(expr))

    def loaded(self, place: Place) -> Op:
        """Return the op that reads *place*; an array or function gives its address."""
        if isinstance(place.type, (CArray, CFunction)):
            target = place.type.of if isinstance(place.type, CArray) else place.type
            return Op(self.program.pointer_to(target), place.locate)
        locate, load = place.locate, place.load
        type, bits = value_type(place), place.bits
        wide = bits if bits is not None and INT.size < size_of(type) and bits < 8 * size_of(type) else None
        if place.read is not None:
            return Op(type, place.read, bits=wide)
        return Op(type, lambda frame: load(frame, locate(frame)), bits=wide)

    def _member_or_value(self, expr: ast.MemberAccess | ast.Index) -> Op:
        place = self.place_or_none(expr)
        if place is not None:
            return self.loaded(place)
        assert isinstance(expr, ast.MemberAccess)
        base = self.expr(expr.base)
        offset, type, bits = self.program.member(record_of(base.type), expr.name)
        if bits is not None:
            raise CannotExecute("takes a bit-field of a returned structure", expr.pos)
        if isinstance(type, CArray):
            raise CannotExecute("takes an array of a returned structure", expr.pos)
        size, signed, run = size_of(type), is_signed(type), base.run

        def part(frame: Frame) -> Value:
            blob = run(frame)
            assert isinstance(blob, Blob)
            return blob.sub(offset, size) if is_record(type) else blob.load(offset, size, signed)

        return Op(type, part)

    # --- lvalues --------------------------------------------------------------------------------------------------

    def place(self, expr: ast.Expr) -> Place:
        """Return the place of an lvalue. Raises CannotExecute for anything else."""
        place = self.place_or_none(expr)
        if place is None:
            raise CannotExecute("assigns to or takes the address of a value", expr.pos)
        return place

    def place_or_none(self, expr: ast.Expr) -> Place | None:
        """Return the place of *expr*, or None when it is no lvalue."""
        match expr:
            case ast.Name():
                return self._variable(expr)
            case ast.Unary(op="*"):
                pointer = self.expr(expr.operand)
                return self._at(pointer, expr.pos)
            case ast.Index():
                pointer = operators.binary("+", self.expr(expr.base), self.expr(expr.index), self.program.long)
                return self._at(pointer, expr.pos)
            case ast.MemberAccess():
                return self._member(expr)
            case ast.CompoundLiteral():
                return self.program.literal_place(self, expr)
            case ast.StmtExpr() | ast.Comma() | ast.Conditional():
                return None
            case _:
                return None

    def _at(self, pointer: Op, pos: ast.Pos) -> Place:
        if not isinstance(pointer.type, CPointer):
            raise CannotExecute(f"follows {pointer.type}, which is no pointer", pos)
        run = pointer.run
        if isinstance(pointer.type.to, CFunction) or is_void(pointer.type.to):
            return Place(pointer.type.to, lambda frame: scalar(run(frame)), _no_load, _no_store, addressable=True)
        if isinstance(pointer.type.to, CArray):
            return Place(pointer.type.to, lambda frame: scalar(run(frame)), _no_load, _no_store, addressable=True)
        return memory_place(pointer.type.to, lambda frame: scalar(run(frame)))

    def _variable(self, expr: ast.Name) -> Place | None:
        local = self.scope.find(expr.name)
        if local is not None:
            return None if local.value is not None else self.local_place(local)
        if self.program.enumerator(expr.name) is not None:
            return None
        return self.program.global_place(self, expr)

    def local_place(self, local: Local) -> Place:
        """Return the place of a variable."""
        if not local.boxed:
            return slot_place(local.type, local.slot, local.name)
        locate: Callable[[Frame], Scalar] = local.address or boxed_address(local.type, local.slot, local.name)
        if isinstance(local.type, CArray):
            return Place(local.type, locate, _no_load, _no_store, addressable=True)
        return memory_place(local.type, locate)

    def _member(self, expr: ast.MemberAccess) -> Place | None:
        if expr.arrow:
            base: Place | None = self._at(self.expr(expr.base), expr.pos)
        else:
            base = self.place_or_none(expr.base)
        if base is None:
            return None
        offset, type, bits = self.program.member(record_of(base.type), expr.name)
        if isinstance(type, (CArray, CFunction)):
            inner = member_place(base, offset, CHAR)
            if not inner.addressable:
                raise CannotExecute("uses an array inside a structure held by value", expr.pos)
            return Place(type, inner.locate, _no_load, _no_store, addressable=True)
        if bits is None:
            return member_place(base, offset, type)
        return bits_place(base, offset, type, bits, self.program.model.big_endian)

    # --- operators ------------------------------------------------------------------------------------------------

    def _unary(self, expr: ast.Unary) -> Op:
        if expr.op == "&":
            return self._address_of(expr)
        if expr.op == "*":
            return self.loaded(self.place(expr))
        return operators.unary(expr.op, self.expr(expr.operand))

    def _address_of(self, expr: ast.Unary) -> Op:
        target = expr.operand
        if isinstance(target, ast.Name) and self.scope.find(target.name) is None and self._is_function(target.name):
            return self._name(target)
        place = self.place(expr.operand)
        if not place.addressable:
            raise CannotExecute("takes the address of a variable held by value", expr.pos)
        return Op(self.program.pointer_to(place.type), place.locate)

    def _is_function(self, name: str) -> bool:
        return self.program.is_function(name)

    def _binary(self, expr: ast.Binary) -> Op:
        left = self.expr(expr.left)
        if expr.op in ("&&", "||"):
            if left.const is not None and bool(left.const) == (expr.op == "||"):
                return constant(int(bool(left.const)), INT)
            return operators.logical(expr.op, left, self.expr(expr.right))
        return operators.binary(expr.op, left, self.expr(expr.right), self.program.long)

    def _conditional(self, expr: ast.Conditional) -> Op:
        cond = self.expr(expr.cond)
        if expr.then is None:
            return operators.elvis(cond, self.expr(expr.other))
        if cond.const is not None:
            return self._chosen(expr, bool(cond.const))
        return operators.conditional(cond, self.expr(expr.then), self.expr(expr.other))

    def _chosen(self, expr: ast.Conditional, yes: bool) -> Op:
        """Return the arm that a constant condition takes; the other arm gives its type only if it can be lowered."""
        assert expr.then is not None
        taken, other = (expr.then, expr.other) if yes else (expr.other, expr.then)
        op = self.expr(taken)
        try:
            dropped = self.expr(other)
        except CannotExecute:
            return op
        type = operators.conditional_type(op, dropped) if yes else operators.conditional_type(dropped, op)
        return op if is_void(type) else converted(op, type)

    def _comma(self, expr: ast.Comma) -> Op:
        return operators.comma(self.expr(expr.left), self.expr(expr.right))

    def _assign(self, expr: ast.Assign) -> Op:
        place = self.place(expr.target)
        value = self.expr(expr.value)
        if not expr.op:
            locate, store = place.locate, place.store
            run_value, fitted = converted(value, place.type).run, fitting(place)

            def assign(frame: Frame) -> Value:
                new = run_value(frame)
                store(frame, locate(frame), new)
                return fitted(new) if fitted else new

            return Op(value_type(place), assign)
        return self._compound(expr.op, place, value)

    def _compound(self, op: str, place: Place, value: Op) -> Op:
        locate, load, store = place.locate, place.load, place.store
        run_value, apply, fitted = value.run, self._applied(op, place, value), fitting(place)

        def run(frame: Frame) -> Value:
            operand = run_value(frame)
            address = locate(frame)
            new = apply(frame, load(frame, address), operand)
            store(frame, address, new)
            return fitted(new) if fitted else new

        return Op(value_type(place), run)

    def _applied(self, op: str, place: Place, value: Op) -> Callable[[Frame, Value, Value], Value]:
        """Return ``old op value`` converted back to the place's type, as a function of both."""
        operands: list[Value] = [None, None]
        left, type = Op(value_type(place), lambda _frame: operands[0]), place.type
        right = value if value.const is not None else Op(value.type, lambda _frame: operands[1])
        combined = converted(operators.binary(op, left, right, self.program.long), type).run

        def apply(frame: Frame, old: Value, operand: Value) -> Value:
            operands[0], operands[1] = old, operand
            return combined(frame)

        return apply

    def _incdec(self, expr: ast.IncDec) -> Op:
        place = self.place(expr.operand)
        apply, fitted = self._applied(expr.op[0], place, constant(1, INT)), fitting(place)
        locate, load, store, prefix = place.locate, place.load, place.store, expr.prefix

        def run(frame: Frame) -> Value:
            address = locate(frame)
            old = load(frame, address)
            new = apply(frame, old, None)
            store(frame, address, new)
            if not prefix:
                return old
            return fitted(new) if fitted else new

        return Op(value_type(place), run)

    def literal_type(self, expr: ast.CompoundLiteral) -> CType:
        """Return the type of a compound literal, an array with its length."""
        type = self.resolve(expr.type)
        return self.program.completed(self, type, expr.init) if isinstance(type, CArray) else type

    def _literal(self, expr: ast.CompoundLiteral) -> Op:
        type = self.resolve(expr.type)
        if is_record(type):
            build = self.program.initialiser(self, type, expr.init)
            return Op(type, build)
        if isinstance(type, CArray):
            return self.loaded(self.program.literal_place(self, expr))
        return converted(self.expr(self.program.single(expr.init)), type)


def _no_load(_frame: Frame, _address: Scalar | None) -> Value:
    raise CannotExecute("reads an array or function as a value")


def _no_store(_frame: Frame, _address: Scalar | None, _value: Value) -> None:
    raise CannotExecute("assigns to an array or function")
