"""``ptlint patchwork-post``: a check on each patch of a series, for the table that Patchwork shows beside it."""

import argparse
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from ptlint.cli._checked import checked
from ptlint.cli._request import add_profiles, add_rules, add_tree, add_versions, request_of
from ptlint.errors import PtlintError, UsageError

if TYPE_CHECKING:
    from ptlint.core.patch import Patch
    from ptlint.core.report import Report

SUMMARY = "Check a series and post what it came to as a check on each of its patches in Patchwork."

TOKEN = "PATCHWORK_TOKEN"
"""The variable that holds the token of a maintainer; it is taken from nowhere else."""

_CONTEXT = re.compile(r"[A-Za-z0-9_-]{1,255}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare input, server and check."""
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", help="mbox, mails, a folder of them, '-', or a Message-ID or URL of lore"
    )
    server = parser.add_argument_group("patchwork", f"The token is read from {TOKEN}.")
    server.add_argument("--server", metavar="URL", help="the server (default: b4.pw-url of the git configuration)")
    server.add_argument("--project", metavar="NAME", help="the project (default: b4.pw-project)")
    server.add_argument("--context", metavar="NAME", default="ptlint", help="name of the check (default: ptlint)")
    server.add_argument("--target-url", metavar="URL", default="", help="where the whole report can be read")
    server.add_argument("--dry-run", action="store_true", help="print what would be posted and ask no server")
    tree = add_tree(parser)
    add_versions(tree)
    add_profiles(tree)
    add_rules(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, post, and return 0 when every patch has its check, 3 when one has not."""
    from ptlint.cli._gitconfig import git_value
    from ptlint.cli._patchwork import Patchwork
    from ptlint.report._text import one_line

    if not _CONTEXT.fullmatch(arguments.context):
        raise UsageError(f"--context {arguments.context}: Patchwork takes letters, digits, '_' and '-'")
    if arguments.target_url and not re.match(r"https?://[^/\s]", arguments.target_url):
        raise UsageError(f"--target-url {arguments.target_url}: no address of a page")
    address = arguments.server or git_value("b4.pw-url")
    token = os.environ.get(TOKEN, "").strip()
    if not arguments.dry_run and not (address and token):
        what = f"{TOKEN} is not set" if address else "no server: name it with --server or b4.pw-url of git"
        raise UsageError(f"{what} (--dry-run posts nothing and needs neither)")
    server = None if arguments.dry_run else Patchwork(address, token)
    report = checked(request_of(arguments, tuple(arguments.inputs)))
    patches = [patch for patch in (report.series.patches if report.series else ()) if patch.ref.message_id]
    if not patches:
        raise UsageError("the patches have no Message-ID, by which Patchwork knows them; give the mails of the series")
    code = 0
    for patch in patches:
        check = _check(report, patch, arguments)
        if server is None:
            print(json.dumps({"msgid": patch.ref.message_id, "check": check}))
            continue
        try:
            project = arguments.project if arguments.project is not None else git_value("b4.pw-project")
            server.post(server.patch_id(patch.ref.message_id, project), check)
        except PtlintError as error:  # the others can still get theirs
            print(one_line(f"ptlint: patch {patch.ref.index}/{patch.ref.total}: {error}"), file=sys.stderr)
            code = 3
    return code


def _check(report: "Report", patch: "Patch", arguments: argparse.Namespace) -> dict[str, str]:
    """Return the check on one patch: *fail* for errors, *warning* for warnings and for what was not looked at whole."""
    from ptlint.core.rule import Severity
    from ptlint.report._brief import brief, worst_of

    findings = [one for one in report.findings if one.patch == patch.ref]
    failed = next((one for one in report.patches if one.index == patch.ref.index and not one.applied), None)
    states = {Severity.ERROR: "fail", Severity.WARNING: "warning", Severity.NOTE: "success"}
    state = states[worst_of(findings)]
    description = brief(findings)
    if failed is not None and state == "success":
        state, description = "warning", "does not apply to the tree at hand, and was not checked whole"
    check = {"state": state, "context": arguments.context, "description": description}
    return {**check, "target_url": arguments.target_url} if arguments.target_url else check
