"""What apply_patch says of patches that apply, apply elsewhere, and do not apply."""

import base64
import zlib

import pytest

from ptlint.core.patch import FilePatch, Patch, PatchRef
from ptlint.core.tree import MemoryTree, Snapshot, blob_id_of
from ptlint.tree.apply import apply_patch
from ptlint.tree.result import Applied
from ptlint.tree.state import Blob, BlobTree
from tests.tree.scratchrepo import contents, patch_of

BEFORE = b"".join(b"line %d\n" % number for number in range(1, 21))
AFTER = BEFORE.replace(b"line 10\n", b"line ten\n")

EDIT = b"""diff --git a/mm/one.c b/mm/one.c
--- a/mm/one.c
+++ b/mm/one.c
@@ -8,5 +8,5 @@ int one(void)
 line 8
 line 9
-line 10
+line ten
 line 11
 line 12
"""

NEW = b"""diff --git a/mm/two.c b/mm/two.c
new file mode 100755
--- /dev/null
+++ b/mm/two.c
@@ -0,0 +1,2 @@
+int two(void);
+int three(void);
"""


def apply(files: dict[str, bytes], diff: bytes) -> Applied:
    return apply_patch(Snapshot(MemoryTree(files)), patch_of(diff))


def test_a_patch_that_fits_is_clean() -> None:
    applied = apply({"mm/one.c": BEFORE}, EDIT + NEW)
    assert contents(applied.snapshot) == {"mm/one.c": AFTER, "mm/two.c": b"int two(void);\nint three(void);\n"}
    assert (applied.status.applied, applied.status.how, applied.status.reason) == (True, "clean", "")
    assert applied.extras.modes["mm/two.c"] == 0o100755
    assert applied.left_out == ()


def test_a_hunk_that_moved_is_told_with_its_distance() -> None:
    applied = apply({"mm/one.c": b"new\n" * 4 + BEFORE}, EDIT)
    assert applied.snapshot.read("mm/one.c") == b"new\n" * 4 + AFTER
    assert applied.status.how == "offset"
    assert "mm/one.c (+4)" in applied.status.reason
    assert applied.files[0].offsets == (4,)


def test_of_two_places_at_the_same_distance_the_later_one_is_taken() -> None:
    block = b"a\nb\nc\n"
    diff = b"--- a/f\n+++ b/f\n@@ -5,3 +5,3 @@\n a\n-b\n+B\n c\n"
    applied = apply({"f": block + b"x\n" * 3 + block + b"x\n"}, diff)
    assert applied.snapshot.read("f") == block + b"x\n" * 3 + b"a\nB\nc\n" + b"x\n"


def test_a_failure_names_file_line_and_what_was_expected() -> None:
    applied = apply({"mm/one.c": BEFORE.replace(b"line 10\n", b"line X\n")}, EDIT)
    assert not applied.status.applied
    assert applied.status.how == "failed"
    assert applied.status.reason == (
        'mm/one.c: hunk @@ -8,5 +8,5 @@: expected "line 10" at line 10, where the tree has "line X"'
    )
    assert applied.left_out[0].line == 10
    assert applied.files[0].rejected[0].hunk.old_start == 8


def test_a_patch_that_is_already_in_the_tree_is_recognised() -> None:
    applied = apply({"mm/one.c": AFTER, "mm/two.c": b"int two(void);\nint three(void);\n"}, EDIT + NEW)
    assert not applied.status.applied
    assert applied.is_already_applied
    assert "already applied" in applied.status.reason


def test_the_files_and_hunks_that_apply_are_kept_for_analysis() -> None:
    diff = EDIT.replace(b"@@ -8,5", b"@@ -1,3 +1,3 @@\n line 1\n-line two\n+line 2b\n line 3\n@@ -8,5") + NEW
    applied = apply({"mm/one.c": BEFORE}, diff)
    assert not applied.status.applied
    assert applied.snapshot.read("mm/one.c") == AFTER
    assert applied.snapshot.exists("mm/two.c")
    told = [(one.kind, one.source, one.line, one.what) for one in applied.left_out]
    assert told == [("hunk", "mm/one.c", 2, "hunk @@ -1,3 +1,3 @@ of patch 1")]


def test_a_missing_file_and_a_file_that_is_there_are_failures() -> None:
    assert "mm/one.c does not exist" in apply({}, EDIT).status.reason
    assert "mm/two.c already exists" in apply({"mm/two.c": b"other\n"}, NEW).status.reason


