"""Every format against its golden, and against text that tries to get out of it."""

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ptlint.core.report import Report, Suppressed
from ptlint.report import format_names, load_format
from tests.report.sample import EMPTY, ERROR, FULL, HOSTILE

GOLDEN = Path(__file__).parent / "golden"
FORMATS = format_names()


def text_of(name: str, report: Report) -> str:
    out = io.StringIO()
    load_format(name).report(report, out)
    return out.getvalue()


def test_formats_are_found_by_their_modules() -> None:
    assert set(FORMATS) >= {"terminal", "json", "gcc", "sarif", "github", "rdjson", "gitlab", "junit", "b4"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("which", ["full", "empty"])
def test_a_report_is_written_as_its_golden_says(name: str, which: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{which}.{name}.txt", text_of(name, FULL if which == "full" else EMPTY))


@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_cannot_steer_a_terminal(name: str) -> None:
    text = text_of(name, HOSTILE)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    text.encode("utf-8")


@pytest.mark.parametrize("name", ["json", "sarif", "rdjson", "gitlab"])
def test_hostile_text_stays_inside_json(name: str) -> None:
    json.loads(text_of(name, HOSTILE))


@pytest.mark.parametrize("name", ["sarif", "rdjson", "gitlab"])
def test_a_path_that_is_no_text_breaks_no_strict_reader(name: str) -> None:
    """JSON with half a surrogate pair is refused by Go and Ruby, and everything in it with it."""
    odd = replace(ERROR, span=replace(ERROR.span, path="mm/\udcff\u00fc.c"))
    text = text_of(name, replace(EMPTY, findings=(odd,)))
    assert "\\udcff" not in text
    assert any(path in text for path in ("mm/\\ufffd\\u00fc.c", "mm/%FF%C3%BC.c"))


def test_hostile_text_stays_inside_xml() -> None:
    root = ET.fromstring(text_of("junit", HOSTILE))
    assert [case.get("classname") for case in root.iter("testcase")] == ["ptlint.PT903", "ptlint.not-executed"]


def test_hostile_text_gives_github_no_command_of_its_own() -> None:
    assert text_of("github", HOSTILE).count("\n") == 1


def test_hostile_text_gives_b4_one_warning() -> None:
    (line,) = text_of("b4", HOSTILE).splitlines()
    assert "WARNING:PT903" in line
    assert "ERROR:" not in line


def test_b4_hears_nothing_of_a_clean_series() -> None:
    assert text_of("b4", EMPTY) == ""


def test_markup_is_text_on_a_terminal() -> None:
    assert "[red]" in text_of("terminal", HOSTILE)


EXCUSED = replace(EMPTY, suppressed=(Suppressed(ERROR, "nobody looks at it", "a trailer of patch 1/2"),))
SILENT = {"b4", "rdjson", "gitlab"}
"""Formats whose reader takes everything in them for a finding."""


@pytest.mark.parametrize("name", FORMATS)
def test_what_somebody_asked_to_leave_out_is_shown_where_it_is_no_failure(name: str) -> None:
    text = text_of(name, EXCUSED)
    if name in SILENT:
        assert text == text_of(name, EMPTY)
    else:
        words = " ".join(text.split())  # wrapped on a terminal
        assert words.count("nobody looks at it") == 1
        assert ERROR.message in words


def test_what_is_left_out_is_a_skipped_test() -> None:
    root = ET.fromstring(text_of("junit", EXCUSED))
    (suite,) = root
    (case,) = [case for case in suite if case.get("classname") == "ptlint.PT902"]
    (skipped,) = case
    assert (skipped.tag, suite.get("skipped"), suite.get("failures")) == ("skipped", "1", "0")


def test_what_is_left_out_passes_in_b4_review() -> None:
    (result,) = json.loads(text_of("b4-review", EXCUSED))
    (entry,) = json.loads(result["details"])
    assert (result["status"], entry["status"], entry["context"], entry["state"]) == (
        "pass",
        "pass",
        "PT902",
        "left out",
    )
