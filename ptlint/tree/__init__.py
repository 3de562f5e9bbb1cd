"""Base and patches to snapshots: trees from git or a folder, patches applied in memory as ``git am`` would."""

from ptlint.tree.apply import apply_patch
from ptlint.tree.base import Base, enclosing_tree, open_base
from ptlint.tree.directory import DirTree
from ptlint.tree.gittree import GitTree
from ptlint.tree.overlay import LocalTree, index_tree, work_tree
from ptlint.tree.partial import partial_files, partial_preimages
from ptlint.tree.ranges import range_series, staged_series, worktree_series
from ptlint.tree.rebuild import RebuiltStep, rebuild_series
from ptlint.tree.repository import Repository, is_repository, open_repository
from ptlint.tree.result import Applied, FileResult, Rejected
from ptlint.tree.snapshots import apply_series, build_snapshots

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
    "open_repository",
    "partial_files",
    "partial_preimages",
    "range_series",
    "rebuild_series",
    "staged_series",
    "work_tree",
    "worktree_series",
]
