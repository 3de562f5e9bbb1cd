"""``ptlint man``: the manual page, made from the parsers of the commands."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptlint.cli._options import Described, Option

SUMMARY = "Print the manual page: ptlint man | man -l -"

EXIT_CODES = (
    ("0", "nothing found that counts"),
    ("1", "findings"),
    ("2", "wrong usage, configuration or rule file"),
    ("3", "input that cannot be read or fetched, or a patch that does not apply"),
    ("4", "an internal error"),
)

ENVIRONMENT = (
    ("NO_COLOR", "no colours, also on a terminal"),
    ("B4_TRACKING_FILE", "the series under review in b4, for check --series"),
    ("PATCHWORK_TOKEN", "the token that patchwork-post sends"),
    ("DESC_FD", "the file descriptor to which nipa writes its description"),
    ("PTLINT_TRACEBACK", "1 shows the traceback of an internal error"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing."""


def run(arguments: argparse.Namespace) -> int:
    """Print the page in roff."""
    from ptlint.cli._options import described

    print("\n".join(_page(tuple(described()))))
    return 0


def _page(commands: "tuple[Described, ...]") -> Iterator[str]:
    from ptlint import __doc__ as purpose
    from ptlint import __version__

    what = str(purpose).partition(": ")[2].rstrip(".")
    yield from (f'.TH PTLINT 1 "" "ptlint {__version__}" "User Commands"', ".SH NAME", f"ptlint \\- {_text(what)}")
    yield from (
        ".SH SYNOPSIS",
        ".B ptlint",
        ".I COMMAND",
        "[options] ...",
        ".br",
        ".B ptlint \\-\\-help | \\-\\-version",
    )
    yield ".SH COMMANDS"
    for command in commands:
        yield f".SS {_text(f'ptlint {command.name}')}"
        yield _text(command.summary)
        for title, options in command.groups:
            if title not in ("positional arguments", "options", "optional arguments"):
                yield from (".PP", f".I {_text(title)}")
            for option in options:
                yield from (".TP", _tag(option), _text(option.help) or "\\&")
    for title, entries in (("EXIT STATUS", EXIT_CODES), ("ENVIRONMENT", ENVIRONMENT)):
        yield f".SH {title}"
        for name, text in entries:
            yield from (".TP", f".B {_text(name)}", _text(text))


def _tag(option: "Option") -> str:
    if not option.names:
        return f".I {_text(option.value)}"
    value = f" \\fI{_text(option.value)}\\fR" if option.value else ""
    return ", ".join(f"\\fB{_text(name)}\\fR" for name in option.names) + value


def _text(text: str) -> str:
    """Return *text* as roff prints it: no escapes, no requests, hyphens that can be copied."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
