"""``ptlint scan``: options, exit codes, baselines, and where the progress goes."""

import json
import shutil
from pathlib import Path

import pytest

from ptlint.__main__ import main
from tests.engine.test_scan import IDLE
from tests.kernels import SMALL

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    shutil.copytree(SMALL, folder)
    (folder / "mm/idle.c").write_text(IDLE)
    return folder


def run(tree: Path, *options: str) -> int:
    return main(["scan", "mm", "--tree", str(tree), "--arch", "x86+noparavirt", "--jobs", "1", *options])


def test_findings_decide_the_exit_code(tree: Path, capsys: Capture) -> None:
    assert run(tree) == 1
    assert "mm/idle.c:5" in capsys.readouterr().out
    assert run(tree, "--fail-on", "error") == 0
    assert run(tree, "--ignore", "PT407") == 0


def test_nothing_is_told_on_standard_error_without_a_terminal(tree: Path, capsys: Capture) -> None:
    run(tree)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["json", "sarif", "gcc", "github", "rdjson", "gitlab", "junit"])
def test_formats_are_those_of_check(tree: Path, name: str, capsys: Capture) -> None:
    run(tree, "--format", name)
    assert "PT407" in capsys.readouterr().out


def test_a_baseline_is_written_used_and_updated(tree: Path, tmp_path: Path, capsys: Capture) -> None:
    known = tmp_path / "known.json"
    assert run(tree, "--baseline", str(known)) == 2
    assert run(tree, "--baseline", str(known), "--update-baseline") == 0
    assert len(json.loads(known.read_text())["findings"]) == 1
    (tree / "mm/idle.c").write_text("\n\n" + IDLE)
    assert run(tree, "--baseline", str(known)) == 0
    assert "1 known finding" in capsys.readouterr().out
    (tree / "mm/idle.c").write_text(IDLE.replace("*ptep)", "ptep_get(ptep))"))
    assert run(tree, "--baseline", str(known)) == 0
    assert "found no more" in " ".join(capsys.readouterr().out.split())
    assert run(tree, "--baseline", str(known), "--update-baseline") == 0
    assert json.loads(known.read_text())["findings"] == []


def test_an_update_without_a_baseline_is_refused(tree: Path, capsys: Capture) -> None:
    assert run(tree, "--update-baseline") == 2
    assert "--update-baseline needs --baseline" in capsys.readouterr().err


def test_outside_of_a_tree_there_is_nothing_to_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["scan"]) == 2
    assert "nothing to scan" in capsys.readouterr().err
    assert main(["scan", "--tree", str(tmp_path / "absent")]) == 2
    assert main(["scan", "--tree", str(tmp_path)]) == 3
