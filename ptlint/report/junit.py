"""JUnit XML for build servers: a test case per rule that found nothing, per finding, and per function not executed.

What could not be executed is ``skipped``, so that it never counts as passed, and so is a finding that somebody asked to
leave out, with the reason.
"""

import xml.etree.ElementTree as ET
from typing import TextIO

from ptlint.core.finding import Finding
from ptlint.core.report import NotExecuted, Report, Suppressed
from ptlint.core.rule import Severity
from ptlint.report._text import one_line, patch_name


def report(report: Report, out: TextIO) -> None:
    """Write one test suite."""
    found = {one.code for one in (*report.findings, *(entry.finding for entry in report.suppressed))}
    cases = [_passed(f"{rule.code} {rule.name}", rule.summary) for rule in report.rules if rule.code not in found]
    cases += [_finding(finding) for finding in report.findings]
    cases += [_left_out(entry) for entry in report.suppressed]
    cases += [_skipped(entry) for entry in report.not_executed]
    failures = sum(case.find("failure") is not None for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "ptlint", **counts})
    skipped = str(len(report.not_executed) + len(report.suppressed))
    suite = ET.SubElement(suites, "testsuite", {"name": "ptlint", **counts, "skipped": skipped})
    suite.extend(cases)
    ET.indent(suites)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n")


def _passed(name: str, summary: str) -> ET.Element:
    return ET.Element("testcase", {"classname": "ptlint", "name": f"{name}: {one_line(summary)}"})


def _finding(finding: Finding) -> ET.Element:
    place = _place(finding)
    case = _case_of(finding)
    message = one_line(finding.message)
    lines = [f"{place}: {message}"]
    if finding.patch:
        lines.append(patch_name(finding.patch))
    if finding.archs:
        lines.append("on " + ", ".join(finding.archs))
    if finding.severity is Severity.NOTE:
        ET.SubElement(case, "system-out").text = "\n".join(lines)
    else:
        failure = ET.SubElement(case, "failure", {"type": finding.severity.value, "message": message})
        failure.text = "\n".join(lines)
    return case


def _left_out(entry: Suppressed) -> ET.Element:
    case = _case_of(entry.finding)
    message = one_line(f"left out ({entry.origin}: {entry.reason}): {entry.finding.message}")
    ET.SubElement(case, "skipped", {"message": message})
    return case


def _case_of(finding: Finding) -> ET.Element:
    name = f"{finding.name} at {_place(finding)}"
    return ET.Element("testcase", {"classname": f"ptlint.{finding.code}", "name": name})


def _place(finding: Finding) -> str:
    return f"{one_line(finding.span.path)}:{finding.span.line}"


def _skipped(entry: NotExecuted) -> ET.Element:
    name = f"{one_line(entry.function) or one_line(str(entry.span))} on {one_line(entry.arch)}"
    case = ET.Element("testcase", {"classname": "ptlint.not-executed", "name": name})
    ET.SubElement(case, "skipped", {"message": f"{one_line(str(entry.span))}: {one_line(entry.what)}"})
    return case
