"""The type of an expression, found without evaluating it."""

from collections.abc import Callable

from ptlint.csrc import ast
from ptlint.csrc.ctypes import TypeTable, decayed
from ptlint.csrc.errors import CSourceError, CTypeError
from ptlint.csrc.recursion import deep_recursion
from ptlint.csrc.resolved import CArray, CFloat, CFunction, CInt, CPointer, CRecord, CType, CVoid

Variables = Callable[[str], CType | None]
"""Returns the type of a variable or function that is visible, None for any other name."""

_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">=", "&&", "||"))
_BUILTIN_RETURNS = {
    "__builtin_expect": "long", "__builtin_constant_p": "int", "__builtin_types_compatible_p": "int",
    "__builtin_ffs": "int", "__builtin_ffsl": "int", "__builtin_ffsll": "int", "__builtin_clz": "int",
    "__builtin_clzl": "int", "__builtin_clzll": "int", "__builtin_ctz": "int", "__builtin_ctzl": "int",
    "__builtin_ctzll": "int", "__builtin_popcount": "int", "__builtin_popcountl": "int", "__builtin_popcountll": "int",
    "__builtin_bswap16": "unsigned short", "__builtin_bswap32": "unsigned int",
    "__builtin_bswap64": "unsigned long long", "__builtin_add_overflow": "_Bool", "__builtin_sub_overflow": "_Bool",
    "__builtin_mul_overflow": "_Bool", "__builtin_has_attribute": "_Bool", "__builtin_strlen": "unsigned long",
    "__builtin_object_size": "unsigned long", "__builtin_dynamic_object_size": "unsigned long",
    "__builtin_unreachable": "void", "__builtin_trap": "void",
}  # fmt: skip


def nothing_declared(name: str) -> CType | None:
    """Return None: a scope without variables."""
    return None


def type_of_expression(expr: ast.Expr, table: TypeTable, variables: Variables = nothing_declared) -> CType:
    """Return the type of *expr*; arrays and functions are not turned into pointers.

    :raises CTypeError: a name is not known, or operands do not fit.
    """
    with deep_recursion():
        return _Typing(table, variables).of(expr)


