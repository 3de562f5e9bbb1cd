"""Repositories made for a test, and the real git to compare with."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ptlint.core.patch import Patch, PatchRef, Series
from ptlint.core.tree import Snapshot, SourceTree
from ptlint.mail.diff import parse_diff


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """Run git in *folder* and return its output; a failure fails the test."""
    done = run_git(folder, *arguments, stdin=stdin)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}"
    return done.stdout


def run_git(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run git in *folder* and return what became of it."""
    return subprocess.run(("git", *arguments), cwd=folder, input=stdin, capture_output=True, check=False)


def write_files(folder: Path, files: Mapping[str, bytes | None]) -> None:
    """Write *files* below *folder*; None deletes."""
    for path, data in files.items():
        target = folder / path
        if data is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def make_repository(folder: Path, *versions: Mapping[str, bytes | None]) -> Path:
    """Make a work tree with one commit per version, each laid over the one before; return *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "master")
    git(folder, "config", "core.autocrlf", "false")
    for number, files in enumerate(versions):
        commit(folder, files, f"version {number}")
    return folder


def commit(folder: Path, files: Mapping[str, bytes | None], subject: str) -> str:
    """Commit *files* over what is there and return the id."""
    write_files(folder, files)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", subject)
    return git(folder, "rev-parse", "HEAD").decode().strip()


def patch_of(diff: bytes, index: int = 1, total: int = 1) -> Patch:
    """Return a patch with this diff."""
    return Patch(PatchRef(index, total, "", f"patch {index}"), "A Tester", "", "", parse_diff(diff), diff)


def series_of(*diffs: bytes, base_commit: str | None = None) -> Series:
    """Return a series of patches with these diffs."""
    patches = tuple(patch_of(diff, index, len(diffs)) for index, diff in enumerate(diffs, 1))
    return Series("a series", 1, "", "", patches, len(patches), base_commit=base_commit)


def contents(tree: SourceTree | Snapshot) -> dict[str, bytes]:
    """Return every file of a tree."""
    found = {path: tree.read(path) for path in tree.paths()}
    return {path: data for path, data in found.items() if data is not None}


def committed(folder: Path, revision: str = "HEAD") -> dict[str, bytes]:
    """Return every regular file of a commit, read by git."""
    listing = git(folder, "ls-tree", "-r", "-z", revision).split(b"\0")[:-1]
    entries = [
        (entry.split()[2].decode(), os.fsdecode(entry.partition(b"\t")[2])) for entry in listing if entry[:2] == b"10"
    ]
    output = git(folder, "cat-file", "--batch", stdin="".join(f"{one}\n" for one, _ in entries).encode())
    found, at = {}, 0
    for _, path in entries:
        end = output.index(b"\n", at)
        size = int(output[at:end].split()[2])
        found[path] = output[end + 1 : end + 1 + size]
        at = end + 2 + size
    return found


def state_of(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time and hash of everything below *folder*, ``.git`` included."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (about.st_mode, about.st_mtime_ns, digest)
    return found
