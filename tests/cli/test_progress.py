"""What a long run tells: on a terminal, after a while, and gone at the end."""

import io
import re
import shlex
import sys
import time
from pathlib import Path

import pytest

from ptlint.cli import _progress
from ptlint.cli._progress import Progress
from tests.interfaces.terminal import Terminal
from tests.interfaces.world import kernel, with_programs


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream: io.StringIO, seconds: float, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(_progress, "DELAY", 0.05)
    with Progress() as progress:
        progress("patch 1/2 on \x1b[31marm64")
        time.sleep(seconds)
    return stream.getvalue()


def test_a_long_run_says_what_it_does_and_wipes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(Screen(), 0.3, monkeypatch)
    assert text.startswith("\r\x1b[Kptlint: patch 1/2 on ?[31marm64, ")
    assert text.endswith("\r\x1b[K")


def test_a_short_run_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Screen(), 0, monkeypatch) == ""


def test_a_file_or_pipe_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(io.StringIO(), 0.3, monkeypatch) == ""


SLOW = {
    "check": "check --arch x86,arm64 -o /dev/null series.mbox",
    "reply": "reply --arch x86,arm64 -o /dev/null series.mbox",
    "model": "model --no-cache -o /dev/null --tree linux",
    "simulate": "simulate change_pte_range --tree linux -o /dev/null",
    "scan": "scan --no-cache --jobs 1 --tree linux -o /dev/null",
}


@pytest.mark.parametrize("command", SLOW)
def test_a_command_tells_a_terminal_what_it_does(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait for what is told is long enough to be seen, whatever the machine does besides."""
    with_programs(monkeypatch, "tmux")
    monkeypatch.setenv("TERM", "screen-256color")
    kernel(tmp_path)
    words = shlex.split(SLOW[command])
    program = tmp_path / "run.py"
    program.write_text(
        "import time\nfrom ptlint.__main__ import main\nfrom ptlint.cli import _progress\n\n"
        "waits, told = iter((2, 2)), _progress.Progress.__call__\n"
        "_progress.Progress.__call__ = lambda self, what: (told(self, what), time.sleep(next(waits, 0)))[0]\n"
        f"_progress.DELAY = 0.05\nraise SystemExit(main({words!r}))\n"
    )
    terminal = Terminal(tmp_path, "sh")
    try:
        terminal.press(f"{shlex.quote(sys.executable)} {program.name}", lambda _: True)
        terminal.press("Enter", lambda screen: re.search(r"^ptlint: (?!working)\S.*, \d+ s$", screen, re.MULTILINE))
        terminal.press("", lambda screen: not re.search(r"^ptlint: .*, \d+ s$", screen, re.MULTILINE))
    finally:
        terminal.close()
