"""Values of this package as JSON and back: frozen dataclasses of tuples, texts, numbers and one another.

The form is for ptlint's own store: fields in order, without names. Whoever changes a class changes the code, which
belongs to the key of everything that is stored.
"""

import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def coded(value: object) -> object:
    """Return *value* as what JSON can hold. TypeError for one of a class that is not foreseen."""
    if value is None or isinstance(value, str | int | bool | float):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if is_dataclass(value) and not isinstance(value, type):
        return [coded(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, frozenset | set):
        return sorted((coded(one) for one in value), key=repr)
    if isinstance(value, tuple | list):
        return [coded(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): coded(one) for key, one in value.items()}
    raise TypeError(f"{type(value).__name__} cannot be kept")


def decoded(kind: type[T], data: object) -> T:
    """Return the value of class *kind* that ``coded`` made *data* of. ValueError or TypeError when it is not that."""
    return typing.cast(T, _decoded(kind, data))


def _decoded(kind: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _of_union(arguments, data)
    if origin is tuple:
        return _of_tuple(arguments, data)
    if origin is frozenset:
        return frozenset(_decoded(arguments[0], one) for one in _checked(list, data))
    if origin in (dict, Mapping):
        return {key: _decoded(arguments[1], one) for key, one in _checked(dict, data).items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        values = _checked(list, data)
        if len(values) != len(hints):
            raise ValueError(f"{len(values)} fields, and {kind} has {len(hints)}")
        return kind(**{name: _decoded(hint, one) for (name, hint), one in zip(hints.items(), values, strict=True)})
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(data)
    if kind is bytes:
        return _checked(str, data).encode("latin-1")
    return _checked(kind, data)


def _of_union(choices: tuple[Any, ...], data: Any) -> Any:
    """Return a value that may be None; of unions only those with one class beside None are foreseen."""
    if data is None and type(None) in choices:
        return None
    kinds = [one for one in choices if one is not type(None)]
    if len(kinds) != 1:
        raise TypeError("a union of several classes")
    return _decoded(kinds[0], data)


def _of_tuple(kinds: tuple[Any, ...], data: Any) -> Any:
    values = _checked(list, data)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_decoded(kinds[0], one) for one in values)
    if len(kinds) != len(values):
        raise ValueError("a tuple of another length")
    return tuple(_decoded(kind, one) for kind, one in zip(kinds, values, strict=True))


def _checked(kind: type[T], data: object) -> T:
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise ValueError(f"{type(data).__name__} in place of {kind.__name__}")
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
