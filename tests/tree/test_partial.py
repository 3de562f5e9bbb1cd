"""Files rebuilt from hunks alone."""

from ptlint.tree.partial import MAX_LINES, partial_files, partial_preimages
from tests.tree.scratchrepo import patch_of

DIFF = b"""diff --git a/mm/a.c b/mm/a.c
--- a/mm/a.c
+++ b/mm/a.c
@@ -3,2 +3,3 @@ int a(void)
 three
+inserted
 four
@@ -10,2 +11,1 @@
-ten
 eleven
diff --git a/mm/new.c b/mm/new.c
new file mode 100644
--- /dev/null
+++ b/mm/new.c
@@ -0,0 +1,2 @@
+one
+two
diff --git a/mm/gone.c b/mm/gone.c
deleted file mode 100644
--- a/mm/gone.c
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""


def test_lines_stand_at_their_numbers_in_the_new_file() -> None:
    files = partial_files(patch_of(DIFF))
    assert files["mm/a.c"].split(b"\n")[2:5] == [b"three", b"inserted", b"four"]
    assert files["mm/a.c"].split(b"\n")[10] == b"eleven"
    assert files["mm/a.c"].count(b"\n") == 11
    assert files["mm/new.c"] == b"one\ntwo\n"
    assert set(files) == {"mm/a.c", "mm/new.c"}


def test_the_preimage_has_the_old_lines_at_the_old_numbers() -> None:
    files = partial_preimages(patch_of(DIFF))
    assert files["mm/a.c"] == b"\n\nthree\nfour\n" + b"\n" * 5 + b"ten\neleven\n"
    assert files["mm/gone.c"] == b"gone\n"
    assert set(files) == {"mm/a.c", "mm/gone.c"}


def test_an_absurd_line_number_costs_no_memory() -> None:
    far = b"--- a/f\n+++ b/f\n@@ -999999999,1 +999999999,2 @@\n x\n+y\n"
    assert partial_files(patch_of(far)) == {"f": b""}
    assert MAX_LINES < 999_999_999
