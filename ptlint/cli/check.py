"""``ptlint check``: the rules over a patch series."""

import argparse
from typing import TYPE_CHECKING

from ptlint.cli._baseline import add_baseline, read_known, with_baseline
from ptlint.cli._checked import checked, exit_code
from ptlint.cli._output import add_output, write_output
from ptlint.cli._request import add_profiles, add_rules, add_tree, add_versions, request_of
from ptlint.engine.request import CheckRequest
from ptlint.errors import SeriesUnknown, UsageError
from ptlint.report import load_format

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
    add_versions(tree)
    add_profiles(tree)
    source = tree.add_mutually_exclusive_group()
    source.add_argument("--staged", action="store_true", help="check what the index has over HEAD")
    source.add_argument("--worktree", action="store_true", help="check what the work tree has over HEAD")
    source.add_argument(
        "--series",
        action="store_true",
        help="the input is one mail: check the whole series, from b4's B4_TRACKING_FILE, else by its Message-ID",
    )
    add_baseline(add_rules(parser))
    output = add_output(parser)
    output.add_argument(
        "--b4-epoch",
        metavar="N",
        help="changes nothing: b4 keeps results by command line, so another N makes it ask again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, write the report, and return the exit code as the README says."""
    request = _request(arguments)
    known = read_known(arguments)
    chosen = load_format(arguments.format)
    is_advisory = getattr(chosen, "ADVISORY", False)
    try:
        report = checked(request, findings_only=is_advisory)
    except SeriesUnknown:
        nothing_known: Callable[[TextIO], None] | None = getattr(chosen, "nothing_known", None)
        if nothing_known is None:
            raise
        write_output(nothing_known, arguments.output)
        return 0
    report = with_baseline(arguments, report, known)
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
