"""``ptlint explain`` and ``ptlint rules``: everything comes from the rule files."""

import json
from pathlib import Path

import pytest

from ptlint.__main__ import main
from ptlint.engine import rules as rule_loader
from tests.engine.test_rules import rule_file


@pytest.fixture(autouse=True)
def one_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ptlint have one rule."""
    rule_file(tmp_path)
    monkeypatch.setattr(rule_loader, "packaged_folder", lambda: tmp_path)


@pytest.mark.parametrize("code", ["PT901", "pt901", "lost-bit"])
def test_a_rule_is_explained_by_code_or_name(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# PT901 lost-bit\n")
    parts = ["## What it reports\n\nA lost bit.", "## When it is wrong\n\nNever.", "Wrong: nobody keeps it"]
    parts += ["```c\nlose(ptep);\n```\nReported on line 1.", "https://git.kernel.org/torvalds/c/0123456789ab"]
    for part in parts:
        assert part in text


def test_an_unknown_code_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "PT999"]) == 2
    assert "no rule 'PT999'" in capsys.readouterr().err


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    assert capsys.readouterr().out == "PT901  error    lost-bit  a bit is lost\n"


def test_rules_are_listed_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--json"]) == 0
    (rule,) = json.loads(capsys.readouterr().out)["rules"]
    assert (rule["code"], rule["explanation"]["What to do"]) == ("PT901", "Keep the bit.")
    assert [example["valid"] for example in rule["examples"]] == [False, True]


def test_rules_are_a_page_of_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| PT901 | lost-bit | error | a bit is lost |" in text
    assert "\n## PT901 lost-bit\n" in text
    assert "\n### Evidence\n" in text
