"""The kernel tree that a command was called in."""

from pathlib import Path

from ptlint.tree.sealed import is_repository

KERNEL_FOLDERS = ("include/linux", "arch", "mm")
"""A tree with one of these is taken for a kernel."""


def enclosing_tree(start: Path) -> Path | None:
    """Return the kernel tree that *start* stands in (a work tree, or a bare repository itself), or None."""
    for folder in (start.absolute(), *start.absolute().parents):
        if is_repository(folder):
            looks = any((folder / name).is_dir() for name in KERNEL_FOLDERS) or not (folder / ".git").exists()
            return folder if looks else None
    return None
