"""``ptlint nipa``: a patch test of NIPA, the CI of netdev: the commit at HEAD, checked in the folder it runs in.

NIPA reads the exit code (0 good, 250 warning, anything else but 111 failure), takes the description from the file
descriptor ``DESC_FD`` and keeps what is printed as the log.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from ptlint.cli._checked import checked
from ptlint.cli._request import add_profiles, add_rules, request_of
from ptlint.errors import UsageError

SUMMARY = "Check the commit at HEAD as a patch test of NIPA: exit code 0, 250 or 1, description to DESC_FD."

WARNING = 250
FAILURE = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose what is run."""
    add_profiles(parser)
    add_rules(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, describe, log, and return NIPA's exit code."""
    from ptlint.core.rule import Severity
    from ptlint.engine.inputs import commits
    from ptlint.report import load_format
    from ptlint.report._brief import brief, worst_of
    from ptlint.tree import enclosing_tree

    folder = enclosing_tree(Path.cwd())
    if folder is None:
        raise UsageError("this is no git repository of a kernel: NIPA runs a test in the one with the patch")
    series = commits(folder, "HEAD~1..HEAD", 1)
    # The later patches of the series are not known: what this one leaves open is no fault of it.
    report = checked(request_of(arguments, ()), series=replace(series, missing=(2,), expected=2))
    load_format("terminal").report(report, sys.stdout)
    _describe(brief(report.findings, len(report.not_executed)))
    return {Severity.ERROR: FAILURE, Severity.WARNING: WARNING, Severity.NOTE: 0}[worst_of(report.findings)]


def _describe(text: str) -> None:
    """Write the description where NIPA reads it; without ``DESC_FD`` nobody does."""
    number = os.environ.get("DESC_FD", "")
    if not number:
        return
    try:
        with os.fdopen(os.dup(int(number)), "w", encoding="utf-8", errors="backslashreplace") as out:
            out.write(text + "\n")
    except (ValueError, OSError) as error:
        raise UsageError(f"DESC_FD={number} is no open file descriptor ({error})") from error
