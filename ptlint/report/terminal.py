"""The report for a person: excerpts, the run that breaks the contract, and at the end what was not looked at.

Colours follow the terminal: none when the output is no terminal or ``NO_COLOR`` is set. What mail and source bring is
written as text only, never as markup or control sequence.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from ptlint.core.finding import Finding
from ptlint.core.outcome import Counterexample
from ptlint.core.patch import PatchRef, Series
from ptlint.core.report import Report
from ptlint.core.rule import Severity
from ptlint.report._excerpt import Label, excerpt, labels_of
from ptlint.report._table import Row, table_of
from ptlint.report._text import (
    counted,
    evidence_line,
    left_out_lines,
    not_executed_lines,
    one_line,
    patch_name,
    plain,
    suppressed_line,
    totals,
)

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""Columns when the output is no terminal, and at most on a wide one where lines would be hard to follow."""

NARROWEST = 48
MOST_LISTED = 40
"""Lines of a closing list; the rest is counted and stands in the JSON."""

MOST_CHOICES = 8
"""Answers of undecided predicates that a run shows; the rest is counted and stands in the JSON."""

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_NOTES = {"help": "help", "info": "note", "seen-by": "seen by", "not-checked": "not checked"}

Part = tuple[str, str]
"""A piece of a line and its style."""

Line = tuple[Part, ...]


def report(report: Report, out: TextIO) -> None:
    """Write *report* for a reader at a terminal, a pager or a log."""
    from rich.console import Console

    is_terminal = bool(getattr(out, "isatty", lambda: False)())
    console = Console(file=out, markup=False, highlight=False, emoji=False)
    width = max(min(console.width, WIDTH), NARROWEST) if is_terminal else WIDTH
    if report.series is not None:
        _print(console, _opening(report.series, width))
    for finding in report.findings:
        _print(console, _finding(report, finding, width))
    _print(console, _closing(report, width))


def _print(console: "Console", lines: Iterable[Line]) -> None:
    from rich.text import Text

    made = [Text.assemble(*((plain(text), style) for text, style in line)) for line in lines]
    if made:
        console.print(Text("\n").join(made), soft_wrap=True)


def _opening(series: Series, width: int) -> Iterator[Line]:
    """Yield what was read: the series, and what of it was repaired or concluded rather than read."""
    source = next((patch.source for patch in series.patches if patch.source), "(no title)")
    title = one_line(series.title) or one_line(source)
    patches = counted(len(series.patches), "patch", "patches")
    for line in textwrap.wrap(f"{title}: v{series.version}, {patches}", width):
        yield ((line, "bold"),)
    if series.missing:
        numbers = ", ".join(f"{index}/{series.expected}" for index in series.missing)
        yield from _wrapped(f"not in the input: patch {numbers}", "  ", "    ", width)
    if series.inferred:
        yield from _wrapped(f"concluded, not read: {', '.join(sorted(series.inferred))}", "  ", "    ", width)
    for patch in series.patches:
        for note in patch.notes:
            yield from _wrapped(f"{patch_name(patch.ref)}: {one_line(note)}", "  ", "    ", width)
    for proposal in series.proposals:
        function = one_line(proposal.function) or "a function"
        told = "; ".join(one_line(note) for note in proposal.notes)
        text = f"{patch_name(proposal.ref)} by {one_line(proposal.author)}: other code for {function}()"
        yield from _wrapped(f"{text}; {told}" if told else text, "  ", "    ", width)
    yield ()


def _finding(report: Report, finding: Finding, width: int) -> Iterator[Line]:
    style = _STYLES[finding.severity]
    head = f"{finding.severity.value}[{finding.code}]"
    first, *more = textwrap.wrap(f"{head}: {one_line(finding.message)}", width) or [head]
    yield ((head, style), (first[len(head) :], "bold"))
    yield from (((text, "bold"),) for text in more)
    yield from _excerpts(report.seen_from(finding), finding, width)
    yield from _facts(report, finding, width)
    yield ()


