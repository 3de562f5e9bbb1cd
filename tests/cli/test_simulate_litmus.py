"""``ptlint simulate`` on a litmus file, and with a batch size and a run to show."""

from pathlib import Path

import pytest

from ptlint.__main__ import main
from tests.shared import FIXTURES


def test_a_litmus_file_prints_its_states_and_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(FIXTURES / "litmus/load-then-store.litmus")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("load-then-store.litmus on reference: 3 final states\n")
    assert out.endswith("dirty lost: sometimes\n")


def test_another_verdict_than_the_file_expects_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FIXTURES / "litmus/swap.litmus").read_text(encoding="utf-8")
    path = tmp_path / "demo.litmus"
    path.write_text(text.replace("expect: never", "expect: always"), encoding="utf-8")
    assert main(["simulate", str(path)]) == 1
    assert "the file expects: always" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "none.litmus")]) == 3
    assert "none.litmus: No such file" in capsys.readouterr().err


def test_a_trace_shows_a_run_of_the_size_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "modify_prot_commit_ptes", "--nr", "4", "--trace"]) == 0
    out = capsys.readouterr().out
    assert "nr=4" in out
    assert "nr=2" not in out


def test_a_batch_of_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "modify_prot_commit_ptes", "--nr", "0"]) == 2
    assert "1 to 512" in capsys.readouterr().err
