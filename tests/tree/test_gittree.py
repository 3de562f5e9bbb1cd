"""Trees from git and from a folder answer alike."""

import os
from pathlib import Path

import pytest

from ptlint.core.tree import SourceTree, blob_id_of
from ptlint.tree.base import commit_tree
from ptlint.tree.directory import DirTree
from ptlint.tree.repository import open_repository
from tests.tree.scratchrepo import git, make_repository


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a work tree with files, an executable, and links that stay inside, leave, dangle and go in a circle."""
    tree = tmp_path / "tree"
    (tree / "mm/deep").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret\n")
    for name, target in {
        "mm/inside": "deep/a.c",
        "link": "mm",
        "mm/up": "../mm/deep",
        "out": "../secret",
        "absolute": str(tmp_path / "secret"),
        "dangling": "nothing",
        "circle": "circle",
        "ping": "pong",
        "pong": "ping",
    }.items():
        (tree / name).symlink_to(target)
    make_repository(tree, {"mm/deep/a.c": b"a\n", "mm/b.c": b"b\0\r\n", "mm/empty": b"", "mm-x": b"x"})
    (tree / "mm/b.c").chmod(0o755)
    git(tree, "commit", "-q", "-a", "-m", "mode")
    return tree


@pytest.fixture(params=["git", "folder"])
def tree(request: pytest.FixtureRequest, folder: Path) -> SourceTree:
    """Return the same files as a git tree and as a plain folder."""
    if request.param == "folder":
        return DirTree(folder)
    repository = open_repository(folder)
    commit = repository.resolve("HEAD", "commit")
    assert commit
    return commit_tree(repository, commit)


def test_files_are_read_byte_for_byte(tree: SourceTree) -> None:
    assert tree.read("mm/b.c") == b"b\0\r\n"
    assert tree.read("mm/empty") == b""
    assert tree.blob_id("mm/b.c") == blob_id_of(b"b\0\r\n")


def test_links_are_followed_inside_the_tree_only(tree: SourceTree) -> None:
    assert [tree.read(path) for path in ("mm/inside", "link/deep/a.c", "mm/up/a.c")] == [b"a\n"] * 3
    for path in ("out", "absolute", "dangling", "circle", "ping", "link", "link/none"):
        assert tree.read(path) is None
        assert not tree.exists(path)
        assert tree.blob_id(path) is None


def test_what_is_no_file_of_the_tree_is_not_there(tree: SourceTree) -> None:
    for path in (
        "",
        "/",
        "mm",
        "mm/",
        "/mm/b.c",
        "mm/b.c/x",
        "../tree/mm/b.c",
        "nul\0",
        "a/" * 3000 + "b",
        ".git/HEAD",
    ):
        assert tree.read(path) is None, path


def test_files_are_listed_in_order_without_links(tree: SourceTree) -> None:
    assert list(tree.paths()) == ["mm-x", "mm/b.c", "mm/deep/a.c", "mm/empty"]
    assert list(tree.paths("mm/deep")) == ["mm/deep/a.c"]
    assert [list(tree.paths(folder)) for folder in ("nothing", "mm/b.c", "..")] == [[], [], []]


def test_a_pipe_in_a_folder_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert DirTree(tmp_path).read("pipe") is None
    assert list(DirTree(tmp_path).paths()) == []


def test_a_name_that_is_no_utf8_is_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"mm/\xff\xfe.c")
    repository = open_repository(make_repository(tmp_path / "r", {name: b"x\n"}))
    tree = commit_tree(repository, repository.resolve("HEAD", "commit") or "")
    assert list(tree.paths()) == [name]
    assert tree.read(name) == b"x\n"


def test_a_child_process_gets_a_reader_of_its_own(folder: Path) -> None:
    repository = open_repository(folder)
    tree = commit_tree(repository, repository.resolve("HEAD", "commit") or "")
    assert tree.read("mm/b.c")
    child = os.fork()
    if child == 0:
        os._exit(0 if tree.read("mm/deep/a.c") == b"a\n" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tree.read("mm/deep/a.c") == b"a\n"
