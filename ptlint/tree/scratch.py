"""A throw-away git directory that borrows the objects of a repository, for what only git itself can compute.

It has no configuration, no attributes and no hooks, so nothing of the user's repository is run, and all that git
writes goes into a temporary folder.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ptlint.errors import TreeError
from ptlint.tree.repository import Answer, Repository
from ptlint.tree.state import Blob


@dataclass(frozen=True, slots=True)
class Scratch:
    """Commands of *repository* whose every write goes to *folder*."""

    repository: Repository
    folder: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", index: str = "index") -> Answer:
        """Run a git command in the scratch directory, with a private index of that name."""
        environment = {**self.environment, "GIT_INDEX_FILE": str(self.folder / index)}
        return self.repository.run(*arguments, stdin=stdin, environment=environment)

    def ask(self, *arguments: str, stdin: bytes = b"", index: str = "index") -> bytes:
        """Run a git command that must succeed; raise TreeError when it does not."""
        answer = self.run(*arguments, stdin=stdin, index=index)
        if answer.code:
            raise TreeError(f"{self.repository.path}: git {arguments[0]} failed: {answer.complaint}")
        return answer.output

    def store(self, contents: list[bytes]) -> list[str]:
        """Store blobs byte for byte (no filter, no conversion) and return their ids, in order."""
        if not contents:
            return []
        names = []
        for number, data in enumerate(contents):
            path = self.folder / f"blob-{number}"
            path.write_bytes(data)
            names.append(str(path))
        text = "".join(name + "\n" for name in names).encode()
        return self.ask("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=text).decode("ascii").split()

    def tree(self, blobs: Mapping[str, Blob | None], onto: str | None = None) -> str:
        """Write a tree of *blobs*, over the tree *onto* if one is given; None removes a path. Return its id."""
        kept = {path: blob for path, blob in blobs.items() if blob is not None}
        ids = dict(zip(kept, self.store([blob.data for blob in kept.values()]), strict=True))
        entries = [(f"{blob.mode:o}", ids[path], path) for path, blob in kept.items()]
        return self.tree_of(entries, [path for path, blob in blobs.items() if blob is None], onto)

    def tree_of(self, entries: list[tuple[str, str, str]], removed: list[str], onto: str | None) -> str:
        """Write a tree of (mode, id, path) *entries* over the tree *onto*, without *removed*. Return its id."""
        index = "index-of-tree"
        (self.folder / index).unlink(missing_ok=True)
        if onto:
            self.ask("read-tree", onto, index=index)
        zero = "0" * self.repository.hex_length
        gone = [f"0 {zero}\t{path}" for path in removed]
        lines = gone + [f"{mode} {object_id}\t{path}" for mode, object_id, path in entries]
        text = "".join(line + "\0" for line in lines).encode("utf-8", "surrogateescape")
        self.ask("update-index", "-z", "--index-info", stdin=text, index=index)
        return self.ask("write-tree", "--missing-ok", index=index).decode("ascii").strip()

    def commit(self, tree: str, *parents: str) -> str:
        """Return a commit of *tree*; nobody ever sees it."""
        ancestry = [word for parent in parents for word in ("-p", parent)]
        return self.ask("commit-tree", *ancestry, "-m", "scratch", tree).decode("ascii").strip()

    def changes(self, old: str, new: str) -> dict[str, Blob | None]:
        """Return the paths in which two trees differ, with what the new one has there."""
        raw = self.ask("diff-tree", "-r", "-z", "--no-renames", old, new).split(b"\0")
        fields = [tuple(meta.decode("ascii").split()) for meta in raw[:-1:2]]
        paths = [path.decode("utf-8", "surrogateescape") for path in raw[1::2]]
        wanted = [field[3] for field in fields if int(field[1], 8)]
        data = iter(self.read(wanted))
        modes = (int(field[1], 8) for field in fields)
        return {path: Blob(mode, next(data)) if mode else None for path, mode in zip(paths, modes, strict=True)}

    def read(self, ids: list[str]) -> list[bytes]:
        """Return the bytes of these objects."""
        output = self.ask("cat-file", "--batch", stdin="".join(one + "\n" for one in ids).encode("ascii"))
        found, at = [], 0
        for one in ids:
            end = output.index(b"\n", at)
            header = output[at:end].split()
            if len(header) != 3:
                raise TreeError(f"{self.repository.path}: object {one[:12]} is missing; is this a partial clone?")
            size = int(header[2])
            found.append(output[end + 1 : end + 1 + size])
            at = end + 2 + size
        return found


@contextmanager
def scratch(repository: Repository) -> Iterator[Scratch]:
    """Open a scratch directory beside *repository*; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ptlint-") as name:
        folder = Path(name)
        for below in ("objects/info", "objects/pack", "refs", "worktree"):
            (folder / below).mkdir(parents=True)
        (folder / "HEAD").write_text("ref: refs/heads/scratch\n", encoding="ascii")
        (folder / "config").write_text(_config(repository.hex_length), encoding="ascii")
        (folder / "objects/info/alternates").write_text(f"{repository.common_dir / 'objects'}\n", encoding="utf-8")
        yield Scratch(repository, folder, _environment(folder))


def _config(hex_length: int) -> str:
    if hex_length == 40:
        return "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    return "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n"


def _environment(folder: Path) -> dict[str, str]:
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "ptlint"), ("EMAIL", "ptlint@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
    }
    places = {
        "GIT_DIR": str(folder),
        "GIT_COMMON_DIR": str(folder),
        "GIT_WORK_TREE": str(folder / "worktree"),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
    }
    return who | places
