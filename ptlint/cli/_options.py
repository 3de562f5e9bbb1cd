"""What the parsers of all commands declare, as values: for completion in shells and for the manual page."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from ptlint.cli import command_names, load_command
from ptlint.cli._parser import parser_of


@dataclass(frozen=True, slots=True)
class Option:
    """An option or a positional word. ``names`` is empty for the latter; ``value`` empty for a switch.

    ``choices`` are all values that are taken, ``is_path`` says that the value is a file or folder, ``is_rest`` that any
    number of words may stand there.
    """

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    is_rest: bool = False


@dataclass(frozen=True, slots=True)
class Described:
    """A command with its options, in the groups of its help."""

    name: str
    summary: str
    groups: tuple[tuple[str, tuple[Option, ...]], ...]

    @property
    def options(self) -> tuple[Option, ...]:
        """Return all options that have a name."""
        return tuple(option for _, group in self.groups for option in group if option.names)

    @property
    def words(self) -> tuple[Option, ...]:
        """Return the positional words."""
        return tuple(option for _, group in self.groups for option in group if not option.names)


def described() -> Iterator[Described]:
    """Yield every command by name."""
    for name in command_names():
        command = load_command(name)
        parser = parser_of(name, command)
        groups = []
        for group in parser._action_groups:
            options = tuple(_option(action) for action in group._group_actions if action.help != argparse.SUPPRESS)
            if options:
                groups.append((group.title or "", options))
        yield Described(name, command.SUMMARY, tuple(groups))


def _option(action: argparse.Action) -> Option:
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    choices = tuple(str(choice) for choice in action.choices) if action.choices is not None else ()
    takes_value = action.nargs != 0
    value = (metavar if action.metavar else "|".join(choices) or metavar) if takes_value else ""
    is_path = metavar in ("FILE", "DIR", "PATH", "INPUT")
    text = (action.help or "") % {"default": action.default, "prog": "ptlint"}
    is_rest = action.nargs in ("*", "+", argparse.REMAINDER)
    return Option(tuple(action.option_strings), value, text, choices, is_path, is_rest)
