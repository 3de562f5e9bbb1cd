"""Names of a function that nothing declares, found before anything is made ready for its run.

A function that a patch brings may be run in a tree that it was not written for, and would not compile there. That is
known from its text, without the layout of every structure that stands before such a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptlint.csrc import ast
from ptlint.csrc.nodes import nodes, parts_of
from ptlint.sim.errors import CannotExecute
from ptlint.sim.primitives import find_primitive
from ptlint.sim.program import Program


def require_declared(program: Program, definition: ast.FunctionDef) -> None:
    """Raise CannotExecute at the first variable of a brought function that nothing declares where it would run.

    What the tree has itself is run as far as it goes: its headers may be made when it is built.
    """
    if definition.name not in program.universe.overrides:
        return
    local = _declared_in(definition)
    for name in _lowered(program, definition.body, local):
        if name.name not in local and not _is_declared(program, name.name, definition.pos.path):
            raise CannotExecute(f"{name.name} is not declared", name.pos)


def _is_declared(program: Program, name: str, path: str) -> bool:
    return program.variable(name, path) is not None or program.enumerator(name) is not None or program.is_function(name)


def _declared_in(definition: ast.FunctionDef) -> set[str]:
    """Return what a function declares anywhere in it."""
    names = {param.name or "" for param in definition.type.params}
    for node in nodes(definition.body):
        if isinstance(node, ast.Declarator | ast.Enumerator):
            names.add(node.name)
        elif isinstance(node, ast.NestedFunction):
            names.add(node.function.name)
    return names


def _lowered(program: Program, root: object, local: set[str]) -> Iterator[ast.Name]:
    """Yield the names of variables in what is lowered whatever conditions come to, in the order of the text."""
    pending: list[Any] = [root]
    while pending:
        node = pending.pop()
        match node:
            case tuple():
                pending.extend(reversed(node))
            case ast.Name():
                yield node
            case ast.If(cond=cond, then=then, other=other) | ast.Conditional(cond=cond, then=then, other=other):
                pending.extend((other, then, cond) if _varies(program, cond, local) else (cond,))
            case ast.Binary(op="&&" | "||", left=left, right=right):
                pending.extend((right, left) if _varies(program, left, local) else (left,))
            case ast.Call(function=ast.Name(name=name), args=args):
                if _is_run(program, name):
                    pending.append(args)
            case ast.Switch(cond=cond):
                pending.append(cond)
            case ast.Declaration(storage=storage, declarators=declarators):
                pending.extend(one.init for one in reversed(declarators) if "static" not in storage)
            case ast.Cast(value=inner) | ast.CompoundLiteral(init=inner):
                pending.append(inner)
            case ast.SizeofExpr() | ast.SizeofType() | ast.Alignof() | ast.Offsetof() | ast.TypeArg():
                pass
            case ast.GenericSelection() | ast.LabelAddress() | ast.Asm() | ast.NestedFunction() | ast.StaticAssert():
                pass
            case ast.Designator():
                pass
            case _:
                pending.extend(getattr(node, part) for part in parts_of(type(node)) or ())


def _varies(program: Program, expr: object, local: set[str]) -> bool:
    """Return whether an expression is surely no constant: it holds the value of a variable or of a call that runs."""
    match expr:
        case ast.Name(name=name):
            return name in local
        case ast.Call(function=ast.Name(name=name)):
            return _is_run(program, name)
        case ast.Unary(op="!" | "-" | "~" | "*", operand=inner) | ast.Cast(value=inner) | ast.MemberAccess(base=inner):
            return _varies(program, inner, local)
        case ast.Binary(op="&&" | "||", left=left, right=right):
            return _varies(program, left, local) and _varies(program, right, local)
        case ast.Binary(op="==" | "!=" | "<" | ">" | "<=" | ">=" | "+" | "-", left=left, right=right):
            return _varies(program, left, local) or _varies(program, right, local)
        case _:
            return False


def _is_run(program: Program, name: str) -> bool:
    """Return whether a call of *name* runs: it has no answer of the profile's own, and no primitive stands for it."""
    return name not in program.answers and find_primitive(name) is None
