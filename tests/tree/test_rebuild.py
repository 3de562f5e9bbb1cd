"""The files of a series rebuilt from its hunks, step by step."""

from ptlint.tree.rebuild import rebuild_series
from tests.tree.scratchrepo import contents, series_of

FIRST = b"""--- a/f
+++ b/f
@@ -2,2 +2,3 @@
 two
+new
 three
"""

SECOND = b"""--- a/f
+++ b/f
@@ -8,3 +8,3 @@
 seven
-eight
+EIGHT
 nine
"""


def test_what_a_later_patch_shows_is_known_before_at_its_line_of_that_time() -> None:
    one, two = rebuild_series(series_of(FIRST, SECOND))
    assert one.before.read("f") == b"\ntwo\nthree\n\n\n\nseven\neight\nnine\n"
    assert one.after.read("f") == b"\ntwo\nnew\nthree\n\n\n\nseven\neight\nnine\n"
    assert two.before.read("f") == one.after.read("f")
    assert two.after.read("f") == b"\ntwo\nnew\nthree\n\n\n\nseven\nEIGHT\nnine\n"
    assert (one.status.applied, one.status.how) == (False, "no-tree")


def test_a_file_that_does_not_continue_is_started_again() -> None:
    other = SECOND.replace(b"@@ -8,3 +8,3 @@\n seven", b"@@ -2,3 +2,3 @@\n something else")
    one, two = rebuild_series(series_of(FIRST, other))
    assert one.restarted == ()
    assert two.restarted == ("f",)
    before = two.before.read("f")
    assert before is not None
    assert before.split(b"\n")[1:4] == [b"something else", b"eight", b"nine"]
    assert "does not continue" in two.status.reason


def test_new_renamed_and_deleted_files_are_followed() -> None:
    new = b"diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    rename = b"diff --git a/n b/m\nsimilarity index 90%\nrename from n\nrename to m\n--- a/n\n+++ b/m\n"
    rename += b"@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    gone = b"diff --git a/m b/m\ndeleted file mode 100644\n--- a/m\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-one\n-2\n"
    steps = rebuild_series(series_of(new, rename, gone))
    assert [contents(step.after) for step in steps] == [{"n": b"one\ntwo\n"}, {"m": b"one\n2\n"}, {}]
    assert contents(steps[0].before) == {}


def test_absurd_line_numbers_are_left_out() -> None:
    far = [b"--- a/%d\n+++ b/%d\n@@ -999990,1 +999990,1 @@\n-x\n+y\n" % (number, number) for number in range(20)]
    steps = rebuild_series(series_of(*far))
    assert steps[0].after.exists("0")
    assert [one.kind for one in steps[-1].left_out] == ["file"]
