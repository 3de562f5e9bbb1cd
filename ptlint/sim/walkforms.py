"""Callers by what they are given of a page table: their forms, and their arguments on a stage."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer, CRecord, CType
from ptlint.csrc.nodes import nodes
from ptlint.sim.frame import Value
from ptlint.sim.functions import function_of
from ptlint.sim.opaque import opaque
from ptlint.sim.primitives import find_primitive
from ptlint.sim.program import Program
from ptlint.sim.roles import points_to, tag_of, typedef_of
from ptlint.sim.stage import ORDER, TARGET, Stage, argument, put
from ptlint.sim.types import VOID

ORDERED = (1, 2, 4)
"""Entries of batches whose number is a power of two."""

_DESCRIBES = "page_vma_mapped_walk"
"""The structure of a walk by the reverse mapping (include/linux/rmap.h)."""

_COUNT = re.compile(r"_*(?:nr|nr_ptes|nr_pages|npages)_*")
_MOST = re.compile(r"_*max(?:_nr\w*)?")
_LENGTH = re.compile(r"len|length|extent|end")


@dataclass(frozen=True, slots=True)
class Walk:
    """A caller. ``form`` says what it is given: ``entry`` (one), ``batch`` (a count of entries of one folio, alike but
    for accessed and dirty), ``count`` (it finds one batch, of at most so many, and returns its length), ``range`` (it
    finds the batches itself), ``fault`` (one entry, in a description of the fault or the walk), ``fill`` (a count of
    empty entries, from such a description) or ``swapped`` (a swap entry to move).
    """

    name: str
    path: str
    definition: ast.FunctionDef
    types: tuple[CType, ...]
    form: str
    around: tuple[ast.FunctionDef | None, ast.FunctionDef | None] = (None, None)
    is_ordered: bool = False
    """Whether it is told how many entries there are by a power of two."""

    def sizes(self, program: Program) -> tuple[int, ...]:
        """Return the numbers of entries that the caller runs over."""
        if self.is_single:
            return (1,)
        return ORDERED if self.is_ordered else program.sizes

    @property
    def returns_entry(self) -> bool:
        """Return whether the caller returns an entry."""
        type = self.definition.type.ret
        return isinstance(type, ast.TypedefName) and type.name == "pte_t"

    @property
    def is_described(self) -> bool:
        """Return whether a description of a walk by the reverse mapping is given: it goes from entry to entry."""
        return any(tag_of(type) == _DESCRIBES for type in self.types)

    @property
    def is_single(self) -> bool:
        """Return whether the caller is given one entry."""
        return self.form in ("entry", "fault", "swapped")


def walk_of(program: Program, path: str, name: str) -> Walk | None:
    """Return function *name* of *path* as a caller, None when it is given nothing of a page table."""
    found = function_of(program, path, name)
    if found is None:
        return None
    definition, resolved = found
    form = _form(program, definition.type.params, resolved.params, resolved.ret)
    if _walks_itself(definition):  # an entry that it is given then is one to fill in
        tags = {tag_of(type) for type in resolved.params}
        form = "range" if {"folio", "vm_area_struct"} <= tags or _DESCRIBES in tags else form
    ordered = form == "entry" and any(ORDER.fullmatch(param.name or "") for param in definition.type.params)
    form = "range" if ordered else form
    if not program.universe.profile.data.get("arch") and not _is_known(program, definition, path):
        return None  # without a tree the rest of the kernel is not there: the report says so once
    return Walk(name, path, definition, resolved.params, form, is_ordered=ordered) if form else None


def _walks_itself(definition: ast.FunctionDef) -> bool:
    """Return whether a function finds the entries of a folio by the reverse mapping."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.function, ast.Name)
        and node.function.name == "page_vma_mapped_walk"
        for node in nodes(definition.body)
    )


def _is_known(program: Program, definition: ast.FunctionDef, path: str) -> bool:
    """Return whether everything that a function calls is declared."""
    return all(
        find_primitive(node.function.name) is not None
        or program.definition(node.function.name, path) is not None
        or program.prototype(node.function.name, path) is not None
        for node in nodes(definition.body)
        if isinstance(node, ast.Call) and isinstance(node.function, ast.Name)
    )


