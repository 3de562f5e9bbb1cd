"""C types as the simulator asks about them."""

from __future__ import annotations

from ptlint.csrc.ctypes import CArray, CFunction, CInt, CPointer, CRecord, CType, CTypeError, CVoid, IncompleteType
from ptlint.sim.errors import CannotExecute

CHAR = CInt(1, True, "char")
UCHAR = CInt(1, False, "unsigned char")
INT = CInt(4, True, "int")
IMPLICIT = CInt(4, True, "what a function that is not declared returns")
"""``int``, as C had it: good for a condition. A function that returns an entry or a count only looks so."""
UINT = CInt(4, False, "unsigned int")
VOID = CVoid()
BOOL = CInt(1, False, "_Bool", is_bool=True)


def size_of(type: CType) -> int:
    """Return the size in bytes. Raises CannotExecute for an incomplete type."""
    size = size_or_none(type)
    if size is None:
        raise CannotExecute(f"needs the size of {type}, which is not known")
    return size


def exact_size_of(type: CType) -> int:
    """Return the size in bytes for ``sizeof``. Raises CannotExecute when a part of the type is not known."""
    inner = type
    while isinstance(inner, CArray):
        inner = inner.of
    size = size_of(type)
    if isinstance(inner, CRecord) and not inner.is_exact:
        raise CannotExecute(f"needs the size of {type}, parts of which are not known")
    return size


def size_or_none(type: CType) -> int | None:
    """Return the size in bytes, or None for an incomplete type (``void`` counts 1, as in GNU C)."""
    try:
        return type.size
    except IncompleteType:
        return None
    except CTypeError as error:
        raise CannotExecute(str(error)) from None


def is_record(type: CType) -> bool:
    """Return whether values of *type* are blobs."""
    return isinstance(type, CRecord)


def has_array(type: CType) -> bool:
    """Return whether *type* is or holds an array: such a variable is reached by address."""
    pending, seen = [type], set[int]()
    while pending:
        inner = pending.pop()
        if isinstance(inner, CArray):
            return True
        if isinstance(inner, CRecord) and id(inner) not in seen and size_or_none(inner) is not None:
            seen.add(id(inner))
            pending.extend(field.type for field in inner.fields)
    return False


def bit_field_type(type: CInt, width: int) -> CInt:
    """Return the type that the value of a bit-field of *type* has after the integer promotions."""
    if width > 32:
        return type
    return UINT if width == 32 and not type.signed else INT


def is_void(type: CType) -> bool:
    """Return whether *type* is ``void``."""
    return isinstance(type, CVoid)


def is_integer(type: CType) -> bool:
    """Return whether *type* is an integer type."""
    return isinstance(type, CInt)


def is_pointer(type: CType) -> bool:
    """Return whether *type* is a pointer, or decays to one."""
    return isinstance(type, (CPointer, CArray, CFunction))


def is_signed(type: CType) -> bool:
    """Return whether *type* is a signed integer."""
    return isinstance(type, CInt) and type.signed


def is_bool(type: CType) -> bool:
    """Return whether *type* is ``_Bool``."""
    return isinstance(type, CInt) and type.is_bool


def promoted(type: CType) -> CInt:
    """Return what the integer promotions make of *type*."""
    if not isinstance(type, CInt):
        raise CannotExecute(f"arithmetic on {type}")
    return INT if type.size < 4 else type


def common(left: CInt, right: CInt) -> CInt:
    """Return the type of the usual arithmetic conversions for promoted types."""
    if left.signed == right.signed:
        return left if left.size >= right.size else right
    unsigned, signed = (right, left) if left.signed else (left, right)
    if unsigned.size >= signed.size:
        return unsigned
    return signed
