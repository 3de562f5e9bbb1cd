"""Names during the lowering of one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CType
from ptlint.csrc.nodes import nodes
from ptlint.sim.errors import CannotExecute

if TYPE_CHECKING:
    from ptlint.sim.frame import Frame


@dataclass(frozen=True, slots=True)
class Local:
    """A variable or, with ``value``, a constant of an enum that the function defines.

    ``boxed`` means that its slot holds the address of an object in memory. ``address`` gives that of a static variable.
    """

    name: str
    slot: int
    type: CType
    boxed: bool
    value: int | None = None
    address: Callable[[Frame], int] | None = None


class Scope:
    """Nested blocks of variables. Slots are never reused: the simulator's frames are small. ``boxes`` are the slots
    that hold the address of an object.

    ``falls`` tells that no label leads into a block, so that all lanes that have a variable pass its declaration.
    ``in_function`` is False for the initialisers of file-scope variables, which have no frame. ``numbers`` makes the
    labels of cases unique in the function.
    """

    def __init__(self, boxed: frozenset[str], in_function: bool = True, falls: bool = False) -> None:
        self.boxed = boxed
        self.falls = falls
        self.in_function = in_function
        self.size = 0
        self.boxes: list[int] = []
        self.numbers = count()
        self._blocks: list[dict[str, Local]] = [{}]
        self._types: list[dict[str, ast.Type]] = [{}]
        self._tags: list[dict[str, str]] = [{}]

    def enter(self) -> None:
        """Begin a block."""
        self._blocks.append({})
        self._types.append({})
        self._tags.append({})

    def leave(self) -> None:
        """End a block."""
        self._blocks.pop()
        self._types.pop()
        self._tags.pop()

    def declare(self, name: str, type: CType, boxed: bool) -> Local:
        """Return a new variable of the current block."""
        if not self.in_function:
            raise CannotExecute("a variable in the initialiser of a file-scope variable")
        local = Local(name, self.size, type, boxed or name in self.boxed)
        if local.boxed:
            self.boxes.append(self.size)
        self.size += 1
        self._blocks[-1][name] = local
        return local

    def declare_static(self, name: str, type: CType, address: Callable[[Frame], int]) -> None:
        """Give the current block a variable whose object *address* finds."""
        self._blocks[-1][name] = Local(name, -1, type, boxed=True, address=address)

    def declare_constant(self, name: str, type: CType, value: int) -> None:
        """Give the current block a constant of an enum."""
        self._blocks[-1][name] = Local(name, -1, type, boxed=False, value=value)

    def declare_typedef(self, name: str, type: ast.Type) -> None:
        """Give the current block a typedef."""
        self._types[-1][name] = type

    def declare_tag(self, tag: str, where: str) -> None:
        """Give the current block a structure, union or enum; *where* makes its name unique in the tree."""
        if tag not in self._tags[-1]:
            number = next(self.numbers)
            self._tags[-1][tag] = f"{tag} of {where}" + (f" ({number})" if number else "")

    def find(self, name: str) -> Local | None:
        """Return the variable or constant that *name* means here."""
        for block in reversed(self._blocks):
            if name in block:
                return block[name]
        return None

    def typedef(self, name: str) -> ast.Type | None:
        """Return the type that a typedef inside the function gave to *name*."""
        for block in reversed(self._types):
            if name in block:
                return block[name]
        return None

    def tag(self, tag: str) -> str:
        """Return the unique name of a structure, union or enum when a block here defines *tag*, else *tag*."""
        for block in reversed(self._tags):
            if tag in block:
                return block[tag]
        return tag


def has_labels(body: ast.Block) -> bool:
    """Return whether *body* has a label or a case: lanes that jump there pass no declaration before it."""
    return any(isinstance(node, (ast.Label, ast.Case, ast.Default)) for node in nodes(body))


def address_taken(body: ast.Block | ast.Expr) -> frozenset[str]:
    """Return the names of variables whose address *body* takes: they live in memory."""
    names = set()
    for node in nodes(body):
        if isinstance(node, ast.Unary) and node.op == "&":
            target: ast.Expr = node.operand
            while isinstance(target, (ast.MemberAccess, ast.Index)):
                if isinstance(target, ast.MemberAccess) and target.arrow:
                    break
                target = target.base
            if isinstance(target, ast.Name):
                names.add(target.name)
    return frozenset(names)
