"""The tree that a series is applied to."""

import os
from dataclasses import dataclass
from pathlib import Path

from ptlint.core.patch import LeftOut, Series
from ptlint.core.tree import MemoryTree, SourceTree
from ptlint.errors import TreeError, UsageError
from ptlint.tree.directory import DirTree
from ptlint.tree.enclosing import KERNEL_FOLDERS
from ptlint.tree.gittree import GitTree
from ptlint.tree.overlay import work_tree
from ptlint.tree.repository import Repository, open_repository
from ptlint.tree.sealed import is_repository
from ptlint.tree.search import applies_to, newest_base


@dataclass(frozen=True, slots=True)
class Base:
    """What a series is applied to, and how it was found.

    ``name`` is for reports: a tag (``v7.3.4``), a short id, ``plain tree``, or empty without a tree. ``how`` is
    ``explicit``, ``base-commit trailer``, ``found by applying``, ``HEAD``, ``plain tree`` or ``none``. ``notes`` are
    sentences about what was assumed. ``commit_id`` is None when there is no commit.
    """

    tree: SourceTree
    name: str
    how: str
    notes: tuple[str, ...] = ()
    commit_id: str | None = None


def open_base(tree: Path | None, rev: str | None, series: Series) -> Base:
    """Return the base: *rev*, else the base-commit trailer, else the newest commit that *series* applies to, else HEAD.

    *tree* is a repository (bare, a work tree, a linked work tree), a plain source folder, or None for no tree at all.
    Raises UsageError when *rev* is given without a repository, TreeError for a path, repository or revision that
    cannot be used and for a tree that is no kernel.
    """
    if tree is None:
        if rev is not None:
            raise UsageError(f"--base {rev} needs --tree: there is no repository to look it up in")
        return Base(MemoryTree(), "", "none")
    _check_folder(tree)
    if not is_repository(tree):
        if rev is not None:
            raise UsageError(f"--base {rev} needs a git repository, and {tree} is a plain source tree")
        return Base(_checked(DirTree(tree), tree), "plain tree", "plain tree")
    return _from_repository(open_repository(tree), rev, series)


def open_files(tree: Path, rev: str | None) -> tuple[Base, tuple[LeftOut, ...]]:
    """Return the files of *tree* to be looked at as they are, and what of them cannot be.

    Those of the commit *rev*; without one the tracked files of the work tree, HEAD in a bare repository, or the plain
    folder. Raises UsageError and TreeError as ``open_base``.
    """
    nothing = Series("", 1, "", "", (), 0)
    base = open_base(tree, rev, nothing)
    if rev is not None or base.commit_id is None:
        return base, ()
    repository = open_repository(tree)
    if repository.worktree is None:
        return base, ()
    local = work_tree(repository)
    if not local.changed:
        return base, local.left_out
    return Base(local, f"{base.name} and the work tree", "work tree"), local.left_out


def commit_tree(repository: Repository, commit: str) -> GitTree:
    """Return the tree of a commit. Raises TreeError when the repository does not have it whole."""
    tree = repository.resolve(commit, "tree")
    if tree is None:
        raise TreeError(f"{repository.path}: commit {commit[:12]} is not complete (a shallow or partial clone?)")
    return GitTree(repository, tree, commit)


def _check_folder(tree: Path) -> None:
    if not tree.exists():
        raise TreeError(f"{tree}: no such folder; --tree names a git repository or an unpacked kernel")
    if not tree.is_dir():
        raise TreeError(f"{tree} is no folder; --tree names a git repository or an unpacked kernel")
    if not os.access(tree, os.R_OK | os.X_OK):
        raise TreeError(f"{tree} may not be read by this user")


def _from_repository(repository: Repository, rev: str | None, series: Series) -> Base:
    where = repository.path
    if rev is not None:
        commit = repository.resolve(rev, "commit")
        if commit is None:
            raise TreeError(f"{where}: {rev!r} names no commit of this repository")
        return _base(repository, commit, "explicit")
    notes: list[str] = []
    if series.base_commit:
        commit = repository.resolve(series.base_commit, "commit") if _is_id(series.base_commit) else None
        if commit is not None:
            return _base(repository, commit, "base-commit trailer", _prerequisites(series))
        notes.append(f"the base-commit {series.base_commit[:12]} of the series is not in {where}")
    head = repository.resolve("HEAD", "commit")
    if not series.patches or (head is not None and applies_to(commit_tree(repository, head), series)):
        if head is None:
            raise TreeError(f"{where}: HEAD names no commit; choose one with --base")
        return _base(repository, head, "found by applying" if series.patches else "HEAD", notes)
    found = newest_base(repository, head, series)
    if found.commit is not None:
        return _base(repository, found.commit, "found by applying", [*notes, *found.notes])
    if head is None:
        raise TreeError(f"{where}: HEAD names no commit; choose one with --base")
    notes += [*found.notes, "the series applies to no commit that was tried, so HEAD is taken; choose one with --base"]
    return _base(repository, head, "HEAD", notes)


def _prerequisites(series: Series) -> list[str]:
    count = len(series.prerequisite_patch_ids)
    return [f"the series builds on {count} patches that are not in its base-commit"] if count else []


def _base(repository: Repository, commit: str, how: str, notes: list[str] | None = None) -> Base:
    tree = commit_tree(repository, commit)
    _checked(tree, repository.path)
    return Base(tree, _name(repository, commit), how, tuple(notes or ()), commit)


def _name(repository: Repository, commit: str) -> str:
    """Return the tag at a commit, or the first 12 digits of its id."""
    answer = repository.run("describe", "--tags", "--exact-match", commit)
    tag = answer.output.decode("utf-8", "replace").strip()
    return tag if answer.code == 0 and tag else commit[:12]


def _checked(tree: GitTree | DirTree, path: Path) -> GitTree | DirTree:
    if not any(tree.is_folder(folder) for folder in KERNEL_FOLDERS):
        raise TreeError(f"{path} is no kernel tree: it has none of {', '.join(KERNEL_FOLDERS)}")
    return tree


def _is_id(text: str) -> bool:
    return 7 <= len(text) <= 64 and not text.lower().strip("0123456789abcdef")
