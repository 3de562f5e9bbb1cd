"""Names during the lowering of one function."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CType


@dataclass(frozen=True, slots=True)
class Local:
    """A variable. ``boxed`` means that its slot holds the address of an object in memory."""

    name: str
    slot: int
    type: CType
    boxed: bool


class Scope:
    """Nested blocks of variables. Slots are never reused: the simulator's frames are small."""

    def __init__(self, boxed: frozenset[str]) -> None:
        self.boxed = boxed
        self.size = 0
        self._blocks: list[dict[str, Local]] = [{}]
        self.types: list[dict[str, ast.Type]] = [{}]

    def enter(self) -> None:
        """Begin a block."""
        self._blocks.append({})
        self.types.append({})

    def leave(self) -> None:
        """End a block."""
        self._blocks.pop()
        self.types.pop()

    def declare(self, name: str, type: CType, boxed: bool) -> Local:
        """Return a new variable of the current block."""
        local = Local(name, self.size, type, boxed or name in self.boxed)
        self.size += 1
        self._blocks[-1][name] = local
        return local

    def find(self, name: str) -> Local | None:
        """Return the variable that *name* means here."""
        for block in reversed(self._blocks):
            if name in block:
                return block[name]
        return None

    def typedef(self, name: str) -> ast.Type | None:
        """Return the type that a typedef inside the function gave to *name*."""
        for block in reversed(self.types):
            if name in block:
                return block[name]
        return None


def nodes(root: Any) -> list[Any]:
    """Return every syntax node below *root*, itself included, in source order."""
    found: list[Any] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, tuple) and not hasattr(node, "_fields"):
            pending.extend(reversed(node))
        elif is_dataclass(node):
            found.append(node)
            pending.extend(getattr(node, field.name) for field in reversed(fields(node)))
    return found


def address_taken(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names of variables whose address the body takes: they live in memory."""
    names = set()
    for node in nodes(function.body):
        if isinstance(node, ast.Unary) and node.op == "&":
            target: ast.Expr = node.operand
            while isinstance(target, (ast.MemberAccess, ast.Index)):
                if isinstance(target, ast.MemberAccess) and target.arrow:
                    break
                target = target.base
            if isinstance(target, ast.Name):
                names.add(target.name)
    return frozenset(names)
