"""Types that a function defines for itself: typedefs, structures, unions and enums of its blocks.

The universe resolves the types of the headers by name. A structure defined in a block gets a name of its own there, so
that two functions may each have their ``struct walk``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.nodes import nodes
from ptlint.sim.errors import CannotExecute
from ptlint.sim.scope import Scope

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


def declare_tags(expressions: Expressions, type: ast.Type) -> ast.Type:
    """Take the structures, unions and enums that *type* defines into the current block; return it in their names."""
    if not any(isinstance(node, (ast.RecordType, ast.EnumType)) and node.members is not None for node in nodes(type)):
        return type
    scope = expressions.scope
    for node in nodes(type):
        if isinstance(node, (ast.RecordType, ast.EnumType)) and node.members is not None and node.tag is not None:
            scope.declare_tag(node.tag, f"{expressions.function}() in {expressions.path}")
    for node in nodes(type):
        if isinstance(node, ast.EnumType) and node.members is not None:
            _declare_constants(expressions, node)
    return localised(expressions, type)


def _declare_constants(expressions: Expressions, type: ast.EnumType) -> None:
    value = -1
    for member in type.members or ():
        value = value + 1 if member.value is None else _constant(expressions, member.value)
        expressions.scope.declare_constant(member.name, expressions.program.enum_type(value), value)


def _constant(expressions: Expressions, expr: ast.Expr) -> int:
    value = expressions.expr(expr).const
    if value is None:
        raise CannotExecute("a size or constant that is not constant", expr.pos)
    return value


def localised(expressions: Expressions, type: ast.Type) -> ast.Type:
    """Return *type* with the names of the function's own types replaced, the same object when there are none."""
    scope = expressions.scope
    match type:
        case ast.TypedefName():
            return scope.typedef(type.name) or type
        case ast.PointerType():
            to = localised(expressions, type.to)
            return type if to is type.to else ast.PointerType(to)
        case ast.ArrayType():
            of = localised(expressions, type.of)
            size = _bound(expressions, type.size)
            return type if of is type.of and size is type.size else ast.ArrayType(of, size)
        case ast.FunctionType():
            params = tuple(replace(param, type=localised(expressions, param.type)) for param in type.params)
            return replace(type, ret=localised(expressions, type.ret), params=params)
        case ast.RecordType():
            return _record(expressions, type)
        case ast.EnumType():
            return _enum(scope, type)
        case _:
            return type


def _bound(expressions: Expressions, size: ast.Expr | None) -> ast.Expr | None:
    """Return the bound of an array with the function's own names in it replaced by numbers."""
    find = expressions.scope.find
    if size is None or not any(isinstance(node, ast.Name) and find(node.name) for node in nodes(size)):
        return size
    return ast.IntConst(_constant(expressions, size), "unsigned long", size.pos)


def _record(expressions: Expressions, type: ast.RecordType) -> ast.RecordType:
    tag = None if type.tag is None else expressions.scope.tag(type.tag)
    if type.members is None:
        return type if tag == type.tag else replace(type, tag=tag)
    members = tuple(_member(expressions, member) for member in type.members)
    same = all(new is old for new, old in zip(members, type.members, strict=True))
    return type if same and tag == type.tag else replace(type, tag=tag, members=members)


def _member(expressions: Expressions, member: ast.Member) -> ast.Member:
    type, bits = localised(expressions, member.type), _bound(expressions, member.bits)
    return member if type is member.type and bits is member.bits else replace(member, type=type, bits=bits)


def _enum(scope: Scope, type: ast.EnumType) -> ast.EnumType:
    if type.members is None:
        return type if type.tag is None else replace(type, tag=scope.tag(type.tag))
    members = []
    for member in type.members:
        local = scope.find(member.name)
        if local is None or local.value is None:
            return type
        members.append(ast.Enumerator(member.name, ast.IntConst(local.value, "long", type.pos)))
    return replace(type, tag=None if type.tag is None else scope.tag(type.tag), members=tuple(members))
