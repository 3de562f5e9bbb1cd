"""The files that hold a word are found without reading every one of them."""

from pathlib import Path

import pytest

from ptlint.core.tree import MemoryTree, Snapshot, holding
from ptlint.tree.base import commit_tree
from ptlint.tree.gittree import GitTree
from ptlint.tree.overlay import work_tree
from ptlint.tree.repository import open_repository
from tests.tree.scratchrepo import commit, make_repository

FILES = {
    "arch/a/include/asm/pgtable.h": b"void set_pte(void);\n",
    "arch/a/mm/fault.c": b"int x = set_pte_at;\n",
    "arch/b/include/asm/pgtable.h": b"void clear_pte(void);\n\0",
    "arch/b/boot/set_pte.dts": b"set_pte\n",
    "mm/memory.c": b"set_pte();\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> GitTree:
    make_repository(tmp_path)
    last = commit(tmp_path, FILES, "files")
    return commit_tree(open_repository(tmp_path), last)


def test_a_word_is_found_as_a_part_or_whole_in_c_files_below_a_folder(tree: GitTree) -> None:
    assert holding(tree, "arch", {"set_pte"}) == frozenset({"arch/a/include/asm/pgtable.h", "arch/a/mm/fault.c"})
    assert holding(tree, "arch/a/mm", {"set_pte", "nothing"}) == frozenset({"arch/a/mm/fault.c"})
    assert holding(tree, "arch", {"clear_pte"}) == frozenset({"arch/b/include/asm/pgtable.h"})
    assert holding(tree, "arch", {"^set"}) == frozenset()
    assert holding(tree, "arch", ()) == frozenset()


def test_a_thousand_long_words_are_looked_for_at_once(tree: GitTree) -> None:
    many = {f"{'w' * 2000}{number}" for number in range(1000)}
    assert holding(tree, "arch", many | {"clear_pte"}) == frozenset({"arch/b/include/asm/pgtable.h"})


def test_patches_bring_and_take_words(tree: GitTree) -> None:
    changed = {
        "arch/a/mm/fault.c": b"",
        "arch/a/include/asm/pgtable.h": None,
        "arch/c/a.h": b"set_pte",
        "mm/b.c": b"set_pte",
    }
    assert holding(Snapshot(tree, changed), "arch", {"set_pte"}) == frozenset({"arch/c/a.h"})


def test_a_work_tree_has_what_is_on_disk(tree: GitTree, tmp_path: Path) -> None:
    (tmp_path / "arch/a/mm/fault.c").write_bytes(b"nothing\n")
    assert holding(work_tree(open_repository(tmp_path)), "arch", {"set_pte"}) == frozenset(
        {"arch/a/include/asm/pgtable.h"}
    )


def test_a_tree_that_cannot_tell_says_so() -> None:
    assert holding(MemoryTree({"arch/a.h": b"set_pte"}), "arch", {"set_pte"}) is None
