"""What a page of the documentation shows: configuration to paste, commands, and what they print."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.shared import ROOT

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_ANY = re.compile(r"(?<!\\\.)(?:\\\.){3}(?!\\\.)")  # three dots and no more, escaped
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Command:
    """A line after ``$`` and what the page says it prints."""

    line: str
    printed: str


def shown(page: str, heading: str, kind: str) -> list[str]:
    """Return the fenced blocks of a *kind* under a *heading* of ``docs/page``; there must be one at least."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    starts = {match[1]: match.end() for match in _HEADING.finditer(_without_blocks(text))}
    assert heading in starts, f"docs/{page} has no heading {heading!r}"
    start = starts[heading]
    end = min((one for one in starts.values() if one > start), default=len(text))
    found = [block for language, block in _FENCE.findall(text[start:end]) if language == kind]
    assert found, f"docs/{page} shows no {kind} under {heading!r}"
    return found


def _without_blocks(text: str) -> str:
    """Return *text* with the lines of fenced blocks blanked, so that nothing in them is a heading."""
    return _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def commands(page: str, heading: str) -> list[Command]:
    """Return the commands of the ``console`` blocks under *heading* in order."""
    found: list[Command] = []
    for block in shown(page, heading, "console"):
        parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
        assert not parts[0].strip(), f"docs/{page}: a console block begins with output"
        found += [Command(line, printed) for line, printed in zip(parts[1::2], parts[2::2], strict=True)]
    return found


def configure(repository: Path, page: str, heading: str) -> None:
    """Paste the configuration under *heading* into a repository."""
    with (repository / ".git/config").open("a") as config:
        config.writelines(shown(page, heading, "ini"))


def plain(text: str) -> str:
    """Return *text* without colours and without white space at the ends of lines."""
    return "\n".join(line.rstrip() for line in _COLOUR.sub("", text).splitlines())


def play(command: Command, folder: Path, environment: Mapping[str, str] | None = None, code: int | None = None) -> str:
    """Run a command as it is shown, compare what it prints with what is shown, and return it.

    ``...`` alone on a line of the page stands for any lines, elsewhere for any text of a line.
    """
    done = subprocess.run(
        ["sh", "-c", command.line],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
    )
    printed = plain(done.stdout.decode())
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line.strip() == "..." else _ANY.sub(r"[^\\n]*", re.escape(line)) + "\n"
        for line in plain(command.printed.rstrip("\n")).splitlines()
    )
    is_as_shown = re.fullmatch(pattern, printed.rstrip("\n") + "\n" if printed.strip() else "")
    assert is_as_shown, f"$ {command.line}\n{printed}\n--- the page says\n{command.printed}"
    if code is not None:
        assert done.returncode == code, printed
    return printed
