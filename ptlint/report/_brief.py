"""What a check of one patch came to, in the words of a table cell."""

from collections.abc import Sequence

from ptlint.core.finding import Finding
from ptlint.core.rule import Severity
from ptlint.report._text import counted, one_line

LONGEST = 119
"""Characters; longer descriptions break the tables in which Patchwork shows them."""


def brief(findings: Sequence[Finding], unsure: int = 0) -> str:
    """Return how many findings there are and the first of them; *unsure* parts were not looked at."""
    counts = {severity: sum(one.severity is severity for one in findings) for severity in Severity}
    text = ", ".join(counted(number, severity.value) for severity, number in counts.items() if number) or "no findings"
    if findings:
        worst = max(findings, key=lambda one: one.severity.rank)
        text += f": {worst.code} {one_line(str(worst.span))} {worst.name}"
    if unsure:
        text += f"; {counted(unsure, 'part')} not looked at"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def worst_of(findings: Sequence[Finding]) -> Severity:
    """Return the gravest severity of *findings*, ``NOTE`` when there is none."""
    return max((one.severity for one in findings), key=lambda one: one.rank, default=Severity.NOTE)
