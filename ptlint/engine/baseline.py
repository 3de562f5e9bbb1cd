"""Findings that are known: the fingerprints of an earlier JSON report.

A fingerprint is made of code, path, function and the text of the line, so a finding stays known when lines move.
"""

import json
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from ptlint.core.patch import LeftOut
from ptlint.core.report import Report
from ptlint.errors import UsageError

MOST_BYTES = 64 << 20
"""A larger file is no report of ptlint."""


def read_baseline(path: Path) -> frozenset[str]:
    """Return the fingerprints of the JSON report *path*. UsageError when it is no such report."""
    try:
        if not path.is_file():
            raise UsageError(f"--baseline {path}: no such file")
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"--baseline {path}: larger than {MOST_BYTES >> 20} MiB, which no report of ptlint is")
        document = json.loads(path.read_bytes())
        return frozenset(str(finding["fingerprint"]) for finding in document["findings"])
    except OSError as error:
        raise UsageError(f"--baseline {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"--baseline {path}: not a report written by 'ptlint check --format json'") from error


def without_known(report: Report, known: Set[str], baseline: str) -> Report:
    """Return *report* without the findings in *known*; how many were taken out is said in ``left_out``."""
    kept = tuple(finding for finding in report.findings if finding.fingerprint not in known)
    dropped = len(report.findings) - len(kept)
    if not dropped:
        return report
    said = LeftOut("baseline", f"{dropped} known finding{'s' if dropped > 1 else ''}", f"listed in {baseline}")
    return replace(report, findings=kept, left_out=(*report.left_out, said))
