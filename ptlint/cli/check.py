"""``ptlint check``: the rules over a patch series."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.cli._checked import NEVER, checked, exit_code
from ptlint.cli._output import write_output
from ptlint.cli._request import add_rules, add_tree, request_of
from ptlint.engine.request import CheckRequest
from ptlint.errors import UsageError
from ptlint.report import format_names, load_format

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from ptlint.core.report import Report
    from ptlint.report import Format

SUMMARY = "Check a patch series: what it breaks, on which architectures, with a run that shows it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare input, tree, rules and output."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="mbox, maildir, patch files, a folder of them, '-' for standard input, a git range A..B, "
        "or a Message-ID or URL of lore",
    )
    tree = add_tree(parser)
    source = tree.add_mutually_exclusive_group()
    source.add_argument("--staged", action="store_true", help="check what the index has over HEAD")
    source.add_argument("--worktree", action="store_true", help="check what the work tree has over HEAD")
    source.add_argument(
        "--series",
        action="store_true",
        help="the input is one mail: check the whole series, from b4's B4_TRACKING_FILE, else by its Message-ID",
    )
    rules = add_rules(parser)
    rules.add_argument(
        "--baseline",
        metavar="FILE",
        type=Path,
        help="findings of this earlier JSON report are known: do not repeat them",
    )
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
    output.add_argument(
        "--b4-epoch",
        metavar="N",
        help="changes nothing: b4 keeps results by command line, so another N makes it ask again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, write the report, and return the exit code as the README says."""
    request = _request(arguments)
    known = None
    if arguments.baseline:
        from ptlint.engine.baseline import read_baseline

        known = read_baseline(arguments.baseline)
    chosen = load_format(arguments.format)
    is_advisory = getattr(chosen, "ADVISORY", False)
    report = checked(request, findings_only=is_advisory)
    if known is not None:
        from ptlint.engine.baseline import without_known

        report = without_known(report, known, str(arguments.baseline))
    write = _writer(chosen, whole_series=arguments.series)
    write_output(lambda out: write(report, out), arguments.output)
    return 0 if is_advisory else exit_code(report, arguments.fail_on)


def _writer(chosen: "Format", whole_series: bool) -> "Callable[[Report, TextIO], None]":
    write: Callable[[Report, TextIO], None] = getattr(chosen, "report_series", chosen.report)
    return write if whole_series else chosen.report


def _request(arguments: argparse.Namespace) -> CheckRequest:
    from_git = arguments.staged or arguments.worktree
    if from_git and arguments.inputs:
        raise UsageError(f"{'--staged' if arguments.staged else '--worktree'} is the input: name no other")
    if not from_git and not arguments.inputs:
        raise UsageError("nothing to check: name a mailbox, patch, range or '-', or use --staged or --worktree")
    return request_of(
        arguments,
        tuple(arguments.inputs),
        staged=arguments.staged,
        worktree=arguments.worktree,
        whole_series=arguments.series,
    )
