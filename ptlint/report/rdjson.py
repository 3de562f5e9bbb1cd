"""Reviewdog's diagnostic format: columns count UTF-8 bytes, as ptlint's own do."""

import json
from typing import TextIO

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.core.span import Span
from ptlint.report._source import end_of
from ptlint.report._text import one_line, path_of

_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "INFO"}


def report(report: Report, out: TextIO) -> None:
    """Write one DiagnosticResult.

    A finding that somebody asked to leave out is in none: reviewdog would comment on it, and fail with it.
    """
    urls = {rule.code: rule.evidence[0].url for rule in report.rules if rule.evidence}
    document = {"source": {"name": "ptlint"}, "diagnostics": [_diagnostic(item, urls) for item in report.findings]}
    json.dump(document, out, indent=2)
    out.write("\n")


def _diagnostic(finding: Finding, urls: dict[str, str]) -> dict[str, object]:
    code = {"value": finding.code}
    if finding.code in urls:
        code["url"] = urls[finding.code]
    diagnostic: dict[str, object] = {
        "message": one_line(finding.message),
        "location": _location(finding.span),
        "severity": _SEVERITIES[finding.severity],
        "code": code,
    }
    if finding.related:
        diagnostic["related_locations"] = [
            {"message": one_line(related.text), "location": _location(related.span)} for related in finding.related
        ]
    return diagnostic


def _location(span: Span) -> dict[str, object]:
    end_line, end_column = end_of(span)
    extent: dict[str, object] = {"start": {"line": span.line, "column": span.column}}
    if (end_line, end_column) != (span.line, span.column):
        extent["end"] = {"line": end_line, "column": end_column}
    return {"path": path_of(span.path), "range": extent}
