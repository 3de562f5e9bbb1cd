"""Initialisers: what they put where in an object."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CArray, CRecord, CType
from ptlint.sim.blob import Blob, zero
from ptlint.sim.bounds import CELLS_OF_WORK, VALUES_OF_WORK
from ptlint.sim.convert import converted, scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Frame, Run, Value
from ptlint.sim.places import bits_place, slot_place
from ptlint.sim.types import is_integer, is_record, size_of
from ptlint.sim.values import Scalar, narrow

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
    if len(leaves) == 1 and leaves[0][3] is None and is_integer(leaves[0][1]) and size_of(leaves[0][1]) == size:
        return _single(size, leaves[0][2], big)

    def build(frame: Frame) -> Value:
        frame.machine.tick(len(plan) // VALUES_OF_WORK)
        blob = Blob(size, big, zero)
        for run, put in plan:
            put(frame, blob, run(frame))
        return blob

    return build


def _single(size: int, run: Run, big_endian: bool) -> Run:
    """Return what builds a structure that one integer fills, as an entry is."""

    def build(frame: Frame) -> Value:
        blob = Blob(size, big_endian)
        blob.cells[0] = (size, narrow(scalar(run(frame)), size, False))
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
        changed = holder.slots[0]
        assert isinstance(changed, Blob)
        blob.put(0, changed)

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

    cells: dict[int, tuple[int, Scalar]] = {at: (1, byte) for at, byte in enumerate(text[:count])}

    def build(frame: Frame) -> Value:
        frame.machine.tick(len(cells) // CELLS_OF_WORK)
        blob = Blob(count, big_endian, zero)
        blob.cells = cells.copy()
        return blob

    return build
