"""Which paths a patch may touch: the rule of git's ``verify_path()``, so that both accept the same patches."""

import re

from ptlint.tree.modes import LINK, kind

_DOT_GIT = re.compile(r"(?:\.git|git~1)[. ]*(?:[:\\/]|$)", re.IGNORECASE)
"""Names that reach ``.git`` on some file system; after a backslash too."""

MAX_PATH = 4096
"""Characters of the longest path, as ``PATH_MAX`` of Linux."""


def path_fault(path: str, mode: int | None = None) -> str | None:
    """Return what is wrong with *path* as a phrase, or None when a patch may touch it."""
    if "\0" in path or "\n" in path or len(path) > MAX_PATH:
        return "is no usable file name"
    if path.startswith("/"):
        return "is absolute"
    parts = path.split("/")
    if ".." in parts:
        return "leaves the tree"
    if "" in parts or "." in parts:
        return "is not in its shortest form"
    names = (name for part in parts for name in part.split("\\"))
    if any(_DOT_GIT.match(name) for name in names):
        return "reaches into .git"
    if mode is not None and kind(mode) == LINK and any(part.lower() == ".gitmodules" for part in parts):
        return "would make .gitmodules a link"
    return None
