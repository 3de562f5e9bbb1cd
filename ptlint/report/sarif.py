"""SARIF 2.1.0 for code scanning services and editors.

Columns are UTF-16 code units, as ``columnKind`` says. GitHub shows a related place only when the message links to it,
matches runs by rule, path and ``primaryLocationLineHash``, and shows a counterexample as a code flow.
"""

import json
from collections import Counter
from typing import TextIO
from urllib.parse import quote

from ptlint.core.explanation import sections
from ptlint.core.finding import Finding
from ptlint.core.outcome import Counterexample
from ptlint.core.report import Report
from ptlint.core.rule import RuleInfo
from ptlint.core.span import Span
from ptlint.report._source import end_of, source_line, utf16_column
from ptlint.report._text import evidence_line, one_line, patch_name

Json = dict[str, object]


def report(report: Report, out: TextIO) -> None:
    """Write one run. What could not be executed or analysed is a notification of it."""
    index = {rule.code: number for number, rule in enumerate(report.rules)}
    seen: Counter[str] = Counter()
    results = []
    for finding in report.findings:
        seen[finding.fingerprint] += 1
        results.append(_result(report.seen_from(finding), finding, index, seen[finding.fingerprint]))
    for entry in report.suppressed:
        finding = entry.finding
        seen[finding.fingerprint] += 1
        result = _result(report.seen_from(finding), finding, index, seen[finding.fingerprint])
        kind = "inSource" if finding.patch and not entry.line else "external"
        suppression = {"kind": kind, "justification": one_line(f"{entry.origin}: {entry.reason}")}
        results.append({**result, "suppressions": [suppression]})
    driver = {"name": "ptlint", "semanticVersion": report.version, "rules": [_rule(rule) for rule in report.rules]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notifications(report)}],
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the kernel tree."}}},
        "columnKind": "utf16CodeUnits",
        "results": results,
    }
    document = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    json.dump(document, out, indent=2)
    out.write("\n")


def _rule(rule: RuleInfo) -> Json:
    parts = sections(rule.explanation)
    evidence = [evidence_line(entry) for entry in rule.evidence]
    text = "\n\n".join([*(f"{heading}\n{body}" for heading, body in parts.items()), *evidence])
    markdown = "\n\n".join(
        [*(f"## {heading}\n\n{body}" for heading, body in parts.items()), "\n".join(f"- {line}" for line in evidence)]
    )
    described: Json = {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": parts.get("What it reports", rule.summary)},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": ["correctness"], "precision": "high"},
    }
    if rule.evidence:
        described["helpUri"] = rule.evidence[0].url
    return described


def _result(report: Report, finding: Finding, index: dict[str, int], ordinal: int) -> Json:
    message = _escaped(finding.message)
    is_held = source_line(report, finding.span.path, finding.span.line) is not None
    for number, related in enumerate(finding.related, start=1):
        message += f"\n[{_escaped(related.text)}]({number})"
    result: Json = {
        "ruleId": finding.code,
        "level": finding.severity.value,
        "message": {"text": message},
        "locations": [_location(report, finding.span, finding.function, line="" if is_held else finding.line_text)],
        "relatedLocations": [
            _location(report, one.span, one.function, text=one.text, number=number, line=one.line_text)
            for number, one in enumerate(finding.related, start=1)
        ],
        "partialFingerprints": {
            "ptlint/v1": finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint}:{ordinal}",
        },
        "properties": {
            "architectures": finding.archs,
            "introducedBy": patch_name(finding.patch) if finding.patch else "",
            "fixedBy": patch_name(finding.fixed_by) if finding.fixed_by else "",
        },
    }
    if finding.code in index:
        result["ruleIndex"] = index[finding.code]
    if finding.counterexample and finding.counterexample.events:
        result["codeFlows"] = [_code_flow(report, finding, finding.counterexample)]
    return result


def _code_flow(report: Report, finding: Finding, run: Counterexample) -> Json:
    """Return the run as steps; what the MMU does happens where the CPU stands."""
    place, function = finding.span, finding.function
    steps: list[Json] = []
    for order, event in enumerate(run.events, start=1):
        if event.span:
            place, function = event.span, event.function
        entry = "" if event.entry is None else f"entry {event.entry}: "
        states = f" ({event.before} -> {event.after})" if event.before != event.after else ""
        text = f"{event.agent}: {entry}{event.text}{states}"
        steps.append({"location": _location(report, place, function, text=text), "executionOrder": order})
    text = f"{run.property}, {run.arch}, nr={run.nr}"
    return {"message": {"text": one_line(text)}, "threadFlows": [{"locations": steps}]}


def _location(
    report: Report, span: Span, function: str = "", text: str = "", number: int | None = None, line: str = ""
) -> Json:
    first = line.encode(errors="replace") if line else source_line(report, span.path, span.line)
    region: Json = {"startLine": max(span.line, 1), "startColumn": utf16_column(first, span.column)}
    end_line, end_column = end_of(span)
    if (end_line, end_column) != (span.line, span.column):
        last = first if end_line == span.line else source_line(report, span.path, end_line)
        region |= {"endLine": end_line, "endColumn": utf16_column(last, end_column)}
    location: Json = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(span.path, errors="surrogateescape"), "uriBaseId": "SRCROOT"},
            "region": region,
        }
    }
    if number is not None:
        location["id"] = number
    if function:
        location["logicalLocations"] = [{"name": function, "kind": "function"}]
    if text:
        location["message"] = {"text": one_line(text)}
    return location


def _notifications(report: Report) -> list[Json]:
    notes: list[Json] = [
        {
            "level": "note",
            "message": {"text": one_line(f"not executed on {entry.arch}: {entry.what}")},
            "locations": [_location(report, entry.span, entry.function)],
        }
        for entry in report.not_executed
    ]
    notes += [
        {"level": "note", "message": {"text": one_line(f"not analysed: {entry.what}: {entry.reason}")}}
        for entry in report.left_out
    ]
    notes += [
        {"level": "warning", "message": {"text": one_line(f"patch {entry.index} does not apply: {entry.reason}")}}
        for entry in report.patches
        if not entry.applied
    ]
    return notes


def _escaped(text: str) -> str:
    """Return *text* on one line, with what SARIF reads as a link made plain."""
    return one_line(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
