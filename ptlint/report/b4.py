"""The text protocol of ``b4 prep/am/shazam --check``: one line a finding, as ``checkpatch.pl --terse`` writes them.

b4 takes every line for a warning unless it contains ``ERROR:``, even an empty one or a summary, and reads the exit
code only when there is no output: a clean series, and one that does not apply to the tree at hand, must be silent.
"""

from typing import TextIO

from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.report._text import one_line, patch_name

ADVISORY = True


def report(report: Report, out: TextIO) -> None:
    """Write errors and warnings.

    Notes, and findings that somebody asked to leave out, have no level in b4 and are left to the other formats.
    """
    for finding in report.findings:
        if finding.severity is Severity.NOTE:
            continue
        # A proposal in a reply stands in no patch: say where.
        origin = f" ({patch_name(finding.patch)})" if finding.patch and not finding.patch.index else ""
        message = (one_line(finding.message) + origin).replace("ERROR:", "ERROR -")
        place = f"{one_line(finding.span.path)}:{finding.span.line}".replace("ERROR:", "ERROR -")
        out.write(f"{place}: {finding.severity.value.upper()}:{finding.code}: {message}\n")
