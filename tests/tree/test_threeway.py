"""Three-way application: what git am -3 does, without writing into the repository."""

from pathlib import Path

from ptlint.tree.base import open_base
from ptlint.tree.result import Applied
from ptlint.tree.snapshots import apply_series
from tests.tree.scratchrepo import commit, committed, contents, git, make_repository, run_git, series_of, state_of

ONE = b"".join(b"line %d\n" % number for number in range(1, 31))


def edited(text: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def patches_on(folder: Path, *versions: dict[str, bytes | None]) -> list[bytes]:
    """Commit *versions* on a side branch and return them as mails; come back to master."""
    git(folder, "checkout", "-q", "-b", "side")
    for number, files in enumerate(versions):
        commit(folder, files, f"change {number}")
    mails = git(folder, "format-patch", "-o", str(folder.parent / "mails"), "--full-index", "master").decode().split()
    git(folder, "checkout", "-q", "master")
    return [Path(name).read_bytes() for name in mails]


def apply_all(folder: Path, mails: list[bytes]) -> tuple[Applied, ...]:
    series = series_of(*mails)
    return apply_series(open_base(folder, "HEAD", series).tree, series)


def am(folder: Path, mails: list[bytes]) -> int:
    """Run the real git am -3 and return its exit code."""
    return run_git(folder, "am", "-q", "-3", stdin=b"".join(mails)).returncode


def test_a_patch_merges_with_a_change_in_its_context(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE, "mm/b.c": b"b\n"})
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n")), "mm/new.c": b"n\n"})
    commit(folder, {"mm/a.c": edited(ONE, (b"line 12\n", b"line twelve\n"))}, "meanwhile")
    (applied,) = apply_all(folder, mails)
    assert (applied.status.applied, applied.status.how) == (True, "3way")
    assert "three-way merge" in applied.status.reason
    assert am(folder, mails) == 0
    assert contents(applied.snapshot) == committed(folder)


def test_a_patch_follows_a_file_that_was_renamed_meanwhile(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE})
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n"))})
    git(folder, "mv", "mm/a.c", "mm/moved.c")
    git(folder, "commit", "-q", "-m", "move")
    (applied,) = apply_all(folder, mails)
    assert am(folder, mails) == 0
    assert applied.status.how == "3way"
    assert contents(applied.snapshot) == committed(folder)


def test_later_patches_build_on_a_merged_one(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE})
    second = edited(ONE, (b"line 10\n", b"line ten\n"))
    mails = patches_on(folder, {"mm/a.c": second}, {"mm/a.c": edited(second, (b"line 20\n", b"line twenty\n"))})
    commit(folder, {"mm/a.c": edited(ONE, (b"line 12\n", b"line twelve\n"))}, "meanwhile")
    applied = apply_all(folder, mails)
    assert [one.status.how for one in applied] == ["3way", "clean"]
    assert am(folder, mails) == 0
    assert contents(applied[-1].snapshot) == committed(folder)


def test_a_later_patch_starts_from_what_an_earlier_one_made_of_its_base(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE})
    second = edited(ONE, (b"line 10\n", b"line ten\n"))
    mails = patches_on(folder, {"mm/a.c": second}, {"mm/a.c": edited(second, (b"line 20\n", b"line twenty\n"))})
    git(folder, "branch", "-q", "-D", "side")
    git(folder, "reflog", "expire", "--expire=now", "--all")
    git(folder, "gc", "-q", "--prune=now")  # so that only the first patch's base is in the repository
    moved = edited(ONE, (b"line 12\n", b"line twelve\n"), (b"line 22\n", b"line XXII\n"))
    commit(folder, {"mm/a.c": moved}, "meanwhile")
    applied = apply_all(folder, mails)
    assert [one.status.how for one in applied] == ["3way", "3way"]
    assert am(folder, mails) == 0
    assert contents(applied[-1].snapshot) == committed(folder)


def test_the_mode_of_a_merged_file_is_kept(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.sh": ONE})
    (folder / "mm/a.sh").chmod(0o755)
    commit(folder, {}, "executable")
    mails = patches_on(folder, {"mm/a.sh": edited(ONE, (b"line 10\n", b"line ten\n"))})
    commit(folder, {"mm/a.sh": edited(ONE, (b"line 12\n", b"line twelve\n"))}, "meanwhile")
    (applied,) = apply_all(folder, mails)
    assert applied.status.how == "3way"
    blob = applied.state.blob("mm/a.sh")
    assert blob is not None
    assert blob.mode == 0o100755


def test_a_conflict_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE, "mm/b.c": b"b\n"})
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n")), "mm/b.c": b"B\n"})
    commit(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line X\n"))}, "meanwhile")
    (applied,) = apply_all(folder, mails)
    assert not applied.status.applied
    assert "the three-way merge conflicts in mm/a.c" in applied.status.reason
    assert applied.snapshot.read("mm/b.c") == b"B\n"
    assert am(folder, mails) != 0


def test_a_patch_that_is_already_in_changes_nothing(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE})
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n"))})
    git(folder, "merge", "-q", "side")
    (applied,) = apply_all(folder, mails)
    assert applied.is_already_applied
    assert applied.status.how == "3way"
    assert "already applied" in applied.status.reason


def test_without_the_blobs_there_is_no_merge(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "r", {"mm/a.c": ONE})
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n"))})
    other = make_repository(tmp_path / "o", {"mm/a.c": edited(ONE, (b"line 11\n", b"line eleven\n"))})
    (applied,) = apply_all(other, mails)
    assert applied.status.how == "failed"
    assert applied.status.reason.startswith("mm/a.c: hunk")


def test_the_repository_is_untouched_and_its_configuration_runs_nothing(tmp_path: Path) -> None:
    folder = make_repository(
        tmp_path / "r", {"mm/a.c": ONE, ".gitattributes": b"*.c merge=evil filter=evil diff=evil\n"}
    )
    mails = patches_on(folder, {"mm/a.c": edited(ONE, (b"line 10\n", b"line ten\n"))})
    commit(folder, {"mm/a.c": edited(ONE, (b"line 12\n", b"line twelve\n"))}, "meanwhile")
    trap = f"touch {tmp_path / 'ran'}"
    for key in ("merge.evil.driver", "filter.evil.clean", "filter.evil.smudge", "diff.evil.command", "core.fsmonitor"):
        git(folder, "config", key, trap)
    before = state_of(folder)
    (applied,) = apply_all(folder, mails)
    assert applied.status.how == "3way"
    assert state_of(folder) == before
    assert not (tmp_path / "ran").exists()
