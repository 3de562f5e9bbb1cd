"""Initialisers, literals, strings and file-scope variables."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CFunction, CPointer, CRecord, CType
from ptlint.sim.blob import Blob, zero
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Place, Run, Value
from ptlint.sim.machine import Machine
from ptlint.sim.opaque import opaque
from ptlint.sim.places import bits_place, boxed_address, memory_place, slot_place
from ptlint.sim.types import CHAR, is_integer, is_record, size_of, size_or_none
from ptlint.sim.values import Scalar

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions
    from ptlint.sim.program import Program

MAX_ELEMENTS = 65_536
"""Elements of one initialised array that are laid out."""


# --- initialisers -----------------------------------------------------------------------------------------------------

_Leaf = tuple[int, CType, Run, "tuple[int, int] | None"]
_Put = Callable[[Frame, Blob, Value], None]


def initialiser(program: Program, expressions: Expressions, type: CType, init: ast.InitList | ast.Expr) -> Run:
    """Return what builds a structure, union or array from its initialiser. Raises CannotExecute."""
    big = program.model.big_endian
    if not isinstance(init, ast.InitList):
        if isinstance(init, ast.StrConst) and isinstance(type, CArray):
            return _string_array(type, init.value, big)
        return converted(expressions.expr(init), type).run
    size = size_of(type)
    leaves: list[_Leaf] = []
    _Layout(program, expressions, leaves).fill(type, 0, init.items)

    plan = [_leaf(leaf, type, big) for leaf in leaves]

    def build(frame: Frame) -> Value:
        blob = Blob(size, big, zero)
        for run, put in plan:
            put(frame, blob, run(frame))
        return blob

    return build


def _leaf(leaf: _Leaf, whole: CType, big_endian: bool) -> tuple[Run, _Put]:
    """Return what computes a value of an initialiser and what puts it into the object."""
    offset, type, run, bits = leaf
    if bits is not None:
        return run, _bits_leaf(offset, type, bits, big_endian)
    size = size_of(type)

    def put(_frame: Frame, blob: Blob, value: Value) -> None:
        if isinstance(value, Blob):
            blob.put(offset, value)
        else:
            blob.store(offset, size, scalar(value))

    return run, put


def _bits_leaf(offset: int, type: CType, bits: tuple[int, int], big_endian: bool) -> _Put:
    def put(frame: Frame, blob: Blob, value: Value) -> None:
        holder = Frame(frame.machine, 1)
        holder.slots[0] = blob
        field.store(holder, None, value)

    field = bits_place(slot_place(type, 0, ""), offset, type, bits, big_endian)
    return put


class _Layout:
    """Walks an initialiser list in C's order (C11 6.7.9), with designators and elided braces.

    ``longest`` is the number of elements that the last array of unknown length needs.
    """

    def __init__(self, program: Program, expressions: Expressions, leaves: list[_Leaf]) -> None:
        self.program = program
        self.expressions = expressions
        self.leaves = leaves
        self.longest = 0

    def fill(self, type: CType, base: int, items: Sequence[ast.InitItem]) -> None:
        """Lay out a whole braced list for *type* at *base*."""
        left = deque(items)
        self._aggregate(type, base, left, top=True)
        if left:
            raise CannotExecute("an initialiser with more values than the object has")

    def _aggregate(self, type: CType, base: int, items: deque[ast.InitItem], top: bool) -> None:
        """Take what *type* needs from the front of *items*; so do the others."""
        if isinstance(type, CRecord):
            self._record(type, base, items, top)
        elif isinstance(type, CArray):
            self._array(type, base, items, top)
        else:
            self._value(type, base, items.popleft().value, None)

    def _record(self, type: CRecord, base: int, items: deque[ast.InitItem], top: bool) -> None:
        members = [field for field in type.fields if field.name or isinstance(field.type, CRecord)]
        at = 0
        while items:
            item = items[0]
            if item.designators:
                if not top:
                    return
                first = item.designators[0]
                if first.name is None:
                    raise CannotExecute("an array designator for a structure")
                self._designated(type, base, item, items)
                names = [index for index, field in enumerate(members) if _holds(field.name, field.type, first.name)]
                at = names[0] + 1 if names else at
                continue
            if at >= len(members) or (type.kind == "union" and at > 0):
                return
            field = members[at]
            at += 1
            self._element(field.type, base + field.offset, items, self._bits(type, field.name))

    def _bits(self, record: CRecord, name: str | None) -> tuple[int, int] | None:
        return None if not name else self.program.member(record, name)[2]

    def _array(self, type: CArray, base: int, items: deque[ast.InitItem], top: bool) -> None:
        step, at = size_of(type.of), 0
        count = type.count if type.count is not None else MAX_ELEMENTS
        if top and len(items) == 1 and isinstance(items[0].value, ast.StrConst) and _is_text(type):
            self._value(type, base, items.popleft().value, None)
            return
        while items:
            if type.count is None:
                self.longest = max(self.longest, at)
            item = items[0]
            if item.designators:
                if not top:
                    return
                first = item.designators[0]
                low, high = _range(self.program, self.expressions, first)
                if high - low >= MAX_ELEMENTS or not 0 <= low <= high < (type.count or MAX_ELEMENTS):
                    raise CannotExecute("an initialiser for too many elements")
                first_leaf = len(self.leaves)
                self._rest(type.of, base + low * step, item, items)
                self._repeat(first_leaf, step, high - low)
                at = high + 1
                continue
            if at >= count:
                return
            self._element(type.of, base + at * step, items, None)
            at += 1
        if type.count is None:
            self.longest = max(self.longest, at)

    def _repeat(self, first: int, step: int, times: int) -> None:
        """Lay the leaves from *first* on out *times* more, each *step* bytes further: ``[low ... high] = value``."""
        leaves = self.leaves[first:]
        if len(leaves) * times > MAX_ELEMENTS:
            raise CannotExecute("an initialiser for too many elements")
        for index in range(1, times + 1):
            self.leaves += [(offset + index * step, kind, run, bits) for offset, kind, run, bits in leaves]

    def _designated(self, type: CRecord, base: int, item: ast.InitItem, items: deque[ast.InitItem]) -> None:
        name = item.designators[0].name
        assert name is not None
        offset, member, bits = self.program.member(type, name)
        self._rest(member, base + offset, item, items, bits)

    def _rest(
        self,
        type: CType,
        base: int,
        item: ast.InitItem,
        items: deque[ast.InitItem],
        bits: tuple[int, int] | None = None,
    ) -> None:
        """Initialise what the first designator named, by the designators after it."""
        deeper = item.designators[1:]
        if deeper:
            self._aggregate(type, base, deque((ast.InitItem(deeper, item.value),)), top=True)
            items.popleft()
            return
        items[0] = ast.InitItem((), item.value)
        self._element(type, base, items, bits)

    def _element(self, type: CType, base: int, items: deque[ast.InitItem], bits: tuple[int, int] | None) -> None:
        value = items[0].value
        if isinstance(value, ast.InitList):
            if isinstance(type, (CRecord, CArray)):
                if value.items:
                    self.fill(type, base, value.items)
            else:
                self._value(type, base, single(value), bits)
            items.popleft()
            return
        is_plain = not isinstance(type, CArray) or isinstance(value, ast.StrConst)
        if isinstance(type, CRecord):
            is_plain = is_record(self.expressions.expr(value).type)
        if is_plain:
            self._value(type, base, value, bits)
            items.popleft()
        else:
            self._aggregate(type, base, items, top=False)

    def _value(self, type: CType, base: int, value: ast.Expr | ast.InitList, bits: tuple[int, int] | None) -> None:
        if isinstance(value, ast.InitList):
            value = single(value)
        if isinstance(type, CArray) and isinstance(value, ast.StrConst):
            self.leaves.append((base, type, _string_array(type, value.value, self.program.model.big_endian), None))
            return
        self.leaves.append((base, type, converted(self.expressions.expr(value), type).run, bits))


def _holds(name: str | None, type: CType, wanted: str) -> bool:
    """Return whether a member is *wanted*, or an unnamed structure that has it."""
    return name == wanted or (not name and isinstance(type, CRecord) and type.find(wanted) is not None)


def _range(program: Program, expressions: Expressions, designator: ast.Designator) -> tuple[int, int]:
    if designator.index is None:
        raise CannotExecute("a member designator for an array")
    low = program.constant_expression(designator.index, expressions)
    high = low if designator.last is None else program.constant_expression(designator.last, expressions)
    return low, high


def single(init: ast.InitList) -> ast.Expr:
    """Return the one expression of ``{ expression }``. Raises CannotExecute when there is not exactly one."""
    if len(init.items) == 1 and not init.items[0].designators:
        value = init.items[0].value
        return single(value) if isinstance(value, ast.InitList) else value
    if not init.items:
        return ast.IntConst(0, "int", init.pos)
    raise CannotExecute("a list of values for a scalar", init.pos)


def completed(program: Program, expressions: Expressions, type: CArray, init: ast.InitList | ast.Expr) -> CArray:
    """Return an array type with the length its initialiser gives."""
    if type.count is not None:
        return type
    if isinstance(init, ast.InitList) and len(init.items) == 1 and _is_text(type) and not init.items[0].designators:
        only = init.items[0].value
        init = only if isinstance(only, ast.StrConst) else init
    if isinstance(init, ast.StrConst):
        return CArray(type.of, len(init.value) + 1)
    if not isinstance(init, ast.InitList):
        raise CannotExecute("an array without a length")
    layout = _Layout(program, expressions, [])
    layout.fill(type, 0, init.items)
    return CArray(type.of, layout.longest)


def _is_text(type: CArray) -> bool:
    return is_integer(type.of) and size_of(type.of) == 1


def _string_array(type: CArray, text: bytes, big_endian: bool) -> Run:
    count = type.count if type.count is not None else len(text) + 1

    def build(_frame: Frame) -> Value:
        blob = Blob(count, big_endian, zero)
        for at, byte in enumerate(text[:count]):
            blob.store(at, 1, byte)
        return blob

    return build


# --- objects ----------------------------------------------------------------------------------------------------------


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
