"""What the types that ``csrc.ast`` writes mean on an architecture."""

from collections.abc import Callable
from typing import Protocol

from ptlint.csrc.ast import (
    NOWHERE,
    ArrayType,
    BuiltinType,
    EnumType,
    Expr,
    FunctionType,
    Member,
    PointerType,
    RecordType,
    Type,
    TypedefName,
    TypeofExpr,
)
from ptlint.csrc.datamodel import ILP32, LP64, DataModel
from ptlint.csrc.errors import ConstError, CTypeError, IncompleteType
from ptlint.csrc.layout import Slot
from ptlint.csrc.resolved import CArray, CFloat, CFunction, CInt, CPointer, CRecord, CType, CVoid, Field

__all__ = [
    "ILP32",
    "LP64",
    "CArray",
    "CFloat",
    "CFunction",
    "CInt",
    "CPointer",
    "CRecord",
    "CType",
    "CTypeError",
    "CVoid",
    "DataModel",
    "Field",
    "IncompleteType",
    "TypeNames",
    "TypeOf",
    "TypeTable",
    "decayed",
]

TypeOf = Callable[[Expr], CType]
"""Returns the type of an expression in its scope: what ``typeof`` needs."""

_LIMIT = 200  # how deep types may refer to one another


class TypeNames(Protocol):
    """Where the names of types come from."""

    def typedef(self, name: str) -> Type | None:
        """Return what typedef *name* stands for, or None."""

    def record(self, kind: str, tag: str | None) -> RecordType | None:
        """Return ``struct`` or ``union`` *tag* with its members, or None."""

    def enum(self, tag: str | None) -> EnumType | None:
        """Return ``enum`` *tag* with its constants, or None."""

    def enumerator(self, name: str) -> int | None:
        """Return the value of an enumeration constant, or None."""


class SharedNames(Protocol):
    """Whether the headers alone define a name."""

    def typedef(self, name: str) -> Type | None:
        """Return the type that typedef *name* stands for, or None."""

    def record(self, kind: str, tag: str) -> RecordType | None:
        """Return a record with its members, or None."""

    def enum(self, tag: str) -> EnumType | None:
        """Return an enum with its constants, or None."""


