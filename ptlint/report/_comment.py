"""A finding as a reviewer would write it under a quoted line: a question, the run that raises it, and the evidence."""

import textwrap
from collections.abc import Iterator

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.report._text import one_line, plain
from ptlint.report.terminal import run_lines

WIDTH = 72
"""Columns of mail, so that it can be quoted a few times."""

_NOTES = {"help": "Perhaps", "info": "Note", "seen-by": "Seen by", "not-checked": "Not checked"}


def comment_lines(report: Report, finding: Finding, is_exact: bool = True) -> Iterator[str]:
    """Yield the lines of a comment, at most ``WIDTH`` columns wide but for addresses; none of them begins with ``>``.

    With *is_exact* false the comment also says at first that its place is another one than the quoted line.
    """
    yield tag_of(finding)
    if not is_exact:
        yield from _wrapped(f"This is about {finding.span}, which the patch does not show.")
    yield from _wrapped(_question(finding))
    if finding.fixed_by is not None:
        later = f"patch {finding.fixed_by.index}/{finding.fixed_by.total}"
        yield from _wrapped(f"It is gone with {later}, but a bisection may stop in between.")
    if finding.archs:
        yield ""
        yield from _wrapped("On " + ", ".join(finding.archs) + ".")
    if finding.counterexample is not None:
        yield from ("", "For example:", "")
        yield from (line.rstrip() for line in run_lines(finding.counterexample, WIDTH))
    places = [f"{one_line(str(related.span))}: {one_line(related.text)}" for related in finding.related]
    notes = [f"{_NOTES.get(note.kind, note.kind)}: {one_line(note.text)}" for note in finding.notes]
    if places or notes:
        yield ""
    for line in (*places, *notes):
        yield from _wrapped(line, "  ")
    rule = next((one for one in report.rules if one.code == finding.code), None)
    if rule is not None and rule.evidence:
        yield ""
        yield from _wrapped(f"{rule.name}: {one_line(rule.summary)}; see")
        yield from (f"  {plain(evidence.url)}" for evidence in rule.evidence)


def tag_of(finding: Finding) -> str:
    """Return the first line of a comment: it names the finding, and the same finding always in the same way."""
    return f"[{finding.code} {finding.severity.value} {finding.name} {finding.fingerprint[:8]}]"


def _question(finding: Finding) -> str:
    """Return the message as a question: what stands behind its first colon is the answer to "why"."""
    claim, _, reason = one_line(finding.message).partition(": ")
    doubt = "Is it intended that" if finding.severity is Severity.NOTE else "Could it be that"
    question = f"{doubt} {claim}?"
    return f"{question} {reason[:1].upper()}{reason[1:].rstrip('.')}." if reason else question


def _wrapped(text: str, then: str = "") -> Iterator[str]:
    lines = textwrap.wrap(one_line(text), WIDTH, subsequent_indent=then, break_long_words=False, break_on_hyphens=False)
    # A quote mark at the start of a line would make it a part of the quoted patch.
    yield from (f" {line}" if line.startswith(">") else line for line in lines)
