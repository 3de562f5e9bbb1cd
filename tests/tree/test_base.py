"""Which tree a series is applied to, and what is said of trees that cannot be used."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ptlint.core.patch import Series
from ptlint.core.tree import Snapshot, unread
from ptlint.errors import TreeError, UsageError
from ptlint.tree import enclosing_tree, open_base
from ptlint.tree.directory import DirTree
from ptlint.tree.losses import MOST
from ptlint.tree.modes import MAX_FILE
from ptlint.tree.repository import open_repository
from tests.tree.scratchrepo import commit, contents, git, make_repository, series_of, state_of

EMPTY = Series("", 1, "", "", (), 0)
FILE = "mm/a.c"


def text(*changes: tuple[int, str]) -> bytes:
    """Return thirty lines, some of them changed."""
    changed = dict(changes)
    return b"".join(b"%s\n" % changed.get(number, f"line {number}").encode() for number in range(1, 31))


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """Return a repository with three versions of one file, the first tagged ``v1``."""
    folder = make_repository(tmp_path / "kernel", {FILE: text(), "arch/x/y.c": b"y\n"})
    git(folder, "tag", "v1")
    commit(folder, {FILE: text((10, "ten"))}, "second")
    commit(folder, {FILE: text((10, "ten"), (11, "eleven"), (12, "twelve"))}, "third")
    return folder


def change(folder: Path, revision: str, new: bytes, *flags: str) -> Series:
    """Return a series of one patch that makes *new* of the file at *revision*."""
    (folder / "new").write_bytes(new)
    blob = git(folder, "hash-object", "-w", "new").decode().strip()
    (folder / "new").unlink()
    diff = git(folder, "diff", *flags, f"{revision}:{FILE}", blob)
    return series_of(diff.replace(b"b/" + blob.encode(), b"b/" + FILE.encode()))


def test_an_explicit_base_wins_and_has_the_name_of_its_tag(kernel: Path) -> None:
    base = open_base(kernel, "v1", change(kernel, "HEAD", text()))
    assert (base.name, base.how, base.notes) == ("v1", "explicit", ())
    assert base.tree.read(FILE) == text()


def test_the_base_commit_trailer_is_used_when_the_repository_has_it(kernel: Path) -> None:
    first = git(kernel, "rev-parse", "v1").decode().strip()
    assert open_base(kernel, None, series_of(base_commit=first)).how == "base-commit trailer"
    other = open_base(kernel, None, series_of(base_commit="1" * 40))
    assert other.how == "HEAD"
    assert "111111111111" in other.notes[0]


def test_head_is_taken_when_the_series_applies_to_it(kernel: Path) -> None:
    base = open_base(kernel, None, change(kernel, "v1", text((25, "changed"))))
    assert (base.how, base.commit_id) == ("found by applying", git(kernel, "rev-parse", "HEAD").decode().strip())
    assert base.name == str(base.commit_id)[:12]


@pytest.mark.parametrize("flags", [("--full-index",), ("--abbrev=8",)])
def test_the_commit_with_the_blobs_of_the_patch_is_found(kernel: Path, flags: tuple[str, ...]) -> None:
    base = open_base(kernel, None, change(kernel, "v1", text((11, "other")), *flags))
    assert (base.how, base.name) == ("found by applying", "v1")
    assert "those that the patches name" in base.notes[0]


def test_a_series_without_blob_ids_is_tried_on_the_newest_commits(kernel: Path) -> None:
    series = change(kernel, "HEAD~1", text((10, "ten"), (11, "other")))
    (diff,) = (patch.diff for patch in series.patches)
    bare = b"\n".join(line for line in diff.split(b"\n") if not line.startswith(b"index "))
    base = open_base(kernel, None, series_of(bare))
    assert base.commit_id == git(kernel, "rev-parse", "HEAD~1").decode().strip()


def test_new_files_that_are_there_already_lead_to_the_commit_before_them(kernel: Path) -> None:
    before = git(kernel, "rev-parse", "HEAD").decode().strip()
    commit(kernel, {"mm/new.c": b"int new;\n"}, "mm: new")
    series = series_of(git(kernel, "diff", "HEAD~1", "HEAD"))
    commit(kernel, {"mm/other.c": b"x\n"}, "other")
    base = open_base(kernel, None, series)
    assert (base.how, base.commit_id) == ("found by applying", before)


def test_a_branch_is_searched_too(kernel: Path) -> None:
    git(kernel, "checkout", "-q", "-b", "next")
    commit(kernel, {FILE: text((10, "next")), "mm/next.c": b"x\n"}, "on next")
    series = change(kernel, "next", text((10, "newer")))
    git(kernel, "checkout", "-q", "master")
    base = open_base(kernel, None, series)
    assert base.tree.exists("mm/next.c")


def test_head_is_the_last_resort_and_said_so(kernel: Path) -> None:
    nowhere = series_of(b"--- a/mm/a.c\n+++ b/mm/a.c\n@@ -1,2 +1,2 @@\n-no such line\n+x\n y\n")
    base = open_base(kernel, None, nowhere)
    assert base.how == "HEAD"
    assert "applies to no commit that was tried" in base.notes[-1]


def test_every_kind_of_tree_gives_the_same_files(kernel: Path, tmp_path: Path) -> None:
    git(kernel, "worktree", "add", "-q", str(tmp_path / "linked"), "HEAD")
    git(tmp_path, "clone", "-q", "--bare", str(kernel), "bare.git")
    expected = contents(open_base(kernel, None, EMPTY).tree)
    assert set(expected) == {FILE, "arch/x/y.c"}
    for folder in (tmp_path / "linked", tmp_path / "bare.git", kernel / ".git"):
        assert contents(open_base(folder, None, EMPTY).tree) == expected
    git(kernel, "gc", "-q")
    assert contents(open_base(kernel, None, EMPTY).tree) == expected


def test_a_plain_folder_is_a_tree_without_a_base(tmp_path: Path) -> None:
    (tmp_path / "linux/include/linux").mkdir(parents=True)
    (tmp_path / "linux/include/linux/a.h").write_bytes(b"a\n")
    base = open_base(tmp_path / "linux", None, EMPTY)
    assert (base.name, base.how) == ("plain tree", "plain tree")
    assert contents(base.tree) == {"include/linux/a.h": b"a\n"}
    with pytest.raises(UsageError, match="plain source tree"):
        open_base(tmp_path / "linux", "HEAD", EMPTY)


def test_without_a_tree_there_is_nothing() -> None:
    base = open_base(None, None, EMPTY)
    assert (base.name, base.how, contents(base.tree)) == ("", "none", {})
    with pytest.raises(UsageError, match="needs --tree"):
        open_base(None, "v1", EMPTY)


@pytest.mark.parametrize("revision", ["v9", "", "--help", "v1..HEAD", "a\nb", "HEAD:mm", "x" * 5000])
def test_a_revision_that_is_none_gets_one_sentence(kernel: Path, revision: str) -> None:
    with pytest.raises(TreeError, match="names no commit") as caught:
        open_base(kernel, revision, EMPTY)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_kernel_gets_one_sentence(tmp_path: Path) -> None:
    make_repository(tmp_path / "other", {"README": b"x\n"})
    for folder in (tmp_path, tmp_path / "other"):
        with pytest.raises(TreeError, match="is no kernel tree"):
            open_base(folder, None, EMPTY)
    with pytest.raises(TreeError, match="no such folder"):
        open_base(tmp_path / "missing", None, EMPTY)
    with pytest.raises(TreeError, match="is no folder"):
        open_base(tmp_path / "other/README", None, EMPTY)


def test_a_blob_that_is_lost_is_told_and_the_other_files_are_there(kernel: Path) -> None:
    blob = git(kernel, "rev-parse", f"HEAD:{FILE}").decode().strip()
    path = kernel / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"no zlib")
    for is_there in (True, False):
        if not is_there:
            path.unlink()
        tree = open_base(kernel, None, EMPTY).tree
        assert tree.read(FILE) is None
        assert list(unread(tree)) == [FILE]
        assert "run git fsck" in unread(Snapshot(tree))[FILE]
        assert all(tree.read(path) is not None for path in tree.paths() if path != FILE)


def test_a_folder_that_is_lost_is_told_and_empty(kernel: Path) -> None:
    name = git(kernel, "rev-parse", "HEAD:mm").decode().strip()
    (kernel / ".git/objects" / name[:2] / name[2:]).unlink()
    tree = open_base(kernel, None, EMPTY).tree
    assert tree.read(FILE) is None
    assert list(tree.paths("mm")) == []
    assert list(unread(tree)) == ["mm/"]


def test_a_tree_of_which_most_is_lost_is_not_looked_at(tmp_path: Path) -> None:
    for number in range(MOST + 1):
        with open(tmp_path / f"{number}.c", "w") as file:
            file.truncate(MAX_FILE + 1)
    tree = DirTree(tmp_path)
    for number in range(MOST):
        assert tree.read(f"{number}.c") is None
    assert len(unread(tree)) == MOST
    with pytest.raises(TreeError, match=f"more than {MOST} files cannot be read"):
        tree.read(f"{MOST}.c")


def test_a_damaged_repository_gets_one_sentence(kernel: Path) -> None:
    (kernel / ".git/HEAD").write_bytes(b"\0\0")
    with pytest.raises(TreeError, match="git cannot read this repository"):
        open_base(kernel, None, EMPTY)


def test_a_partial_clone_fetches_nothing(kernel: Path, tmp_path: Path) -> None:
    git(kernel, "config", "uploadpack.allowFilter", "true")
    url = f"file://{kernel}"
    git(tmp_path, "clone", "-q", "--bare", "--filter=blob:none", url, "partial.git")
    before = state_of(tmp_path / "partial.git")
    tree = open_base(tmp_path / "partial.git", None, EMPTY).tree
    assert tree.exists(FILE)
    assert tree.read(FILE) is None
    assert "partial clone" in unread(tree)[FILE]
    assert state_of(tmp_path / "partial.git") == before


def test_a_command_that_prints_too_much_or_takes_too_long_is_stopped(kernel: Path) -> None:
    repository = open_repository(kernel)
    with pytest.raises(TreeError, match="prints more than"):
        repository.run("show", f"HEAD:{FILE}", limit=10)
    with pytest.raises(TreeError, match="took longer than"):
        repository.run("-c", "alias.wait=!sleep 20", "wait", seconds=0.2)


def test_prerequisite_patches_are_told(kernel: Path) -> None:
    first = git(kernel, "rev-parse", "v1").decode().strip()
    series = replace(series_of(base_commit=first), prerequisite_patch_ids=("1" * 40,))
    assert "builds on 1 patches" in open_base(kernel, None, series).notes[0]


def test_a_repository_before_its_first_commit_has_no_head(tmp_path: Path) -> None:
    make_repository(tmp_path / "new")
    with pytest.raises(TreeError, match="HEAD names no commit"):
        open_base(tmp_path / "new", None, EMPTY)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_repository_of_another_user_is_read_only_when_the_user_trusts_it(
    kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.chown(kernel, 12345, 12345)
    os.chown(kernel / ".git", 12345, 12345)
    with pytest.raises(TreeError, match=r"safe\.directory"):
        open_base(kernel, None, EMPTY)
    config = kernel.parent / "config"
    config.write_text(f"[safe]\n\tdirectory = {kernel}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert open_base(kernel, None, EMPTY).tree.exists(FILE)


def test_variables_of_a_hook_do_not_lead_to_another_repository(
    kernel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_repository(tmp_path / "other", {"mm/other.c": b"x\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git/objects"))
    assert open_base(kernel, "v1", EMPTY).tree.exists(FILE)


def test_the_user_s_configuration_of_git_changes_nothing(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = kernel.parent / "config"
    config.write_text("[core]\n\tquotePath = false\n\tabbrev = 4\n[log]\n\tshowSignature = true\n\tfollow = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    base = open_base(kernel, None, change(kernel, "v1", text((11, "other")), "--full-index"))
    assert base.name == "v1"


def test_the_tree_we_stand_in_is_found_from_below(kernel: Path, tmp_path: Path) -> None:
    assert enclosing_tree(kernel / "arch/x") == kernel
    assert enclosing_tree(tmp_path) is None
    assert enclosing_tree(make_repository(tmp_path / "other", {"README": b"x\n"})) is None


def test_git_is_not_imported_before_a_repository_is_opened() -> None:
    code = "import sys, ptlint.tree; sys.exit(bool({'git', 'gitdb', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_repository_with_sha256_ids_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    git(folder, "init", "-q", "--object-format=sha256")
    commit(folder, {FILE: text()}, "first")
    assert open_repository(folder).hex_length == 64
    assert open_base(folder, None, EMPTY).tree.read(FILE) == text()
