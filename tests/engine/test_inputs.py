"""What an input is taken for when no file of that name is there."""

from pathlib import Path

import pytest

from ptlint.engine.inputs import _is_range, _is_remote

RANGES = ["v6.1..v6.2", "HEAD~3..", "..topic", "origin/master..HEAD", "..origin/x", "HEAD@{1}..HEAD", "A^..b4/x~1"]
MESSAGES = ["a@b", "<a..b@c>", "a..b@x.org", "2024..x-1@host", "https://lore.kernel.org/all/a@b/", "https://x/a..b@c"]
PATHS = ["-", "..", "../series.mbox", "../../x", "./a..b", "/x/a..b", "0001-mm.patch", "a/b@c"]


@pytest.mark.parametrize("entry", [*RANGES, *MESSAGES, *PATHS])
def test_ranges_messages_and_paths_are_told_apart(entry: str, tmp_path: Path) -> None:
    assert _is_range(entry, tmp_path) is (entry in RANGES)
    assert _is_remote(entry) is (entry in MESSAGES)


def test_a_file_of_that_name_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("v1..v2", "a@b"):
        (tmp_path / name).write_text("")
        assert not _is_range(name, tmp_path)
        assert not _is_remote(name)
