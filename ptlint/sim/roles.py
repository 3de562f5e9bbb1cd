"""What a helper is for, from its signature: the next helper of a family works without code of its own.

A parameter's role follows from its type (``pte_t *`` is where, ``pte_t`` is what, ``struct vm_area_struct *`` whose)
and, among integers, from the names that the kernel uses for them (``addr``/``address``, ``nr``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CInt, CPointer, CRecord, CType
from ptlint.sim.errors import CannotExecute
from ptlint.sim.program import Program

_COUNT = re.compile(r"_*(?:nr|count|nr_ptes|nr_pages|npages|batch|n)_*")
_ADDRESS = re.compile(r"_*(?:u?v?addr|address|start|start_addr)_*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter and its role: ``vma mm tlb addr ptep pte nr other``. ``written`` is its C type for snippets."""

    name: str
    role: str
    type: CType
    written: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A helper as scenarios see it. ``returns``: ``pte``, ``void``, ``bool`` (any integer) or ``other``."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str

    def of(self, role: str) -> tuple[Parameter, ...]:
        """Return the parameters with that role, in order."""
        return tuple(p for p in self.parameters if p.role == role)

    def roles(self) -> tuple[str, ...]:
        """Return the roles in order."""
        return tuple(p.role for p in self.parameters)


def signature_of(program: Program, name: str, type: ast.FunctionType) -> Signature:
    """Return the signature of a function. Raises CannotExecute for types that are not known."""
    resolved = program.resolve(type)
    if not isinstance(resolved, CFunction):
        raise CannotExecute(f"{name} is no function")
    parameters = tuple(
        _parameter(program, param, at, kind)
        for at, (param, kind) in enumerate(zip(type.params, resolved.params, strict=True))
    )
    return Signature(name, parameters, _kind_of_result(program, type.ret, resolved.ret))


def _is_pte(program: Program, written: ast.Type, type: CType) -> bool:
    if isinstance(type, CRecord):
        return type == program.pte_type
    return isinstance(written, ast.TypedefName) and written.name == program.worded("pte_t")


def _kind_of_result(program: Program, written: ast.Type, type: CType) -> str:
    if _is_pte(program, written, type):
        return "pte"
    if isinstance(type, CInt):
        return "bool"
    return "other" if isinstance(type, (CPointer, CArray, CRecord)) else "void"


def _parameter(program: Program, param: ast.Param, at: int, type: CType) -> Parameter:
    name = param.name or f"arg{at}"
    if _is_pte(program, param.type, type):
        return Parameter(name, "pte", type, "pte_t")
    if isinstance(type, CPointer):
        return _pointer(program, param, name, type)
    if isinstance(type, CInt):
        if _COUNT.fullmatch(name):
            return Parameter(name, "nr", type, type.name)
        if _ADDRESS.fullmatch(name) and type.size == program.model.pointer_size:
            return Parameter(name, "addr", type, type.name)
        return Parameter(name, "other", type, type.name)
    return Parameter(name, "other", type, str(type))


def _pointer(program: Program, param: ast.Param, name: str, type: CPointer) -> Parameter:
    inner = param.type.to if isinstance(param.type, ast.PointerType) else None
    if inner is not None and _is_pte(program, inner, type.to):
        return Parameter(name, "ptep", type, "pte_t *")
    if isinstance(type.to, CRecord) and type.to.tag is not None:
        roles = {"vm_area_struct": "vma", "mm_struct": "mm", "mmu_gather": "tlb"}
        return Parameter(name, roles.get(type.to.tag, "other"), type, f"{type.to.kind} {type.to.tag} *")
    return Parameter(name, "other", type, "void *")


def entry_parameters(program: Program, name: str, path: str = "") -> frozenset[str]:
    """Return the names of the parameters of function *name* (of *path*) that are entries, written as ``pte_t``."""
    definition = program.definition(name, path)
    params = definition.type.params if definition is not None else ()
    return frozenset(param.name for param in params if param.name and typedef_of(param) == "pte_t")


def typedef_of(param: ast.Param, pointed: bool = False) -> str:
    """Return the name of the type that a parameter is written with, empty for types without one of their own; with
    *pointed*, of a pointer, that of the type it leads to.
    """
    type = param.type
    if pointed and isinstance(type, ast.PointerType):
        type = type.to
    return type.name if isinstance(type, ast.TypedefName) else ""


def points_to(param: ast.Param, typedef: str) -> bool:
    """Return whether a parameter is written as a pointer to *typedef*."""
    return isinstance(param.type, ast.PointerType) and typedef_of(param, pointed=True) == typedef


def tag_of(type: CType) -> str:
    """Return the tag of the structure that a pointer leads to, empty for other types."""
    return (type.to.tag or "") if isinstance(type, CPointer) and isinstance(type.to, CRecord) else ""


def helpers(program: Program, names: Iterator[str]) -> Iterator[Signature]:
    """Yield the signatures of those of *names* that the universe defines as functions."""
    for name in names:
        definition = program.definition(name)
        if definition is not None:
            yield signature_of(program, name, definition.type)
