"""One text for the content of a tree: what is kept between two runs hangs on it."""

import os
from pathlib import Path

from ptlint.core.tree import MemoryTree, Snapshot, content_key
from ptlint.tree.base import commit_tree
from ptlint.tree.directory import DirTree
from ptlint.tree.repository import open_repository
from tests.tree.scratchrepo import commit, make_repository


def test_a_commit_with_the_same_files_has_the_same_key(tmp_path: Path) -> None:
    make_repository(tmp_path)
    ids = [commit(tmp_path, {"mm/a.c": text}, "change") for text in (b"one", b"two", b"one")]
    repository = open_repository(tmp_path)
    keys = [content_key(commit_tree(repository, one)) for one in ids]
    assert keys[0] == keys[2] != keys[1]


def test_patches_change_the_key_by_what_they_leave_behind() -> None:
    base = MemoryTree({"a": b"1", "b": b"2"})
    here = [
        content_key(Snapshot(base, changed))
        for changed in ({}, {"a": b"3"}, {"a": None}, {"c": b"3"}, {"a": b"3", "b": b"3"})
    ]
    assert None not in here
    assert len(set(here)) == len(here)
    assert content_key(Snapshot(base, {"a": b"3"})) == content_key(Snapshot(Snapshot(base, {}), {"a": b"3"}))


def test_a_folder_has_another_key_after_any_change_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mm/a.c"
    file.parent.mkdir()
    file.write_text("one")
    keys = [content_key(DirTree(tmp_path))]
    for text in ("two", "longer"):
        file.write_text(text)
        os.utime(file, ns=(len(text), len(text)))
        keys.append(content_key(DirTree(tmp_path)))
    file.rename(tmp_path / "mm/b.c")
    keys.append(content_key(DirTree(tmp_path)))
    assert len(set(keys)) == 4
    assert keys[-1] == content_key(DirTree(tmp_path))


def test_a_tree_that_cannot_tell_has_none() -> None:
    class Plain:
        def read(self, path: str) -> bytes | None:
            return None

        def exists(self, path: str) -> bool:
            return False

        def blob_id(self, path: str) -> str | None:
            return None

        def paths(self, folder: str = "") -> list[str]:
            return []

    assert content_key(Snapshot(Plain(), {"a": b""})) is None  # type: ignore[arg-type]
