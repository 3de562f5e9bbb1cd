"""The checks of ``b4 review``: a JSON array with one result, whose ``details`` are a string.

b4 fails for good on ``details`` of another type, and renders a string that holds a JSON list finding by finding. It
keeps one result for each mail and ``tool``: that of a series is called otherwise, or it would take the place of the
one of its first mail. The exit code is read only when nothing is printed.
"""

import json
from typing import TextIO

from ptlint.core.finding import Finding
from ptlint.core.report import Report, Suppressed
from ptlint.core.rule import Severity
from ptlint.report._text import left_out_lines, not_executed_lines, one_line, patch_name, totals

ADVISORY = True

TOOL = "ptlint"
TOOL_OF_SERIES = "ptlint-series"

MOST_LISTED = 100
"""Entries of ``details``; the rest is counted."""

_STATUS = {Severity.ERROR: "fail", Severity.WARNING: "warn", Severity.NOTE: "pass"}


def report(report: Report, out: TextIO) -> None:
    """Write the result for one patch."""
    _write(report, TOOL, out)


def report_series(report: Report, out: TextIO) -> None:
    """Write the result for a whole series."""
    _write(report, TOOL_OF_SERIES, out)


def nothing_known(out: TextIO) -> None:
    """Write that there is no result, which b4 does not keep: it asks again the next time."""
    out.write("[]\n")


def _write(report: Report, tool: str, out: TextIO) -> None:
    ranks = [finding.severity.rank for finding in report.findings]
    status = {2: "fail", 1: "warn"}.get(max(ranks, default=0), "pass")
    urls = {rule.code: rule.evidence[0].url for rule in report.rules if rule.evidence}
    entries = [_entry(finding, urls.get(finding.code, "")) for finding in report.findings]
    entries += [_left_out(entry) for entry in report.suppressed]
    entries += [_limit("not applied", f"patch {one.index}: {one.reason}") for one in report.patches if not one.applied]
    entries += [_limit("not executed", line) for line in not_executed_lines(report.not_executed)]
    entries += [_limit("not analysed", line) for line in left_out_lines(report.left_out)]
    if len(entries) > MOST_LISTED:
        more = f"{len(entries) - MOST_LISTED} more: 'ptlint check' has them all"
        entries = [*entries[:MOST_LISTED], _limit("ptlint", more)]
    result = {"tool": tool, "status": status, "summary": totals(report)}
    if entries:
        result["details"] = json.dumps(entries)
    url = next((urls[finding.code] for finding in report.findings if finding.code in urls), "")
    if url:
        result["url"] = url
    json.dump([result], out)
    out.write("\n")


def _entry(finding: Finding, url: str) -> dict[str, str]:
    origin = f" ({patch_name(finding.patch)})" if finding.patch else ""
    entry = {
        "status": _STATUS[finding.severity],
        "context": finding.code,
        "state": finding.severity.value,
        "description": one_line(f"{finding.span}: {finding.message}{origin}"),
    }
    if finding.line_text.strip():
        entry["srcline"] = one_line(finding.line_text)
    if url:
        entry["url"] = url
    return entry


def _left_out(entry: Suppressed) -> dict[str, str]:
    """Return a finding that somebody asked to leave out: shown, and no failure."""
    finding = entry.finding
    text = f"{finding.span}: left out ({entry.origin}: {entry.reason}): {finding.message}"
    return {"status": "pass", "context": finding.code, "state": "left out", "description": one_line(text)}


def _limit(context: str, text: str) -> dict[str, str]:
    return {"status": "pass", "context": context, "state": "limited", "description": one_line(text)}
