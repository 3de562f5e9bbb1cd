"""Integer constant expressions, with the types and the wrap-around that C gives them (the kernel's flags make signed
arithmetic wrap)."""

from collections.abc import Callable

from ptlint.csrc import ast
from ptlint.csrc.ctypes import TypeOf, TypeTable, decayed
from ptlint.csrc.errors import ConstError, CSourceError, CTypeError
from ptlint.csrc.exprtypes import chosen, enumerator_type, type_of_expression
from ptlint.csrc.recursion import deep_recursion
from ptlint.csrc.resolved import CArray, CInt, CPointer, CRecord, CType

__all__ = ["ConstError", "Enumerators", "enumerator_values", "evaluate"]

Enumerators = Callable[[str], int | None]
"""Returns the value of an enumeration constant, None for any other name."""


def evaluate(expr: ast.Expr, types: TypeTable, enumerators: Enumerators, type_of: TypeOf | None = None) -> int:
    """Return the value of *expr*. *type_of* types what is not evaluated (``sizeof x``); without it only types and
    constants are known.

    :raises ConstError: it is no integer constant, or its value is undefined.
    """
    try:
        with deep_recursion():
            return _Evaluation(types, enumerators, type_of).value(expr)[0]
    except CTypeError as error:
        raise ConstError(error.pos if error.pos.path else expr.pos, error.what) from None


def enumerator_values(type: ast.EnumType, types: TypeTable) -> dict[str, int]:
    """Return the constants of *type* up to the first whose value is not known here."""
    values: dict[str, int] = {}

    def known(name: str) -> int | None:
        return values[name] if name in values else types.names.enumerator(name)

    following = 0
    for member in type.members or ():
        if member.value is not None:
            try:
                following = evaluate(member.value, types, known)
            except ConstError:
                break
        values[member.name] = following
        following += 1
    return values


_Value = tuple[int, CType]


