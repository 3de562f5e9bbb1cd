"""A throw-away git directory for what only git itself can compute: merges and diffs of a few files.

It holds the files that the question is about and nothing else: no configuration, no attributes, no hooks, so nothing
of the user's repository is run. It does not borrow the user's objects either: a git that stores an object which a
borrowed store has already sets the time of that file, and that would be a write.
"""

import hashlib
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ptlint.errors import TreeError
from ptlint.tree.modes import FOLDER
from ptlint.tree.process import Answer
from ptlint.tree.repository import Repository
from ptlint.tree.state import Blob

_NOBODY = b"ptlint <ptlint@localhost> 946684800 +0000"


@dataclass(frozen=True, slots=True)
class Scratch:
    """Objects and commands in *folder*, with the git of *repository* and ids of its kind."""

    repository: Repository
    folder: Path

    def run(self, *arguments: str, stdin: bytes = b"") -> Answer:
        """Run a git command in the scratch directory."""
        places = {
            "GIT_DIR": self.folder,
            "GIT_COMMON_DIR": self.folder,
            "GIT_WORK_TREE": self.folder / "worktree",
            "GIT_OBJECT_DIRECTORY": self.folder / "objects",
            "GIT_INDEX_FILE": self.folder / "index",
        }
        environment = {name: str(path) for name, path in places.items()} | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": ""}
        return self.repository.run(*arguments, stdin=stdin, environment=environment)

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a git command that must succeed; raise TreeError when it does not."""
        answer = self.run(*arguments, stdin=stdin)
        if answer.code:
            raise TreeError(f"{self.repository.path}: git {arguments[0]} failed: {answer.complaint}")
        return answer.output

    def store(self, kind: str, data: bytes) -> str:
        """Store an object and return its id."""
        whole = f"{kind} {len(data)}\0".encode("ascii") + data
        digest = hashlib.sha1 if self.repository.hex_length == 40 else hashlib.sha256
        object_id = digest(whole, usedforsecurity=False).hexdigest()
        path = self.folder / "objects" / object_id[:2] / object_id[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        return object_id

    def tree(self, blobs: Mapping[str, Blob | None]) -> str:
        """Store a tree of *blobs*, those that are None left out, and return its id."""
        folders: dict[str, dict[str, bytes]] = {"": {}}
        for path, blob in blobs.items():
            if blob is not None:
                folder, _, name = path.rpartition("/")
                folders.setdefault(folder, {})[name] = _entry(blob.mode, name, self.store("blob", blob.data))
                while folder:
                    folder = folder.rpartition("/")[0]
                    folders.setdefault(folder, {})
        for folder in sorted(filter(None, folders), key=lambda path: path.count("/"), reverse=True):
            above, _, name = folder.rpartition("/")
            folders[above][name] = _entry(FOLDER, name, self._store_folder(folders[folder]))
        return self._store_folder(folders[""])

    def _store_folder(self, entries: Mapping[str, bytes]) -> str:
        # git sorts a folder as if its name ended in a slash
        ordered = sorted(entries, key=lambda name: _bytes(name) + b"/" * entries[name].startswith(b"40000 "))
        return self.store("tree", b"".join(entries[name] for name in ordered))

    def commit(self, tree: str, *parents: str) -> str:
        """Store a commit of *tree*; nobody ever sees it."""
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        text = "\n".join(lines).encode("ascii")
        return self.store("commit", text + b"\nauthor %s\ncommitter %s\n\nscratch\n" % (_NOBODY, _NOBODY))

    def changes(self, old: str, new: str) -> dict[str, Blob | None]:
        """Return the paths in which two trees differ, with what the new one has there."""
        raw = self.ask("diff-tree", "-r", "-z", "--no-renames", old, new).split(b"\0")
        found: dict[str, Blob | None] = {}
        for meta, path in zip(raw[:-1:2], raw[1::2], strict=True):
            _, mode, _, object_id, _ = meta.decode("ascii").split()
            number = int(mode, 8)
            data = self.ask("cat-file", "blob", object_id) if number else b""
            found[path.decode("utf-8", "surrogateescape")] = Blob(number, data) if number else None
        return found


def _entry(mode: int, name: str, object_id: str) -> bytes:
    return b"%o %s\0" % (mode, _bytes(name)) + bytes.fromhex(object_id)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


@contextmanager
def scratch(repository: Repository) -> Iterator[Scratch]:
    """Open a scratch directory in the temporary folder; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ptlint-") as name:
        folder = Path(name)
        for below in ("objects/info", "objects/pack", "refs", "worktree"):
            (folder / below).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/scratch\n", encoding="ascii")
        (folder / "config").write_text(_config(repository.hex_length), encoding="ascii")
        yield Scratch(repository, folder)


def _config(hex_length: int) -> str:
    if hex_length == 40:
        return "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    return "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"
