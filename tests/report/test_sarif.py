"""What SARIF readers rely on beyond the shape of the file."""

import io
import json
from dataclasses import replace
from typing import Any

from ptlint.core.report import Report
from ptlint.report import load_format
from tests.report.sample import ERROR, FULL, RUN


def run_of(report: Report) -> Any:
    out = io.StringIO()
    load_format("sarif").report(report, out)
    return json.loads(out.getvalue())["runs"][0]


def test_columns_are_utf16_units_with_tabs_counted_once() -> None:
    line = '\tf("𝔭ä"); old_pte = pte;'
    column = len(line[: line.index("old_pte")].encode()) + 1
    span = replace(ERROR.span, line=1, column=column, end_line=1, end_column=column + len("old_pte = pte"))
    run = run_of(replace(FULL, findings=(replace(ERROR, span=span),), sources={ERROR.span.path: line.encode()}))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    units = len(line[: line.index("old_pte")].encode("utf-16-le")) // 2
    assert (region["startColumn"], region["endColumn"]) == (units + 1, units + 1 + len("old_pte = pte"))
    assert run["columnKind"] == "utf16CodeUnits"


def test_related_places_are_linked_from_the_message() -> None:
    result = run_of(FULL)["results"][0]
    assert [place["id"] for place in result["relatedLocations"]] == [1, 2]
    assert "[where it decides on a flush](2)" in result["message"]["text"]


def test_equal_lines_have_fingerprints_of_their_own() -> None:
    results = run_of(replace(FULL, findings=(ERROR, ERROR)))["results"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]
    assert len(set(hashes)) == 2


def test_the_run_is_a_code_flow_in_order() -> None:
    (flow,) = run_of(FULL)["results"][0]["codeFlows"]
    steps = flow["threadFlows"][0]["locations"]
    assert [step["executionOrder"] for step in steps] == [1, 2, 3, 4]
    assert steps[1]["location"]["message"]["text"].startswith("mmu: entry 1: sets accessed")


def test_a_run_without_steps_is_no_code_flow() -> None:
    run = replace(RUN, events=())
    (result,) = run_of(replace(FULL, findings=(replace(ERROR, counterexample=run),)))["results"]
    assert "codeFlows" not in result


def test_what_was_not_executed_is_told() -> None:
    notifications = run_of(FULL)["invocations"][0]["toolExecutionNotifications"]
    texts = [entry["message"]["text"] for entry in notifications]
    assert "not executed on s390: inline assembly" in texts
    assert "patch 2 does not apply: mm/mprotect.c: hunk 1 does not match" in texts
