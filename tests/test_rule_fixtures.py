"""End to end, one case after the other: the mails of ``fixtures/rules/RULE/CASE`` on its tree give what is wanted.

A case holds ``series.mbox``, ``want.txt`` with one line a finding, and the tree: in ``base/``, or a file ``tree`` that
names a folder of ``fixtures/``. The profiles are those of a file ``arch``, if there is one.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.rules import rule_files
from ptlint.engine.run import check
from tests.shared import FIXTURES, ROOT

CASES = sorted(path.parent for path in (FIXTURES / "rules").glob("*/*/series.mbox"))
PROFILES = "x86+noparavirt,arm64+nocontpte"


def tree_of(case: Path) -> Path:
    """Return the tree that the series of a case is for."""
    named = case / "tree"
    return FIXTURES / named.read_text(encoding="utf-8").strip() if named.is_file() else case / "base"


def report_of(case: Path) -> Report:
    """Check a case with the rule that it belongs to."""
    named = case / "arch"
    archs = named.read_text(encoding="utf-8").strip() if named.is_file() else PROFILES
    code = case.parent.name.partition("_")[0].upper()
    series = (str(case / "series.mbox"),)
    return check(CheckRequest(series, tree_of(case), archs=tuple(archs.split(",")), select=(code,), cwd=case))


def line_of(finding: Finding) -> str:
    """Return a finding as ``want.txt`` has it."""
    patch = f"patch {finding.patch.index}/{finding.patch.total}" if finding.patch else "no patch"
    repaired = f", repaired by {finding.fixed_by.index}" if finding.fixed_by else ""
    archs = f" [{' '.join(finding.archs)}]" if finding.archs else ""
    place = f"{finding.span} {finding.function}()"
    return f"{finding.code} {finding.severity.value}: {place}, {patch}{repaired}{archs}: {finding.message}\n"


@pytest.mark.parametrize("path", rule_files(ROOT / "rules"), ids=lambda path: path.stem)
def test_a_rule_has_a_case(path: Path) -> None:
    assert path.stem in {case.parent.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_case_gives_what_it_wants(case: Path, golden: Callable[[Path, str], None]) -> None:
    report = report_of(case)
    assert [status.reason for status in report.patches if not status.applied] == []
    assert [entry for entry in report.left_out if entry.kind == "PT010"] == []
    assert report.findings != ()
    golden(case / "want.txt", "".join(line_of(finding) for finding in report.findings))
