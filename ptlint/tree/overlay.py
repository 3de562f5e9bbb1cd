"""The index and the work tree of a repository as source trees: a commit with the local changes laid over it."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ptlint.core.patch import LeftOut
from ptlint.core.tree import Snapshot, holding
from ptlint.errors import ObjectError, UsageError
from ptlint.tree.gittree import GitTree
from ptlint.tree.modes import LINK, MAX_FILE, SUBMODULE, canonical
from ptlint.tree.repository import Repository
from ptlint.tree.scratch import scratch
from ptlint.tree.state import Blob, State


@dataclass(frozen=True)
class LocalTree:
    """The files of HEAD with what the index (and the work tree) has in their place.

    Only files that git tracks are there. ``changed`` holds what differs from HEAD, None for what is gone;
    ``left_out`` what cannot be looked at (unmerged paths).
    """

    base: GitTree
    changed: Mapping[str, Blob | None]
    left_out: tuple[LeftOut, ...] = ()

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None."""
        return self._state.snapshot.read(path)

    def exists(self, path: str) -> bool:
        """Return whether *path* is a regular file."""
        return self._state.snapshot.exists(path)

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of *path*, or None."""
        return self._state.snapshot.blob_id(path)

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every regular file below *folder*, sorted."""
        return self._state.snapshot.paths(folder)

    def content_key(self) -> str:
        """Return a text that is equal for two local trees only when they hold the same files."""
        own = [(path, self.blob_id(path) or "") for path in sorted(self.changed)]
        return f"{self.base.content_key()} {hashlib.sha256(repr(own).encode(errors='surrogatepass')).hexdigest()}"

    def holding(self, folder: str, words: Collection[str]) -> Iterable[str] | None:
        """Return the ``.c`` and ``.h`` files below *folder* that hold one of *words*, as a part or whole."""
        return holding(self._state.snapshot, folder, words)

    @property
    def unread(self) -> Mapping[str, str]:
        """Return the files of HEAD that were to be read and could not be: path -> why."""
        return self.base.unread

    def mode(self, path: str) -> int | None:
        """Return git's mode of the entry *path* itself, or None."""
        if path in self.changed:
            blob = self.changed[path]
            return None if blob is None else blob.mode
        return self.base.mode(path)

    def link_target(self, path: str) -> bytes | None:
        """Return where the link *path* points to, or None."""
        blob = self._state.blob(path)
        return blob.data if blob and blob.mode == LINK else None

    @cached_property
    def _state(self) -> State:
        return State(Snapshot(self.base)).with_blobs(self.changed, None)


def empty_tree(repository: Repository) -> str:
    """Return the id of the tree without files, which every repository knows."""
    known = {40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
    return known.get(repository.hex_length, "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321")


def head_tree(repository: Repository) -> GitTree:
    """Return the tree of HEAD; the empty one before the first commit."""
    commit = repository.resolve("HEAD", "commit")
    tree = repository.resolve("HEAD", "tree") if commit else None
    return GitTree(repository, tree or empty_tree(repository), commit)


def index_tree(repository: Repository) -> LocalTree:
    """Return what the next commit would hold, from the index that ``GIT_INDEX_FILE`` names, if any."""
    head = head_tree(repository)
    output = repository.ask("diff-index", "--cached", "--raw", "--no-renames", "--full-index", "-z", head.tree_id)
    changed: dict[str, Blob | None] = {}
    left_out: list[LeftOut] = []
    ids: list[tuple[str, int, str]] = []
    for mode, object_id, status, path in _raw(output):
        if status == "U":
            left_out.append(LeftOut("unmerged", path, f"{path} has merge conflicts in the index"))
        elif mode == 0:
            changed[path] = None
        elif mode != SUBMODULE:
            ids.append((path, mode, object_id))
    for path, mode, object_id in ids:
        try:
            found = repository.read(object_id)
        except ObjectError:
            found = None
        if found is None:
            reason = f"blob {object_id[:12]} of {path} in the index is missing or damaged; run git fsck"
            left_out.append(LeftOut("unreadable", path, reason))
        else:
            changed[path] = Blob(canonical(mode), found[1])
    return LocalTree(head, changed, tuple(left_out))


def work_tree(repository: Repository) -> LocalTree:
    """Return the tracked files as they are on disk. Raises UsageError for a bare repository.

    Files are read byte for byte: no filter or line-end conversion of the repository is run.
    """
    if repository.worktree is None:
        raise UsageError(f"{repository.path} is a bare repository: there is no work tree to look at")
    index = index_tree(repository)
    changed = dict(index.changed)
    left_out = list(index.left_out)
    options = ("--raw", "--no-renames", "--full-index", "-z")
    listing = repository.ask("diff-files", *options, environment=_without_filters(repository))
    for mode, _, status, path in _raw(listing):
        if mode == SUBMODULE or status == "U":
            continue
        blob = _on_disk(repository.worktree, path)
        if isinstance(blob, str):
            left_out.append(LeftOut("unreadable", path, blob))
        else:
            changed[path] = blob
    return LocalTree(index.base, changed, tuple(left_out))


def local_diff(tree: LocalTree) -> bytes:
    """Return the difference of a local tree to its HEAD as git prints it, renames found; nothing is written there."""
    if not tree.changed:
        return b""
    head = State(Snapshot(tree.base))
    with scratch(tree.base.repository) as place:
        before = place.tree({path: head.blob(path) for path in tree.changed})
        return place.ask("diff-tree", "-r", *DIFF_OPTIONS, before, place.tree(tree.changed))


def _without_filters(repository: Repository) -> dict[str, str]:
    """Return the variables that switch off every filter program of the repository's configuration.

    git runs the clean filter to compare a file that changed in the second in which the index was written.
    """
    answer = repository.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.")
    names = answer.output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    drivers = sorted({name.rpartition(".")[0] for name in names})
    settings = [(f"{one}.{key}", value) for one in drivers for key, value in _NO_FILTER]
    environment = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


_NO_FILTER = (("clean", ""), ("smudge", ""), ("process", ""), ("required", "false"))

DIFF_OPTIONS = (
    "-p",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--full-index",
    "--binary",
    "--find-renames",
    "-l1000",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
"""How differences are asked for: complete, and whatever the user has configured."""


def _raw(output: bytes) -> Iterator[tuple[int, str, str, str]]:
    """Yield (mode, id, status, path) of the new side from ``--raw -z`` output."""
    fields = output.split(b"\0")
    for meta, path in zip(fields[:-1:2], fields[1::2], strict=True):
        _, mode, _, object_id, status = meta.decode("ascii").split()
        yield int(mode, 8), object_id, status[:1], path.decode("utf-8", "surrogateescape")


def _on_disk(worktree: Path, path: str) -> Blob | str | None:
    """Return what is on disk at a tracked path, None when it is gone, or why it cannot be read."""
    full = os.path.join(worktree, path)
    try:
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            return Blob(LINK, os.fsencode(os.readlink(full)))
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size > MAX_FILE:
            return f"{path} is larger than {MAX_FILE >> 20} MiB"
        with open(full, "rb") as file:
            return Blob(canonical(found.st_mode), file.read(MAX_FILE))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
