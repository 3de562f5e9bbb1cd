"""Findings that are known: a file of fingerprints, or an earlier JSON report.

A fingerprint is made of code, path, function and the text of the line, so a finding stays known when lines move.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut
from ptlint.core.report import Report
from ptlint.errors import UsageError

MOST_BYTES = 64 << 20
"""A larger file is no report of ptlint."""


@dataclass(frozen=True, slots=True, order=True)
class Known:
    """A finding that is known. Of two equal ones each hides one finding."""

    path: str
    function: str
    code: str
    fingerprint: str


def read_baseline(path: Path) -> tuple[Known, ...]:
    """Return the findings of the baseline or JSON report *path*. UsageError when it is neither."""
    try:
        if not path.is_file():
            raise UsageError(f"--baseline {path}: no such file")
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"--baseline {path}: larger than {MOST_BYTES >> 20} MiB, which no baseline of ptlint is")
        document = json.loads(path.read_bytes())
        return tuple(_known(finding) for finding in document["findings"])
    except OSError as error:
        raise UsageError(f"--baseline {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        what = "neither a baseline nor a report written by 'ptlint check --format json'"
        raise UsageError(f"--baseline {path}: {what}") from error


def _known(finding: dict[str, object]) -> Known:
    path, function, code, fingerprint = (finding[key] for key in ("path", "function", "code", "fingerprint"))
    return Known(str(path), str(function), str(code), str(fingerprint))


def known_of(finding: Finding) -> Known:
    """Return *finding* as a baseline holds it."""
    return Known(finding.span.path, finding.function, finding.code, finding.fingerprint)


def without_known(report: Report, known: Iterable[Known], baseline: str) -> Report:
    """Return *report* without the findings in *known*; how many were taken out is said in ``left_out``.

    So is how many of *known* were not found any more, as far as the report looked for them.
    """
    left = Counter(one.fingerprint for one in known)
    kept = []
    for finding in report.findings:
        if left[finding.fingerprint]:
            left[finding.fingerprint] -= 1
        else:
            kept.append(finding)
    dropped = len(report.findings) - len(kept)
    said = []
    if dropped:
        said.append(LeftOut("baseline", _counted(dropped, "known finding"), f"listed in {baseline}"))
    gone = sum(left[one.fingerprint] > 0 for one in set(known) if report.series is None and _looked_for(report, one))
    if gone:
        reason = f"listed in {baseline} and found no more; --update-baseline takes them out"
        said.append(LeftOut("baseline-unused", _counted(gone, "known finding"), reason))
    return replace(report, findings=tuple(kept), left_out=(*report.left_out, *said))


def baseline_of(report: Report, known: Sequence[Known]) -> str:
    """Return the text of a baseline with the findings of *report*, and those of *known* that it did not look for."""
    found = Counter(map(known_of, report.findings))
    kept = Counter(one for one in known if not _looked_for(report, one))
    entries = sorted((found | kept).elements())
    findings = [
        {"path": one.path, "function": one.function, "code": one.code, "fingerprint": one.fingerprint}
        for one in entries
    ]
    return json.dumps({"schema_version": 1, "kind": "baseline", "findings": findings}, indent=1) + "\n"


def _looked_for(report: Report, known: Known) -> bool:
    """Return whether *report* would hold the finding *known* if it were still there."""
    here = any(not one or known.path == one or known.path.startswith(one + "/") for one in report.scope)
    return here and any(rule.code == known.code for rule in report.rules)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"
