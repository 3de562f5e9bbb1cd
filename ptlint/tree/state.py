"""What a patch is applied to: a snapshot, and what git records of a path that a snapshot has no place for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ptlint.core.patch import PatchRef
from ptlint.core.tree import Snapshot, blob_id_of
from ptlint.tree.modes import FOLDER, LINK, REGULAR, SUBMODULE, ModedTree


@dataclass(frozen=True, slots=True)
class Blob:
    """The content of a path with its mode. For a symbolic link ``data`` is where it points to."""

    mode: int
    data: bytes


@dataclass(frozen=True)
class BlobTree:
    """A tree in a dictionary that knows modes and links, as a git tree does."""

    blobs: Mapping[str, Blob]

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a regular file, or None."""
        blob = self.blobs.get(path)
        return blob.data if blob and blob.mode != LINK else None

    def exists(self, path: str) -> bool:
        """Return whether *path* is a regular file."""
        return self.read(path) is not None

    def blob_id(self, path: str) -> str | None:
        """Return the blob id of *path*, or None."""
        data = self.read(path)
        return None if data is None else blob_id_of(data)

    def paths(self, folder: str = "") -> Iterator[str]:
        """Yield every regular file below *folder*, sorted."""
        prefix = folder + "/" if folder else ""
        yield from sorted(path for path in self.blobs if path.startswith(prefix) and self.exists(path))

    def mode(self, path: str) -> int | None:
        """Return the mode of *path*, or None."""
        blob = self.blobs.get(path)
        return blob.mode if blob else None

    def link_target(self, path: str) -> bytes | None:
        """Return where a link points to, or None."""
        blob = self.blobs.get(path)
        return blob.data if blob and blob.mode == LINK else None


@dataclass(frozen=True, slots=True)
class Extras:
    """Modes and symbolic links that patches made. A path in ``links`` is no file of the snapshot."""

    modes: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """A snapshot and its extras: all that ``git am`` would find in its index."""

    snapshot: Snapshot
    extras: Extras = field(default_factory=Extras)

    def blob(self, path: str) -> Blob | None:
        """Return what stands at *path*, links not followed; None for nothing or a folder."""
        if path in self.extras.links:
            return Blob(LINK, self.extras.links[path])
        if path in self.snapshot.changed:
            data = self.snapshot.changed[path]
            return None if data is None else Blob(self._mode(path), data)
        base = self.snapshot.base
        mode = base.mode(path) if isinstance(base, ModedTree) else REGULAR
        if mode is None or mode == FOLDER:
            return None
        if isinstance(base, ModedTree) and mode == LINK:
            return Blob(mode, base.link_target(path) or b"")
        data = None if mode == SUBMODULE else base.read(path)
        if mode == SUBMODULE:
            return Blob(mode, b"")
        return None if data is None else Blob(self.extras.modes.get(path, mode), data)

    def is_folder(self, path: str) -> bool:
        """Return whether the base has files below *path* that are still there."""
        base = self.snapshot.base
        if isinstance(base, ModedTree) and base.mode(path) not in (None, FOLDER):
            return False
        return any(self.snapshot.changed.get(below, b"") is not None for below in base.paths(path))

    def with_blobs(self, blobs: Mapping[str, Blob | None], ref: PatchRef | None) -> "State":
        """Return the state with *blobs* laid over this one; None removes a path."""
        files: dict[str, bytes | None] = {}
        modes, links = dict(self.extras.modes), dict(self.extras.links)
        for path, blob in blobs.items():
            links.pop(path, None)
            modes.pop(path, None)
            files[path] = None
            if blob is not None and blob.mode == LINK:
                links[path] = blob.data
            elif blob is not None:
                files[path], modes[path] = blob.data, blob.mode
        return State(self.snapshot.with_files(files, ref), Extras(modes, links))

    def _mode(self, path: str) -> int:
        known = self.extras.modes.get(path)
        if known is not None:
            return known
        base = self.snapshot.base
        return (base.mode(path) if isinstance(base, ModedTree) else None) or REGULAR
