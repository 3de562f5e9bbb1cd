"""Objects by their place: literals, strings, functions, static and file-scope variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CPointer, CRecord, CType
from ptlint.sim.blob import Blob, zero
from ptlint.sim.convert import scalar
from ptlint.sim.data import completed, initialiser, single
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Place, Run, Value
from ptlint.sim.machine import Machine
from ptlint.sim.opaque import opaque
from ptlint.sim.places import boxed_address, memory_place
from ptlint.sim.types import CHAR, size_of, size_or_none
from ptlint.sim.values import Scalar

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.program import Program


def literal_place(program: Program, expressions: Expressions, expr: ast.CompoundLiteral) -> Place:
    """Return the place of a compound literal: an object of the block, set anew whenever it is evaluated."""
    type = expressions.literal_type(expr)
    build, size = _scalar_or_aggregate(program, expressions, type, expr.init), size_of(type)
    if expressions.scope.in_function:
        slot = expressions.scope.declare("(literal)", type, boxed=True).slot
        box = boxed_address(type, slot, "(literal)")
    else:

        def box(frame: Frame) -> Scalar:
            memory = frame.machine.memory
            return memory.add("(literal)", Blob(size, memory.big_endian), type).base

    def locate(frame: Frame) -> Scalar:
        value = build(frame)
        address = box(frame)
        if isinstance(value, Blob):
            frame.machine.store_blob(address, value)
        else:
            frame.machine.store(address, size, scalar(value))
        return address

    if isinstance(type, CArray):
        return Place(type, locate, _no_value, _no_store, addressable=True)
    return memory_place(type, locate)


def global_place(program: Program, expressions: Expressions, name: ast.Name) -> Place:
    """Return the place of a file-scope variable: its start value where it is defined in sight, else opaque."""
    written = program.variable(name.name, expressions.path)
    if written is None:
        raise CannotExecute(f"{name.name} is not declared", name.pos)
    shared = program.shared_name(name.name, expressions.path)
    given = name.name in program.values or not program.is_extern(name.name, expressions.path)
    expressions = program.file_scope(written.pos.path)
    type = expressions.resolve(written.type)
    init = written.init
    if isinstance(type, CArray) and init is not None:
        type = completed(program, expressions, type, init)
    known = name.name in program.values or (given and not _is_opaque(type))
    build: list[Run] = []

    def locate(frame: Frame) -> Scalar:
        memory = frame.machine.memory
        found = memory.named(shared)
        if found is not None:
            return found.base
        if not known:
            return opaque(frame.machine, shared, type).base
        size = size_of(type)
        blob = Blob(size, memory.big_endian, zero)
        if name.name in program.values:
            given_value = program.values[name.name]
            if isinstance(given_value, str) and given_value.startswith("{"):
                blob.put(0, program.initial_value(frame, given_value, type))
                return memory.share(shared, memory.add(shared, blob, type)).base
            start = program.boot_value(name.name)
            if start:  # the rest, or the whole of a structure, is zero
                blob.store(0, size, start)
        elif init is not None:
            made = memory.share(shared, memory.add(shared, blob, type))  # an initialiser may hold its own address
            if not build:
                before = program.expressions
                build.append(_scalar_or_aggregate(program, expressions, type, init))
                frame.machine.read(program.expressions - before)
            value = build[0](frame)
            if isinstance(value, Blob):
                blob.put(0, value)
            else:
                blob.store(0, size, scalar(value))
            return made.base
        return memory.share(shared, memory.add(shared, blob, type)).base

    if isinstance(type, (CArray, CFunction)):
        return Place(type, locate, _no_value, _no_store, addressable=True)
    return memory_place(type, locate)


def _scalar_or_aggregate(program: Program, expressions: Expressions, type: CType, init: ast.InitList | ast.Expr) -> Run:
    if not isinstance(type, (CArray, CRecord)) and isinstance(init, ast.InitList):
        init = single(init)
    return initialiser(program, expressions, type, init)


def _is_opaque(type: CType) -> bool:
    """Return whether a variable is a big live structure (``init_mm``): its start value says nothing of later."""
    size = size_or_none(type)
    return size is None or (isinstance(type, CRecord) and size > 256 and type.kind == "struct" and not _is_ops(type))


def _is_ops(type: CRecord) -> bool:
    """Return whether a structure is a table of functions."""
    fields = type.fields
    if not fields:
        return False
    inner = [f.type for f in fields]
    return all(
        (isinstance(t, CPointer) and isinstance(t.to, CFunction)) or (isinstance(t, CRecord) and _is_ops(t))
        for t in inner
    )


def static(frame: Frame, key: str, type: CType, init: Run | None) -> int:
    """Return the address of a function's static variable, made and initialised on first use."""
    memory = frame.machine.memory
    found = memory.named(key)
    if found is None:
        size = size_of(type)
        blob = Blob(size, memory.big_endian, zero)
        found = memory.share(key, memory.add(key, blob, type))
        if init is not None:
            value = init(frame)
            if isinstance(value, Blob):
                blob.put(0, value)
            else:
                blob.store(0, size, scalar(value))
    return found.base


def string(machine: Machine, text: bytes) -> int:
    """Return the address of a string literal; equal literals are one object."""
    key = f'"{text!r}"'
    found = machine.memory.named(key)
    if found is None:
        order: Literal["big", "little"] = "big" if machine.memory.big_endian else "little"

        def fill(offset: int, size: int) -> Scalar:
            return int.from_bytes(text[offset : offset + size].ljust(size, b"\0"), order)

        blob = Blob(len(text) + 1, machine.memory.big_endian, fill)
        found = machine.memory.share(key, machine.memory.add("(string)", blob, CHAR))
    return found.base


def function_address(machine: Machine, name: str) -> int:
    """Return the address of a function: one object a name, which cannot be read or written."""
    key = f"{name}()"
    found = machine.memory.named(key)
    if found is None:
        blob = Blob(1, machine.memory.big_endian)
        found = machine.memory.share(key, machine.memory.add(name, blob, None, function=name))
    return found.base


def _no_value(_frame: Frame, _address: Scalar | None) -> Value:
    raise CannotExecute("reads an array or function as a value")


def _no_store(_frame: Frame, _address: Scalar | None, _value: Value) -> None:
    raise CannotExecute("assigns to an array or function")
