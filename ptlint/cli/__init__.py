"""The command line: one module per command, found by looking into this folder and imported only when it is asked for.

A leading underscore marks a shared part. ``b4_agent.py`` would be the command ``b4-agent``.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import argparse


class Command(Protocol):
    """A module of this folder. Its imports at the top stay light: heavy ones belong into the functions."""

    SUMMARY: str
    """One line for ``ptlint --help``."""

    def add_arguments(self, parser: "argparse.ArgumentParser") -> None:
        """Declare what the command takes."""

    def run(self, arguments: "argparse.Namespace") -> int:
        """Do it and return the exit code. Raises PtlintError for what the user can mend."""


def command_names() -> tuple[str, ...]:
    """Return the names of all commands, sorted."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules if not name.startswith("_")))


def load_command(name: str) -> Command:
    """Return the command called *name*, which must be one of ``command_names()``."""
    return cast(Command, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
