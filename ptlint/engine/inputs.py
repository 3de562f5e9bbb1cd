"""The patches that a request names: mail, pipes, commits, the index."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Literal

from ptlint.core.patch import Series
from ptlint.engine.request import CheckRequest
from ptlint.errors import InputError, UsageError

_RANGE = re.compile(r"[^\s/<>]*[\w~^@{}-]\.\.[\w~^@{}/.-]*|\.\.[\w~^@{}/.-]+")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.IGNORECASE | re.DOTALL)
_MESSAGE_ID = re.compile(r"<[^<>\s]+>|[^<>\s/]+@[^<>\s/]+")


def enclosing_folder(request: CheckRequest) -> Path | None:
    """Return the kernel tree that the request was made in, if any."""
    from ptlint.tree import enclosing_tree

    return enclosing_tree(request.cwd)


def series_asked(request: CheckRequest, folder: Path | None) -> Series:
    """Return the series that the request names; *folder* is its tree. Raises UsageError and InputError."""
    from ptlint.mail.diff import parse_diff

    if request.staged or request.worktree:
        from ptlint.tree import staged_series, worktree_series

        if folder is None:
            raise UsageError("--staged and --worktree need a repository: stand in one or name it with --tree")
        return (staged_series if request.staged else worktree_series)(folder, parse_diff)
    ranges = [entry for entry in request.inputs if _is_range(entry, request.cwd)]
    if ranges:
        if len(request.inputs) > 1:
            raise UsageError("a git range is the only input of a run; check other inputs on their own")
        from ptlint.tree import range_series

        if folder is None:
            raise UsageError(f"the range {ranges[0]} needs a repository: stand in one or name it with --tree")
        return range_series(folder, ranges[0], request.max_commits, parse_diff)
    from ptlint.mail import read_series, read_sources

    return read_series(read_sources([_path(entry) for entry in request.inputs], sys.stdin.buffer), request.revision)


def _is_range(entry: str, cwd: Path) -> bool:
    return entry != "-" and _RANGE.fullmatch(entry) is not None and not os.path.lexists(cwd / entry)


def _path(entry: str) -> Path | Literal["-"]:
    """Return the input *entry* as what can be opened. InputError with a sentence when there is nothing to open."""
    if entry == "-":
        return "-"
    try:
        os.stat(entry)
    except (OSError, ValueError) as error:
        if _ADDRESS.fullmatch(entry) or _MESSAGE_ID.fullmatch(entry):
            what = (
                "nothing is fetched from the network; save the thread, as 'b4 mbox MESSAGE-ID' does, and name that file"
            )
            raise InputError(f"{entry}: {what}") from error
        if isinstance(error, (ValueError, FileNotFoundError, NotADirectoryError)):
            what = "no such file or folder (a mailbox, a maildir, patches, '-' or a range A..B)"
            raise InputError(f"{entry}: {what}") from error
        raise InputError(f"{entry}: cannot be read ({error.strerror})") from error
    return Path(entry)