def _excerpts(report: Report, finding: Finding, width: int) -> Iterator[Line]:
    labels = labels_of(finding)
    gutter = len(str(max(label.span.line for label in labels)))
    files: dict[str, list[Label]] = {}
    for label in labels:
        files.setdefault(label.span.path, []).append(label)
    for path, here in files.items():
        lead = here[0]
        place = f"{one_line(path)}:{lead.span.line}:{lead.span.column}"
        function = f" in {one_line(lead.function)}()" if lead.function else ""
        arrow = " " * gutter + "--> "
        for number, line in enumerate(textwrap.wrap(place + function, width - len(arrow))):
            yield ((arrow if number == 0 else " " * len(arrow), "blue"), (line, ""))
        for piece in excerpt(report, here, width - gutter - 3):
            margin = f"{piece.number or '':>{gutter}} | " if piece.kind != "gap" else ""
            style = {"main": _STYLES[finding.severity], "second": "blue"}.get(piece.kind, "")
            yield ((margin, "blue"), (piece.text, style))


def _facts(report: Report, finding: Finding, width: int) -> Iterator[Line]:
    if finding.patch:
        yield from _fact("from", _patch(finding.patch), width)
    if finding.fixed_by:
        repaired = f"{_patch(finding.fixed_by)}; the series is wrong in between, as a bisection would find"
        yield from _fact("repaired by", repaired, width)
    if finding.archs:
        yield from _fact("on", ", ".join(finding.archs), width)
    if finding.counterexample:
        yield from _run(finding.counterexample, width)
    for note in finding.notes:
        yield from _fact(_NOTES.get(note.kind, one_line(note.kind)), note.text, width)
    rule = next((rule for rule in report.rules if rule.code == finding.code), None)
    if rule:
        yield from _fact("rule", f"{rule.name}: {rule.summary} (ptlint explain {rule.code})", width)
        for evidence in rule.evidence:
            yield from _fact("evidence", evidence_line(evidence), width)


def _patch(ref: PatchRef) -> str:
    return f"{patch_name(ref)} ({ref.subject})" if ref.subject else patch_name(ref)


def _fact(name: str, text: str, width: int) -> Iterator[Line]:
    lead = f"  = {name[:15]}: "
    # An address is worth more whole than within the width.
    lines = textwrap.wrap(one_line(text), width - len(lead), break_long_words="://" not in text, break_on_hyphens=False)
    for number, line in enumerate(lines or [""]):
        yield ((lead, "bold") if number == 0 else (" " * len(lead), ""), (line, ""))


def run_lines(run: Counterexample, width: int = WIDTH) -> Iterator[str]:
    """Yield a counterexample as plain lines, as it stands under a finding."""
    for line in _run(run, width):
        yield "".join(plain(text) for text, _ in line)


def _run(run: Counterexample, width: int) -> Iterator[Line]:
    arguments = ", ".join(f"{name}={value}" for name, value in run.arguments)
    yield from _fact("run", f"{run.property} on {run.arch}" + (f", {arguments}" if arguments else ""), width)
    for choice in run.choices[:MOST_CHOICES]:
        yield from _fact("where", choice, width)
    if len(run.choices) > MOST_CHOICES:
        yield from _fact("where", f"{len(run.choices) - MOST_CHOICES} more answers: --format json has them", width)
    table = table_of(run, max_width=width - 4)
    label = max(len(row.label) for row in (table.head, *table.rows))
    cells = [max(len(row.cells[i]) for row in (table.head, *table.rows)) for i in range(len(table.head.cells))]
    yield (("    " + _columns(table.head, label, cells).rstrip(), "bold"),)
    places = max(len(row.place) for row in table.rows)
    lines = [_told(row, label, cells) for row in table.rows]
    beside = [len(line) for line, row in zip(lines, table.rows, strict=True) if row.place]
    column = min(max(beside, default=0) + 2, width - places)  # places stand in one column, within the width
    for row, line in zip(table.rows, lines, strict=True):
        under = 6 + label + (sum(cells) + 2 * len(cells) if any(row.cells) else 0)
        yield from _row(row, line, column, under, width)
    if table.omitted:
        yield ((f"    {counted(table.omitted, 'entry', 'entries')} not shown", "dim"),)
    if run.verdict:
        yield from _fact("verdict", run.verdict, width)


