"""Baselines: known findings stay known when lines move, each hides one, and what is gone is told."""

import json
from dataclasses import replace
from pathlib import Path

from ptlint.core.report import Report
from ptlint.engine.baseline import baseline_of, known_of, read_baseline, without_known
from tests.report.sample import ERROR, FULL, NOTE, WARNING

SCAN = replace(FULL, series=None, patches=(), findings=(ERROR, WARNING), left_out=(), scope=("",))


def told(report: Report) -> list[str]:
    return [entry.what for entry in report.left_out]


def test_a_baseline_holds_neither_lines_nor_wording(tmp_path: Path) -> None:
    moved = replace(WARNING, span=replace(WARNING.span, line=999), message="in other words")
    text = baseline_of(SCAN, ())
    assert text == baseline_of(replace(SCAN, findings=(moved, ERROR)), ())
    assert set(json.loads(text)["findings"][0]) == {"path", "function", "code", "fingerprint"}
    path = tmp_path / "known"
    path.write_text(text)
    report = without_known(replace(SCAN, findings=(moved, NOTE)), read_baseline(path), "known")
    assert report.findings == (NOTE,)
    assert told(report) == ["1 known finding", "1 known finding"]
    assert [entry.kind for entry in report.left_out] == ["baseline", "baseline-unused"]


def test_each_known_finding_hides_one(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_text(baseline_of(SCAN, ()))
    twice = replace(SCAN, findings=(WARNING, replace(WARNING, span=replace(WARNING.span, line=7)), ERROR))
    assert [one.code for one in without_known(twice, read_baseline(path), "known").findings] == [WARNING.code]


def test_an_update_keeps_what_it_did_not_look_for_and_drops_what_is_gone() -> None:
    known = [known_of(ERROR), known_of(WARNING)]
    nothing = replace(SCAN, findings=())
    assert json.loads(baseline_of(nothing, known))["findings"] == []
    elsewhere = replace(nothing, scope=("no/such/folder",))
    assert len(json.loads(baseline_of(elsewhere, known))["findings"]) == 2
    without_rules = replace(nothing, rules=())
    assert len(json.loads(baseline_of(without_rules, known))["findings"]) == 2


def test_an_update_twice_is_an_update_once() -> None:
    series = replace(FULL, findings=(ERROR, WARNING))
    once = baseline_of(series, ())
    assert baseline_of(series, [known_of(ERROR), known_of(WARNING)]) == once
