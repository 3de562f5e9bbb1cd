"""C types with their sizes: the values that ``csrc.ctypes`` makes of written types."""

from dataclasses import dataclass
from typing import Protocol

from ptlint.csrc.ast import NOWHERE, Expr, Member, RecordType, Type
from ptlint.csrc.errors import CTypeError, IncompleteType
from ptlint.csrc.layout import Layout, Slot, lay_out

UNKNOWN_SIZE = 256
UNKNOWN_ALIGN = 16
"""Bytes given to a member of a record whose type is not known."""


@dataclass(frozen=True, slots=True)
class CVoid:
    """``void``. GNU C counts it as one byte."""

    @property
    def size(self) -> int:
        """Return 1."""
        return 1

    def __str__(self) -> str:
        return "void"


@dataclass(frozen=True, slots=True)
class CInt:
    """An integer type; enums are the integer types that stand for them. ``size`` in bytes."""

    size: int
    signed: bool
    name: str
    is_bool: bool = False

    @property
    def bits(self) -> int:
        """Return the width in bits."""
        return self.size * 8

    def wrap(self, value: int) -> int:
        """Return *value* converted to this type."""
        if self.is_bool:
            return int(value != 0)
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class CFloat:
    """A floating type: it has a size, and nothing computes with it."""

    size: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class CPointer:
    """A pointer."""

    to: "CType"
    size: int = 8

    def __str__(self) -> str:
        return f"{self.to} *"


@dataclass(frozen=True, slots=True)
class CArray:
    """An array; ``count`` is None for ``[]``."""

    of: "CType"
    count: int | None

    @property
    def size(self) -> int:
        """Return the size in bytes. Raises IncompleteType for ``[]``."""
        if self.count is None:
            raise IncompleteType(NOWHERE, f"{self} has no size")
        return self.of.size * self.count

    def __str__(self) -> str:
        return f"{self.of}[{'' if self.count is None else self.count}]"


@dataclass(frozen=True, slots=True)
class CFunction:
    """A function. ``oldstyle`` marks ``()``, which says nothing of its parameters."""

    ret: "CType"
    params: tuple["CType", ...]
    variadic: bool = False
    oldstyle: bool = False

    @property
    def size(self) -> int:
        """Return 1, as GNU C does."""
        return 1

    def __str__(self) -> str:
        params = ", ".join(map(str, self.params)) + (", ..." if self.variadic else "")
        return f"{self.ret}({params})"


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a record, ``offset`` bytes from its start.

    A bit-field lies in a unit of its type at ``offset``; ``bit_offset`` counts the bits of the unit that were given
    out before it: from the least significant on little-endian machines, from the most significant on big-endian ones.
    ``name`` is None for an unnamed record, whose members belong to the outer one.
    """

    name: str | None
    type: "CType"
    offset: int
    bit_offset: int = 0
    bit_width: int | None = None


class RecordTable(Protocol):
    """What a record asks the type table for, once its members matter."""

    def members_of(self, kind: str, tag: str | None) -> RecordType | None:
        """Return the definition of a record that is known by its tag."""

    def resolve(self, type: Type) -> "CType":
        """Return the meaning of a written type."""

    def slot_of(self, member: Member, type: "CType") -> Slot:
        """Return what *member* needs in a layout."""

    def constant(self, expr: Expr) -> int:
        """Return the value of a constant expression."""


class CRecord:
    """A struct or union. Two are the same type only if they are the same object.

    Members are looked up and laid out when something asks for them, so that an incomplete record may stand behind
    pointers. A member whose own type is not known (its header is not in the tree) gets ``UNKNOWN_SIZE`` bytes, so that
    the others can be told apart; ``is_exact`` is False then, and the size is nothing to rely on.
    """

    __slots__ = ("_busy", "_by_name", "_fields", "_layout", "_source", "_table", "is_exact", "kind", "tag")

    def __init__(self, kind: str, tag: str | None, source: RecordType | None, table: "RecordTable") -> None:
        self.kind = kind
        self.tag = tag
        self._source = source
        self._table = table
        self._fields: tuple[Field, ...] = ()
        self._by_name: dict[str, Field] = {}
        self._layout: Layout | None = None
        self._busy = False
        self.is_exact = True

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the members in order, without unnamed bit-fields. Raises IncompleteType when they are not known."""
        self._laid_out()
        return self._fields

    @property
    def size(self) -> int:
        """Return the size in bytes. Raises IncompleteType when the members are not known."""
        return self._laid_out().size

    @property
    def align(self) -> int:
        """Return the alignment in bytes. Raises IncompleteType when the members are not known."""
        return self._laid_out().align

    def forget(self) -> None:
        """Look the members up again when they are asked for next."""
        self._source, self._layout, self._fields, self._by_name = None, None, (), {}
        self.is_exact = True

    def is_complete(self) -> bool:
        """Return whether the members are known."""
        try:
            self._laid_out()
        except IncompleteType:
            return False
        return True

    def find(self, name: str) -> Field | None:
        """Return member *name*, also of an unnamed record inside (with its offset in this one), or None."""
        self._laid_out()
        return self._by_name.get(name)

    def _laid_out(self) -> Layout:
        if self._layout is not None:
            return self._layout
        source = self._source or self._table.members_of(self.kind, self.tag)
        if source is None or source.members is None:
            raise IncompleteType(NOWHERE, f"{self} is not defined here")
        if self._busy:
            raise CTypeError(source.pos, f"{self} contains itself")
        self._busy = True
        try:
            return self._placed(source, source.members)
        finally:
            self._busy = False

    def _placed(self, source: RecordType, members: tuple[Member, ...]) -> Layout:
        table = self._table
        types, slots = zip(*map(self._member, members), strict=True) if members else ((), ())
        minimum = table.constant(source.align) if source.align is not None else 0
        layout = lay_out(list(slots), self.kind == "union", source.packed, minimum)
        fields: list[Field] = []
        by_name: dict[str, Field] = {}
        for member, type_, slot, place in zip(members, types, slots, layout.places, strict=True):
            if member.name is None and not isinstance(type_, CRecord):
                continue
            field = Field(member.name, type_, place.offset, place.bit_offset or 0, slot.bits)
            fields.append(field)
            if member.name is not None:
                by_name[member.name] = field
            elif isinstance(type_, CRecord):
                for name, inner in type_._by_name.items():
                    at = place.offset + inner.offset
                    by_name.setdefault(name, Field(name, inner.type, at, inner.bit_offset, inner.bit_width))
        self._fields, self._by_name, self._layout = tuple(fields), by_name, layout
        return layout

    def _member(self, member: Member) -> tuple["CType", Slot]:
        """Return type and needs of a member; stand-ins when its type is not known."""
        try:
            type_ = self._table.resolve(member.type)
        except CTypeError:
            type_ = CArray(CInt(1, False, "unsigned char"), UNKNOWN_SIZE)
            self.is_exact = False
        try:
            slot = self._table.slot_of(member, type_)
        except IncompleteType:
            slot = Slot(UNKNOWN_SIZE, UNKNOWN_ALIGN)
            self.is_exact = False
        if isinstance(type_, CRecord) and not type_.is_exact:
            self.is_exact = False
        return type_, slot

    def __str__(self) -> str:
        return f"{self.kind} {self.tag}" if self.tag else f"an unnamed {self.kind}"

    def __repr__(self) -> str:
        return f"CRecord({self})"


CType = CVoid | CInt | CFloat | CPointer | CArray | CRecord | CFunction
