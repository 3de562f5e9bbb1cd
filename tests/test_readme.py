"""The commands that the documentation shows exist, with the options it shows."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ptlint.__main__ import main
from ptlint.cli import command_names, load_command
from ptlint.cli._parser import parser_of
from tests.shared import FIXTURES, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(sh|console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Yield page and words of every command line in a fenced block, without comments and what it is piped into.

    In a ``console`` block they are the lines after ``$``; the others are what is printed.
    """
    for page in PAGES:
        for kind, block in FENCE.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                if kind == "console" and not line.startswith("$ "):
                    continue
                for part in re.split(r"\s\|\s|\s&&\s", line.removeprefix("$ ")):
                    words = shlex.split(part.split(" # ")[0], comments=True)
                    if words:
                        yield page.name, words


COMMANDS = list(shown_commands())


@pytest.mark.parametrize("shown", [c for c in COMMANDS if c[1][0] == "ptlint"], ids=lambda c: f"{c[0]}: {c[1]}")
def test_a_shown_command_is_understood(shown: tuple[str, list[str]]) -> None:
    words = shown[1][1:]
    if words in (["--version"], ["--help"]):
        return
    assert words[0] in command_names()
    parser_of(words[0], load_command(words[0])).parse_intermixed_args(words[1:])


@pytest.mark.parametrize("shown", [c for c in COMMANDS if c[1][0] == "make"], ids=lambda c: f"{c[0]}: {c[1]}")
def test_a_shown_make_target_exists(shown: tuple[str, list[str]]) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert shown[1][1] in targets


def test_the_readme_shows_how_to_begin() -> None:
    words = [" ".join(words) for page, words in COMMANDS if page == "README.md"]
    assert {"make demo", "make test"} <= set(words)
    assert any(line.startswith("ptlint check ") for line in words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_linked_files_exist(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_run_that_the_readme_shows_is_what_the_demo_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """Any profile of the architecture may be left out: what is shown is the run on one of them."""
    demo = FIXTURES / "demo"
    arch = ["--arch", "powerpc/radix,x86"]
    assert main(["check", "--tree", str(demo / "tree"), str(demo / "series.mbox"), *arch]) == 1
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = [
        block for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL) if "= run:" in block
    ]
    start = next(number for number, line in enumerate(printed) if "= run:" in line)
    lines = shown.splitlines()
    assert lines == printed[start : start + len(lines)]