def test_a_rename_takes_the_mode_along_and_leaves_nothing_behind() -> None:
    diff = b"diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n"
    applied = apply_patch(Snapshot(BlobTree({"old": Blob(0o100755, b"x\n")})), patch_of(diff))
    assert contents(applied.snapshot) == {"new": b"x\n"}
    assert applied.state.blob("new") == Blob(0o100755, b"x\n")


def test_files_can_swap_their_names() -> None:
    diff = b"".join(
        b"diff --git a/%s b/%s\nsimilarity index 100%%\nrename from %s\nrename to %s\n" % (old, new, old, new)
        for old, new in ((b"one", b"two"), (b"two", b"one"))
    )
    applied = apply({"one": b"1\n", "two": b"2\n"}, diff)
    assert contents(applied.snapshot) == {"one": b"2\n", "two": b"1\n"}


def test_a_link_is_no_file_of_the_snapshot_but_later_patches_see_it() -> None:
    make = b"diff --git a/ln b/ln\nnew file mode 120000\n--- /dev/null\n+++ b/ln\n@@ -0,0 +1 @@\n+target\n"
    make += b"\\ No newline at end of file\n"
    applied = apply({}, make)
    assert not applied.snapshot.exists("ln")
    assert applied.state.blob("ln") == Blob(0o120000, b"target")
    below = NEW.replace(b"mm/two.c", b"ln/two.c")
    refused = apply_patch(applied.snapshot, patch_of(below), applied.extras)
    assert "beyond the symbolic link" in refused.status.reason


def test_a_file_cannot_stand_where_a_folder_is() -> None:
    assert "both a file and a folder" in apply({"mm/two.c/x": b""}, NEW).status.reason
    assert "mm" in apply({"mm": b"a file\n"}, NEW).status.reason
    assert not apply({"mm": b"a file\n"}, NEW).status.applied


@pytest.mark.parametrize(
    "path", ["../out", "/etc/x", "a/../../b", ".git/config", "a/.GIT/hooks/x", "git~1/x", "a//b", "./a", "a/.git ./x"]
)
def test_a_path_that_git_refuses_is_refused(path: str) -> None:
    file = FilePatch(None, path, patch_of(NEW).files[0].hunks)
    applied = apply_patch(Snapshot(MemoryTree({})), Patch(PatchRef(1, 1, "", "s"), "", "", "", (file,), b""))
    assert not applied.status.applied
    assert applied.snapshot.changed == {}


def test_a_submodule_is_left_out_and_the_rest_applies() -> None:
    module = b"diff --git a/sub b/sub\nindex 1111111..2222222 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n-x\n+y\n"
    applied = apply({"mm/one.c": BEFORE}, module + EDIT)
    assert applied.status.applied
    assert [one.kind for one in applied.left_out] == ["submodule"]


def test_a_binary_file_is_made_from_its_literal() -> None:
    data = bytes(range(256)) * 3
    applied = apply({}, binary_patch(data, blob_id_of(data)))
    assert applied.status.applied
    assert applied.snapshot.read("logo") == data


def test_a_binary_patch_that_does_not_make_what_it_says_fails() -> None:
    applied = apply({}, binary_patch(b"abc", blob_id_of(b"abd")))
    assert "does not make the bytes" in applied.status.reason


def test_a_binary_change_without_data_fails_with_a_sentence() -> None:
    diff = b"diff --git a/l b/l\nindex 1111111..2222222 100644\nBinary files a/l and b/l differ\n"
    assert "carries no data" in apply({"l": b"x"}, diff).status.reason


def test_a_patch_without_files_does_not_apply() -> None:
    assert apply({}, b"").status.reason == "the patch changes no file"


def test_a_search_in_a_hostile_file_ends() -> None:
    lines = b"".join(b" x\n" for _ in range(3000))
    diff = b"--- a/f\n+++ b/f\n@@ -9,3001 +9,3001 @@\n%s-y\n+z\n" % lines + b""
    diff = diff.replace(b"-y\n+z\n", b"-y\n+z\n x\n").replace(b"3001", b"3002")
    applied = apply({"f": b"x\n" * 200_000}, diff)
    assert not applied.status.applied


def binary_patch(data: bytes, new_id: str) -> bytes:
    """Return a patch that makes the file ``logo``, written as git writes it."""
    packed = zlib.compress(data)
    rows = [packed[at : at + 52] for at in range(0, len(packed), 52)]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    text = b"".join(letters[len(row) - 1 :][:1] + base64.b85encode(row, pad=True) + b"\n" for row in rows)
    head = b"diff --git a/logo b/logo\nnew file mode 100644\nindex %s..%s\n" % (b"0" * 40, new_id.encode())
    return head + b"GIT binary patch\nliteral %d\n%s\nliteral 0\nHcmV?d00001\n\n" % (len(data), text)
