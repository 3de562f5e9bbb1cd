"""Source trees as every layer above sees them: read-only, in memory, addressed by path."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from ptlint.core.patch import PatchRef


@runtime_checkable
class SourceTree(Protocol):
    """A tree of files. Paths are relative, with ``/``. Implementations never follow a link out of the tree."""

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None: no such regular file, or one that cannot be read (see ``unread``)."""

    def exists(self, path: str) -> bool:
        """Return whether *path* is a regular file of the tree."""

    def blob_id(self, path: str) -> str | None:
        """Return git's hexadecimal blob id of *path*, or None when there is no such file."""

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every file below *folder* (all of them for ``""``), sorted."""


@runtime_checkable
class KeyedTree(Protocol):
    """A tree that can tell its content from any other by one text, without reading every file."""

    def content_key(self) -> str | None:
        """Return a text that is equal for two trees only when they hold the same files."""


def content_key(tree: SourceTree) -> str | None:
    """Return a text that is equal for two trees only when they hold the same files; None when *tree* cannot tell."""
    if isinstance(tree, Snapshot):
        base = content_key(tree.base)
        changes = ((path, tree.blob_id(path)) for path in tree.changed)
        return base if base is None or not tree.changed else _digest((("base", base), *sorted(changes, key=str)))
    if isinstance(tree, MemoryTree):
        return _digest((path, blob_id_of(data)) for path, data in sorted(tree.files.items()))
    return tree.content_key() if isinstance(tree, KeyedTree) else None


@runtime_checkable
class LossyTree(Protocol):
    """A tree with files that may turn out not to be readable, when they are read."""

    @property
    def unread(self) -> Mapping[str, str]:
        """Return the files (or folders, with ``/`` at the end) that could not be read so far: path -> why."""


def unread(tree: SourceTree) -> Mapping[str, str]:
    """Return what of *tree* was to be read and could not be: path -> why. Whoever reads a tree has to tell it."""
    while isinstance(tree, Snapshot):
        tree = tree.base
    return tree.unread if isinstance(tree, LossyTree) else {}


@runtime_checkable
class SearchedTree(Protocol):
    """A tree that finds the files which hold a word faster than by reading every one."""

    def holding(self, folder: str, words: Collection[str]) -> Iterable[str] | None:
        """Return the ``.c`` and ``.h`` files below *folder* whose bytes hold one of *words*, as a part or whole.

        None when that cannot be told without reading them.
        """


def holding(tree: SourceTree, folder: str, words: Collection[str]) -> frozenset[str] | None:
    """Return the ``.c`` and ``.h`` files below *folder* that hold one of *words*; None when *tree* cannot tell."""
    if isinstance(tree, Snapshot):
        below = holding(tree.base, folder, words)
        if below is None:
            return None
        own = (path for path, data in tree.changed.items() if data and any(one.encode() in data for one in words))
        here = {path for path in own if path.startswith(f"{folder}/") and path.endswith((".c", ".h"))}
        return below - tree.changed.keys() | here
    found = tree.holding(folder, words) if isinstance(tree, SearchedTree) else None
    return None if found is None else frozenset(found)


def _digest(pairs: Iterable[tuple[str, str | None]]) -> str:
    digest = hashlib.sha256()
    for name, value in pairs:
        digest.update(f"{name}\0{value or ''}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def blob_id_of(data: bytes) -> str:
    """Return the id that git gives to a blob with these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """A tree with patches applied: an overlay of changed files over a base. None marks a deleted file."""

    base: SourceTree
    changed: Mapping[str, bytes | None] = field(default_factory=dict)
    patch: PatchRef | None = None
    _ids: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path* after the patches, or None when there is no such file."""
        return self.changed[path] if path in self.changed else self.base.read(path)

    def exists(self, path: str) -> bool:
        """Return whether *path* is there after the patches."""
        return self.changed[path] is not None if path in self.changed else self.base.exists(path)

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of *path* after the patches."""
        if path in self.changed:
            data = self.changed[path]
            if data is None:
                return None
            if path not in self._ids:
                self._ids[path] = blob_id_of(data)
            return self._ids[path]
        return self.base.blob_id(path)

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every file below *folder* after the patches, sorted."""
        prefix = folder.rstrip("/") + "/" if folder else ""
        here = {path for path, data in self.changed.items() if data is not None and path.startswith(prefix)}
        gone = {path for path, data in self.changed.items() if data is None}
        yield from sorted(here | {path for path in self.base.paths(folder) if path not in gone})

    def with_files(self, files: Mapping[str, bytes | None], patch: PatchRef | None = None) -> "Snapshot":
        """Return a snapshot with *files* laid over this one."""
        return Snapshot(self.base, {**self.changed, **files}, patch or self.patch)


@dataclass(frozen=True)
class MemoryTree:
    """A tree held in a dictionary: fixtures, rebuilt hunks, and the empty tree."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None."""
        return self.files.get(path)

    def exists(self, path: str) -> bool:
        """Return whether *path* is held."""
        return path in self.files

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of *path*, or None."""
        data = self.files.get(path)
        return None if data is None else blob_id_of(data)

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every file below *folder*, sorted."""
        prefix = folder.rstrip("/") + "/" if folder else ""
        yield from sorted(path for path in self.files if path.startswith(prefix))


def changed_paths(before: SourceTree, after: SourceTree, candidates: Iterable[str]) -> tuple[str, ...]:
    """Return those of *candidates* whose bytes differ between two trees, sorted."""
    return tuple(sorted({path for path in candidates if before.blob_id(path) != after.blob_id(path)}))


def apart(one: SourceTree, other: SourceTree) -> frozenset[str] | None:
    """Return the paths at which two trees differ, None where only a look at each path can tell: they share no base."""
    for before, after, found in _COMPARED:
        if before is one and after is other:
            return found
    _COMPARED.insert(0, (one, other, _apart(one, other)))
    del _COMPARED[MOST_COMPARED:]
    return _COMPARED[0][2]


MOST_COMPARED = 16
"""Pairs of trees whose difference is known: for each file the same ones are asked for."""

_COMPARED: list[tuple[SourceTree, SourceTree, frozenset[str] | None]] = []


def _apart(one: SourceTree, other: SourceTree) -> frozenset[str] | None:
    layers: set[str] = set()
    bases = []
    for tree in (one, other):
        while isinstance(tree, Snapshot):
            layers.update(tree.changed)
            tree = tree.base
        bases.append(tree)
    return frozenset(changed_paths(one, other, layers)) if bases[0] is bases[1] else None
