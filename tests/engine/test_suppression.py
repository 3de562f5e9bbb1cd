"""Findings left out on somebody's word: by the tree's configuration, by a trailer of the patch, never in silence."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.run import check
from ptlint.engine.scan import scan
from ptlint.errors import UsageError
from ptlint.report import load_format
from tests.kernels import SMALL, diff_of, mail

IDLE = """\
static bool entry_is_idle(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	if (!pte_present(ptep_get(ptep)))
		return false;
	return !pte_young(*ptep);
}
"""
IGNORE = '[[ignore]]\nrules = ["PT407"]\npath = "mm/*"\nreason = "to be converted"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    shutil.copytree(SMALL, folder)
    return folder


def checked(tree: Path, text: str = "Say why.", **more: object) -> Report:
    """Check a patch that brings a PT407, with *text* as its commit message."""
    box = tree.parent / "one.mbox"
    box.write_text(mail("[PATCH] mm: idle", diff_of({}, {"mm/idle.c": IDLE}), text=text))
    request = CheckRequest(inputs=(str(box),), tree=tree, archs=("x86+noparavirt",), cwd=tree, select=("PT4",))
    return check(replace(request, **more))  # type: ignore[arg-type]


def noted(report: Report, kind: str) -> list[tuple[str, str]]:
    return [(entry.what, entry.reason) for entry in report.left_out if entry.kind == kind]


def test_a_trailer_with_a_reason_leaves_findings_of_its_patch_out(tree: Path) -> None:
    report = checked(tree, "Say why.\n\nPtlint-ignore: PT407 entries of this pool are never mapped")
    assert report.findings == ()
    (hidden,) = report.suppressed
    assert (hidden.finding.code, hidden.reason) == ("PT407", "entries of this pool are never mapped")
    assert hidden.origin == "Ptlint-ignore of patch 1"


@pytest.mark.parametrize(
    ("trailer", "why"),
    [
        ("PT407", "gives no reason, so nothing is left out for it"),
        ("PT407:  ", "gives no reason, so nothing is left out for it"),
        ("all of it", "names no rule: write 'Ptlint-ignore: PT407 reason'"),
        ("PT999 because", "no rule has the code PT999"),
    ],
)
def test_a_trailer_without_rule_or_reason_leaves_nothing_out_and_is_told(tree: Path, trailer: str, why: str) -> None:
    report = checked(tree, f"Say why.\n\nPtlint-ignore: {trailer}")
    assert [one.code for one in report.findings] == ["PT407"]
    assert [reason for _, reason in noted(report, "ignore")] == [why]


def test_a_trailer_without_effect_is_told(tree: Path) -> None:
    report = checked(tree, "Say why.\n\nPtlint-ignore: PT408, PT410: just in case")
    assert [one.code for one in report.findings] == ["PT407"]
    assert noted(report, "unused-ignore") == [
        ("Ptlint-ignore: PT408, PT410 (patch 1)", "the patch brings no such finding")
    ]


def test_the_tree_leaves_findings_out_by_rule_path_and_function(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text(IGNORE)
    (hidden,) = checked(tree).suppressed
    assert (hidden.origin, hidden.line, hidden.reason) == (".ptlint.toml", 1, "to be converted")


def test_an_isolated_run_leaves_nothing_out(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text(IGNORE + '[rules]\nignore = ["PT4"]\n')
    report = checked(tree, "Say why.\n\nPtlint-ignore: PT407 trust me", isolated=True)
    assert ([one.code for one in report.findings], report.suppressed) == (["PT407"], ())


def test_a_patch_cannot_bring_its_own_configuration(tree: Path) -> None:
    box = tree.parent / "one.mbox"
    box.write_text(mail("[PATCH] mm: idle", diff_of({}, {"mm/idle.c": IDLE, ".ptlint.toml": IGNORE})))
    report = check(CheckRequest(inputs=(str(box),), tree=tree, archs=("x86+noparavirt",), select=("PT4",), cwd=tree))
    assert [one.code for one in report.findings] == ["PT407"]


def test_rules_that_the_tree_does_not_want_are_named(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text('[rules]\nselect = ["PT4"]\nignore = ["PT407", "PT999"]\n')
    report = checked(tree, select=())
    assert report.findings == ()
    assert {rule.code[:3] for rule in report.rules} == {"PT4"}
    told = dict(noted(report, "ignore"))
    assert told["PT407"] == "not run: [rules] of the tree's configuration leaves it out"
    assert told["PT999"] == "no rule has this code or beginning"
    assert "PT101" in told


def test_the_command_line_overrides_the_selection_of_the_tree(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text('[rules]\nselect = ["PT1"]\n')
    assert [one.code for one in checked(tree, select=("PT4",)).findings] == ["PT407"]


def test_an_entry_of_the_file_without_effect_is_told_when_the_whole_tree_was_scanned(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text(IGNORE)
    request = CheckRequest(tree=tree, archs=("x86+noparavirt",), select=("PT4",), cwd=tree)
    assert noted(scan(request), "unused-ignore") == [("PT407 in mm/*", "nothing is found that it leaves out")]
    assert noted(scan(replace(request, inputs=("mm",))), "unused-ignore") == []
    (tree / "mm/idle.c").write_text(IDLE)
    report = scan(request)
    assert (noted(report, "unused-ignore"), len(report.suppressed)) == ([], 1)


def test_a_broken_file_stops_the_run_with_a_sentence(tree: Path) -> None:
    (tree / ".ptlint.toml").write_text("[[ignore]]\nrules = ['PT407']\n")
    with pytest.raises(UsageError, match=r"\.ptlint\.toml:1 has an \[\[ignore\]\] without a reason"):
        checked(tree)


def test_formats_show_what_is_left_out(tree: Path) -> None:
    report = checked(tree, "Say why.\n\nPtlint-ignore: PT407 never mapped")
    texts = {}
    for name in ("terminal", "json", "sarif", "gcc"):
        out = io.StringIO()
        load_format(name).report(report, out)
        texts[name] = out.getvalue()
    assert "left out because somebody asked for it (1)" in texts["terminal"]
    assert "never mapped" in texts["terminal"]
    assert [one["reason"] for one in json.loads(texts["json"])["suppressed"]] == ["never mapped"]
    (result,) = json.loads(texts["sarif"])["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "Ptlint-ignore of patch 1: never mapped"}]
    assert texts["gcc"].startswith("mm/idle.c:5:")
    assert "note: left out" in texts["gcc"]
