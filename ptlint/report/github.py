"""Workflow commands of GitHub Actions: each finding becomes an annotation of the changed line."""

from typing import TextIO

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.report._source import end_of
from ptlint.report._text import one_line, patch_name

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def report(report: Report, out: TextIO) -> None:
    """Write one command a finding; one that somebody asked to leave out is a notice."""
    for finding in report.findings:
        properties = ",".join(f"{name}={_property(value)}" for name, value in _properties(finding).items())
        out.write(f"::{_LEVELS[finding.severity]} {properties}::{_data(_message(finding))}\n")
    for entry in report.suppressed:
        properties = ",".join(f"{name}={_property(value)}" for name, value in _properties(entry.finding).items())
        text = f"left out ({entry.origin}: {entry.reason}): {entry.finding.message}"
        out.write(f"::notice {properties}::{_data(one_line(text))}\n")


def _properties(finding: Finding) -> dict[str, str]:
    end_line, end_column = end_of(finding.span)
    properties = {"file": finding.span.path, "line": str(finding.span.line), "col": str(finding.span.column)}
    if end_line == finding.span.line and end_column > finding.span.column:
        properties["endColumn"] = str(end_column)
    properties["title"] = f"{finding.code} {finding.name}"
    return properties


def _message(finding: Finding) -> str:
    parts = [one_line(finding.message)]
    if finding.patch:
        parts.append(patch_name(finding.patch))
    if finding.archs:
        parts.append("on " + ", ".join(finding.archs))
    parts += [one_line(f"{related.span}: {related.text}") for related in finding.related]
    return "\n".join(parts)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")
