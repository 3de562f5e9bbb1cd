"""GitLab's code quality report: a JSON array; fingerprints are unique in a report and survive moved lines."""

import hashlib
import json
from collections import Counter
from typing import TextIO

from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.report._text import one_line, path_of

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def report(report: Report, out: TextIO) -> None:
    """Write one issue a finding; none for one that somebody asked to leave out, which GitLab then shows as resolved."""
    seen: Counter[str] = Counter()
    issues = []
    for finding in report.findings:
        seen[finding.fingerprint] += 1
        key = f"{finding.fingerprint}:{seen[finding.fingerprint]}"
        issues.append(
            {
                "description": one_line(finding.message),
                "check_name": f"{finding.code} {finding.name}",
                "fingerprint": hashlib.sha256(key.encode()).hexdigest()[:32],
                "severity": _SEVERITIES[finding.severity],
                "location": {"path": path_of(finding.span.path), "lines": {"begin": finding.span.line}},
            }
        )
    json.dump(issues, out, indent=2)
    out.write("\n")
