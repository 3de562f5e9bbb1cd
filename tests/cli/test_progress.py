"""What a long run tells: on a terminal, after a while, and gone at the end."""

import io
import sys
import time

import pytest

from ptlint.cli import _progress
from ptlint.cli._progress import Progress


class Terminal(io.StringIO):
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
    text = told(Terminal(), 0.3, monkeypatch)
    assert text.startswith("\r\x1b[Kptlint: patch 1/2 on ?[31marm64, ")
    assert text.endswith("\r\x1b[K")


def test_a_short_run_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Terminal(), 0, monkeypatch) == ""


def test_a_file_or_pipe_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(io.StringIO(), 0.3, monkeypatch) == ""
