"""Any text in a report: no format fails on it, and none lets it out."""

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.core.finding import Finding, Related
from ptlint.core.report import Report, Suppressed
from ptlint.core.span import Span
from ptlint.report import format_names, load_format
from tests.report.sample import ERROR, FULL

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

texts = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)
paths = st.binary(min_size=1, max_size=30).map(lambda raw: raw.decode("utf-8", errors="surrogateescape"))
numbers = st.integers(min_value=0, max_value=60)
spans = st.builds(Span, paths, numbers, numbers, numbers, numbers)
findings = st.builds(
    lambda message, span, related, line: replace(
        ERROR, message=message, span=span, function=message, line_text=line, related=related
    ),
    texts,
    spans,
    st.lists(st.builds(Related, spans, texts, texts), max_size=3).map(tuple),
    texts,
)


def written(name: str, report: Report) -> str:
    out = io.StringIO()
    load_format(name).report(report, out)
    return out.getvalue()


@pytest.mark.parametrize("name", format_names())
@given(finding=findings, source=st.binary(max_size=200))
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_no_text_breaks_a_format_or_leaves_it(name: str, finding: Finding, source: bytes) -> None:
    text = written(name, replace(FULL, findings=(finding,), sources={finding.span.path: source}))
    excused = Suppressed(finding, finding.message, finding.function)
    for one in (text, written(name, replace(FULL, findings=(), suppressed=(excused,)))):
        assert not STEERING.search(one)
        if name in ("json", "sarif", "rdjson", "gitlab"):
            json.loads(one)
        if name == "junit":
            ET.fromstring(one)
    if name in ("b4", "github"):
        assert text.count("\n") == 1
