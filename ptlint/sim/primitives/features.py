"""What the machine can do: static keys, alternatives, CPU features. Each question is explored both ways, once a run.

A profile may fix an answer (``[mmu.answers]``): powerpc/radix says what mmu_has_feature(MMU_FTR_TYPE_RADIX) is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.sim.convert import constant
from ptlint.sim.frame import Op
from ptlint.sim.primitives.registry import lowers
from ptlint.sim.types import BOOL, INT
from ptlint.sim.values import Unknown

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


@lowers(
    "/static_(?:branch_(?:likely|unlikely|maybe)|key_(?:true|false|enabled|count))/",
    "/(?:arch_)?static_branch(?:_jump)?/",
    "/alternative_has_cap_(?:likely|unlikely)/",
    "/(?:early_)?(?:cpu|mmu|fw)_has_feature/",
    "/(?:static_cpu|boot_cpu|this_cpu|cpu|cpus|arch_has)_has(?:_cap|_final_cap|_amd_erratum_383)?/",
    "cpu_feature_enabled",
    "cpucap_is_possible_and_set",
    "/riscv_(?:cpu_)?has_extension_(?:likely|unlikely)/",
    "__riscv_isa_extension_available",
    "/test_(?:machine|cpu|facility)\\w*/",
    "/(?:__)?test_facility/",
    "machine_feature",
    "/machine_has_\\w+/",
    "/cpu_has_\\w+/",
)
def feature(expressions: Expressions, call: ast.Call, name: str) -> Op:
    """A question to the machine, known by how it is asked."""
    question = f"{name}({', '.join(spelled(arg) for arg in call.args)})"
    answer = expressions.program.answers.get(question, expressions.program.answers.get(name))
    if answer is not None:
        return constant(int(answer), INT)
    return Op(BOOL, lambda _frame: Unknown(question))


def spelled(expr: ast.Expr) -> str:
    """Return an argument as a reader would write it: names, members, numbers; anything else as ``…``."""
    match expr:
        case ast.Name():
            return expr.name
        case ast.IntConst():
            return str(expr.value)
        case ast.Unary():
            return expr.op + spelled(expr.operand)
        case ast.MemberAccess():
            return spelled(expr.base) + ("->" if expr.arrow else ".") + expr.name
        case ast.Binary():
            return f"{spelled(expr.left)} {expr.op} {spelled(expr.right)}"
        case ast.Cast():
            return spelled(expr.value)
        case ast.Call():
            return f"{spelled(expr.function)}({', '.join(spelled(a) for a in expr.args)})"
        case ast.Index():
            return f"{spelled(expr.base)}[{spelled(expr.index)}]"
        case _:
            return "…"
