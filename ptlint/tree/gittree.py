"""A tree object of a git repository as a source tree."""

import posixpath
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ptlint.errors import ObjectError
from ptlint.tree.losses import Losses
from ptlint.tree.modes import FOLDER, LINK, MAX_FILE, MAX_LINKS, canonical, is_file
from ptlint.tree.repository import Repository


class Entry(NamedTuple):
    """One entry of a tree object."""

    mode: int
    object_id: str


@dataclass(eq=False)
class GitTree:
    """The files of one commit. Folders are read when something in them is asked for, and kept.

    Symbolic links are followed inside the tree only; submodules are not there. A file above
    ``MAX_FILE``, and what the repository has lost, is in ``unread`` once it was to be read.
    """

    repository: Repository
    tree_id: str
    commit_id: str | None = None
    unread: Losses = field(default_factory=Losses, repr=False)
    _folders: dict[str, dict[str, Entry]] = field(default_factory=dict, repr=False)
    _found: dict[str, Entry | None] = field(default_factory=dict, repr=False)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None. Raises TreeError when the repository has lost too many."""
        entry = self._file(path) if path not in self.unread else None
        if entry is None:
            return None
        data = self._blob(entry, path)
        if data is not None and len(data) > MAX_FILE:
            self.unread.note(path, f"more than the {MAX_FILE >> 20} MiB that are read of one file")
            return None
        return data

    def exists(self, path: str) -> bool:
        """Return whether *path* is a regular file, possibly through links inside the tree."""
        return self._file(path) is not None

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of *path*, or None. No blob is read."""
        entry = self._file(path)
        return entry.object_id if entry else None

    def content_key(self) -> str:
        """Return the id of the tree object."""
        return f"git {self.tree_id}"

    def holding(self, folder: str, words: Collection[str]) -> Iterable[str] | None:
        """Return the ``.c`` and ``.h`` files below *folder* that hold one of *words*, as ``git grep`` finds them.

        What a link leads to is found at its own place only. None when git complains: it leaves out what is damaged.
        """
        if not words:
            return ()
        places = [f":(glob){folder}/**/*.{ending}" for ending in "ch"]
        found = self.repository.run(
            *("grep", "--threads=1", "-l", "-z", "-a", "-F", "-f", "-", "--no-textconv", "--no-recurse-submodules"),
            *(self.tree_id, "--", *places),
            stdin="".join(f"{word}\n" for word in sorted(words)).encode("utf-8", "surrogateescape"),
            environment={"GIT_LITERAL_PATHSPECS": "0"},
        )
        if found.code > 1 or found.errors:
            return None
        lines = (line.decode("utf-8", "surrogateescape") for line in found.output.split(b"\0")[:-1])
        return [line.removeprefix(f"{self.tree_id}:") for line in lines]

    def mode(self, path: str) -> int | None:
        """Return git's mode of the entry *path* itself, or None."""
        entry = self._entry(path)
        return entry.mode if entry else None

    def is_folder(self, path: str) -> bool:
        """Return whether *path* is a folder of the tree."""
        return self.mode(path) == FOLDER

    def link_target(self, path: str) -> bytes | None:
        """Return where the link *path* points to, or None."""
        entry = self._entry(path)
        return self._blob(entry, path) if entry and entry.mode == LINK else None

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every regular file below *folder*, sorted; links and submodules are left out."""
        folder = folder.strip("/")
        entry = self._entry(folder) if folder else Entry(FOLDER, self.tree_id)
        if entry is not None and entry.mode == FOLDER:
            yield from sorted(self._below(folder))

    def _below(self, folder: str) -> Iterator[str]:
        pending = [folder]
        while pending:
            here = pending.pop()
            for name, entry in self._list(here).items():
                path = f"{here}/{name}" if here else name
                if entry.mode == FOLDER:
                    pending.append(path)
                elif is_file(entry.mode):
                    yield path

    def _entry(self, path: str) -> Entry | None:
        folder, _, name = path.rpartition("/")
        return self._list(folder).get(name)

    def _list(self, folder: str) -> dict[str, Entry]:
        """Return the entries of a folder; empty when it is none."""
        known = self._folders.get(folder)
        if known is not None:
            return known
        here, listing = "", self._remember("", self.tree_id)
        for part in folder.split("/") if folder else ():
            here = f"{here}/{part}" if here else part
            entry = listing.get(part)
            if entry is None or entry.mode != FOLDER:
                return {}
            listing = self._remember(here, entry.object_id)
        return listing

    def _remember(self, folder: str, tree_id: str) -> dict[str, Entry]:
        known = self._folders.get(folder)
        if known is None:
            try:
                known = self._parse(tree_id)
            except ObjectError as error:
                if not folder:
                    raise
                self.unread.note(f"{folder}/", str(error).removeprefix(f"{self.repository.path}: "))
                known = {}
            self._folders[folder] = known
        return known

    def _parse(self, tree_id: str) -> dict[str, Entry]:
        """Return the entries of a tree object. Raises ObjectError for one that is missing or damaged."""
        found = self.repository.read(tree_id)
        if found is None or found[0] != "tree":
            raise ObjectError(f"{self.repository.path}: tree {tree_id[:12]} is missing or damaged; run git fsck")
        data, size = found[1], self.repository.hex_length // 2
        entries: dict[str, Entry] = {}
        at = 0
        while at < len(data):
            end = data.find(b"\0", at)
            mode, _, name = data[at:end].partition(b" ")
            if end < 0 or end + 1 + size > len(data) or not _is_octal(mode):
                raise ObjectError(f"{self.repository.path}: tree object {tree_id[:12]} is damaged; run git fsck there")
            number = int(mode, 8)
            known = number if number == FOLDER else canonical(number)
            entries[name.decode("utf-8", "surrogateescape")] = Entry(known, data[end + 1 : end + 1 + size].hex())
            at = end + 1 + size
        return entries

    def _file(self, path: str) -> Entry | None:
        """Return the entry of the regular file at *path*, links inside the tree followed."""
        try:
            return self._found[path]
        except KeyError:
            found = self._found[path] = self._looked_up(path)
            return found

    def _looked_up(self, path: str) -> Entry | None:
        entry = self._entry(path)
        if entry is not None and entry.mode not in (LINK, FOLDER):
            return entry if is_file(entry.mode) else None
        real = self._follow(path)
        entry = self._entry(real) if real else None
        return entry if entry and is_file(entry.mode) else None

    def _follow(self, path: str) -> str | None:
        """Return *path* with its links resolved, or None when it leads nowhere, out of the tree or in a circle."""
        for _ in range(MAX_LINKS + 1):
            parts = path.split("/")
            for depth in range(1, len(parts) + 1):
                here = "/".join(parts[:depth])
                entry = self._entry(here)
                if entry is None:
                    return None
                if entry.mode == LINK:
                    target = (self._blob(entry, here) or b"").decode("utf-8", "surrogateescape")
                    joined = posixpath.join(posixpath.dirname(here), target, *parts[depth:])
                    path = posixpath.normpath(joined)
                    break
            else:
                return path
            if path.startswith(("/", "../")) or path == "..":
                return None
        return None

    def _blob(self, entry: Entry, path: str) -> bytes | None:
        """Return the bytes of a blob; None, and noted, when the repository has lost it."""
        try:
            found = self.repository.read(entry.object_id)
            why = f"blob {entry.object_id[:12]} is missing; fetch it when this is a partial clone, else run git fsck"
        except ObjectError as error:
            found, why = None, str(error).removeprefix(f"{self.repository.path}: ")
        if found is None:
            self.unread.note(path, why)
        return None if found is None else found[1]


def _is_octal(text: bytes) -> bool:
    return 5 <= len(text) <= 6 and not text.strip(b"01234567")
