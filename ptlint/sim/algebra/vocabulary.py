"""What each setter of an entry says of what a predicate sees. Names are without their level's prefix.

Sources: Documentation/mm/arch_pgtable_helpers.rst, mm/debug_vm_pgtable.c, and the comments in include/linux/pgtable.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PREDICATES: tuple[tuple[str, ...], ...] = (
    ("present",),
    ("none",),
    ("write",),
    ("young",),
    ("dirty",),
    ("special",),
    ("soft_dirty",),
    ("uffd", "uffd_wp"),
    ("protnone",),
    ("exec",),
)
"""Each with its older name."""

ALWAYS = frozenset({"present", "write", "young", "dirty"})
"""What every architecture with an MMU can tell; the others may be empty where the feature is not there."""


@dataclass(frozen=True, slots=True)
class Setter:
    """A setter: what it makes true or false, its own flag first; nothing else may change.

    ``inverse`` is the setter that undoes it; ``needs_writable`` tells that it is for entries of writable mappings only.
    """

    names: tuple[str, ...]
    makes: Mapping[str, bool]
    inverse: tuple[str, ...] = ()
    needs_writable: bool = False
    call: str = "{name}(x)"


SETTERS: tuple[Setter, ...] = (
    Setter(("mkwrite_novma",), {"write": True}, ("wrprotect",), needs_writable=True),
    Setter(("mkwrite",), {"write": True}, ("wrprotect",), needs_writable=True, call="{name}(x, vma)"),
    Setter(("wrprotect",), {"write": False}, ("mkwrite_novma",)),
    Setter(("mkdirty",), {"dirty": True, "soft_dirty": True}, ("mkclean",)),
    Setter(("mkclean",), {"dirty": False}, ("mkdirty",)),
    Setter(("mkyoung",), {"young": True}, ("mkold",)),
    Setter(("mkold",), {"young": False}, ("mkyoung",)),
    Setter(("mkspecial",), {"special": True}),
    Setter(("mksoft_dirty",), {"soft_dirty": True}, ("clear_soft_dirty",)),
    Setter(("clear_soft_dirty",), {"soft_dirty": False}, ("mksoft_dirty",)),
    Setter(("mkuffd", "mkuffd_wp"), {"uffd": True, "write": False}, ("clear_uffd", "clear_uffd_wp")),
    Setter(("clear_uffd", "clear_uffd_wp"), {"uffd": False}, ("mkuffd", "mkuffd_wp")),
)

WORDS = {
    "present": "present",
    "none": "empty",
    "write": "writable",
    "young": "accessed",
    "dirty": "dirty",
    "special": "special",
    "soft_dirty": "soft-dirty",
    "uffd": "marked for userfaultfd",
    "protnone": "without access",
    "exec": "executable",
}
"""How a reader would say that a predicate holds."""
