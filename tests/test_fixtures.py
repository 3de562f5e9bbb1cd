"""No fixture is an orphan: each belongs to a rule, a test or the demo."""

import re
from pathlib import Path

import pytest

from ptlint.engine.rules import rule_files
from tests.shared import FIXTURES, ROOT

FOLDERS = sorted(path for path in FIXTURES.iterdir() if path.is_dir() and any(path.rglob("*")))
RULE_FOLDERS = sorted(path for path in (FIXTURES / "rules").glob("*") if path.is_dir())
MOST_BYTES = 256 * 1024


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_fixture_folder_is_read_by_a_test_or_the_makefile(folder: Path) -> None:
    readers = [
        ROOT / "Makefile",
        *(path for path in (ROOT / "tests").rglob("*.py") if path.name != Path(__file__).name),
    ]
    texts = [path.read_text(encoding="utf-8") for path in readers]
    used = re.compile(rf"""fixtures["')]?\s*/\s*["']?{folder.name}\b""", re.IGNORECASE)
    assert any(used.search(text) for text in texts)


@pytest.mark.parametrize("folder", RULE_FOLDERS, ids=lambda path: path.name)
def test_a_fixture_of_a_rule_has_its_rule(folder: Path) -> None:
    assert folder.name in {path.stem for path in rule_files(ROOT / "rules")}


@pytest.mark.parametrize("folder", RULE_FOLDERS, ids=lambda path: path.name)
def test_a_case_of_a_rule_is_complete(folder: Path) -> None:
    for case in sorted(folder.iterdir()):
        names = {path.name for path in case.iterdir()}
        assert {"series.mbox", "want.txt"} <= names, case
        assert len({"base", "tree"} & names) == 1, case


def test_fixtures_are_small_and_plain() -> None:
    large = [path for path in FIXTURES.rglob("*") if path.is_file() and path.stat().st_size > MOST_BYTES]
    assert large == []
    assert [path for path in FIXTURES.rglob("*") if path.is_symlink()] == []
