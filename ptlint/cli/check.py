"""``ptlint check``: the rules over a patch series."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.cli._output import write_output
from ptlint.cli._parser import add_rules_dir, comma_separated, positive
from ptlint.engine.request import CheckRequest
from ptlint.errors import UsageError
from ptlint.report import format_names, load_format

if TYPE_CHECKING:
    from ptlint.core.report import Report

SUMMARY = "Check a patch series: what it breaks, on which architectures, with a run that shows it."

UNREADABLE = "unreadable"
"""The kind of a ``LeftOut`` that is input nobody could read, which makes the exit code 3."""

FAILED = "PT010"
"""The kind of a ``LeftOut`` for which a mistake of ptlint itself is the reason."""

NEVER = "never"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare input, tree, rules and output."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="mbox, maildir, patch files, a folder of them, '-' for standard input, or a git range A..B",
    )
    _add_tree(parser)
    _add_rules(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--format", choices=format_names(), default="terminal", help="default: terminal")
    output.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write the report to FILE, whole or not at all"
    )
    output.add_argument(
        "--fail-on",
        choices=["error", "warning", "note", NEVER],
        default="warning",
        help="the least severity that makes the exit code 1 (default: warning)",
    )


def _add_tree(parser: argparse.ArgumentParser) -> None:
    tree = parser.add_argument_group("what it applies to")
    tree.add_argument("--tree", metavar="PATH", type=Path, help="kernel repository or source tree (default: here)")
    tree.add_argument(
        "--base",
        metavar="REV",
        help="revision to apply to (default: the base-commit trailer, else the newest commit it applies to)",
    )
    source = tree.add_mutually_exclusive_group()
    source.add_argument("--staged", action="store_true", help="check what the index has over HEAD")
    source.add_argument("--worktree", action="store_true", help="check what the work tree has over HEAD")
    tree.add_argument("--revision", metavar="N", type=positive, help="which version of a series that a thread holds")
    tree.add_argument(
        "--max-commits", metavar="N", type=positive, default=500, help="most commits of a range (default: 500)"
    )
    tree.add_argument(
        "--arch",
        metavar="A[,B]",
        dest="archs",
        type=comma_separated,
        action="extend",
        default=[],
        help="architectures or profiles (default: all)",
    )
    tree.add_argument("--config", metavar="FILE", type=Path, help="a kernel .config in place of the built-in profiles")


def _add_rules(parser: argparse.ArgumentParser) -> None:
    rules = parser.add_argument_group("rules")
    for option, text in (("--select", "run only these"), ("--ignore", "leave these out")):
        rules.add_argument(
            option,
            metavar="CODES",
            type=comma_separated,
            action="extend",
            default=[],
            help=f"{text}: codes or their beginnings, separated by commas",
        )
    rules.add_argument(
        "--baseline",
        metavar="FILE",
        type=Path,
        help="findings of this earlier JSON report are known: do not repeat them",
    )
    add_rules_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, write the report, and return the exit code as the README says."""
    request = _request(arguments)
    known = None
    if arguments.baseline:
        from ptlint.engine.baseline import read_baseline

        known = read_baseline(arguments.baseline)
    report = _check(request)
    if known is not None:
        from ptlint.engine.baseline import without_known

        report = without_known(report, known, str(arguments.baseline))
    chosen = load_format(arguments.format)
    write_output(lambda out: chosen.report(report, out), arguments.output)
    return 0 if getattr(chosen, "ADVISORY", False) else exit_code(report, arguments.fail_on)


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


def _request(arguments: argparse.Namespace) -> CheckRequest:
    from_git = arguments.staged or arguments.worktree
    if from_git and arguments.inputs:
        raise UsageError(f"{'--staged' if arguments.staged else '--worktree'} is the input: name no other")
    if not from_git and not arguments.inputs:
        raise UsageError("nothing to check: name a mailbox, patch, range or '-', or use --staged or --worktree")
    if arguments.config and not os.path.isfile(arguments.config):
        raise UsageError(f"--config {arguments.config}: no such file")
    if arguments.tree and not os.path.isdir(arguments.tree):
        raise UsageError(f"--tree {arguments.tree}: no such folder")
    request = CheckRequest(
        inputs=tuple(arguments.inputs),
        tree=arguments.tree,
        base=arguments.base,
        staged=arguments.staged,
        worktree=arguments.worktree,
        archs=tuple(arguments.archs),
        config=arguments.config,
    )
    return replace(
        request,
        rules_dirs=tuple(arguments.rules_dirs),
        select=tuple(arguments.select),
        ignore=tuple(arguments.ignore),
        revision=arguments.revision,
        max_commits=arguments.max_commits,
        cwd=Path.cwd(),
    )


def _check(request: CheckRequest) -> "Report":
    # Here, so that --help and a wrong option do not pay for the simulator.
    from ptlint.engine.run import check

    return check(request)
