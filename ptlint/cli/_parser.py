"""The argument parser of a command, and options that several commands take."""

import argparse
from pathlib import Path
from typing import NoReturn

from ptlint.cli import Command
from ptlint.errors import UsageError


class CommandParser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, raised as UsageError."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with *message*."""
        raise UsageError(f"{message} ('{self.prog} --help' shows how it is called)")


def parser_of(name: str, command: Command) -> CommandParser:
    """Return the parser of *command*, which is called *name*."""
    parser = CommandParser(prog=f"ptlint {name}", description=command.SUMMARY, allow_abbrev=False)
    command.add_arguments(parser)
    return parser


def add_rules_dir(parser: argparse.ArgumentParser) -> None:
    """Add ``--rules-dir``, which may be given several times."""
    parser.add_argument(
        "--rules-dir",
        dest="rules_dirs",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a folder with further rule files; they are programs and run with your rights",
    )


def comma_separated(text: str) -> list[str]:
    """Return the entries of a list like ``PT1,PT202``; an empty entry is an error."""
    entries = [entry.strip() for entry in text.split(",")]
    if not all(entries):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty entry")
    return entries


def positive(text: str) -> int:
    """Return a whole number from 1."""
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
