"""What docs/ci.md shows: every command runs, every configuration holds commands that exist, clean series are clean."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.transcript import Command, commands, play, shown
from tests.interfaces.world import BAD, git, run, with_programs
from tests.shared import package

SHOWN = [
    (heading, one) for heading in ("GitHub", "reviewdog", "JUnit", "Editors") for one in commands("ci.md", heading)
]


@pytest.fixture
def at(linux: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_programs(monkeypatch)
    return linux


@pytest.mark.parametrize("command", [one for _, one in SHOWN], ids=[heading for heading, _ in SHOWN])
def test_a_command_prints_what_the_page_says(at: Path, command: Command) -> None:
    play(command, at)


def steps(document: Any) -> list[str]:
    """Return the shell lines of a workflow or pipeline."""
    if isinstance(document, dict):
        own = [document["run"]] if isinstance(document.get("run"), str) else []
        return own + [line for value in document.values() for line in steps(value)]
    if isinstance(document, list):
        return [line for one in document for line in ([one] if isinstance(one, str) else steps(one))]
    return []


@pytest.mark.parametrize("heading", ["GitHub", "GitLab"])
def test_a_pipeline_runs_as_it_is_shown(at: Path, heading: str) -> None:
    (text,) = shown("ci.md", heading, "yaml")
    (line,) = [line for line in steps(package("yaml").safe_load(text)) if line.startswith("ptlint ")]
    git(at, "update-ref", "refs/remotes/origin/master", "HEAD")
    git(at, "am", "-q", str(BAD))
    assert run(["sh", "-c", line], at) == (0, "", "")
    (path,) = [path for path in (at / "ptlint.sarif", at / "gl-code-quality-report.json") if path.exists()]
    assert path.name in text.replace(line, "")
    document = json.loads(path.read_text())
    if heading == "GitLab":
        ((issue,), (words,)) = document, shown("ci.md", heading, "text")
        assert words.strip() == f'"description": {json.dumps(issue["description"])}'
        assert issue["location"] == {"path": "include/linux/pgtable.h", "lines": {"begin": 157}}
    else:
        (result,) = document["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]
        assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("include/linux/pgtable.h", 157)
        assert result["codeFlows"][0]["threadFlows"][0]["locations"]


def test_a_clean_series_is_silent_and_has_no_result(at: Path) -> None:
    assert run(["ptlint", "check", "--format", "github", "../clean.mbox"], at) == (0, "", "")
    code, out, err = run(["ptlint", "check", "--format", "sarif", "../clean.mbox"], at)
    assert (code, err) == (0, "")
    assert json.loads(out)["runs"][0]["results"] == []
