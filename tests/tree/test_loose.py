"""Objects in files of their own are what git reads in them, and git is asked where they are not sound."""

import subprocess
import zlib
from pathlib import Path

import pytest

from ptlint.tree.loose import has_replacements, read_loose
from ptlint.tree.repository import open_repository
from tests.shared import program

TEXTS = (b"", b"static int pte;\n", bytes(range(256)) * 400)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in *folder* and return what it prints."""
    command = [program("git"), "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=True).stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return an empty repository."""
    git(tmp_path, "init", "-q")
    return tmp_path


def stored(repository: Path, text: bytes) -> str:
    """Store a blob and return its id."""
    return git(repository, "hash-object", "-w", "--stdin", stdin=text)


@pytest.mark.parametrize("text", TEXTS, ids=["empty", "short", "long"])
def test_a_blob_is_read_as_it_was_stored(repository: Path, text: bytes) -> None:
    assert read_loose(repository / ".git/objects", stored(repository, text)) == ("blob", text)


def test_trees_and_commits_are_what_git_says(repository: Path) -> None:
    (repository / "a.c").write_bytes(TEXTS[1])
    git(repository, "add", "a.c")
    git(repository, "commit", "-qm", "one")
    for name, kind in (("HEAD", "commit"), ("HEAD^{tree}", "tree")):
        found = git(repository, "rev-parse", name)
        raw = subprocess.run(
            [program("git"), "cat-file", kind, found], cwd=repository, capture_output=True, check=True
        ).stdout
        assert read_loose(repository / ".git/objects", found) == (kind, raw)


def test_what_is_packed_is_read_by_git(repository: Path) -> None:
    (repository / "a.c").write_bytes(TEXTS[2])
    git(repository, "add", "a.c")
    git(repository, "commit", "-qm", "one")
    git(repository, "gc", "-q")
    found = git(repository, "rev-parse", "HEAD:a.c")
    assert read_loose(repository / ".git/objects", found) is None
    assert open_repository(repository).read(found) == ("blob", TEXTS[2])


@pytest.mark.parametrize(
    "data",
    [b"", b"no zlib", zlib.compress(b"blob 3\0ab"), zlib.compress(b"blob x\0"), zlib.compress(b"blob 1\0a")[:-3]],
    ids=["empty", "garbage", "short", "no-size", "cut"],
)
def test_an_object_that_is_not_sound_is_left_to_git(repository: Path, data: bytes) -> None:
    name = stored(repository, TEXTS[1])
    path = repository / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(data)
    assert read_loose(repository / ".git/objects", name) is None


@pytest.mark.parametrize("name", ["", "HEAD", "../../config", "0" * 39, "0" * 39 + "/"])
def test_what_is_no_full_id_is_no_object(repository: Path, name: str) -> None:
    assert read_loose(repository / ".git/objects", name) is None


def test_an_object_that_is_replaced_is_read_as_its_replacement(repository: Path) -> None:
    old, new = stored(repository, TEXTS[1]), stored(repository, TEXTS[2])
    assert not has_replacements(repository / ".git")
    git(repository, "replace", old, new)
    assert has_replacements(repository / ".git")
    assert open_repository(repository).read(old) == ("blob", TEXTS[2])
    git(repository, "pack-refs", "--all")
    assert has_replacements(repository / ".git")
    assert open_repository(repository).read(old) == ("blob", TEXTS[2])
