"""The newest commit that a series applies to, found within bounds."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.core.patch import FilePatch, Series
from ptlint.core.tree import Snapshot, SourceTree
from ptlint.tree.apply import apply_patch
from ptlint.tree.gittree import GitTree
from ptlint.tree.repository import Repository
from ptlint.tree.state import State

MAX_COMMITS = 2_000
"""Commits that touch the files of the series and are looked at."""

MAX_TRIED = 100
"""Commits that the series is really applied to."""

MAX_SECONDS = 6.0
"""Seconds that the whole search may take; half of it for finding candidates."""


@dataclass(frozen=True, slots=True)
class Found:
    """Outcome of a search. ``commit`` is None when nothing was found; ``notes`` tell what bounded it."""

    commit: str | None
    notes: tuple[str, ...] = ()


def applies_to(tree: SourceTree, series: Series) -> bool:
    """Return whether every patch of *series* applies to *tree* as it is (offsets allowed, no merge)."""
    state = State(Snapshot(tree))
    for patch in series.patches:
        outcome = apply_patch(state.snapshot, patch, state.extras)
        if not outcome.status.applied:
            return False
        state = outcome.state
    return True


def newest_base(repository: Repository, head: str | None, series: Series) -> Found:
    """Return the newest commit to which *series* applies.

    First those whose blobs are the ones that the ``index`` lines name, newest first; when none applies, the newest
    ones at which the files of the series changed. Looks at HEAD's history, the branches and the tags.
    """
    start = time.monotonic()
    deadline = start + MAX_SECONDS
    needed = preimages(series)
    commits = list(_candidates(repository, head, sorted(needed) or _made(series)))
    is_cut = time.monotonic() - start >= MAX_SECONDS / 2 or len(commits) >= MAX_COMMITS
    exact, others = _sorted_by_blobs(repository, commits, needed)
    tried = 0
    for commit in [*exact, *others]:
        if tried >= MAX_TRIED or time.monotonic() > deadline:
            break
        tried += 1
        tree = repository.resolve(commit, "tree")
        if tree is not None and applies_to(GitTree(repository, tree, commit), series):
            return Found(commit, (_sentence(commit, commit in exact),))
    bound = " (the search of the history was cut short)" if is_cut else ""
    return Found(None, (f"{tried} of {len(commits)} commits that changed these files were tried as the base{bound}",))


def _sentence(commit: str, is_exact: bool) -> str:
    why = "its files are those that the patches name" if is_exact else "it is the newest tried to which they apply"
    return f"{commit[:12]} was taken as the base: {why}"


def preimages(series: Series) -> dict[str, str | None]:
    """Return the files that the series expects in its base, with the (abbreviated) blob ids it names for them."""
    needed: dict[str, str | None] = {}
    made: set[str] = set()
    for patch in series.patches:
        for file in patch.files:
            path = file.old_path
            if path is not None and path not in made and path not in needed:
                needed[path] = _named_blob(file)
        made.update(file.new_path for file in patch.files if file.new_path is not None)
    return {path: blob for path, blob in needed.items() if "\n" not in path}


def _made(series: Series) -> list[str]:
    """Return the files that the series brings: what it applies to is older than they are."""
    paths = {file.new_path for patch in series.patches for file in patch.files if file.new_path is not None}
    return sorted(path for path in paths if "\n" not in path)


def _named_blob(file: FilePatch) -> str | None:
    blob = file.old_blob
    return blob if blob and len(blob) >= 7 and blob.strip("0") else None


def _candidates(repository: Repository, head: str | None, paths: list[str]) -> Iterator[str]:
    """Yield commits, newest first: at and right before every change of *paths*, as far as ``MAX_SECONDS`` allow.

    A state of the files lasts from the commit that made it to the parent of the one that changed it next, so that
    parent is the newest commit with that state.
    """
    if not paths:
        return
    seen: set[str] = set()
    starts = ["HEAD"] if head else []
    options = ("log", "--format=%P %H", f"--max-count={MAX_COMMITS}", "--branches", "--tags", "--remotes")
    for line in repository.lines(*options, *starts, "--", *paths, seconds=MAX_SECONDS / 2):
        words = line.split()  # the parents, then the commit itself
        for commit in (words[-1], words[0]):
            if commit not in seen:
                seen.add(commit)
                yield commit


def _sorted_by_blobs(
    repository: Repository, commits: list[str], needed: dict[str, str | None]
) -> tuple[list[str], list[str]]:
    """Return the commits that have every blob the series names, and the others, each newest first."""
    named = [(path, blob) for path, blob in needed.items() if blob]
    if not named or not commits:
        return [], commits
    ids = repository.object_ids(f"{commit}:{path}" for commit in commits for path, _ in named)
    exact: list[str] = []
    others: list[str] = []
    for number, commit in enumerate(commits):
        here = ids[number * len(named) : (number + 1) * len(named)]
        matches = (found is not None and found.startswith(blob) for found, (_, blob) in zip(here, named, strict=True))
        (exact if all(matches) else others).append(commit)
    return exact, others
