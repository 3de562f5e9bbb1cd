"""The bottom of the simulator: operations that are modelled, not executed. One file a family, found by folder.

A family module has functions decorated with ``lowers`` (they see the syntax of the call: READ_ONCE() takes an lvalue)
or ``runs`` (they see the values). A name may be a regular expression between slashes. Everything else the kernel calls
runs from its own source.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Container

from ptlint.sim.primitives.registry import Primitive, registered

_NAMES: dict[str, Primitive] = {}
_PATTERNS: list[tuple[re.Pattern[str], Primitive]] = []
_FOUND: dict[str, Primitive | None] = {}


def _load() -> None:
    if _NAMES:
        return
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if module.name != "registry":
            importlib.import_module(f"{__name__}.{module.name}")
    for primitive in registered():
        for name in primitive.names:
            if name.startswith("/"):
                _PATTERNS.append((re.compile(name.strip("/")), primitive))
            else:
                _NAMES[name] = primitive


def find_primitive(name: str) -> Primitive | None:
    """Return the primitive that models *name*, or None when it runs from source."""
    if name in _FOUND:
        return _FOUND[name]
    _load()
    found = _NAMES.get(name)
    if found is None:
        found = next((primitive for pattern, primitive in _PATTERNS if pattern.fullmatch(name)), None)
    _FOUND[name] = found
    return found


class _Keep(Container[str]):
    """The macros that expansion leaves alone: all that a primitive models."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and find_primitive(name) is not None

    def __hash__(self) -> int:
        return id(type(self))

    def __eq__(self, other: object) -> bool:
        return self is other


class _KeepBut(_Keep):
    """All of those but one."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __contains__(self, name: object) -> bool:
        return name != self.name and super().__contains__(name)

    def __hash__(self) -> int:
        return hash(("all but", self.name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _KeepBut) and other.name == self.name


def keep_but(name: str) -> Container[str]:
    """Return the macros that expansion leaves alone where the primitive *name* asks what the tree's own would do."""
    return _KeepBut(name)


KEEP: Container[str] = _Keep()
