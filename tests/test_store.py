"""What is kept between two runs: found again whole, or not at all, whatever happened to its file meanwhile."""

import multiprocessing
import os
import stat
import zlib
from pathlib import Path

import pytest

from ptlint import store
from ptlint.__main__ import main
from ptlint.store import FactStore, open_store


def numbers(value: object) -> list[int]:
    """Return *value* if it is a list of numbers."""
    assert isinstance(value, list | dict)
    if not isinstance(value, list) or not all(isinstance(one, int) for one in value):
        raise ValueError("no list of numbers")
    return value


def folder() -> Path:
    return Path(os.environ["XDG_CACHE_HOME"]) / "ptlint"


def entries() -> list[Path]:
    return [path for path in folder().rglob("*") if path.is_file()]


def test_a_value_is_found_under_its_kind_and_key_alone() -> None:
    assert open_store().put("squares", ["1", "2"], [1, 4])
    held = open_store()
    assert held.get("squares", ["1", "2"], numbers) == [1, 4]
    assert held.get("squares", ["1", "2", ""], numbers) is None
    assert held.get("squares", ["12"], numbers) is None
    assert held.get("cubes", ["1", "2"], numbers) is None


def test_nothing_is_written_before_there_is_something_to_keep() -> None:
    assert open_store().get("squares", ["1"], numbers) is None
    assert not folder().exists()


def test_only_the_user_may_read_what_is_kept() -> None:
    previous = os.umask(0o002)
    try:
        assert open_store().put("squares", ["1"], [1])
    finally:
        os.umask(previous)
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [folder(), *folder().rglob("*")])
    assert open_store().get("squares", ["1"], numbers) == [1]


@pytest.mark.parametrize("change", ["cut", "flip", "empty", "grown", "text"])
def test_a_damaged_entry_is_deleted_and_counts_as_absent(change: str) -> None:
    open_store().put("squares", ["1"], list(range(100)))
    (path,) = entries()
    data = path.read_bytes()
    damaged = {
        "cut": data[:-1],
        "flip": data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
        "empty": b"",
        "grown": data + b"\0",
        "text": b"cos\nsystem\n(S'true'\ntR.",
    }
    path.write_bytes(damaged[change])
    assert open_store().get("squares", ["1"], numbers) is None
    assert entries() == []


def test_an_entry_of_another_key_is_not_taken_for_this_one() -> None:
    held = open_store()
    held.put("squares", ["1"], [1])
    (first,) = entries()
    data = first.read_bytes()
    held.put("squares", ["2"], [4])
    (second,) = [path for path in entries() if path != first]
    second.write_bytes(data)
    assert held.get("squares", ["2"], numbers) is None
    assert held.get("squares", ["1"], numbers) == [1]


def test_an_entry_of_another_ptlint_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    open_store().put("squares", ["1"], [1])
    monkeypatch.setattr(store, "_stamp", lambda: "another")
    assert open_store().get("squares", ["1"], numbers) is None


def test_a_value_that_is_not_what_it_should_be_is_deleted() -> None:
    open_store().put("squares", ["1"], {"1": 1})
    assert open_store().get("squares", ["1"], numbers) is None
    assert entries() == []


def test_an_entry_that_would_unpack_to_far_too_much_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    open_store().put("squares", ["1"], [0] * 100_000)
    monkeypatch.setattr(store, "MAX_VALUE", 10_000)
    assert open_store().get("squares", ["1"], numbers) is None
    assert entries() == []


def test_a_value_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENTRY", 100)
    assert not open_store().put("squares", ["1"], [number * number for number in range(100)])
    assert entries() == []


def test_the_entries_used_least_recently_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARDS", 1)
    monkeypatch.setattr(store, "MAX_ENTRIES", 3)
    held = open_store()
    for number in range(5):
        held.put("squares", [str(number)], [number])
        for age, path in enumerate(sorted(entries(), key=lambda path: -path.stat().st_mtime)):
            os.utime(path, (1000 - age, 1000 - age))
    assert [number for number in range(5) if held.get("squares", [str(number)], numbers)] == [2, 3, 4]


def test_bytes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARDS", 1)
    monkeypatch.setattr(store, "MAX_SHARD", 2000)
    held = open_store()
    for number in range(100):
        held.put("squares", [str(number)], list(os.urandom(50)))
    assert 1000 < sum(path.stat().st_size for path in entries()) <= 2000


def test_a_folder_that_others_may_write_to_is_not_used() -> None:
    open_store().put("squares", ["1"], [1])
    folder().chmod(0o777)
    held = open_store()
    assert "others may write to it" in held.reason
    assert held.get("squares", ["1"], numbers) is None
    assert not held.put("squares", ["2"], [4])


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder().parent.mkdir()
    folder().symlink_to(tmp_path)
    assert not open_store().put("squares", ["1"], [1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_regular_file_is_no_entry(kind: str, tmp_path: Path) -> None:
    open_store().put("squares", ["1"], [1])
    (path,) = entries()
    data = path.read_bytes()
    path.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert open_store().get("squares", ["1"], numbers) is None


def test_a_full_disk_keeps_nothing_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert not open_store().put("squares", ["1"], [1])
    assert entries() == []


def test_a_relative_cache_folder_is_ignored_as_the_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert open_store().info().folder.startswith(os.environ["HOME"] + "/.cache/ptlint/")


def test_a_store_that_is_switched_off_holds_nothing() -> None:
    open_store().put("squares", ["1"], [1])
    assert open_store(use=False).get("squares", ["1"], numbers) is None
    assert not open_store(use=False).put("squares", ["2"], [4])


def _write_and_read(seed: int) -> int:
    held = open_store()
    wrong = 0
    for number in range(200):
        key = [str(number % 7)]
        held.put("squares", key, [number % 7] * 500)
        found = held.get("squares", key, numbers)
        wrong += found is not None and found != [number % 7] * 500
    return wrong


def test_processes_that_write_the_same_entries_never_see_half_of_one() -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(_write_and_read, range(4)) == [0, 0, 0, 0]
    assert open_store().info().entries == 7
    assert {path.name[:5] for path in entries()}.isdisjoint({".new-"})


def test_what_a_killed_writer_left_is_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "SHARDS", 1)
    open_store().put("squares", ["1"], [1])
    left = entries()[0].parent / ".new-abcdef"
    left.write_bytes(b"half")
    os.utime(left, (1000, 1000))
    open_store().put("squares", ["2"], [4])
    assert not left.exists()


def test_the_command_tells_the_size_and_deletes_entries_alone(capsys: pytest.CaptureFixture[str]) -> None:
    open_store().put("squares", ["1"], [1])
    note = folder() / "note"
    note.write_text("mine")
    assert main(["cache", "info"]) == 0
    assert f"{folder()}" in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert capsys.readouterr().out == "1 entries deleted\n"
    assert entries() == [note]


def test_the_command_says_why_a_store_is_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    open_store().put("squares", ["1"], [1])
    folder().chmod(0o777)
    assert main(["cache", "info"]) == 0
    assert "not used: " in capsys.readouterr().out


def test_an_entry_with_a_right_checksum_and_hostile_json_is_deleted() -> None:
    """Whoever can write the checksum gets no further than the decoder."""
    import hashlib

    open_store().put("squares", ["1"], [1])
    (path,) = entries()
    body = zlib.compress(store._spelled("squares", ["1"]) + b"\n" + b"[" * 100_000)
    path.write_bytes(store._MAGIC + hashlib.sha256(body).digest() + body)
    assert FactStore(folder() / store.LAYOUT).get("squares", ["1"], numbers) is None
    assert entries() == []
