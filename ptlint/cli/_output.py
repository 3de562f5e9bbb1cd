"""Where a command writes: standard output, or a file that appears whole or not at all."""

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from ptlint.errors import UsageError
from ptlint.report import format_names

NEVER = "never"


def add_output(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that say how a report is written and what it means, and return their group for more."""
    output = parser.add_argument_group("output")
    output.add_argument("--format", choices=format_names(), default="terminal", help="default: terminal")
    output.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write the report to FILE, whole or not at all"
    )
    output.add_argument(
        "--fail-on",
        choices=["error", "warning", "note", NEVER],
        default="warning",
        help="the least severity that makes the exit code 1 (default: warning)",
    )
    return output


def write_output(write: Callable[[TextIO], None], path: Path | None) -> None:
    """Let *write* write to standard output, or to the file *path*, which is replaced at once when all is written.

    UsageError when the file cannot be written; a file that was there stays as it was then.
    """
    if path is None:
        write(sys.stdout)
        return
    text = io.StringIO()
    write(text)
    replace_file(path, text.getvalue().encode("utf-8", errors="backslashreplace"))


def replace_file(path: Path, data: bytes) -> None:
    """Write *data* to the file *path*, whole or not at all. UsageError when it cannot be written."""
    try:
        _replace(path, data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()
    if target.exists() and not target.is_file():  # a device or pipe is written to, never replaced
        target.write_bytes(data)
        return
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    finally:
        scratch.unlink(missing_ok=True)
