"""Base and patches to snapshots: trees from git or a folder, patches applied in memory as ``git am`` would.

The names are imported when they are first asked for: a command that only looks at a file does not pay for patches.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptlint.tree.apply import apply_patch
    from ptlint.tree.base import Base, open_base, open_files
    from ptlint.tree.directory import DirTree
    from ptlint.tree.enclosing import enclosing_tree
    from ptlint.tree.gittree import GitTree
    from ptlint.tree.overlay import LocalTree, index_tree, work_tree
    from ptlint.tree.partial import partial_files, partial_preimages
    from ptlint.tree.ranges import pushed_series, range_series, staged_series, with_message, worktree_series
    from ptlint.tree.rebuild import RebuiltStep, rebuild_series
    from ptlint.tree.repository import Repository, open_repository
    from ptlint.tree.result import Applied, FileResult, Rejected
    from ptlint.tree.sealed import is_repository
    from ptlint.tree.snapshots import apply_series, build_snapshots

_PLACES = {
    "apply": ("apply_patch",),
    "base": ("Base", "open_base", "open_files"),
    "directory": ("DirTree",),
    "enclosing": ("enclosing_tree",),
    "gittree": ("GitTree",),
    "overlay": ("LocalTree", "index_tree", "work_tree"),
    "partial": ("partial_files", "partial_preimages"),
    "ranges": ("pushed_series", "range_series", "staged_series", "with_message", "worktree_series"),
    "rebuild": ("RebuiltStep", "rebuild_series"),
    "repository": ("Repository", "open_repository"),
    "result": ("Applied", "FileResult", "Rejected"),
    "sealed": ("is_repository",),
    "snapshots": ("apply_series", "build_snapshots"),
}

__all__ = [
    "Applied",
    "Base",
    "DirTree",
    "FileResult",
    "GitTree",
    "LocalTree",
    "RebuiltStep",
    "Rejected",
    "Repository",
    "apply_patch",
    "apply_series",
    "build_snapshots",
    "enclosing_tree",
    "index_tree",
    "is_repository",
    "open_base",
    "open_files",
    "open_repository",
    "partial_files",
    "partial_preimages",
    "pushed_series",
    "range_series",
    "rebuild_series",
    "staged_series",
    "with_message",
    "work_tree",
    "worktree_series",
]


def __getattr__(name: str) -> object:
    for module, names in _PLACES.items():
        if name in names:
            found: object = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