def _columns(row: Row, label: int, cells: list[int]) -> str:
    columns = (f"{text:<{size}}" for text, size in zip(row.cells, cells, strict=True))
    return f"{row.label:<{label}}  " + "  ".join(columns)


def _told(row: Row, label: int, cells: list[int]) -> str:
    """Return label, entries and remark; a remark without entries begins where they do."""
    if not any(row.cells):
        return f"    {row.label:<{label}}  {row.remark}".rstrip()
    return f"    {_columns(row, label, cells)}  {row.remark}".rstrip()


def _row(row: Row, line: str, column: int, indent: int, width: int) -> Iterator[Line]:
    """Yield the row with its place; what does not fit is wrapped, and the place stands beside the first line."""
    style = "bold red" if row.bad else ""
    room = max(16, *(len(word) for word in row.remark.split())) if row.remark else 16
    if column - 2 < indent + room:
        indent = max(6, column - 2 - room)
    if row.place and column < indent + 16:  # too narrow for places beside the steps
        line, row = f"{line}  {row.place}", replace(row, place="")
    most = column - 2 if row.place else width
    first, *more = textwrap.wrap(line, most, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]
    yield ((f"{first:<{column}}{row.place}".rstrip(), style),)
    yield from (((text, style),) for text in more)


def _closing(report: Report, width: int) -> Iterator[Line]:
    yield from _failed_patches(report, width)
    hidden = [suppressed_line(entry) for entry in report.suppressed]
    yield from _list("left out because somebody asked for it", hidden, len(hidden), width)
    executed = not_executed_lines(report.not_executed)
    yield from _list("not executed, so neither right nor wrong", executed, len(report.not_executed), width)
    yield from _list("not analysed", left_out_lines(report.left_out), len(report.left_out), width)
    coverage = report.coverage
    idle = sorted(set(coverage.functions_changed) - set(coverage.functions_simulated)) if report.series else []
    yield from _list("changed, but not run on the simulator", [f"{name}()" for name in idle], len(idle), width)
    yield from _list("run on samples, not on every state", list(coverage.sampled), len(coverage.sampled), width)
    yield from (((text, ""),) for text in textwrap.wrap(_coverage(report), width))
    worst = max((finding.severity for finding in report.findings), key=lambda severity: severity.rank, default=None)
    yield ((totals(report), _STYLES[worst] if worst else "bold"),)


def _failed_patches(report: Report, width: int) -> Iterator[Line]:
    told = [(entry.applied, entry.index, one_line(entry.reason)) for entry in report.patches]
    failed = [f"patch {index}: {reason}" for applied, index, reason in told if not applied]
    yield from _list("does not apply", failed, len(failed), width)
    # The same assumption usually holds for a whole series: say it once.
    assumed = sorted((reason, index) for applied, index, reason in told if applied and reason)
    for reason, group in groupby(assumed, key=lambda pair: pair[0]):
        numbers = ", ".join(str(index) for _, index in group)
        yield from _wrapped(f"patch {numbers}: {reason}", "", "  ", width)


def _list(title: str, lines: list[str], number: int, width: int) -> Iterator[Line]:
    if not lines:
        return
    yield ((f"{title} ({number:,}):", "bold"),)
    for line in lines[:MOST_LISTED]:
        yield from _wrapped(one_line(line), "  ", "      ", width)
    if len(lines) > MOST_LISTED:
        yield ((f"  and {len(lines) - MOST_LISTED:,} more lines: --format json has them all", ""),)


def _wrapped(text: str, first: str, then: str, width: int) -> Iterator[Line]:
    wrapped = textwrap.wrap(text, width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)
    yield from (((line, ""),) for line in wrapped)


def _coverage(report: Report) -> str:
    coverage = report.coverage
    onto = f" on {one_line(report.base)}" if report.base else " without a tree"
    parts = [
        counted(len(coverage.functions_changed), "changed function" if report.series else "function"),
        f"{len(coverage.functions_simulated):,} run",
        f"{counted(coverage.scenarios, 'scenario')} in {counted(len(coverage.universes), 'architecture profile')}",
        counted(len(report.rules), "rule"),
    ]
    return f"ptlint {report.version}{onto}: " + ", ".join(parts)
