"""Copies of objects that share what they hold, also of compiled ones."""

from typing import TypeVar

T = TypeVar("T")


def given(new: T, old: T) -> T:
    """Return *new*, a fresh object of the class of *old*, with every attribute that *old* has.

    ``copy.copy`` does the same, but makes a compiled object by calling its class without arguments. mypyc lists the
    attributes of a class that it compiled in ``__mypyc_attrs__``.
    """
    for name in getattr(type(old), "__mypyc_attrs__", None) or vars(old):
        setattr(new, name, getattr(old, name))
    return new
