"""One line a finding as gcc prints them, for editors: ``file:line:column: severity: message [CODE]``."""

from typing import TextIO

from ptlint.core.report import Report
from ptlint.report._text import one_line, patch_name


def report(report: Report, out: TextIO) -> None:
    """Write the findings, each second place as a ``note`` line below; columns count bytes.

    A finding that somebody asked to leave out is a ``note`` as well.
    """
    for finding in report.findings:
        origin = f" ({patch_name(finding.patch)})" if finding.patch else ""
        text = f"{one_line(finding.message)}{origin} [{finding.code}]"
        span = finding.span
        out.write(f"{one_line(span.path)}:{span.line}:{span.column}: {finding.severity.value}: {text}\n")
        for related in finding.related:
            span = related.span
            out.write(f"{one_line(span.path)}:{span.line}:{span.column}: note: {one_line(related.text)}\n")
    for entry in report.suppressed:
        span = entry.finding.span
        text = f"left out ({entry.origin}: {entry.reason}): {entry.finding.message} [{entry.finding.code}]"
        out.write(f"{one_line(span.path)}:{span.line}:{span.column}: note: {one_line(text)}\n")
