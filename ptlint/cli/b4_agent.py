"""``ptlint b4-agent``: the agent of ``b4 review``, which leaves its findings as comments inside the patches.

b4 checks the review branch out, runs the agent in the top folder and reads ``.git/b4-review/<id of HEAD>/``: who
comments in ``identity.txt``, a word on the series in ``series.txt``, and for each patch ``NNNN.txt``, its diff quoted
with comments between. It takes a folder once, and adds what it finds there to what it has.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.cli._checked import checked
from ptlint.cli._request import add_profiles, add_rules, request_of
from ptlint.errors import UsageError

if TYPE_CHECKING:
    from ptlint.core.finding import Finding
    from ptlint.core.report import Report
    from ptlint.engine.b4 import Tracking

SUMMARY = "Comment the series under review in 'b4 review': for b4.review-agent-command."

ADDRESS = "ptlint@ptlint.invalid"
"""Whose comments they are. b4 keeps reviews apart by address."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the prompt, which b4 adds to the command line, and the options that choose what is run."""
    parser.add_argument("prompt", metavar="PROMPT", nargs="*", help="what b4 tells an agent; not used")
    add_profiles(parser)
    add_rules(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check the commits under review, write comments that are not there yet, and say how many."""
    from ptlint.engine.inputs import commits

    top, head, tracking = _under_review(Path.cwd())
    revisions = tracking.commits_of(head)
    request = request_of(arguments, (revisions,))
    report = checked(request, series=commits(top, revisions, request.max_commits))
    files = _files(report, tracking)
    if files:
        _write(top / ".git/b4-review" / head, files)
        print(f"ptlint: comments on {len([name for name in files if name[0].isdigit()])} patch(es)")
    unsure = len(report.not_executed) + len(report.left_out)
    if unsure:
        print(f"ptlint: {unsure} part(s) were not looked at; 'ptlint check {revisions}' lists them")
    return 0


def _under_review(folder: Path) -> "tuple[Path, str, Tracking]":
    """Return the top folder of the review, the id of its HEAD, and what b4 notes there."""
    from ptlint.engine.b4 import tracking_in_message
    from ptlint.tree import is_repository, open_repository

    top = next((one for one in (folder, *folder.parents) if is_repository(one)), None)
    if top is None:
        raise UsageError("this is no git repository: b4 runs the agent in the one that is under review")
    if not (top / ".git").is_dir():
        raise UsageError(f"{top} is a linked work tree: b4 reads comments only in the main one")
    repository = open_repository(top)
    head = repository.resolve("HEAD", "commit")
    found = repository.read(head) if head is not None else None
    tracking = tracking_in_message(found[1].decode("utf-8", "replace")) if found is not None else None
    if head is None or tracking is None:
        raise UsageError("HEAD is not the last commit of a branch of 'b4 review', so there is nothing to comment")
    return top, head, tracking


def _files(report: "Report", tracking: "Tracking") -> dict[str, str]:
    """Return the files to write by name, without what the review has already; none when nothing is left to say."""
    from ptlint.report._mail import annotated
    from ptlint.report._text import totals

    files: dict[str, str] = {}
    said: list[Finding] = []
    for patch in report.series.patches if report.series is not None else ():
        review = tracking.patches[patch.ref.index - 1] if patch.ref.index <= len(tracking.patches) else None
        if review is not None and review.skipped:
            continue
        known = review.notes.get(ADDRESS, "") if review is not None else ""
        findings = _unsaid([one for one in report.findings if one.patch == patch.ref], known)
        if findings:
            said += findings
            files[f"{patch.ref.index:04}.txt"] = "\n".join(annotated(report, patch, findings)) + "\n"
    summary = f"ptlint: {totals(report)}"
    if files and summary not in tracking.series_notes.get(ADDRESS, ""):
        lines = [summary, "", *(f"{one.span}: {one.code} {one.name}" for one in said)]
        files["series.txt"] = "\n".join(lines) + "\n"
    if files:
        files["identity.txt"] = f"ptlint {report.version} <{ADDRESS}>\n"
    return files


def _unsaid(findings: "Sequence[Finding]", known: str) -> "list[Finding]":
    """Return the findings that *known*, the text of earlier comments, does not name: of equal ones the surplus."""
    from ptlint.report._comment import tag_of

    left = Counter({tag: known.count(tag) for tag in {tag_of(one) for one in findings}})
    unsaid = []
    for finding in findings:
        if left[tag_of(finding)]:
            left[tag_of(finding)] -= 1
        else:
            unsaid.append(finding)
    return unsaid


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write *files* into *folder*, in place of what an earlier run left there and b4 did not take."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.txt"):
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror})") from error