class _Evaluation:
    def __init__(self, types: TypeTable, enumerators: Enumerators, type_of: TypeOf | None) -> None:
        self.types = types
        self.enumerators = enumerators
        self._type_of = type_of

    def type_of(self, expr: ast.Expr) -> CType:
        if self._type_of is not None:
            return self._type_of(expr)
        return type_of_expression(expr, self.types, self.variable)

    def variable(self, name: str) -> CType | None:
        value = self.enumerators(name)
        return None if value is None else enumerator_type(value, self.types)

    def value(self, expr: ast.Expr) -> _Value:
        types = self.types
        match expr:
            case ast.IntConst():
                return expr.value, types.builtin(expr.type)
            case ast.Name():
                value = self.enumerators(expr.name)
                if value is not None:
                    return value, enumerator_type(value, types)
                raise ConstError(expr.pos, f"{expr.name} is not constant")
            case ast.Unary():
                return self.unary(expr)
            case ast.Binary():
                return self.binary(expr)
            case ast.Conditional():
                return self.conditional(expr)
            case ast.Cast():
                return self.convert(self.value(expr.value)[0], types.resolve(expr.type, self.type_of), expr)
            case ast.SizeofType():
                return types.resolve(expr.type, self.type_of).size, types.size_type
            case ast.SizeofExpr():
                return self.type_of(expr.operand).size, types.size_type
            case ast.Alignof():
                return types.align_of(self.aligned(expr)), types.size_type
            case ast.Offsetof():
                base = types.resolve(expr.type, self.type_of)
                return self.walk(expr.path, base)[0], types.size_type
            case ast.GenericSelection():
                return self.value(chosen(expr, types, self.type_of))
            case ast.Call():
                return self.call(expr)
            case ast.StrConst() | ast.Index() | ast.MemberAccess():
                return self.decayed_address(expr)
            case ast.StmtExpr() if len(expr.body.items) == 1 and isinstance(expr.body.items[0], ast.ExprStmt):
                inner = expr.body.items[0].expr
                if inner is not None:
                    return self.value(inner)
        raise ConstError(expr.pos, "not an integer constant")

    def aligned(self, expr: ast.Alignof) -> CType:
        of = expr.of
        if isinstance(
            of,
            ast.BuiltinType | ast.TypedefName | ast.RecordType | ast.EnumType | ast.PointerType | ast.ArrayType
            | ast.FunctionType | ast.TypeofExpr,
        ):  # fmt: skip
            return self.types.resolve(of, self.type_of)
        return self.type_of(of)

    def integer(self, expr: ast.Expr) -> tuple[int, CInt]:
        value, type_ = self.value(expr)
        if not isinstance(type_, CInt):
            raise ConstError(expr.pos, f"{type_} is no integer")
        promoted = self.types.promoted(type_)
        return value, promoted

    def convert(self, value: int, type_: CType, expr: ast.Expr) -> _Value:
        if isinstance(type_, CInt):
            return type_.wrap(value), type_
        if isinstance(type_, CPointer):
            return value & ((1 << 8 * type_.size) - 1), type_
        raise ConstError(expr.pos, f"a constant cannot be {type_}")

    def unary(self, expr: ast.Unary) -> _Value:
        if expr.op == "&":
            offset, type_ = self.address(expr.operand)
            return offset, self.types.pointer_to(type_)
        if expr.op == "!":
            return int(not self.value(expr.operand)[0]), self.types.integer("int")
        if expr.op == "*":
            return self.decayed_address(expr)
        value, type_ = self.integer(expr.operand)
        result = {"-": -value, "~": ~value, "+": value}[expr.op]
        return type_.wrap(result), type_

    def binary(self, expr: ast.Binary) -> _Value:
        if expr.op in ("&&", "||"):
            left = bool(self.value(expr.left)[0])
            decided = left == (expr.op == "||")
            return int(left if decided else bool(self.value(expr.right)[0])), self.types.integer("int")
        left_value, left_type = self.value(expr.left)
        right_value, right_type = self.value(expr.right)
        if isinstance(left_type, CInt) and isinstance(right_type, CInt):
            return self.arithmetic(expr, (left_value, left_type), (right_value, right_type))
        return self.pointers(expr, (left_value, left_type), (right_value, right_type))

    def arithmetic(self, expr: ast.Binary, left: tuple[int, CInt], right: tuple[int, CInt]) -> _Value:
        op = expr.op
        if op in ("<<", ">>"):
            type_ = self.types.promoted(left[1])
            if not 0 <= right[0] < type_.bits:
                raise ConstError(expr.pos, f"a shift by {right[0]} bits")
            return type_.wrap(left[0] << right[0] if op == "<<" else left[0] >> right[0]), type_
        type_ = self.types.common(left[1], right[1])
        a, b = type_.wrap(left[0]), type_.wrap(right[0])
        compared = _compare(op, a, b)
        if compared is not None:
            return compared, self.types.integer("int")
        if op in ("/", "%"):
            if b == 0:
                raise ConstError(expr.pos, "a division by zero")
            quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
            return type_.wrap(quotient if op == "/" else a - quotient * b), type_
        result = {"+": a + b, "-": a - b, "&": a & b, "|": a | b, "^": a ^ b}.get(op)
        return type_.wrap(a * b if result is None else result), type_

    def pointers(self, expr: ast.Binary, left: _Value, right: _Value) -> _Value:
        a, left_type = left
        b, right_type = right
        compared = _compare(expr.op, a, b)
        if compared is not None:
            return compared, self.types.integer("int")
        if isinstance(left_type, CPointer) and isinstance(right_type, CInt) and expr.op in ("+", "-"):
            step = b * left_type.to.size
            return self.convert(a + step if expr.op == "+" else a - step, left_type, expr)
        if isinstance(right_type, CPointer) and isinstance(left_type, CInt) and expr.op == "+":
            return self.convert(b + a * right_type.to.size, right_type, expr)
        if isinstance(left_type, CPointer) and isinstance(right_type, CPointer) and expr.op == "-":
            size = left_type.to.size
            if size == 0:
                raise ConstError(expr.pos, "a difference of pointers to nothing")
            return (a - b) // size, self.types.integer("long" if self.types.model.long_size == 8 else "int")
        raise ConstError(expr.pos, f"{left_type} {expr.op} {right_type} is not constant")

    def conditional(self, expr: ast.Conditional) -> _Value:
        cond = self.value(expr.cond)[0]
        picked = expr.other if not cond else expr.then if expr.then is not None else expr.cond
        value, own = self.value(picked)
        type_ = own
        if isinstance(own, CInt):
            dropped = expr.other if cond else expr.then if expr.then is not None else expr.cond
            other = decayed(self.type_of(dropped), self.types.model)
            if isinstance(other, CInt):
                type_ = self.types.common(own, other)
            elif isinstance(other, CPointer):
                type_ = other
        return self.convert(value, type_, expr)

    def call(self, expr: ast.Call) -> _Value:
        name = expr.function.name if isinstance(expr.function, ast.Name) else ""
        args = expr.args
        int_ = self.types.integer("int")
        match name, len(args):
            case "__builtin_constant_p", 1:
                return int(self.is_constant(args[0])), int_
            case "__builtin_types_compatible_p", 2:
                return int(self.type_of(args[0]) == self.type_of(args[1])), int_
            case "__builtin_choose_expr", 3:
                return self.value(args[1] if self.value(args[0])[0] else args[2])
            case ("__builtin_expect", 2) | ("__builtin_expect_with_probability", 3):
                return self.convert(self.value(args[0])[0], self.types.integer("long"), expr)
        if len(args) == 1 and name.startswith("__builtin_"):
            return self.bit_builtin(name.removeprefix("__builtin_"), expr)
        raise ConstError(expr.pos, f"a call of {name or 'a pointer'} is not constant")

    def is_constant(self, expr: ast.Expr) -> bool:
        if isinstance(expr, ast.StrConst):
            return True
        try:
            self.value(expr)
        except CSourceError:
            return False
        return True

    def bit_builtin(self, name: str, expr: ast.Call) -> _Value:
        base = name.rstrip("l") if not name.startswith("bswap") else name
        int_ = self.types.integer("int")
        longs = len(name) - len(base)
        if base in ("ffs", "clz", "ctz", "popcount"):
            bits = self.types.integer(("int", "long", "long long")[min(longs, 2)]).bits
            value = self.value(expr.args[0])[0] & ((1 << bits) - 1)
            if base == "popcount":
                return value.bit_count(), int_
            if value == 0:
                if base == "ffs":
                    return 0, int_
                raise ConstError(expr.pos, f"__builtin_{name}(0) is undefined")
            lowest = (value & -value).bit_length()
            return {"ffs": lowest, "ctz": lowest - 1, "clz": bits - value.bit_length()}[base], int_
        if name in ("bswap16", "bswap32", "bswap64"):
            type_ = self.types.integer(
                {"16": "unsigned short", "32": "unsigned int", "64": "unsigned long long"}[name[5:]]
            )
            raw = type_.wrap(self.value(expr.args[0])[0]).to_bytes(type_.size, "little")
            return int.from_bytes(raw, "big"), type_
        raise ConstError(expr.pos, f"a call of __builtin_{name} is not constant")

    # --- addresses: offsets from a constant pointer

    def address(self, expr: ast.Expr) -> _Value:
        """Return the constant address of the object *expr* names, and the type of the object."""
        match expr:
            case ast.Unary(op="*"):
                value, type_ = self.value(expr.operand)
                if isinstance(type_, CPointer):
                    return value, type_.to
            case ast.MemberAccess(arrow=True):
                value, type_ = self.value(expr.base)
                if isinstance(type_, CPointer):
                    return self.member(value, type_.to, expr)
            case ast.MemberAccess():
                value, type_ = self.address(expr.base)
                return self.member(value, type_, expr)
            case ast.Index():
                value, type_ = self.value(expr.base)
                if isinstance(type_, CPointer):
                    return value + self.integer(expr.index)[0] * type_.to.size, type_.to
        raise ConstError(expr.pos, "not a constant address")

    def decayed_address(self, expr: ast.Expr) -> _Value:
        # The value of an array at a constant address is that address.
        if not isinstance(expr, ast.StrConst):
            value, type_ = self.address(expr)
            if isinstance(type_, CArray):
                return value, self.types.pointer_to(type_.of)
        raise ConstError(expr.pos, "what lies in memory is not constant")

    def walk(self, path: ast.Expr, base: CType) -> _Value:
        """Return offset and type that the path of an ``offsetof`` leads to."""
        match path:
            case ast.Name():
                return 0, base
            case ast.MemberAccess(arrow=False):
                offset, type_ = self.walk(path.base, base)
                return self.member(offset, type_, path)
            case ast.Index():
                offset, type_ = self.walk(path.base, base)
                if isinstance(type_, CArray):
                    return offset + self.integer(path.index)[0] * type_.of.size, type_.of
        raise ConstError(path.pos, "not a path to a member")

    def member(self, offset: int, type_: CType, expr: ast.MemberAccess) -> _Value:
        field = type_.find(expr.name) if isinstance(type_, CRecord) else None
        if field is None:
            raise ConstError(expr.pos, f"{type_} has no member {expr.name}")
        if field.bit_width is not None:
            raise ConstError(expr.pos, f"{expr.name} is a bit-field and has no offset")
        return offset + field.offset, field.type


def _compare(op: str, left: int, right: int) -> int | None:
    match op:
        case "==":
            return int(left == right)
        case "!=":
            return int(left != right)
        case "<":
            return int(left < right)
        case ">":
            return int(left > right)
        case "<=":
            return int(left <= right)
        case ">=":
            return int(left >= right)
    return None
