"""The helpers of a universe that take entries by value and return a value, found by their signatures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CInt, CRecord, CType
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.itemnames import names_of
from ptlint.csrc.items import items_of
from ptlint.csrc.scope import Site
from ptlint.csrc.segments import without_literals
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.primitives import KEEP, find_primitive
from ptlint.sim.program import Program
from ptlint.sim.session import Session

WORDS = "abcdefgh"
"""The variables of ``unsigned long long`` that a call is made of."""

_ENTRY = re.compile(r"\b(?:pte|pmd|pud|p4d|pgd|pgprot|swp_entry|softleaf)_t\b")
_LEVELS = ("pte", "pmd", "pud", "p4d", "pgd")
_NAMED = re.compile(
    rf"_*(?:({'|'.join(_LEVELS)})|pgprot)_\w+|_*pfn_({'|'.join(_LEVELS)})|__({'|'.join(_LEVELS)}|pgprot)"
)


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper, and C expressions over the words ``a`` to ``h``: one for each scalar that it returns."""

    name: str
    calls: tuple[str, ...]


def helpers_of(program: Program) -> Iterator[Helper]:
    """Yield the functions with an entry among their parameters or as their result, then the macros that work alike."""
    for name in sorted(_functions(program)):
        signature = None if find_primitive(name) else _signature(program, name)
        if signature is not None:
            yield from _of_types(program, name, [param.type for param in signature.params], signature.ret)
    for name in sorted(program.universe.unit.table):
        macro = program.macro(name) if _NAMED.fullmatch(name) else None
        if macro is not None and macro.params and not find_primitive(name):
            yield from _of_macro(program, name, len(macro.params))


def _signature(program: Program, name: str) -> ast.FunctionType | None:
    definition = program.definition(name)
    return program.prototype(name) if definition is None else definition.type


def _functions(program: Program) -> set[str]:
    """Return the functions of the headers in whose heads the type of an entry stands, also those that macros make."""
    found: set[str] = set()
    headers = program.universe.headers
    for instance in program.universe.unit.instances:
        index, text = items_of(instance), instance.active_text()
        for item in index.items if _ENTRY.search(text) else ():
            end = text.find("{", item.start, item.end) if item.kind == "function" else item.end
            if item.kind != "typedef" and _ENTRY.search(text, item.start, end):
                head = without_literals(text[item.start : end])
                found.update(name for what, name, _ in names_of(head, item.kind, 0) if what in ("function", "ordinary"))
        for number in index.calls if instance.path.startswith("arch/") else ():
            parsed = headers.parsed(Site(instance, "function", number, index.items[number].line), KEEP)
            found.update(one.name for one in parsed if isinstance(one, ast.FunctionDef))
    return found


# --- calls over words -------------------------------------------------------------------------------------------------


def _of_types(program: Program, name: str, types: Sequence[ast.Type], returns: ast.Type) -> Iterator[Helper]:
    spelled = [_spelled(type) for type in types]
    result = _spelled(returns)
    if result and all(spelled) and _ENTRY.search(" ".join([*spelled, result])):
        helper = _helper(program, name, spelled, result)
        if helper is not None:
            yield helper


def _of_macro(program: Program, name: str, count: int) -> Iterator[Helper]:
    """Yield what a macro is as a helper: its first parameter is of the type that it is named after."""
    match = _NAMED.fullmatch(name)
    assert match is not None
    level, made = match[1], match[2]
    first = "unsigned long" if made or match[3] else f"{level}_t" if level else "pgprot_t"
    rest = ([first], ["pgprot_t"], ["unsigned long"]) if count == 2 else ([],)
    tried = [_helper(program, name, [first, *more]) for more in rest] if count <= 2 else []
    helpers = [helper for helper in tried if helper is not None]
    if count == 2:
        fitting = next((helper for helper in helpers if _fits(program, helper)), None)
        numbers = _helper(program, name, ["unsigned long"] * count) if fitting is None else None
        if numbers is not None and _fits(program, numbers):  # it is about addresses
            return
        helpers = helpers[-1:] if fitting is None else [fitting]
    yield from helpers


def _fits(program: Program, helper: Helper) -> bool:
    """Return whether a call can be run: with nothing, one bit and all bits set in its words."""
    words = np.array([0, 1, (1 << 64) - 1], dtype=np.uint64)
    try:
        Session(program, len(words)).run(helper.calls[0], **dict.fromkeys(WORDS, ("unsigned long long", words)))
    except (CannotExecute, OutOfBounds):
        return False
    return True


def _spelled(type: ast.Type) -> str:
    return type.name if isinstance(type, (ast.TypedefName, ast.BuiltinType)) else ""


def _helper(program: Program, name: str, types: Sequence[str], returns: str = "") -> Helper | None:
    """Return a call of *name* with values of *types*, None where that is not C or returns no value."""
    words, setting, arguments = iter(WORDS), "", []
    try:
        for at, type in enumerate(types):
            setting += f"{type} p{at}; "
            setting += "".join(f"p{at}{path} = {next(words)}; " for path in _leaves(_resolved(program, type)))
            arguments.append(f"p{at}")
        call = f"{name}({', '.join(arguments)})"
        variables = tuple((word, "unsigned long long") for word in WORDS)
        whole = f"({{ {setting} {call}; }})"
        paths = list(_leaves(_resolved(program, returns) if returns else program.snippet(whole, variables).op.type))
    except (CannotExecute, CSourceError, StopIteration):
        return None
    if paths == [""]:
        return Helper(name, (f"({{ {setting} (unsigned long long)({call}); }})",))
    shown = (f"({{ {setting} __typeof__({call}) r = {call}; (unsigned long long)r{path}; }})" for path in paths)
    return Helper(name, tuple(shown))


def _resolved(program: Program, type: str) -> CType:
    known = ast.BuiltinType(type) if program.universe.typedef(type) is None else ast.TypedefName(type)
    return program.resolve(known)


def _leaves(type: CType) -> Iterator[str]:
    """Yield the scalars of a value of *type*, of a union those of its widest member. Raises CannotExecute."""
    match type:
        case CInt():
            yield ""
        case CRecord():
            fields = [field for field in type.fields if field.name is not None or isinstance(field.type, CRecord)]
            widest = sorted(fields, key=lambda field: -field.type.size)[:1] if type.kind == "union" else fields
            for field in widest:
                if field.bit_width is not None:
                    raise CannotExecute("a bit-field")
                dot = f".{field.name}" if field.name else ""
                yield from (dot + path for path in _leaves(field.type))
        case CArray(count=int(count)):
            for at in range(count):
                yield from (f"[{at}]{path}" for path in _leaves(type.of))
        case _:
            raise CannotExecute(f"a value of type {type}")
