"""The JSON contract: every key always there, and the same bytes for the same report."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from ptlint.core.patch import Series
from ptlint.core.report import Report
from ptlint.report import load_format
from tests.report.sample import EMPTY, FULL, NOTE

FINDING = {
    *("code", "name", "severity", "message", "path", "line", "column", "function", "archs", "patch", "fixed_by"),
    *("fingerprint", "counterexample", "related"),
}


def written(report: Report) -> str:
    out = io.StringIO()
    load_format("json").report(report, out)
    return out.getvalue()


def parsed(report: Report) -> Any:
    return json.loads(written(report))


@pytest.mark.parametrize("report", [FULL, replace(EMPTY, series=Series("", 1, "", "", (), 0))])
def test_every_key_is_always_present(report: Report) -> None:
    document = parsed(report)
    assert {"schema_version", "series", "findings", "unsupported", "coverage", "rules", "left_out"} <= document.keys()
    assert document["schema_version"] == 1
    assert {"title", "version", "message_id", "base", "patches"} <= document["series"].keys()
    coverage = {"functions_changed", "functions_simulated", "universes", "scenarios"}
    assert coverage <= document["coverage"].keys()


def test_a_finding_has_every_key_even_when_it_has_nothing_to_say() -> None:
    (finding,) = parsed(replace(FULL, findings=(NOTE,)))["findings"]
    assert finding.keys() >= FINDING
    assert (finding["patch"], finding["fixed_by"], finding["counterexample"]) == (None, None, None)
    assert (finding["archs"], finding["related"]) == ([], [])


def test_related_places_name_their_function() -> None:
    related = parsed(FULL)["findings"][0]["related"]
    assert [place["function"] for place in related] == ["commit_ptes", "ptep_modify_prot_commit"]


def test_a_patch_without_a_status_was_not_applied() -> None:
    patches = parsed(replace(FULL, patches=FULL.patches[:1]))["series"]["patches"]
    assert [(patch["index"], patch["applied"]) for patch in patches] == [(1, True), (2, False)]
    assert patches[1]["reason"] == "not tried"


def test_a_scan_has_no_series() -> None:
    assert "series" not in parsed(EMPTY)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert written(FULL) == written(FULL)
