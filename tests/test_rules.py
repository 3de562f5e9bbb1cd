"""Every rule file is complete, and every example of every rule is a test."""

import re
from pathlib import Path

import pytest

from ptlint.core.explanation import wanted
from ptlint.engine.examples import run_example
from ptlint.engine.rules import load_rule
from tests.shared import ROOT

PATHS = sorted((ROOT / "rules").glob("*.py"))
EXAMPLES = [(path, number) for path in PATHS for number, _ in enumerate(load_rule(path).info.examples)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_rule_is_complete(path: Path) -> None:
    assert load_rule(path).path == path


def test_codes_are_taken_once() -> None:
    codes = [load_rule(path).info.code for path in PATHS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(("path", "number"), EXAMPLES, ids=lambda value: getattr(value, "stem", str(value)))
def test_an_example_gives_the_findings_it_wants_and_no_others(path: Path, number: int) -> None:
    rule = load_rule(path)
    example = rule.info.examples[number]
    findings = run_example(rule, example)
    wants = wanted(example)
    assert [finding.code for finding in findings] == [rule.info.code] * len(wants)
    for want in wants:
        found = [finding for finding in findings if finding.span.line == want.line]
        assert any(re.search(want.pattern, finding.message) for finding in found), (want, findings)
