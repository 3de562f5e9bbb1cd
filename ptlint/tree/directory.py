"""A plain folder as a source tree: an unpacked release, or the files of a work tree as they are."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ptlint.core.tree import blob_id_of
from ptlint.tree.losses import Losses
from ptlint.tree.modes import FOLDER, LINK, MAX_FILE, canonical


@dataclass(eq=False)
class DirTree:
    """The files below a folder, read when they are asked for.

    A link is followed as long as it stays inside the folder. Devices and pipes are not there; nor is anything below a
    ``.git``. A file above ``MAX_FILE``, or one that this user may not read, is in ``unread`` once it was to be read.
    """

    root: Path
    unread: Losses = field(default_factory=Losses, repr=False)
    _real_root: str = field(init=False, repr=False)
    _ids: dict[str, str | None] = field(default_factory=dict, repr=False)
    _listed: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._real_root = os.path.realpath(self.root)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of *path*, or None. Raises TreeError when too much of the folder cannot be read."""
        real = self._file(path) if path not in self.unread else None
        if real is None:
            return None
        try:
            # A pipe that took the file's place since the check must not block.
            with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                is_whole = os.fstat(file.fileno()).st_size <= MAX_FILE
                data = file.read(MAX_FILE + 1) if is_whole else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            self.unread.note(path, f"cannot be read: {error.strerror}")
            return None
        if not is_whole or len(data) > MAX_FILE:
            self.unread.note(path, f"more than the {MAX_FILE >> 20} MiB that are read of one file")
            return None
        return data

    def exists(self, path: str) -> bool:
        """Return whether *path* is a regular file inside the folder."""
        return self._file(path) is not None

    def blob_id(self, path: str) -> str | None:
        """Return the id that git would give to *path*, or None. The bytes are hashed once."""
        if path not in self._ids:
            data = self.read(path)
            self._ids[path] = None if data is None else blob_id_of(data)
        return self._ids[path]

    def content_key(self) -> str | None:
        """Return a text that changes with any file: names, sizes, times and inodes, as git's index tells changes.

        None where to find it out takes longer than what it would save.
        """
        digest = hashlib.sha256(self._real_root.encode("utf-8", "surrogateescape"))
        pending = [self._real_root]
        folders = 0
        while pending:
            folders += 1
            if folders > MOST_FOLDERS:
                return None
            for entry in sorted(_entries(pending.pop()), key=lambda one: one.name):
                digest.update(f"{entry.path}\0{_facts(entry)}\0".encode("utf-8", "surrogateescape"))
                if entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                    pending.append(entry.path)
        return f"folder {digest.hexdigest()}"

    def mode(self, path: str) -> int | None:
        """Return git's mode of the entry *path* itself, or None."""
        found = self._stat(path)
        return None if found is None else canonical(found.st_mode)

    def is_folder(self, path: str) -> bool:
        """Return whether *path* is a folder, not a link to one."""
        return self.mode(path) == FOLDER

    def link_target(self, path: str) -> bytes | None:
        """Return where the link *path* points to, or None."""
        if self.mode(path) != LINK:
            return None
        return os.fsencode(os.readlink(os.path.join(self._real_root, path)))

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every regular file below *folder*, sorted; links are left out."""
        folder = folder.strip("/")
        if not is_plain(folder) and folder:
            return
        if folder not in self._listed:
            self._listed[folder] = sorted(self._below(f"{folder}/" if folder else ""))
        yield from self._listed[folder]

    def _below(self, folder: str) -> Iterator[str]:
        """Yield every regular file below *folder*, which is empty or ends in ``/``."""
        pending = [folder]
        while pending:
            here = pending.pop()
            for entry in _entries(f"{self._real_root}/{here}"):
                if entry.is_file(follow_symlinks=False):
                    yield here + entry.name
                elif entry.is_dir(follow_symlinks=False) and entry.name != ".git":
                    pending.append(f"{here}{entry.name}/")

    def _stat(self, path: str) -> os.stat_result | None:
        if not is_plain(path):
            return None
        try:
            return os.lstat(os.path.join(self._real_root, path))
        except (OSError, ValueError):
            return None

    def _file(self, path: str) -> str | None:
        """Return the real path of the regular file at *path*, or None."""
        if not is_plain(path):
            return None
        here = os.path.join(self._real_root, path)
        try:
            os.stat(here)  # most that is asked for and is no file is not there at all, which is soon seen
            real = os.path.realpath(here, strict=True)
        except (OSError, ValueError):
            return None
        inside = real.startswith(self._real_root.rstrip("/") + "/")
        return real if inside and is_regular(real) else None


MOST_FOLDERS = 20_000
"""Folders of a tree that are listed for its key: the kernel has 6,000."""


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _facts(entry: os.DirEntry[str]) -> str:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:  # gone since its folder was listed
        return ""
    return f"{found.st_mode} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def is_plain(path: str) -> bool:
    """Return whether *path* is relative and steps neither up nor into a ``.git``."""
    return bool(path) and "\0" not in path and not {"", ".", "..", ".git"} & set(path.split("/"))


def is_regular(path: str) -> bool:
    """Return whether a regular file is at *path*; a link is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode)
