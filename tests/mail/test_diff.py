"""Diffs read by the rules of git apply, and written again."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.core.patch import FilePatch, Hunk, HunkLine
from ptlint.mail import render_files
from ptlint.mail.diff import CorruptPatch, parse_diff
from tests.mail.letters import DIFF
from tests.shared import program

LINE_BYTES = st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"").replace(b"\0", b""))
PATHS = st.from_regex(r"[a-z]{2,8}/[a-z0-9 \"\\é-]{1,10}[a-z]\.[ch]", fullmatch=True)


@st.composite
def hunk_lists(draw: st.DrawFn) -> tuple[Hunk, ...]:
    """Draw hunks whose counts are those of their lines; only the last line may lack its newline."""
    hunks = []
    at = 1
    for _ in range(draw(st.integers(1, 3))):
        kinds = draw(st.lists(st.sampled_from(" +-"), min_size=1, max_size=8))
        lines = [HunkLine(kind, draw(LINE_BYTES)) for kind in kinds]
        old, new = sum(kind != "+" for kind in kinds), sum(kind != "-" for kind in kinds)
        section = draw(st.sampled_from([b"", b"static void f(void)"]))
        hunks.append(Hunk(at, old, at, new, section, tuple(lines)))
        at += 40
    return tuple(hunks)


@st.composite
def file_patches(draw: st.DrawFn) -> FilePatch:
    """Draw a changed, added, deleted or renamed file."""
    path, other = draw(PATHS), draw(PATHS)
    hunks = draw(hunk_lists())
    match draw(st.sampled_from(["change", "rename", "mode"])):
        case "rename" if path != other:
            return FilePatch(path, other, hunks, is_rename=True)
        case "mode":
            return FilePatch(path, path, hunks, old_mode=0o100644, new_mode=0o100755)
        case _:
            return FilePatch(path, path, hunks, 0o100644, 0o100644, "1234567", "89abcde")


@settings(max_examples=150, deadline=None)
@given(st.lists(file_patches(), min_size=1, max_size=3))
def test_rendered_files_are_read_back(files: list[FilePatch]) -> None:
    assert parse_diff(render_files(files)) == tuple(files)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*DIFF.encode().splitlines(keepends=True), b"\n", b"\\ No newline\n", b"@@ -1 +1 @@\n"]))
)
def test_any_lines_give_files_whose_counts_are_right_or_a_reason(lines: list[bytes]) -> None:
    files: tuple[FilePatch, ...] = ()
    reason = ""
    try:
        files = parse_diff(b"".join(lines))
    except CorruptPatch as error:
        reason = error.reason
    counts = [(hunk.old_count, hunk.new_count) for file in files for hunk in file.hunks]
    held = [[line.kind for line in hunk.lines] for file in files for hunk in file.hunks]
    assert counts == [(len(kinds) - kinds.count("+"), len(kinds) - kinds.count("-")) for kinds in held]
    assert not (files and reason)


def test_every_line_knows_its_place_in_the_mail() -> None:
    (file,) = parse_diff(DIFF.encode(), first_line=4)
    assert [line.source_line for line in file.hunks[0].lines[:2]] == [13, 14]
    assert (file.old_blob, file.new_blob, file.new_mode) == ("1234567890ab", "abcdef012345", 0o100644)


def test_an_empty_line_is_empty_context_and_what_follows_the_last_hunk_is_skipped() -> None:
    (file,) = parse_diff(DIFF.replace("\n \n", "\n\n").encode() + b"\nbase-commit: 0123\n")
    assert file.hunks[0].lines[1] == HunkLine(" ", b"")
    assert len(file.hunks[0].lines) == 11


@pytest.mark.parametrize(
    ("header", "paths"),
    [
        ("--- a/x.c\n+++ b/x.c\n", ("x.c", "x.c")),
        (
            "--- linux.orig/mm/x.c\t2020-01-01 10:00:00.0 +0100\n+++ linux/mm/x.c\t2020-01-02 10:00:00\n",
            ("mm/x.c", "mm/x.c"),
        ),
        ("--- a/mm/x.c~fix\n+++ a/mm/x.c\n", ("mm/x.c", "mm/x.c")),
        ("--- /dev/null\n+++ b/mm/x.c\n", (None, "mm/x.c")),
        ("--- a/mm/x.c\n+++ /dev/null\n", ("mm/x.c", None)),
        ("diff --git mm/x.c mm/x.c\n--- mm/x.c\n+++ mm/x.c\n", ("mm/x.c", "mm/x.c")),
        (
            'diff --git "a/m\\303\\244.c" "b/m\\303\\244.c"\n--- "a/m\\303\\244.c"\n+++ "b/m\\303\\244.c"\n',
            ("mä.c", "mä.c"),
        ),
        ("diff --git a/a b.c b/a b.c\n--- a/a b.c\t\n+++ b/a b.c\t\n", ("a b.c", "a b.c")),
    ],
)
def test_names_are_read_from_any_header(header: str, paths: tuple[str | None, str | None]) -> None:
    (file,) = parse_diff(header.encode() + b"@@ -1 +1 @@\n-a\n+b\n")
    assert (file.old_path, file.new_path) == paths


def test_changes_without_hunks_are_read() -> None:
    text = (
        b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n"
        b"diff --git a/s b/s\nold mode 100644\nnew mode 100755\n"
        b"diff --git a/n b/n\nnew file mode 100644\nindex 000000000000..e69de29bb2d1\n"
        b"diff --git a/i b/i\nindex 1234567..89abcde 100644\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\n"
        b"literal 1\nIcmZPo000310RR91\n\n-- \n2.4\n"
    )
    renamed, mode, added, binary = parse_diff(text)
    assert (renamed.is_rename, renamed.old_path, renamed.new_path) == (True, "x", "y")
    assert (mode.old_mode, mode.new_mode) == (0o100644, 0o100755)
    assert (added.old_path, added.new_path) == (None, "n")
    assert binary.binary is not None
    assert binary.binary.count(b"literal 1") == 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("-10,8 +10,9", "-10,9 +10,10", "lacks 0 old and 1 new"),
        ("-10,8 +10,9", "-10,8 +10,8", "more lines"),
        ("@@ -10", "@@ -x", "header"),
    ],
)
def test_counts_that_lie_are_a_corrupt_patch(old: str, new: str, reason: str) -> None:
    with pytest.raises(CorruptPatch, match=reason):
        parse_diff(DIFF.replace(old, new).encode())


def test_git_apply_counts_the_same_lines() -> None:
    git = program("git")
    done = subprocess.run([git, "apply", "--numstat"], input=DIFF.encode(), capture_output=True, check=True)
    assert done.stdout == b"3\t2\tmm/entry.c\n"
    (file,) = parse_diff(DIFF.encode())
    kinds = [line.kind for line in file.hunks[0].lines]
    assert (kinds.count("+"), kinds.count("-")) == (3, 2)
