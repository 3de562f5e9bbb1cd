"""The program: exit codes, one sentence for every failure, and a quick start."""

import os
import re
import subprocess
import sys
from types import ModuleType

import pytest

import ptlint.cli
from ptlint import SCHEMA_VERSION, __version__
from ptlint.__main__ import main
from ptlint.errors import InputError, PtlintError, TreeError, UsageError
from tests.shared import ROOT


def failing(error: BaseException) -> ModuleType:
    """Return a command that raises *error*."""
    command = ModuleType("failing")
    vars(command).update(SUMMARY="Fail.", add_arguments=lambda parser: None)

    def run(arguments: object) -> int:
        raise error

    vars(command)["run"] = run
    return command


def exit_of(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(ptlint.cli, "load_command", lambda name: failing(error))
    return main(["check"])


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("no such rule"), 2), (InputError("no mail"), 3), (TreeError("no kernel"), 3), (PtlintError("x"), 2)],
)
def test_a_failure_is_one_sentence_and_its_code(
    error: PtlintError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(error, monkeypatch) == code
    assert capsys.readouterr().err == f"ptlint: {error}\n"


def test_a_sentence_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_of(InputError("\x1b[2J\nptlint: all is well"), monkeypatch)
    assert capsys.readouterr().err == "ptlint: \\x1b[2J ptlint: all is well\n"


def test_an_internal_error_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(ZeroDivisionError("division by zero"), monkeypatch) == 4
    told = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in told
    assert "PTLINT_TRACEBACK=1" in told
    assert told.count("\n") == 1


def test_a_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PTLINT_TRACEBACK", "1")
    assert exit_of(ZeroDivisionError("division by zero"), monkeypatch) == 4
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_interrupt_says_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_of(KeyboardInterrupt(), monkeypatch) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["--nonsense"], ["check"], ["check", "--format", "morse", "x"]])
def test_wrong_usage_is_one_sentence(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"ptlint (\S+) \((\d+) rules ([0-9a-f]{12}), report schema (\d+)(, compiled)?\)", line)
    assert found is not None
    assert found[1] == __version__
    assert int(found[2]) == len(list((ROOT / "rules").glob("pt*.py")))
    assert int(found[4]) == SCHEMA_VERSION


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ptlint.cli.command_names():
        assert f"  {name} " in text


def modules_after(*argv: str) -> set[str]:
    """Return the modules that a run of ptlint imports."""
    program = (
        f"import sys; from ptlint.__main__ import main; main({list(argv)!r}); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_version_costs_no_parser_and_no_dataclass() -> None:
    assert not modules_after("--version") & {"argparse", "dataclasses", "inspect", "re"}


def test_a_command_starts_without_heavy_libraries() -> None:
    heavy = {"numpy", "git", "rich", "tree_sitter", "unidiff", "liblore"}
    assert not modules_after("check", "--format", "json") & heavy


@pytest.mark.parametrize("argv", [["--help"], ["check", "--help"]])
def test_a_reader_that_stops_early_gets_no_complaint(argv: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "ptlint", *argv], cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("argv", [["--version"], ["man"], ["explain", "PT101"]])
def test_a_full_disk_is_one_sentence(argv: list[str]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "ptlint", *argv]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (2, "ptlint: the output cannot be written: No space left on device\n")
