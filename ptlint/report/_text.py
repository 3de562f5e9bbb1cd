"""Words that every format shares. Text from mail and source is hostile: nothing of it may steer a terminal."""

import re
from collections import Counter
from collections.abc import Sequence

from ptlint.core.patch import LeftOut, PatchRef
from ptlint.core.report import NotExecuted, Report, Suppressed
from ptlint.core.rule import Evidence, Severity

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
"""Control characters but tab and newline, direction overrides, invisible marks, halves of surrogate pairs."""


def plain(text: str) -> str:
    """Return *text* with every character that could steer a terminal or hide text written as its number."""
    return _STEERING.sub(lambda match: _numbered(match[0]), text)


def one_line(text: str) -> str:
    """Return *text* as ``plain`` does and on one line, runs of white space made one space."""
    return " ".join(plain(text).split())


def path_of(path: str) -> str:
    """Return *path* as text for a file of UTF-8: bytes that are none become U+FFFD, which strict readers take."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _numbered(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def patch_name(ref: PatchRef) -> str:
    """Return how a reader finds the patch: its counter, or the mail that proposes it."""
    if ref.index:
        return f"patch {ref.index}/{ref.total}"
    where = f"in <{one_line(ref.message_id)}>" if ref.message_id else "in a reply"
    what = f'"{one_line(ref.proposed)}" ' if ref.proposed else ""
    return f"{what}proposed {where}"


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return *number* with its noun: ``1 warning``, ``8,192 scenarios``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def totals(report: Report) -> str:
    """Return how many findings there are of each severity, the gravest first; ``no findings`` when there is none."""
    counts = dict.fromkeys((Severity.ERROR, Severity.WARNING, Severity.NOTE), 0)
    for finding in report.findings:
        counts[finding.severity] += 1
    parts = [counted(number, severity.value) for severity, number in counts.items() if number]
    return ", ".join(parts) or "no findings"


def suppressed_line(entry: Suppressed) -> str:
    """Return a finding that is left out, where it is, and on whose word."""
    finding = entry.finding
    place = f"{finding.span.path}:{finding.span.line}"
    function = f" {finding.function}()" if finding.function else ""
    origin = f"{entry.origin}:{entry.line}" if entry.line else entry.origin
    text = f"{finding.code} {finding.severity.value} {place}{function}: {finding.message}; {origin}: {entry.reason}"
    return one_line(text)


def evidence_line(evidence: Evidence) -> str:
    """Return a piece of evidence with its address."""
    match evidence.kind:
        case "commit":
            return f'commit {evidence.ref[:12]} ("{one_line(evidence.title)}") {evidence.url}'
        case _:
            return f"{one_line(evidence.title)} {evidence.url}"


def left_out_lines(entries: Sequence[LeftOut]) -> list[str]:
    """Return what was not analysed, a line each; of the hunks of one file that fit nowhere, the first and how many."""
    hunks = Counter(entry.source for entry in entries if entry.kind == "hunk")
    told: set[str] = set()
    lines = []
    for entry in entries:
        if entry.kind != "hunk":
            lines.append(_left_out_line(entry))
        elif entry.source not in told:
            told.add(entry.source)
            more = hunks[entry.source] - 1
            lines.append(_left_out_line(entry) + (f" (and {counted(more, 'more hunk')} of this file)" if more else ""))
    return lines


def _left_out_line(entry: LeftOut) -> str:
    place = f"{one_line(entry.source)}:{entry.line}: " if entry.source and entry.line else ""
    if entry.source and not entry.line:
        place = f"{one_line(entry.source)}: "
    return f"{place}{one_line(entry.what)}: {one_line(entry.reason)}"


def not_executed_lines(entries: tuple[NotExecuted, ...]) -> list[str]:
    """Return what could not be executed, one line per place and reason, with all its architectures."""
    archs: dict[tuple[str, str, str, str], list[str]] = {}
    for entry in entries:
        archs.setdefault((entry.span.path, str(entry.span), entry.function, entry.what), []).append(entry.arch)
    lines = []
    for (path, place, function, what), names in archs.items():
        called = f" {one_line(function)}()".replace("+", "() and ") if function else ""
        universes = ", ".join(sorted({one_line(name) for name in names if name}))
        at = f"{one_line(place)}{called}" if path else called.strip()
        lines.append(f"{at}: {one_line(what)}" + (f" ({universes})" if universes else ""))
    return lines
