"""Completion in the shells themselves, and the manual page as man prints it."""

import subprocess
from functools import partial
from pathlib import Path

import pytest

from ptlint.__main__ import main
from ptlint.cli import command_names
from ptlint.cli._options import described
from ptlint.report import format_names
from tests.interfaces.terminal import Terminal
from tests.interfaces.transcript import shown
from tests.interfaces.world import with_programs
from tests.shared import program

Out = pytest.CaptureFixture[str]


def script_of(shell: str, capsys: Out, tmp_path: Path) -> Path:
    assert main(["completion", shell]) == 0
    path = tmp_path / f"ptlint.{shell}"
    path.write_text(capsys.readouterr().out)
    return path


def printed(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


BASH = """\
source "$0"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_ptlint
printf '%s\\n' "${COMPREPLY[@]}"
"""


def test_bash_completes_commands_options_and_values(capsys: Out, tmp_path: Path) -> None:
    script = script_of("bash", capsys, tmp_path)

    def completed(*words: str) -> list[str]:
        return printed(program("bash"), "--norc", "-c", BASH, script, "ptlint", *words).split()

    assert set(command_names()) <= set(completed(""))
    assert completed("ch") == ["check"]
    assert completed("check", "--form") == ["--format"]
    assert completed("check", "--format", "") == list(format_names())
    assert "sendemail-validate" in completed("hook", "")
    assert completed("check", "--format", "b4", "x") == []  # left to bash, which completes files


def test_fish_completes_commands_options_and_values(capsys: Out, tmp_path: Path) -> None:
    script = script_of("fish", capsys, tmp_path)

    def completed(line: str) -> list[str]:
        command = f"source {script}; complete -C '{line}'"
        return [one.split("\t")[0] for one in printed(program("fish"), "--no-config", "-c", command).splitlines()]

    assert set(command_names()) <= set(completed("ptlint "))
    assert completed("ptlint check --forma") == ["--format"]
    assert completed("ptlint check --format sar") == ["sarif"]
    assert "post-applypatch" in completed("ptlint hook ")


def test_zsh_knows_every_option(capsys: Out, tmp_path: Path) -> None:
    """Without a terminal its functions are stand-ins that print what they are given; the next test has one."""
    script = script_of("zsh", capsys, tmp_path)
    printed(program("zsh"), "-n", script)
    stand_ins = "compdef() { }; _describe() { print -l -- $commands }; _arguments() { print -l -- $@ }; "
    ask = f'{stand_ins} source {script}; words=(ptlint "$@"); CURRENT=$#words; _ptlint'
    commands = printed(program("zsh"), "-f", "-c", ask, "zsh", "").splitlines()
    assert [line.split(":")[0] for line in commands] == list(command_names())
    for command in described():
        lines = printed(program("zsh"), "-f", "-c", ask, "zsh", command.name, "").splitlines()
        names = [line.removeprefix("*").split("[")[0].removesuffix("=") for line in lines if line.startswith("*-")]
        assert names == [name for option in command.options for name in option.names]


START = {
    "bash": ("bash --norc --noprofile -i", ""),
    "zsh": ("zsh -f -i", "autoload -Uz compinit && compinit -u -D"),
    "fish": ("fish --no-config -i", ""),
}
"""How each shell starts without the settings of the machine, and what it needs before the line of the page."""


def _ends(text: str, screen: str) -> bool:
    """Return whether the cursor stands behind *text*; a shell may have put a space or an equals sign there."""
    return screen.rstrip(" =\n").endswith(text)


@pytest.mark.parametrize("shell", START)
def test_a_shell_completes_on_a_terminal(shell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page tells to paste is typed, then words and tabs."""
    with_programs(monkeypatch, shell, "tmux")
    monkeypatch.setenv("TERM", "screen-256color")
    (lines,) = shown("ci.md", "Shells", "sh")
    (pasted,) = [line.split("#")[0].rstrip() for line in lines.splitlines() if f"completion {shell}" in line]
    start, before = START[shell]
    terminal = Terminal(tmp_path, start)
    try:
        for line in filter(None, (before, pasted)):
            terminal.enter(line)
        for typed, completed in (
            ("ptlint che", "ptlint check"),
            ("ptlint check --forma", "ptlint check --format"),
            ("ptlint check --format sar", "ptlint check --format sarif"),
            ("ptlint check --fail-on=nev", "ptlint check --fail-on=never"),
            ("ptlint hook post-a", "ptlint hook post-applypatch"),
            *((f"ptlint {name} --hel", f"ptlint {name} --help") for name in command_names()),
        ):
            terminal.press(typed, partial(_ends, typed))
            terminal.press("Tab", partial(_ends, completed))
            terminal.press("C-u", lambda screen: "ptlint" not in screen.rstrip().splitlines()[-1])
    finally:
        terminal.close()


def test_the_manual_page_is_clean_roff_and_names_everything(capsys: Out, tmp_path: Path) -> None:
    assert main(["man"]) == 0
    page = tmp_path / "ptlint.1"
    page.write_text(capsys.readouterr().out)
    text = printed(program("man"), "--warnings", "-E", "UTF-8", "-l", page)
    for command in described():
        assert f"ptlint {command.name}" in text
        for option in command.options:
            assert all(name in text for name in option.names)


def test_every_option_says_what_it_does() -> None:
    for command in described():
        for _, group in command.groups:
            assert all(option.help for option in group), command.name
