"""What docs/ci.md shows: every command runs, every configuration holds commands that exist, clean series are clean."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.transcript import Command, commands, play, shown
from tests.interfaces.world import BAD, git, run, with_programs
from tests.shared import ROOT, package, program

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


def test_reviewdog_gets_what_it_reads(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """reviewdog itself comes from no registry that CI has: a validator of its format stands at the end of the pipe."""
    validator = program(str(Path(sys.prefix) / "rdformat/node_modules/.bin/rdformat-validator"))
    (line,) = shown("ci.md", "reviewdog", "sh")
    bin = at.parent / "bin"
    bin.mkdir()
    read = at.parent / "read.json"
    (bin / "reviewdog").write_text(f'#!/bin/sh\necho "$@"\ncat >{read}\nexec {validator} --strict {read}\n')
    (bin / "reviewdog").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")
    git(at, "update-ref", "refs/remotes/origin/master", "HEAD")
    git(at, "am", "-q", str(BAD))
    code, out, err = run(["sh", "-c", line], at)
    assert (code, err) == (0, "")
    assert "-f=rdjson -reporter=github-pr-review -fail-level=any" in out
    (found,) = json.loads(read.read_text())["diagnostics"]
    assert (found["location"]["path"], found["location"]["range"]["start"]["line"]) == ("include/linux/pgtable.h", 157)


def test_vim_jumps_to_the_line(at: Path) -> None:
    text = next(text for text in (ROOT / "docs/ci.md").read_text().splitlines() if ":set makeprg=" in text)
    (option,) = re.findall(r"`:(set makeprg=[^`]*)`", text)
    git(at, "apply", str(BAD))
    (at.parent / "make.vim").write_text(f"{option}\nsilent make\nredir! > ../where\necho expand('%') line('.')\nqa!\n")
    subprocess.run(
        [program("vim"), "-N", "-u", "NONE", "-i", "NONE", "-es", "-S", "../make.vim"],
        cwd=at, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert (at.parent / "where").read_text().split() == ["include/linux/pgtable.h", "157"]


def test_the_manual_page_is_read_as_the_page_says(at: Path) -> None:
    (lines,) = shown("ci.md", "Shells", "sh")
    (line,) = [line.split("#")[0].strip() for line in lines.splitlines() if "ptlint man" in line]
    program("man")
    code, out, err = run(["sh", "-c", line], at, MANPAGER="cat", MANWIDTH="100")
    assert (code, err) == (0, "")
    assert "patchwork-post" in out


def test_a_clean_series_is_silent_and_has_no_result(at: Path) -> None:
    assert run(["ptlint", "check", "--format", "github", "../clean.mbox"], at) == (0, "", "")
    code, out, err = run(["ptlint", "check", "--format", "sarif", "../clean.mbox"], at)
    assert (code, err) == (0, "")
    assert json.loads(out)["runs"][0]["results"] == []
