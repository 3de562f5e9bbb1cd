"""The options of a baseline: findings that are known and not repeated."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.errors import UsageError

if TYPE_CHECKING:
    from ptlint.core.report import Report
    from ptlint.engine.baseline import Known


def add_baseline(group: argparse._ArgumentGroup) -> None:
    """Add ``--baseline`` and ``--update-baseline``."""
    group.add_argument(
        "--baseline",
        metavar="FILE",
        type=Path,
        help="findings of this baseline, or of this earlier JSON report, are known: do not repeat them",
    )
    group.add_argument(
        "--update-baseline",
        action="store_true",
        help="write what was found to the file of --baseline: known from now on",
    )


def read_known(arguments: argparse.Namespace) -> "tuple[Known, ...]":
    """Return the findings that are known before the run. UsageError for a file that is no baseline."""
    path: Path | None = arguments.baseline
    if path is None:
        if arguments.update_baseline:
            raise UsageError("--update-baseline needs --baseline with the file to write")
        return ()
    if arguments.update_baseline and not path.exists():
        return ()
    from ptlint.engine.baseline import read_baseline

    return read_baseline(path)


def with_baseline(arguments: argparse.Namespace, report: "Report", known: "tuple[Known, ...]") -> "Report":
    """Return *report* without the known findings, after they were written down where that is asked for."""
    path: Path | None = arguments.baseline
    if path is None:
        return report
    from ptlint.cli._output import write_output
    from ptlint.engine.baseline import baseline_of, read_baseline, without_known

    if arguments.update_baseline:
        text = baseline_of(report, known)
        write_output(lambda out: print(text, end="", file=out), path)
        known = read_baseline(path)
    return without_known(report, known, str(path))
