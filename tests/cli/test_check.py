"""``ptlint check``: what it hands to the engine, where it writes, and the exit code it draws from the report."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from ptlint.__main__ import main
from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut, Series
from ptlint.core.report import PatchStatus, Report
from ptlint.engine.request import CheckRequest
from tests.kernels import mailbox, replaced
from tests.report.sample import ERROR, FULL, NOTE, WARNING

APPLIED = (PatchStatus(1, True, "clean"), PatchStatus(2, True, "clean"))
CLEAN = replace(FULL, patches=APPLIED, findings=())

Requests = list[CheckRequest]
Engine = Callable[[Report], Requests]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Return a function that makes the engine answer with a report, and gives the requests it then gets."""

    def answer(report: Report) -> Requests:
        requests: Requests = []

        def check(request: CheckRequest, series: Series | None, progress: Callable[[str], None]) -> Report:
            requests.append(request)
            return report

        module = ModuleType("ptlint.engine.run")
        vars(module)["check"] = check
        monkeypatch.setitem(sys.modules, "ptlint.engine.run", module)
        return requests

    return answer


@pytest.mark.parametrize(
    ("findings", "options", "code"),
    [
        ((), [], 0),
        ((NOTE,), [], 0),
        ((WARNING,), [], 1),
        ((ERROR,), [], 1),
        ((NOTE,), ["--fail-on", "note"], 1),
        ((WARNING,), ["--fail-on", "error"], 0),
        ((ERROR, NOTE), ["--fail-on", "error"], 1),
        ((ERROR,), ["--fail-on", "never"], 0),
    ],
)
def test_findings_decide_the_exit_code(
    engine: Engine, findings: tuple[Finding, ...], options: list[str], code: int
) -> None:
    engine(replace(CLEAN, findings=findings))
    assert main(["check", "series.mbox", "--format", "json", *options]) == code


def test_a_patch_that_does_not_apply_outweighs_findings(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    engine(replace(FULL, patches=(PatchStatus(1, False, "failed", "no such file"),)))
    assert main(["check", "series.mbox", "--format", "json", "--fail-on", "never"]) == 3
    assert len(json.loads(capsys.readouterr().out)["findings"]) == len(FULL.findings)


def test_unreadable_input_gives_3_and_other_omissions_do_not(engine: Engine) -> None:
    engine(replace(CLEAN, left_out=(LeftOut("unreadable", "mail 3", "cut short"),)))
    assert main(["check", "series.mbox", "--format", "gcc"]) == 3
    engine(replace(CLEAN, left_out=(LeftOut("reply", "mail 4", "has no patch"),)))
    assert main(["check", "series.mbox", "--format", "gcc"]) == 0


def test_b4_reads_the_text_and_not_the_exit_code(
    engine: Engine, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    engine(replace(CLEAN, findings=(NOTE,), patches=(PatchStatus(1, False, "failed", "context differs"),)))
    box = tmp_path / "series.mbox"
    box.write_text(mailbox(replaced("old_pte = pte_next_pfn(old_pte);", "old_pte = pte;")))
    assert main(["check", "--format", "b4", str(box)]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_every_option_reaches_the_engine(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / ".config"
    config.write_text("CONFIG_MMU=y\n")
    requests = engine(CLEAN)
    argv = ["check", "one.mbox", "--tree", str(tmp_path), "two.mbox", "--base", "v6.12", "--arch", "arm64,x86"]
    argv += ["--arch", "s390", "--config", str(config), "--rules-dir", "site", "--select", "PT1,PT202"]
    argv += ["--ignore", "PT103", "--revision", "4", "--max-commits", "9", "--format", "gcc"]
    assert main(argv) == 0
    assert requests == [
        CheckRequest(
            inputs=("one.mbox", "two.mbox"),
            tree=tmp_path,
            base="v6.12",
            archs=("arm64", "x86", "s390"),
            config=config,
            rules_dirs=(Path("site"),),
            select=("PT1", "PT202"),
            ignore=("PT103",),
            revision=4,
            max_commits=9,
            cwd=Path.cwd(),
        )
    ]


@pytest.mark.parametrize(
    "options",
    [
        ["--staged", "series.mbox"],
        ["--staged", "--worktree"],
        ["--tree", "absent", "series.mbox"],
        ["--config", "absent", "series.mbox"],
        ["--revision", "0", "series.mbox"],
        ["--revision", "9" * 5000, "series.mbox"],
        ["--arch", "arm64,,x86", "series.mbox"],
        ["--fail-on", "fatal", "series.mbox"],
        ["--baseline", "absent", "series.mbox"],
        ["-o", "absent/report", "series.mbox"],
    ],
)
def test_wrong_options_are_one_sentence(
    engine: Engine,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    engine(CLEAN)
    assert main(["check", "--format", "gcc", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_index_is_an_input_of_its_own(engine: Engine) -> None:
    requests = engine(CLEAN)
    assert main(["check", "--staged", "--format", "gcc"]) == 0
    assert (requests[0].staged, requests[0].worktree, requests[0].inputs) == (True, False, ())


def test_a_report_file_is_written_whole(engine: Engine, tmp_path: Path) -> None:
    engine(CLEAN)
    path = tmp_path / "report.json"
    path.write_text("old")
    assert main(["check", "x", "--format", "json", "-o", str(path)]) == 0
    assert json.loads(path.read_text())["schema_version"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_a_device_is_written_to_and_not_replaced(engine: Engine) -> None:
    engine(CLEAN)
    assert main(["check", "x", "--format", "json", "-o", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


def test_known_findings_are_not_repeated_and_counted(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "known.json"
    engine(replace(CLEAN, findings=(ERROR,)))
    assert main(["check", "x", "--format", "json", "-o", str(baseline)]) == 1
    moved = replace(ERROR, span=replace(ERROR.span, line=60), message="said otherwise")
    engine(replace(CLEAN, findings=(moved, WARNING)))
    assert main(["check", "x", "--format", "json", "--baseline", str(baseline)]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [finding["code"] for finding in document["findings"]] == [WARNING.code]
    assert document["left_out"][-1]["what"] == "1 known finding"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"findings": [{}]}', "[" * 100_000, "\udc80"])
def test_a_baseline_that_is_no_report_is_refused(
    engine: Engine, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = tmp_path / "known.json"
    baseline.write_bytes(text.encode(errors="surrogateescape"))
    engine(CLEAN)
    assert main(["check", "x", "--baseline", str(baseline)]) == 2
    assert "neither a baseline nor a report written by" in capsys.readouterr().err
