"""A page table of ptlint's own, for patches that come without a tree: one PTE format with every bit, in plain C."""

from importlib import resources

from ptlint.core.tree import MemoryTree

FOLDER = "include/linux"


def reference_tree() -> MemoryTree:
    """Return the tree: the headers of this folder."""
    folder = resources.files(__name__) / FOLDER
    return MemoryTree({f"{FOLDER}/{one.name}": one.read_bytes() for one in folder.iterdir() if one.name.endswith(".h")})