class TypeTable:
    """The types of one universe. The same written type resolves to the same (or an equal) type every time."""

    def __init__(self, names: TypeNames, model: DataModel = LP64) -> None:
        self.names = names
        self.model = model
        self._builtin = _builtins(model)
        self._typedefs: dict[str, CType] = {}
        self._records: dict[tuple[str, str], CRecord] = {}
        self._unnamed: dict[int, tuple[RecordType, CRecord]] = {}
        self._enums: dict[str, CInt] = {}
        self._depth = 0

    def rebind(self, names: TypeNames, shared: SharedNames) -> None:
        """Answer for *names* from now on: forget what its predecessor knew that *shared* does not define."""
        self.names = names
        self._typedefs = {name: type for name, type in self._typedefs.items() if shared.typedef(name) is not None}
        self._enums = {tag: type for tag, type in self._enums.items() if shared.enum(tag) is not None}
        for (kind, tag), record in self._records.items():
            if shared.record(kind, tag) is None:
                record.forget()

    # --- meaning

    def resolve(self, type: Type, type_of: TypeOf | None = None) -> CType:
        """Return what *type* means. *type_of* answers for ``typeof (expression)`` in the scope of *type*.

        :raises CTypeError: a name is unknown, a bound is not constant, or ``typeof`` cannot be answered.
        """
        self._depth += 1
        try:
            if self._depth > _LIMIT:
                raise CTypeError(NOWHERE, "types refer to one another without end")
            return self._resolve(type, type_of)
        finally:
            self._depth -= 1

    def _resolve(self, type: Type, type_of: TypeOf | None) -> CType:
        match type:
            case TypedefName():
                return self._typedef(type.name)
            case BuiltinType():
                return self.builtin(type.name)
            case PointerType():
                return self.pointer_to(self.resolve(type.to, type_of))
            case RecordType():
                return self._record(type)
            case EnumType():
                return self._enum(type)
            case ArrayType():
                count = None if type.size is None else self.constant(type.size, type_of)
                if count is not None and not 0 <= count < 1 << 40:
                    raise CTypeError(NOWHERE, f"an array cannot have {count} elements")
                return CArray(self.resolve(type.of, type_of), count)
            case FunctionType():
                params = tuple(decayed(self.resolve(param.type, type_of), self.model) for param in type.params)
                return CFunction(self.resolve(type.ret, type_of), params, type.variadic, type.oldstyle)
            case TypeofExpr():
                return self._type_of(type.expr, type_of)

    def builtin(self, name: str) -> CType:
        """Return the type of the language with this canonical name."""
        found = self._builtin.get(name)
        if found is None:
            raise CTypeError(NOWHERE, f"{name} is not supported")
        return found

    def integer(self, name: str) -> CInt:
        """Return the integer type of the language with this canonical name."""
        found = self.builtin(name)
        assert isinstance(found, CInt)
        return found

    def pointer_to(self, type: CType) -> CPointer:
        """Return the pointer type to *type*."""
        return CPointer(type, self.model.pointer_size)

    @property
    def size_type(self) -> CInt:
        """Return ``size_t``: ``unsigned long``, or ``unsigned int`` where ``long`` is no wider."""
        return self.integer("unsigned long" if self.model.long_size == 8 else "unsigned int")

    def _typedef(self, name: str) -> CType:
        found = self._typedefs.get(name)
        if found is None:
            written = self.names.typedef(name)
            if written is None:
                raise CTypeError(NOWHERE, f"the type {name} is not defined here")
            found = self._typedefs[name] = self.resolve(written)
        return found

    def _record(self, type: RecordType) -> CRecord:
        if type.tag is None:
            known = self._unnamed.get(id(type))  # the table holds the node, so its id stays its own
            if known is None:
                known = self._unnamed[id(type)] = (type, CRecord(type.kind, None, type, self))
            return known[1]
        key = (type.kind, type.tag)
        record = self._records.get(key)
        if record is None:
            source = type if type.members is not None else None
            record = self._records[key] = CRecord(type.kind, type.tag, source, self)
        return record

    def members_of(self, kind: str, tag: str | None) -> RecordType | None:
        """Return the definition of a record that is known by its tag."""
        return self.names.record(kind, tag)

    def _enum(self, type: EnumType) -> CInt:
        if type.tag is not None and type.tag in self._enums:
            return self._enums[type.tag]
        written = type if type.members is not None else self.names.enum(type.tag)
        found = self._enum_of(written) if written is not None else self.integer("unsigned int")
        if type.tag is not None:
            self._enums[type.tag] = found
        return found

    def _enum_of(self, type: EnumType) -> CInt:
        # gcc's choice: unsigned int unless a constant is negative, wider when one does not fit. A constant whose value
        # is not known here (it may come from a generated header) counts as small and not negative.
        from ptlint.csrc.constexpr import enumerator_values

        values = list(enumerator_values(type, self).values()) or [0]
        low, high = min(values), max(values)
        ladder = ["unsigned int", "int", "unsigned long long", "long long"]
        if type.packed:
            ladder = ["unsigned char", "signed char", "unsigned short", "short", *ladder]
        for name in ladder:
            candidate = self.integer(name)
            if low >= (-(1 << (candidate.bits - 1)) if candidate.signed else 0) and high < 1 << (
                candidate.bits - candidate.signed
            ):
                return candidate
        raise CTypeError(type.pos, "the constants of an enum fit no integer type")

    def _type_of(self, expr: Expr, type_of: TypeOf | None) -> CType:
        if type_of is not None:
            return type_of(expr)
        from ptlint.csrc.exprtypes import type_of_expression

        return type_of_expression(expr, self)

    # --- layout

    def constant(self, expr: Expr, type_of: TypeOf | None = None) -> int:
        """Return the value of the constant *expr* in a type. Raises CTypeError when it has none."""
        from ptlint.csrc.constexpr import evaluate

        try:
            return evaluate(expr, self, self.names.enumerator, type_of)
        except ConstError as error:
            raise CTypeError(error.pos, error.what) from None

    def align_of(self, type: CType) -> int:
        """Return the alignment of *type* in bytes. Raises IncompleteType when it is not known."""
        match type:
            case CRecord():
                return type.align
            case CArray():
                return self.align_of(type.of)
            case CInt() if type.size == 8:
                return min(self.model.scalar_align, self.model.long_long_align)
            case CFloat() if type.size == 8:
                return min(self.model.scalar_align, self.model.long_long_align)
            case _:
                return min(type.size, self.model.scalar_align, self.model.biggest_align)

    def slot_of(self, member: Member, type: CType) -> Slot:
        """Return what *member*, which has *type*, needs in the layout of its record."""
        minimum = 0 if member.align is None else self.constant(member.align)
        if member.bits is not None:
            if not isinstance(type, CInt):
                raise CTypeError(NOWHERE, f"bit-field {member.name} of type {type}")
            bits = self.constant(member.bits)
            if not 0 <= bits <= (1 if type.is_bool else type.bits):
                raise CTypeError(NOWHERE, f"bit-field {member.name} cannot have {bits} bits")
            return Slot(type.size, self.align_of(type), bits, member.name is not None, minimum, member.packed)
        flexible = isinstance(type, CArray) and type.count is None
        size = 0 if flexible else type.size
        return Slot(size, self.align_of(type), None, member.name is not None, minimum, member.packed)

    # --- arithmetic

    def promoted(self, type: CInt) -> CInt:
        """Return what the integer promotions make of *type* (C11 6.3.1.1)."""
        return self.integer("int") if type.size < 4 else type

    def common(self, left: CInt, right: CInt) -> CInt:
        """Return the type of the usual arithmetic conversions (C11 6.3.1.8)."""
        left, right = self.promoted(left), self.promoted(right)
        if left.signed == right.signed:
            return left if _rank(left) >= _rank(right) else right
        unsigned, signed = (right, left) if left.signed else (left, right)
        if _rank(unsigned) >= _rank(signed):
            return unsigned
        return signed if signed.size > unsigned.size else self.integer("unsigned " + signed.name)


def decayed(type: CType, model: DataModel) -> CType:
    """Return the pointer that an array or function becomes when it is used, any other type as it is."""
    if isinstance(type, CArray):
        return CPointer(type.of, model.pointer_size)
    return CPointer(type, model.pointer_size) if isinstance(type, CFunction) else type


def _rank(type: CInt) -> tuple[int, int]:
    return (type.size, type.name.count("long"))


def _builtins(model: DataModel) -> dict[str, CType]:
    table: dict[str, CType] = {
        "void": CVoid(),
        "_Bool": CInt(1, False, "_Bool", True),
        "char": CInt(1, model.char_signed, "char"),
        "signed char": CInt(1, True, "signed char"),
        "float": CFloat(4, "float"),
        "double": CFloat(8, "double"),
        "long double": CFloat(16 if model.long_size == 8 else 8, "long double"),
        "__builtin_va_list": CPointer(CVoid(), model.pointer_size),
        "unsigned char": CInt(1, False, "unsigned char"),
    }
    sizes = {"short": 2, "int": 4, "long": model.long_size, "long long": 8, "__int128": 16}
    for name, size in sizes.items():
        table[name] = CInt(size, True, name)
        table["unsigned " + name] = CInt(size, False, "unsigned " + name)
    return table
