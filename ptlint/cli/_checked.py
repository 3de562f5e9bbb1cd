"""A request carried out, with what it is doing told on a terminal; and the exit code that a report means."""

from typing import TYPE_CHECKING

from ptlint.cli._output import NEVER
from ptlint.engine.request import CheckRequest

if TYPE_CHECKING:
    from ptlint.core.patch import Series
    from ptlint.core.report import Report

UNREADABLE = "unreadable"
"""The kind of a ``LeftOut`` that is input nobody could read, which makes the exit code 3."""

FAILED = "PT010"
"""The kind of a ``LeftOut`` for which a mistake of ptlint itself is the reason."""


def checked(request: CheckRequest, findings_only: bool = False, series: "Series | None" = None) -> "Report":
    """Return the report on *request*; *series* is its input where that was read already.

    With *findings_only* the report on a series that concerns no page tables is made without rules and simulator, and
    names neither.
    """
    from ptlint.cli._progress import Progress

    with Progress() as progress:
        if findings_only:
            from ptlint.engine.early import early_report
            from ptlint.engine.inputs import enclosing_folder, series_asked

            folder = request.tree or enclosing_folder(request)
            series = series_asked(request, folder) if series is None else series
            report = early_report(request, series, folder)
            if report is not None:
                return report
        # Here, so that --help, a wrong option and what is no business of ptlint do not pay for the simulator.
        from ptlint.engine.run import check

        return check(request, series, progress)


def exit_code(report: "Report", fail_on: str) -> int:
    """Return 3 when a patch did not apply or a part of the input was unreadable, else 1 for findings, else 0.

    Findings count from the severity *fail_on* upwards; with ``never`` they do not. 4 when a mistake of ptlint itself
    is all that the run came to.
    """
    from ptlint.core.rule import Severity

    if any(entry.kind == FAILED for entry in report.left_out) and not report.findings and not report.coverage.scenarios:
        return 4
    unread = any(entry.kind == UNREADABLE for entry in report.left_out)
    if unread or not all(patch.applied for patch in report.patches):
        return 3
    if fail_on == NEVER:
        return 0
    return int(any(finding.severity.rank >= Severity(fail_on).rank for finding in report.findings))
