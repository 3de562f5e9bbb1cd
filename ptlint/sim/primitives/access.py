"""Single loads and stores: READ_ONCE(), WRITE_ONCE() and their kin (include/asm-generic/rwonce.h, barrier.h)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import converted
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import VOID

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers("READ_ONCE", "__READ_ONCE", "READ_ONCE_NOCHECK", "data_race", "__data_racy")
def read_once(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """READ_ONCE(x): one load of x."""
    return expressions.expr(call.args[0])


@lowers("WRITE_ONCE", "__WRITE_ONCE")
def write_once(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """WRITE_ONCE(x, value): one store to x."""
    if len(call.args) != 2:
        raise CannotExecute("WRITE_ONCE() without two arguments", call.pos)
    return expressions.expr(ast.Assign("", call.args[0], call.args[1], call.pos))


@lowers(
    "smp_load_acquire",
    "__smp_load_acquire",
    "rcu_dereference",
    "rcu_dereference_check",
    "rcu_dereference_raw",
    "rcu_dereference_protected",
    "lockless_dereference",
)
def load_acquire(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """smp_load_acquire(p): one load of *p; rcu_dereference(p): one of p."""
    if name.startswith("rcu"):
        return expressions.expr(call.args[0])
    return expressions.expr(ast.Unary("*", call.args[0], call.pos))


@lowers("smp_store_release", "__smp_store_release", "smp_store_mb", "rcu_assign_pointer")
def store_release(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """smp_store_release(p, value): one store to *p; smp_store_mb(x, value), rcu_assign_pointer(p, v): to x, p."""
    whole = name in ("smp_store_mb", "rcu_assign_pointer")
    target = call.args[0] if whole else ast.Unary("*", call.args[0], call.pos)
    return expressions.expr(ast.Assign("", target, call.args[1], call.pos))


@lowers("get_user", "put_user", "__get_user", "__put_user")
def user_access(_expressions: Expressions, call: ast.Call, name: str) -> Op:
    """Accesses to user memory are not modelled."""
    raise CannotExecute(f"{name}()", call.pos)


@lowers(
    "__builtin_expect", "__builtin_expect_with_probability", "likely", "unlikely", "likely_notrace", "unlikely_notrace"
)
def expect(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """A hint to the compiler: the first argument."""
    return expressions.expr(call.args[0])


@lowers("__builtin_constant_p")
def constant_p(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """1 for what folds to a constant here, as gcc does for expressions; parameters of inlined functions count as 0."""
    program = expressions.program
    try:
        op = expressions.expr(call.args[0])
    except CannotExecute:
        op = None
    known = op is not None and op.const is not None
    return Op(program.builtin("int"), lambda _frame: int(known), int(known))


@lowers("__builtin_choose_expr")
def choose_expr(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """The second or third argument by the constant first."""
    chosen = expressions.expr(call.args[0]).const
    if chosen is None:
        raise CannotExecute("__builtin_choose_expr() of a value that is not constant", call.pos)
    return expressions.expr(call.args[1 if chosen else 2])


@lowers("__builtin_types_compatible_p")
def types_compatible(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Whether two types are the same but for qualifiers."""
    first, second = (_type(expressions, arg) for arg in call.args[:2])
    same = int(first == second)
    return Op(expressions.program.builtin("int"), lambda _frame: same, same)


def _type(expressions: Expressions, arg: ast.Expr) -> object:
    return expressions.resolve(arg.type) if isinstance(arg, ast.TypeArg) else expressions.type_of(arg)


@lowers("__builtin_unreachable", "unreachable", "barrier_before_unreachable", "__builtin_trap")
def unreachable(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """A place that the code says no one reaches: lanes that do stop, with a fault."""

    def run(frame: Frame) -> Value:
        frame.machine.pos = call.pos
        frame.machine.note("fault", f"{name}() is reached")
        frame.machine.kill(frame.machine.mask)
        return None

    return Op(VOID, run)


@lowers("ACCESS_ONCE", "OPTIMIZER_HIDE_VAR", "RELOC_HIDE")
def hidden(expressions: Expressions, call: ast.Call, _name: str) -> Op:
    """Values hidden from the optimiser: the first argument as it is."""
    return expressions.expr(call.args[0])


@lowers("__builtin_object_size", "__builtin_dynamic_object_size")
def object_size(expressions: Expressions, _call: ast.Call, _name: str) -> Op:
    """What gcc answers when it does not know: all ones."""
    return converted(Op(expressions.program.builtin("int"), lambda _frame: -1, -1), expressions.program.size_type)