def _form(program: Program, params: Sequence[ast.Param], types: Sequence[CType], returns: CType) -> str:
    """Return what a function with these parameters is given of a page table, empty when nothing."""
    names = [param.name or "" for param in params]
    entries = sum(typedef_of(param) == "pte_t" for param in params)
    tags = {tag_of(type) for type in types}
    pointer = any(points_to(param, "pte_t") for param in params)
    counted = any(_COUNT.fullmatch(n) for n in names)
    if pointer:
        if any(_MOST.fullmatch(n) for n in names):
            return "count"
        if entries > 1 and _moves(params) and _of_folios(types):
            swapped = any(typedef_of(param) in ("swp_entry_t", "softleaf_t") for param in params)
            return "swapped" if swapped else "range" if any(_LENGTH.fullmatch(n) for n in names) else "entry"
        if entries > 1:
            return ""  # between a start and a commit: ptlint.sim.scenarios.callers
        if counted:
            return "batch"
        ranged = "mm_walk" not in tags and any(n == "end" for n in names)
        return ("count" if isinstance(returns, CInt) else "range") if ranged else "entry"
    if any(typedef_of(param, pointed=True) == "pmd_t" for param in params):
        return "range"
    if {"folio", "vm_area_struct"} <= tags and any("addr" in n for n in names):
        return "range"
    if any(tag_of(type) in ("vm_fault", "page_vma_mapped_walk") and _is_complete(type) for type in types):
        return "fill" if counted and "page" in tags else "fault"
    return ""


def _of_folios(types: Sequence[CType]) -> bool:
    """Return whether one of *types* leads to a folio: what has none is the zero page, or no memory of the kernel's."""
    return any("folio" in (tag_of(type), tag_of(type.to) if isinstance(type, CPointer) else "") for type in types)


def _moves(params: Sequence[ast.Param]) -> bool:
    """Return whether a function is given an entry and one to move it to, and what both hold."""
    pointers, values = (
        {
            TARGET.fullmatch(param.name) is not None
            for param in params
            if param.name and typedef_of(param, pointed) == "pte_t"
        }
        for pointed in (True, False)
    )
    return pointers == values == {True, False}


def _is_complete(type: CType) -> bool:
    return isinstance(type, CPointer) and isinstance(type.to, CRecord) and type.to.is_complete()


def arguments_of(stage: Stage, definition: ast.FunctionDef, types: Sequence[CType]) -> list[Value]:
    """Return what a caller is given on *stage*, by the roles of its parameters."""
    walks_itself = _walks_itself(definition)
    found: list[Value] = []
    for at, (param, type) in enumerate(zip(definition.type.params, types, strict=True)):
        name, written = param.name or f"arg{at}", typedef_of(param, pointed=True)
        if walks_itself and written == "pte_t" and isinstance(type, CPointer):
            found.append(opaque(stage.session.machine, name, type.to).base)
        elif walks_itself and tag_of(type) == _DESCRIBES:
            found.append(_not_begun(stage, argument(stage, name, type, written), type))
        else:
            found.append(argument(stage, name, _taken_for(stage, definition, param, type), written))
    return found


def _not_begun(stage: Stage, walk: Value, type: CType) -> Value:
    """Return a walk by the reverse mapping that has found no entry yet."""
    assert isinstance(walk, int)
    found, _ = stage.session.machine.memory.find(walk)
    assert found is not None and isinstance(type, CPointer) and isinstance(type.to, CRecord)
    put(stage, found, type.to, stage.session.program.level, 0)
    return walk


def _taken_for(stage: Stage, definition: ast.FunctionDef, param: ast.Param, type: CType) -> CType:
    """Return the type of a parameter; of a plain pointer, that of the variable which takes it."""
    if not isinstance(type, CPointer) or type.to != VOID:
        return type
    for node in nodes(definition.body):
        if isinstance(node, ast.Declaration):
            for one in node.declarators:
                if isinstance(one.init, ast.Name) and one.init.name == param.name:
                    found = stage.session.program.resolve(one.type)
                    return found if isinstance(found, CPointer) else type
    return type
