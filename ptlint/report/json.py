"""JSON for programs: every key always present, in this order, the same report always the same bytes.

``schema_version`` grows when a key changes its meaning or goes; new keys may come without it.
"""

import json
from typing import TextIO

from ptlint import SCHEMA_VERSION
from ptlint.core.finding import Finding
from ptlint.core.outcome import Counterexample, Event
from ptlint.core.patch import PatchRef, Series
from ptlint.core.report import Report
from ptlint.core.span import Span

Json = dict[str, object]


def report(report: Report, out: TextIO) -> None:
    """Write *report* as one JSON object. A scan has no ``series``."""
    document: Json = {"schema_version": SCHEMA_VERSION, "version": report.version}
    if report.series is not None:
        document["series"] = _series(report, report.series)
    document |= {
        "findings": [_finding(finding) for finding in report.findings],
        "suppressed": [
            {**_finding(entry.finding), "reason": entry.reason, "origin": entry.origin, "origin_line": entry.line}
            for entry in report.suppressed
        ],
        "unsupported": [
            {
                "path": entry.span.path,
                "line": entry.span.line,
                "function": entry.function,
                "arch": entry.arch,
                "what": entry.what,
            }
            for entry in report.not_executed
        ],
        "coverage": {
            "functions_changed": report.coverage.functions_changed,
            "functions_simulated": report.coverage.functions_simulated,
            "universes": report.coverage.universes,
            "scenarios": report.coverage.scenarios,
            "sampled": report.coverage.sampled,
        },
        "rules": [
            {"code": rule.code, "name": rule.name, "severity": rule.severity.value, "summary": rule.summary}
            for rule in report.rules
        ],
        "left_out": [
            {
                "kind": entry.kind,
                "what": entry.what,
                "reason": entry.reason,
                "source": entry.source,
                "line": entry.line,
            }
            for entry in report.left_out
        ],
    }
    # ASCII only: whatever a hostile mail holds stays readable by every JSON parser and harmless on a terminal.
    json.dump(document, out, indent=2, ensure_ascii=True)
    out.write("\n")


def _series(report: Report, series: Series) -> Json:
    status = {entry.index: entry for entry in report.patches}
    patches = []
    for patch in series.patches:
        entry = status.get(patch.ref.index)
        applied = {"applied": entry is not None and entry.applied, "reason": entry.reason if entry else "not tried"}
        patches.append({**_patch(patch.ref), **applied, "notes": patch.notes})
    return {
        "title": series.title,
        "version": series.version,
        "message_id": series.message_id,
        "base": report.base,
        "patches": patches,
        "proposals": [
            {
                "message_id": proposal.ref.message_id,
                "function": proposal.function,
                "answers": _patch(proposal.answers) if proposal.answers else None,
                "notes": proposal.notes,
            }
            for proposal in series.proposals
        ],
        "missing": series.missing,
        "inferred": sorted(series.inferred),
    }


def _patch(ref: PatchRef) -> Json:
    return {"index": ref.index, "total": ref.total, "subject": ref.subject, "message_id": ref.message_id}


def _finding(finding: Finding) -> Json:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": finding.severity.value,
        "message": finding.message,
        "path": finding.span.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "function": finding.function,
        "archs": finding.archs,
        "patch": _patch(finding.patch) if finding.patch else None,
        "fixed_by": _patch(finding.fixed_by) if finding.fixed_by else None,
        "fingerprint": finding.fingerprint,
        "counterexample": _counterexample(finding.counterexample) if finding.counterexample else None,
        "related": [
            {**_place(related.span), "function": related.function, "text": related.text} for related in finding.related
        ],
        "notes": [{"kind": note.kind, "text": note.text} for note in finding.notes],
    }


def _place(span: Span) -> Json:
    return {"path": span.path, "line": span.line, "column": span.column}


def _counterexample(run: Counterexample) -> Json:
    return {
        "property": run.property,
        "arch": run.arch,
        "nr": run.nr,
        "arguments": dict(run.arguments),
        "choices": run.choices,
        "initial": run.initial,
        "events": [_event(event) for event in run.events],
        "final": run.final,
        "expected": run.expected,
        "verdict": run.verdict,
    }


def _event(event: Event) -> Json:
    return {
        "agent": event.agent,
        "text": event.text,
        "path": event.span.path if event.span else None,
        "line": event.span.line if event.span else None,
        "function": event.function,
        "entry": event.entry,
        "before": event.before,
        "after": event.after,
    }
