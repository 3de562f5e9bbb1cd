"""Every format of a check, and every command that writes about a mailbox: clean series are silent, a finding is one.

The series are checked for real, each once; what the program then prints and returns is read as its reader does.
"""

import email
import email.policy
import json
import mailbox
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import ptlint.engine.run
from ptlint.__main__ import main
from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.report import format_names
from tests.interfaces.world import BAD, PLACE, kernel

Out = pytest.CaptureFixture[str]
Read = Callable[[str], list[str]]
"""Returns the places, as ``path:line``, of the findings that a text shows to its reader."""


def _lines(pattern: str) -> Read:
    return lambda text: [f"{match[1]}:{match[2]}" for match in re.finditer(pattern, text, re.MULTILINE)]


def _json(text: str) -> list[str]:
    return [f"{one['path']}:{one['line']}" for one in json.loads(text)["findings"]]


def _sarif(text: str) -> list[str]:
    (run,) = json.loads(text)["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    return [f"{one['artifactLocation']['uri']}:{one['region']['startLine']}" for one in places]


def _rdjson(text: str) -> list[str]:
    places = [one["location"] for one in json.loads(text)["diagnostics"]]
    return [f"{one['path']}:{one['range']['start']['line']}" for one in places]


def _gitlab(text: str) -> list[str]:
    return [f"{one['location']['path']}:{one['location']['lines']['begin']}" for one in json.loads(text)]


def _junit(text: str) -> list[str]:
    return [str(one.text).partition(": ")[0] for one in ET.fromstring(text).iter("failure")]


def _b4_review(text: str) -> list[str]:
    (result,) = json.loads(text)
    found = [one for one in json.loads(result.get("details", "[]")) if one["status"] != "pass"]
    assert result["status"] == ("fail" if found else "pass")
    return [":".join(one["description"].split(":")[:2]) for one in found]


READERS: dict[str, Read] = {
    "terminal": _lines(r"^ *--> (\S+?):(\d+):\d+ in "),
    "gcc": _lines(r"^(\S+?):(\d+):\d+: (?:error|warning): "),
    "b4": _lines(r"^(\S+?):(\d+): (?:ERROR|WARNING):PT\d+: "),
    "github": _lines(r"^::(?:error|warning) file=(.+?),line=(\d+),"),
    "json": _json,
    "sarif": _sarif,
    "rdjson": _rdjson,
    "gitlab": _gitlab,
    "junit": _junit,
    "b4-review": _b4_review,
}
WORDLESS = {"gcc", "b4", "github"}
"""Formats that print nothing at all for a clean series."""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Report]]:
    """Return a repository with both series beside it, and what checking them came to."""
    tree = kernel(tmp_path_factory.mktemp("kernel"))
    found = {}
    for path in (BAD, tree.parent / "clean.mbox"):
        found[path.name] = ptlint.engine.run.check(CheckRequest((str(path),), tree=tree, cwd=tree))
    return tree, found


@pytest.fixture
def said(reports: tuple[Path, dict[str, Report]], monkeypatch: pytest.MonkeyPatch, capsys: Out) -> Callable[..., str]:
    """Return a function that runs a command on a mailbox, checks its exit code, and returns what it prints."""
    tree, known = reports
    monkeypatch.chdir(tree)
    monkeypatch.setattr(ptlint.engine.run, "check", lambda request, *_: known[Path(request.inputs[0]).name])

    def run(name: str, *words: str, code: int) -> str:
        assert main([*words, f"../{name}"]) == code
        printed = capsys.readouterr()
        assert printed.err == ""
        return printed.out

    return run


@pytest.mark.parametrize("name", format_names())
def test_a_finding_appears_once_at_its_line_of_the_new_file(name: str, said: Callable[..., str]) -> None:
    advisory = name in ("b4", "b4-review")
    text = said("series.mbox", "check", "--format", name, code=0 if advisory else 1)
    assert READERS[name](text) == [PLACE]


@pytest.mark.parametrize("name", format_names())
def test_a_clean_series_is_silent(name: str, said: Callable[..., str]) -> None:
    text = said("clean.mbox", "check", "--format", name, code=0)
    assert READERS[name](text) == []
    assert not (name in WORDLESS and text)


def test_a_reply_comments_once_under_the_line(
    said: Callable[..., str], reports: tuple[Path, dict[str, Report]], tmp_path: Path
) -> None:
    box = tmp_path / "replies.mbox"
    said("series.mbox", "reply", "-o", str(box), code=1)
    assert said("clean.mbox", "reply", code=0) == ""
    (mail,) = mailbox.mbox(str(box))
    lines = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default).get_content().splitlines()
    (comment,) = [number for number, line in enumerate(lines) if line.startswith("[PT")]
    quoted = [line for line in lines[:comment] if line.startswith(">")]
    (finding,) = reports[1]["series.mbox"].findings
    assert (str(finding.span), quoted[-1]) == (PLACE, f"> +{finding.line_text}")


def test_a_check_on_patchwork_names_the_line(said: Callable[..., str]) -> None:
    checks = [
        json.loads(line)["check"] for line in said("series.mbox", "patchwork-post", "--dry-run", code=0).splitlines()
    ]
    assert [(one["state"], PLACE in one["description"]) for one in checks] == [("fail", True), ("success", False)]
    clean = [
        json.loads(line)["check"] for line in said("clean.mbox", "patchwork-post", "--dry-run", code=0).splitlines()
    ]
    assert {(one["state"], one["description"]) for one in clean} == {("success", "no findings")}
