"""Facts that outlive a process, below ``$XDG_CACHE_HOME/ptlint``: what was computed from bytes that did not change.

An entry is a JSON value under a key of texts, which names everything the value depends on: blob ids, a configuration,
options, the schema of the value. Version and code of ptlint belong to every key, so an entry of another ptlint is
never found. An entry that is damaged, does not fit its key or does not decode is deleted and counts as absent; a folder
that another user owns or may write to is not used at all. Nothing that is read is executed.

Several processes may use one store: an entry appears whole or not at all, and of two writers the last one stays.
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from ptlint import __version__

T = TypeVar("T")

LAYOUT = "facts-1"
"""The name of the folder, which changes with the format of an entry."""

SHARDS = 64
MAX_ENTRY = 4 << 20  # bytes of one entry in its file
MAX_VALUE = 64 << 20  # bytes of its JSON
MAX_SHARD = 4 << 20  # bytes of all entries of a shard: 256 MiB in all
MAX_ENTRIES = 1000  # of a shard
TOUCHED_AFTER = 3600.0  # seconds after which a use is written down again

_MAGIC = b"ptlint fact\n"
_SCRATCH = ".new-"


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds. ``reason`` says why it is not used, empty when it is."""

    folder: str
    entries: int
    size: int
    limit: int
    reason: str


class FactStore:
    """The entries below *folder*; None for a store that holds nothing and takes nothing, for *reason*."""

    def __init__(self, folder: Path | None, reason: str = "") -> None:
        self._folder = folder
        self.reason = reason if folder is None else ""

    def get(self, kind: str, key: Sequence[str], decode: Callable[[object], T]) -> T | None:
        """Return the value kept as *kind* under *key*, as *decode* makes it of its JSON, or None.

        *decode* raises ValueError, TypeError, KeyError, IndexError or AttributeError for a value that is not what it
        should be; the entry is deleted then.
        """
        path = self._path(kind, key)
        if path is None:
            return None
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
                found = os.fstat(file.fileno())
                data = file.read(MAX_ENTRY + 1) if _is_own(found) and stat.S_ISREG(found.st_mode) else b""
        except FileNotFoundError:
            return None
        except OSError:
            _delete(path)
            return None
        try:
            value = decode(_unpacked(data, kind, key))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, zlib.error):
            _delete(path)
            return None
        if time.time() - found.st_mtime > TOUCHED_AFTER:
            with contextlib.suppress(OSError):
                os.utime(path)
        return value

    def put(self, kind: str, key: Sequence[str], value: object) -> bool:
        """Keep *value*, which JSON can hold, as *kind* under *key*; return whether it was kept.

        A value that is too large, a full disk or a folder that cannot be written keep nothing.
        """
        path = self._path(kind, key)
        if path is None:
            return False
        data = _packed(value, kind, key)
        if len(data) > MAX_ENTRY:
            return False
        try:
            if not _made(path.parent):
                return False
            _make_room(path.parent, len(data))
            handle, scratch = tempfile.mkstemp(prefix=_SCRATCH, dir=path.parent)
            try:
                with open(handle, "wb") as file:
                    file.write(data)
                os.replace(scratch, path)
            except BaseException:
                _delete(Path(scratch))
                raise
        except OSError:
            return False
        return True

    def info(self) -> StoreInfo:
        """Return how much the store holds."""
        sizes = [entry.stat(follow_symlinks=False).st_size for entry in self._entries()]
        folder = "" if self._folder is None else str(self._folder)
        return StoreInfo(folder, len(sizes), sum(sizes), SHARDS * MAX_SHARD, self.reason)

    def clear(self) -> int:
        """Delete every entry and return their number; files that are no entries stay."""
        number = 0
        for entry in self._entries():
            number += _delete(Path(entry.path))
        return number

    def _path(self, kind: str, key: Sequence[str]) -> Path | None:
        if self._folder is None:
            return None
        name = hashlib.sha256(_spelled(kind, key)).hexdigest()
        return self._folder / f"{int(name[:2], 16) % SHARDS:02x}" / name

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        for number in range(SHARDS if self._folder is not None else 0):
            assert self._folder is not None
            shard = self._folder / f"{number:02x}"
            if not shard.is_symlink():
                yield from _files(shard)