class _Typing:
    def __init__(self, table: TypeTable, variables: Variables) -> None:
        self.table = table
        self.variables = variables

    def of(self, expr: ast.Expr) -> CType:
        table = self.table
        match expr:
            case ast.IntConst():
                return table.builtin(expr.type)
            case ast.FloatConst():
                return table.builtin("double")
            case ast.StrConst():
                unit = {1: "char", 2: "unsigned short", 4: "unsigned int"}[expr.width]
                return CArray(table.builtin(unit), len(expr.value) // expr.width + 1)
            case ast.Name():
                return self.name(expr)
            case ast.Unary():
                return self.unary(expr)
            case ast.IncDec():
                return self.of(expr.operand)
            case ast.Binary():
                return self.binary(expr)
            case ast.Assign():
                return self.of(expr.target)
            case ast.Conditional():
                return self.conditional(expr)
            case ast.Comma():
                return self.value(expr.right)
            case ast.Cast() | ast.CompoundLiteral():
                return self.literal_type(expr)
            case ast.Call():
                return self.call(expr)
            case ast.TypeArg():
                return table.resolve(expr.type, self.of)
            case ast.Index():
                return self.element(expr)
            case ast.MemberAccess():
                return self.member(expr)[0]
            case ast.SizeofType() | ast.SizeofExpr() | ast.Alignof() | ast.Offsetof():
                return table.size_type
            case ast.StmtExpr():
                return self.statements(expr)
            case ast.GenericSelection():
                return self.of(chosen(expr, table, self.of))
            case ast.LabelAddress():
                return table.pointer_to(CVoid())

    def value(self, expr: ast.Expr) -> CType:
        """Return the type of *expr* as an operand: arrays and functions are pointers, narrow bit-fields ``int``."""
        if isinstance(expr, ast.MemberAccess):
            type_, width = self.member(expr)
            if width is not None and isinstance(type_, CInt) and width < 32:
                return self.table.integer("int")
            return decayed(type_, self.table.model)
        return decayed(self.of(expr), self.table.model)

    def name(self, expr: ast.Name) -> CType:
        found = self.variables(expr.name)
        if found is not None:
            return found
        value = self.table.names.enumerator(expr.name)
        if value is not None:
            return enumerator_type(value, self.table)
        if expr.name in ("__func__", "__FUNCTION__", "__PRETTY_FUNCTION__"):
            return CArray(self.table.builtin("char"), None)
        raise CTypeError(expr.pos, f"the type of {expr.name} is not known")

    def unary(self, expr: ast.Unary) -> CType:
        if expr.op == "&":
            return self.table.pointer_to(self.of(expr.operand))
        operand = self.value(expr.operand)
        if expr.op == "*":
            return self.target(operand, expr)
        if expr.op == "!":
            return self.table.builtin("int")
        return self.table.promoted(operand) if isinstance(operand, CInt) else self.floating(operand, expr)

    def binary(self, expr: ast.Binary) -> CType:
        table = self.table
        if expr.op in _COMPARISONS:
            return table.builtin("int")
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, CInt) and isinstance(right, CInt):
            return table.promoted(left) if expr.op in ("<<", ">>") else table.common(left, right)
        if isinstance(left, CPointer) and expr.op == "-" and isinstance(right, CPointer):
            return table.integer("long" if table.model.long_size == 8 else "int")
        if isinstance(left, CPointer) and isinstance(right, CInt) and expr.op in ("+", "-"):
            return left
        if isinstance(right, CPointer) and isinstance(left, CInt) and expr.op == "+":
            return right
        return self.floating(left if isinstance(left, CFloat) else right, expr)

    def floating(self, type_: CType, expr: ast.Expr) -> CType:
        if isinstance(type_, CFloat):
            return type_
        raise CTypeError(expr.pos, f"arithmetic on {type_}")

    def conditional(self, expr: ast.Conditional) -> CType:
        then_expr = expr.then if expr.then is not None else expr.cond
        then, other = self.value(then_expr), self.value(expr.other)
        if isinstance(then, CInt) and isinstance(other, CInt):
            return self.table.common(then, other)
        if isinstance(then, CPointer) and isinstance(other, CPointer):
            if self.is_null(then_expr):
                return other
            if self.is_null(expr.other):
                return then
            return other if isinstance(other.to, CVoid) else then
        if isinstance(then, CVoid) or isinstance(other, CVoid):
            return CVoid()
        return other if isinstance(other, CPointer) and isinstance(then, CInt) else then

    def is_null(self, expr: ast.Expr) -> bool:
        """Return whether *expr* is a null pointer constant: ``(void *)`` of an integer constant 0."""
        from ptlint.csrc.constexpr import evaluate

        if not isinstance(expr, ast.Cast):
            return False
        type_ = self.table.resolve(expr.type, self.of)
        if not (isinstance(type_, CPointer) and isinstance(type_.to, CVoid)):
            return False
        try:
            return evaluate(expr.value, self.table, self.table.names.enumerator, self.of) == 0
        except CSourceError:
            return False

    def literal_type(self, expr: ast.Cast | ast.CompoundLiteral) -> CType:
        type_ = self.table.resolve(expr.type, self.of)
        if isinstance(expr, ast.CompoundLiteral) and isinstance(type_, CArray) and type_.count is None:
            if any(item.designators for item in expr.init.items):
                raise CTypeError(expr.pos, "an array literal with designators has no size here")
            return CArray(type_.of, len(expr.init.items))
        return type_

    def call(self, expr: ast.Call) -> CType:
        if isinstance(expr.function, ast.Name):
            name, args = expr.function.name, expr.args
            if name in _BUILTIN_RETURNS:
                return self.table.builtin(_BUILTIN_RETURNS[name])
            if name == "__builtin_choose_expr" and len(args) == 3:
                from ptlint.csrc.constexpr import evaluate

                chosen_ = evaluate(args[0], self.table, self.table.names.enumerator, self.of)
                return self.of(args[1] if chosen_ else args[2])
            if name == "__builtin_va_arg" and len(args) == 2:
                return self.of(args[1])
        function = self.value(expr.function)
        if isinstance(function, CPointer) and isinstance(function.to, CFunction):
            return function.to.ret
        raise CTypeError(expr.pos, f"a call of {function}")

    def element(self, expr: ast.Index) -> CType:
        base, index = self.value(expr.base), self.value(expr.index)
        return self.target(base if isinstance(base, CPointer) else index, expr)

    def target(self, type_: CType, expr: ast.Expr) -> CType:
        if isinstance(type_, CPointer):
            return type_.to
        raise CTypeError(expr.pos, f"{type_} is no pointer")

    def member(self, expr: ast.MemberAccess) -> tuple[CType, int | None]:
        base = self.target(self.value(expr.base), expr) if expr.arrow else self.of(expr.base)
        if not isinstance(base, CRecord):
            raise CTypeError(expr.pos, f"{base} has no members")
        field = base.find(expr.name)
        if field is None:
            raise CTypeError(expr.pos, f"{base} has no member {expr.name}")
        return field.type, field.bit_width

    def statements(self, expr: ast.StmtExpr) -> CType:
        """Return the type of the last expression, with the variables that the block declares before it."""
        local: dict[str, CType] = {}
        inner = _Typing(self.table, lambda name: local[name] if name in local else self.variables(name))
        last: CType = CVoid()
        for item in expr.body.items:
            last = CVoid()
            if isinstance(item, ast.Declaration) and "typedef" not in item.storage:
                for declarator in item.declarators:
                    local[declarator.name] = inner.table.resolve(declarator.type, inner.of)
            while isinstance(item, ast.Label):
                item = item.body
            if isinstance(item, ast.ExprStmt) and item is expr.body.items[-1] and item.expr is not None:
                last = inner.value(item.expr)
        return last


def enumerator_type(value: int, table: TypeTable) -> CInt:
    """Return the type of an enumeration constant: ``int``, or a wider type where gcc needs one."""
    for name in ("int", "unsigned int", "long", "unsigned long", "long long", "unsigned long long"):
        type_ = table.integer(name)
        if type_.wrap(value) == value:
            return type_
    return table.integer("__int128")


def chosen(expr: ast.GenericSelection, table: TypeTable, type_of: Callable[[ast.Expr], CType]) -> ast.Expr:
    """Return the expression that ``_Generic`` selects.

    :raises CTypeError: no type fits and there is no default.
    """
    wanted = decayed(type_of(expr.control), table.model)
    default: ast.Expr | None = None
    for written, choice in expr.choices:
        if written is None:
            default = choice
        elif table.resolve(written, type_of) == wanted:
            return choice
    if default is None:
        raise CTypeError(expr.pos, f"_Generic has no choice for {wanted}")
    return default
