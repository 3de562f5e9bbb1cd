"""File modes as git records them, and trees that know them."""

import stat
from typing import Protocol, runtime_checkable

REGULAR = 0o100644
EXECUTABLE = 0o100755
LINK = 0o120000
SUBMODULE = 0o160000
FOLDER = 0o040000

MAX_FILE = 64 << 20
"""Bytes of the largest file that is read; the largest one of Linux 7.3 has 23 MB."""

MAX_LINKS = 8
"""Symbolic links that one lookup follows, always inside the tree."""


@runtime_checkable
class ModedTree(Protocol):
    """A tree that also knows what git records beside the bytes of a file."""

    def mode(self, path: str) -> int | None:
        """Return git's mode of *path* (a link is not followed), or None when there is nothing."""

    def link_target(self, path: str) -> bytes | None:
        """Return where the symbolic link *path* points to, or None when it is no link."""


def kind(mode: int) -> int:
    """Return the type bits of a mode: a regular file, a link, a submodule."""
    return stat.S_IFMT(mode)


def is_file(mode: int) -> bool:
    """Return whether this is the mode of a regular file."""
    return kind(mode) == kind(REGULAR)


def canonical(mode: int) -> int:
    """Return the mode that git records for this one: of the permissions, only the owner's execute bit counts."""
    if kind(mode) in (0, kind(REGULAR)):
        return EXECUTABLE if mode & 0o100 else REGULAR
    return kind(mode)
