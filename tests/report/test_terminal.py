"""The report for a person: fits the width, colours only a terminal, leaves nothing out in silence."""

import io
import re
from dataclasses import replace

import pytest

from ptlint.core.outcome import Event
from ptlint.core.patch import LeftOut
from ptlint.core.report import NotExecuted, Report
from ptlint.core.span import Span
from ptlint.report import load_format
from ptlint.report._table import table_of
from tests.report.sample import ERROR, FULL, HOSTILE, RUN


class Terminal(io.StringIO):
    """An output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def written(report: Report, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    load_format("terminal").report(report, out)
    return out.getvalue()


def test_a_file_gets_no_colours() -> None:
    assert "\x1b" not in written(FULL)


def test_a_terminal_gets_colours_unless_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;31merror[PT902]" in written(FULL, Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in written(FULL, Terminal())


@pytest.mark.parametrize("columns", ["48", "60", "100"])
@pytest.mark.parametrize("report", [FULL, HOSTILE])
def test_lines_stay_within_a_narrow_terminal(report: Report, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", written(report, Terminal())).splitlines()
    long = [line for line in lines if len(line) > int(columns) and "http" not in line]
    assert long == []


def test_both_places_of_the_story_are_underlined() -> None:
    lines = written(FULL).splitlines()
    main = next(number for number, line in enumerate(lines) if "^^^" in line)
    code, mark = lines[main - 1], lines[main]
    assert code[mark.index("^") : mark.rindex("^") + 1] == "old_pte = pte;"
    second = next(number for number, line in enumerate(lines) if "--- (2) and is passed on here" in line)
    assert lines[second - 1][lines[second].index("-") :].startswith("ptep_modify_prot_commit(vma")


def test_what_could_not_be_executed_is_counted_and_listed_once_for_all_architectures() -> None:
    text = written(FULL)
    assert "not executed, so neither right nor wrong (2):" in text
    assert text.count("inline assembly") == 1
    assert "(s390, s390+kvm)" in text


def test_a_long_list_says_how_much_it_leaves_out() -> None:
    many = tuple(NotExecuted(Span("mm/x.c", line), "f", "x86", "asm") for line in range(1, 101))
    text = written(replace(FULL, not_executed=many))
    assert "(100):" in text
    assert "and 60 more lines" in text


def test_a_changed_function_that_was_not_run_is_named() -> None:
    assert "changed, but not run on the simulator (1):\n  walk()" in written(FULL)


def test_a_large_batch_shows_the_entries_that_matter() -> None:
    entries = tuple(f"pfn {index}" for index in range(64))
    wrong = (*entries[:40], "lost", *entries[41:])
    run = replace(RUN, nr=64, initial=entries, final=wrong, expected=entries, events=(Event("cpu", "x", entry=7),))
    table = table_of(run, max_width=50)
    assert table.head.cells == ("entry 0", "entry 7", "entry 40")
    assert table.omitted == 61
    assert table.rows[-1].cells == ("", "", "pfn 40")


def test_a_long_run_is_cut_in_the_middle_and_says_so() -> None:
    run = replace(RUN, events=tuple(Event("cpu", f"step {number}", entry=0) for number in range(100)))
    text = written(replace(FULL, findings=(replace(ERROR, counterexample=run),)))
    assert "60 steps left out" in text
    assert "step 99" in text


def test_hunks_of_a_file_that_do_not_fit_are_one_line() -> None:
    hunks = [LeftOut("hunk", f"hunk {n}", "fits nowhere", path, n) for path in ("mm/a.c", "mm/b.c") for n in (3, 9, 27)]
    text = written(replace(FULL, left_out=tuple(hunks)))
    assert "not analysed (6):" in text
    assert "  mm/a.c:3: hunk 3: fits nowhere (and 2 more hunks of this file)\n" in text
    assert "  mm/b.c:3: hunk 3: fits nowhere (and 2 more hunks of this file)\n" in text
    assert "hunk 27" not in text
