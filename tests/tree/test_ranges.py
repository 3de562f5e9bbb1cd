"""Commits, the index and the work tree as series."""

import os
from pathlib import Path

import pytest

from ptlint.core.tree import Snapshot
from ptlint.errors import TreeError, UsageError
from ptlint.mail.diff import parse_diff
from ptlint.tree.base import open_base
from ptlint.tree.overlay import index_tree, work_tree
from ptlint.tree.ranges import range_series, staged_series, worktree_series
from ptlint.tree.repository import open_repository
from ptlint.tree.snapshots import apply_series, build_snapshots
from tests.tree.scratchrepo import commit, committed, contents, git, make_repository, state_of, write_files

TEXT = b"".join(b"line %d\n" % number for number in range(1, 21))


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Return a repository with a tagged base and three commits over it."""
    folder = make_repository(tmp_path / "kernel", {"mm/a.c": TEXT, "mm/b.c": b"b\n", "mm/logo": b"\0\1"})
    git(folder, "tag", "v1")
    message = (
        "mm: change\n the subject\n\nWhy it is done.\n\nSigned-off-by: A Tester <tester@example.org>\nCc: x@example.org"
    )
    commit(folder, {"mm/a.c": TEXT.replace(b"line 7\n", b"line seven\n")}, message)
    git(folder, "mv", "mm/b.c", "mm/moved.c")
    (folder / "mm/a.c").chmod(0o755)
    commit(folder, {"mm/logo": b"\0\2\3", "mm/bare": b"no newline"}, "everything else")
    commit(folder, {"mm/bare": None}, "remove")
    return folder


def test_a_range_is_its_commits_in_order(kernel: Path) -> None:
    series = range_series(kernel, "v1..HEAD", 100, parse_diff)
    assert [patch.ref.subject for patch in series] == ["mm: change the subject", "everything else", "remove"]
    first = series.patches[0]
    assert (first.ref.index, first.ref.total, first.author) == (1, 3, "A Tester <tester@example.org>")
    assert first.body.startswith("Why it is done.")
    assert [trailer.key for trailer in first.trailers] == ["Signed-off-by", "Cc"]
    assert series.base_commit == git(kernel, "rev-parse", "v1").decode().strip()


def test_the_patches_of_a_range_give_its_commits(kernel: Path) -> None:
    series = range_series(kernel, "v1..", 100, parse_diff)
    snapshots = build_snapshots(open_base(kernel, None, series).tree, series)
    for back, (snapshot, status) in zip((2, 1, 0), snapshots, strict=True):
        assert status.how == "clean"
        assert contents(snapshot) == committed(kernel, f"HEAD~{back}")


def test_merges_are_left_out_and_listed(kernel: Path) -> None:
    git(kernel, "checkout", "-q", "-b", "side", "v1")
    commit(kernel, {"mm/side.c": b"s\n"}, "side")
    git(kernel, "checkout", "-q", "master")
    git(kernel, "merge", "-q", "--no-edit", "side")
    series = range_series(kernel, "v1..HEAD", 100, parse_diff)
    assert len(series.patches) == 4
    assert [one.kind for one in series.left_out] == ["merge"]


def test_a_root_commit_of_a_range_is_a_patch_from_nothing(kernel: Path) -> None:
    git(kernel, "checkout", "-q", "--orphan", "new")
    git(kernel, "commit", "-q", "-m", "root")
    (patch,) = range_series(kernel, "v1..new", 10, parse_diff)
    assert all(file.old_path is None for file in patch.files)
    assert len(patch.files) == 3


@pytest.mark.parametrize("text", ["HEAD", "v1...HEAD", "", "v1"])
def test_what_is_no_range_is_a_usage_error(kernel: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not a range"):
        range_series(kernel, text, 10, parse_diff)


@pytest.mark.parametrize("text", ["v1..nothing", "nothing..HEAD", "--all..HEAD", "v1..HEAD:mm"])
def test_an_end_that_is_no_commit_is_named(kernel: Path, text: str) -> None:
    with pytest.raises(TreeError, match="names no commit"):
        range_series(kernel, text, 10, parse_diff)


def test_a_range_with_too_many_commits_is_refused(kernel: Path) -> None:
    with pytest.raises(UsageError, match="more than 2 commits"):
        range_series(kernel, "v1..HEAD", 2, parse_diff)


def test_an_empty_range_is_an_empty_series(kernel: Path) -> None:
    assert range_series(kernel, "HEAD..v1", 2, parse_diff).patches == ()


def test_configured_diff_programs_and_filters_are_not_run(kernel: Path, tmp_path: Path) -> None:
    trap = f"touch {tmp_path / 'ran'};"
    commit(kernel, {".gitattributes": b"* diff=evil filter=evil\n"}, "attributes")
    keys = ("diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.process", "core.fsmonitor")
    for key in (*keys, "diff.external", "core.pager"):
        git(kernel, "config", key, trap)
    write_files(kernel, {"mm/a.c": TEXT + b"more\n"})
    before = state_of(kernel)
    assert len(range_series(kernel, "v1..HEAD", 10, parse_diff).patches) == 4
    assert [file.path for file in worktree_series(kernel, parse_diff).patches[0].files] == ["mm/a.c"]
    assert staged_series(kernel, parse_diff).patches == ()
    assert state_of(kernel) == before
    assert not (tmp_path / "ran").exists()


def test_staged_changes_are_a_patch_over_head(kernel: Path) -> None:
    write_files(kernel, {"mm/a.c": TEXT, "mm/new.c": b"n\n", "mm/moved.c": None})
    git(kernel, "add", "-A")
    write_files(kernel, {"mm/a.c": b"not staged\n"})
    before = state_of(kernel)
    series = staged_series(kernel, parse_diff)
    (applied,) = apply_series(open_base(kernel, None, series).tree, series)
    index = index_tree(open_repository(kernel))
    assert applied.status.how == "clean"
    assert contents(applied.snapshot) == contents(index)
    assert index.read("mm/a.c") == TEXT
    assert index.exists("mm/new.c")
    assert not index.exists("mm/moved.c")
    assert state_of(kernel) == before


def test_the_index_that_git_commit_names_is_used(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    git(kernel, "read-tree", "HEAD")
    write_files(kernel, {"mm/a.c": b"only this\n"})
    git(kernel, "add", "mm/a.c")
    (patch,) = staged_series(kernel, parse_diff)
    assert [file.path for file in patch.files] == ["mm/a.c"]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert staged_series(kernel, parse_diff).patches == ()


def test_the_work_tree_is_compared_with_head(kernel: Path) -> None:
    write_files(kernel, {"mm/a.c": TEXT + b"staged\n", "mm/untracked.c": b"u\n"})
    git(kernel, "add", "mm/a.c")
    write_files(kernel, {"mm/a.c": TEXT + b"on disk\r\n", "mm/moved.c": None})
    os.utime(kernel / "mm/logo", ns=(1, 1))
    series = worktree_series(kernel, parse_diff)
    (applied,) = apply_series(open_base(kernel, None, series).tree, series)
    tree = work_tree(open_repository(kernel))
    assert applied.snapshot.read("mm/a.c") == TEXT + b"on disk\r\n"
    assert [file.path for file in series.patches[0].files] == ["mm/a.c", "mm/moved.c"]
    assert contents(tree) == contents(applied.snapshot)
    assert not tree.exists("mm/untracked.c")
    assert contents(Snapshot(tree)) == contents(tree)


def test_unmerged_files_are_left_out_with_a_reason(kernel: Path) -> None:
    git(kernel, "checkout", "-q", "-b", "side", "v1")
    commit(kernel, {"mm/a.c": TEXT.replace(b"line 7\n", b"line VII\n")}, "side")
    with pytest.raises(AssertionError):
        git(kernel, "merge", "-q", "master")
    assert [(one.kind, one.what) for one in staged_series(kernel, parse_diff).left_out] == [("unmerged", "mm/a.c")]


def test_a_first_commit_can_be_staged(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "new")
    write_files(folder, {"mm/a.c": TEXT})
    git(folder, "add", "-A")
    (patch,) = staged_series(folder, parse_diff)
    assert patch.files[0].old_path is None


def test_a_bare_repository_has_no_work_tree(kernel: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(kernel), "bare.git")
    with pytest.raises(UsageError, match="bare repository"):
        worktree_series(tmp_path / "bare.git", parse_diff)
