"""``ptlint reply``: replies to a series, one for each patch with findings, for a person to read, change and send."""

import argparse
import sys
from pathlib import Path

from ptlint.cli._checked import checked, exit_code
from ptlint.cli._request import add_profiles, add_rules, add_tree, add_versions, request_of
from ptlint.errors import UsageError

SUMMARY = "Print replies to the mails of a series as an mbox, one for each patch with findings. Nothing is ever sent."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare input, tree, rules and output."""
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="mbox, maildir, mails, a folder of them, '-' for standard input, or a Message-ID or URL of lore",
    )
    tree = add_tree(parser)
    add_versions(tree)
    add_profiles(tree)
    add_rules(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--from", dest="sender", metavar="MAILBOX", help="who replies (default: user.name and user.email of git)"
    )
    output.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the mbox to FILE")


def run(arguments: argparse.Namespace) -> int:
    """Check, write the mbox, and return 1 for findings, 3 when a patch could not be read or applied, else 0."""
    report = checked(request_of(arguments, tuple(arguments.inputs)))
    from ptlint.report._mail import mbox_of, replies

    series = report.series
    if series is not None and series.patches and not any(patch.ref.message_id for patch in series.patches):
        raise UsageError("there is nothing to reply to: the patches have no Message-ID; give the mails of the series")
    mails = replies(report, arguments.sender if arguments.sender is not None else _identity())
    data = b"".join(map(mbox_of, mails))
    told = sum(1 for finding in report.findings if not (finding.patch and finding.patch.index))
    if told:
        print(f"ptlint: {told} finding(s) on code that replies propose are not in these mails", file=sys.stderr)
    if arguments.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        from ptlint.cli._output import replace_file

        replace_file(arguments.output, data)
    return exit_code(report, "note")


def _identity() -> str:
    from ptlint.cli._gitconfig import git_value

    name, email = git_value("user.name"), git_value("user.email")
    return f"{name} <{email}>" if name and email else email