@cache
def _stamp() -> str:
    """Return a text that differs for any two ptlints that may compute different facts: version, files of the code."""
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256(__version__.encode())
    for folder in (package, package.parent / "rules"):
        for here, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                found = os.stat(os.path.join(here, name))
                digest.update(f"{here}/{name} {found.st_size} {found.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _spelled(kind: str, key: Sequence[str]) -> bytes:
    return json.dumps([_stamp(), kind, *key]).encode()


def _packed(value: object, kind: str, key: Sequence[str]) -> bytes:
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    body = zlib.compress(_spelled(kind, key) + b"\n" + text, 1)
    return _MAGIC + hashlib.sha256(body).digest() + body


def _unpacked(data: bytes, kind: str, key: Sequence[str]) -> object:
    """Return the value in *data*. Raises ValueError or zlib.error when it is not an entry of this key, whole."""
    start = len(_MAGIC) + hashlib.sha256().digest_size
    body = data[start:]
    if len(data) > MAX_ENTRY or data[:start] != _MAGIC + hashlib.sha256(body).digest():
        raise ValueError("damaged")
    machine = zlib.decompressobj()
    text = machine.decompress(body, MAX_VALUE)
    head = _spelled(kind, key) + b"\n"
    if not machine.eof or machine.unused_data or not text.startswith(head):
        raise ValueError("of another key, or too large")
    return json.loads(text[len(head) :])


def _make_room(shard: Path, size: int) -> None:
    """Delete what writers left in *shard*, and the entries used least recently until *size* more bytes fit."""
    held = sorted((found.st_mtime, found.st_size, entry.path) for entry, found in _with_stat(shard))
    total, number = sum(one[1] for one in held), len(held)
    for _, bytes_, path in held:
        if total + size <= MAX_SHARD and number < MAX_ENTRIES:
            break
        _delete(Path(path))
        total, number = total - bytes_, number - 1


def _with_stat(shard: Path) -> Iterator[tuple[os.DirEntry[str], os.stat_result]]:
    for entry in _files(shard, scratch=True):
        with contextlib.suppress(OSError):
            found = entry.stat(follow_symlinks=False)
            if not entry.name.startswith(_SCRATCH):
                yield entry, found
            elif time.time() - found.st_mtime > TOUCHED_AFTER:
                _delete(Path(entry.path))


def _files(shard: Path, scratch: bool = False) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(shard) as entries:
            for entry in entries:
                name = entry.name
                is_entry = len(name) == 64 and not name.strip("0123456789abcdef")
                if is_entry or (scratch and name.startswith(_SCRATCH)):
                    yield entry
    except OSError:
        return


def _delete(path: Path) -> bool:
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _is_own(found: os.stat_result) -> bool:
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _made(shard: Path) -> bool:
    """Make *shard* and the folders above it up to ``ptlint``, for this user alone; False when one is not usable."""
    layout = shard.parent
    layout.parent.parent.mkdir(parents=True, exist_ok=True)
    for folder in (layout.parent, layout, shard):
        folder.mkdir(mode=0o700, exist_ok=True)
        if _refusal(folder):
            return False
    return True


def _refusal(folder: Path) -> str:
    """Return why the existing *folder* is not used, empty when it may be."""
    try:
        found = os.lstat(folder)
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else f"{folder}: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return f"{folder} is no folder"
    if not _is_own(found):
        return f"{folder} belongs to another user, or others may write to it"
    return ""


def open_store(use: bool = True) -> FactStore:
    """Return the user's store; one that holds nothing when *use* is false or its folder cannot be trusted.

    It lies in ``$XDG_CACHE_HOME/ptlint``, else ``~/.cache/ptlint``. Nothing is written before the first ``put``.
    """
    if not use:
        return FactStore(None, "switched off")
    named = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(named):  # the specification says that a relative one is to be ignored
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            return FactStore(None, "neither XDG_CACHE_HOME nor HOME is set")
        named = os.path.join(home, ".cache")
    top = Path(named) / "ptlint"
    reason = _refusal(top) or _refusal(top / LAYOUT)
    return FactStore(None, reason) if reason else FactStore(top / LAYOUT)
