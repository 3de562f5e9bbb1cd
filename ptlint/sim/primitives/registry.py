"""How a family of primitives says what it models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CFunction, CType
from ptlint.sim.convert import converted
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Op, Value
from ptlint.sim.types import is_integer, is_signed, promoted, size_of
from ptlint.sim.values import narrow

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.program import Program

Lower = Callable[["Expressions", ast.Call, str], Op]
Handler = Callable[[Frame, Sequence[Value], Sequence[CType], str], Value]
Leads = Callable[["Program", frozenset[str]], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Primitive:
    """A modelled operation: its names and how a call of it is lowered.

    ``leads`` returns the functions that it may call when it stands in a text with certain words; None for none.
    """

    names: tuple[str, ...]
    lower: Lower
    leads: Leads | None = None


_REGISTERED: list[Primitive] = []


def registered() -> Sequence[Primitive]:
    """Return all primitives registered so far."""
    return _REGISTERED


def lowers(*names: str, leads: Leads | None = None) -> Callable[[Lower], Lower]:
    """Register a function that lowers calls of *names* from their syntax."""

    def register(lower: Lower) -> Lower:
        _REGISTERED.append(Primitive(names, lower, leads))
        return lower

    return register


def runs(*names: str, returns: str = "") -> Callable[[Handler], Handler]:
    """Register a function that is called with the values of the arguments.

    ``returns`` is the C type of the result in words of the language (``"unsigned long"``); empty means that of the
    prototype in the tree, ``void`` when there is none.
    """

    def register(handler: Handler) -> Handler:
        def lower(expressions: Expressions, call: ast.Call, name: str) -> Op:
            ops = values_of(expressions, call, name)
            result = _returned(expressions, name, returns)
            evaluate, types = [op.run for op in ops], [op.type for op in ops]
            size, signed = size_of(result) if is_integer(result) else 0, is_signed(result)

            def run(frame: Frame) -> Value:
                values = [op(frame) for op in evaluate]
                frame.machine.pos = call.pos
                value = handler(frame, values, types, name)
                return narrow(value, size, signed) if size and isinstance(value, np.ndarray) else value

            return Op(result, run)

        _REGISTERED.append(Primitive(names, lower))
        return handler

    return register


def values_of(expressions: Expressions, call: ast.Call, name: str) -> list[Op]:
    """Return the arguments as ops, converted to the prototype's types when the tree has one that fits."""
    ops = [expressions.expr(arg) for arg in call.args if not isinstance(arg, ast.TypeArg)]
    prototype = expressions.program.prototype(name, expressions.path)
    if prototype is not None and len(prototype.params) == len(ops):
        signature = expressions.resolve(prototype)
        assert isinstance(signature, CFunction)
        return [_fitted(op, type) for op, type in zip(ops, signature.params, strict=True)]
    return [converted(op, promoted(op.type)) if is_integer(op.type) else op for op in ops]


def parameter_names(expressions: Expressions, name: str, count: int) -> list[str]:
    """Return what the tree calls the *count* parameters of function or macro *name*; ``arg0`` … where it does not."""
    program = expressions.program
    definition = program.definition(name, expressions.path)
    prototype = definition.type if definition is not None else program.prototype(name, expressions.path)
    if prototype is not None and len(prototype.params) == count:
        return [param.name or f"arg{at}" for at, param in enumerate(prototype.params)]
    macro = program.macro(name, expressions.path)
    if macro is not None and macro.params is not None and len(macro.params) == count:
        return list(macro.params)
    return [f"arg{at}" for at in range(count)]


def _fitted(op: Op, type: CType) -> Op:
    try:
        return converted(op, type)
    except CannotExecute:
        return op


def _returned(expressions: Expressions, name: str, returns: str) -> CType:
    if returns:
        return expressions.resolve(written(returns))
    prototype = expressions.program.prototype(name, expressions.path)
    if prototype is None:
        return expressions.program.builtin("void")
    return expressions.resolve(prototype.ret)


def written(text: str) -> ast.Type:
    """Return a type written as ``unsigned long``, ``pte_t`` or ``void *``."""
    if text.endswith("*"):
        return ast.PointerType(written(text[:-1].strip()))
    if text.startswith("struct "):
        return ast.RecordType("struct", text.removeprefix("struct "))
    if text in _BUILTIN:
        return ast.BuiltinType(text)
    return ast.TypedefName(text)


_BUILTIN = frozenset(
    (
        "void",
        "_Bool",
        "char",
        "unsigned short",
        "int",
        "unsigned int",
        "long",
        "unsigned long",
        "long long",
        "unsigned long long",
    )
)
