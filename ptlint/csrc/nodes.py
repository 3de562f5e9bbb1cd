"""Every node of a syntax tree, in the order of the text."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from ptlint.csrc import ast


def nodes(root: Any, into_switches: bool = True) -> list[Any]:
    """Return every syntax node below *root*, itself included, in source order; not the bodies of switches on demand."""
    found: list[Any] = []
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, (tuple, list)) and not hasattr(node, "_fields"):
            pending.extend(reversed(node))
            continue
        parts = parts_of(type(node))
        if parts is not None:
            found.append(node)
            if isinstance(node, ast.Switch) and not into_switches:
                continue
            pending.extend([getattr(node, name) for name in parts])
    return found


def parts_of(kind: type) -> tuple[str, ...] | None:
    """Return the names of the fields of a node of this class that may hold nodes, last first; None for no node."""
    if kind not in _PARTS:
        _PARTS[kind] = _parts(kind) if is_dataclass(kind) else None
    return _PARTS[kind]


_PARTS: dict[type, tuple[str, ...] | None] = {}


def _parts(kind: Any) -> tuple[str, ...]:
    plain = (int, str, bytes, bool, ast.Pos, tuple[str, ...], frozenset[str], str | None, int | None)
    found = [field.name for field in fields(kind) if field.type not in plain]
    return tuple(reversed(found))
