"""The patches that a request names: mail, pipes, commits, the index, a thread of an archive."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ptlint.core.patch import Series
from ptlint.engine.request import CheckRequest
from ptlint.errors import InputError, UsageError

if TYPE_CHECKING:
    from ptlint.mail import RawMail

_RANGE = re.compile(r"(?!.*@[^{])(?:(?![./])[^\s<>:]*[\w~^@{}-]\.\.[\w~^@{}/.-]*|\.\.[\w~^@{}-][\w~^@{}/.-]*)")


def enclosing_folder(request: CheckRequest) -> Path | None:
    """Return the kernel tree that the request was made in, if any."""
    from ptlint.tree import enclosing_tree

    return enclosing_tree(request.cwd)


def series_asked(request: CheckRequest, folder: Path | None) -> Series:
    """Return the series that the request names; *folder* is its tree. Raises UsageError and InputError."""
    if request.staged or request.worktree:
        from ptlint.mail.diff import parse_diff
        from ptlint.tree import staged_series, worktree_series

        if folder is None:
            raise UsageError("--staged and --worktree need a repository: stand in one or name it with --tree")
        return (staged_series if request.staged else worktree_series)(folder, parse_diff)
    ranges = [entry for entry in request.inputs if _is_range(entry, request.cwd)]
    if ranges:
        if len(request.inputs) > 1:
            raise UsageError("a git range is the only input of a run; check other inputs on their own")
        if folder is None:
            raise UsageError(f"the range {ranges[0]} needs a repository: stand in one or name it with --tree")
        return commits(folder, ranges[0], request.max_commits)
    return _from_mail(request, folder)


def commits(folder: Path, revisions: str, max_commits: int) -> Series:
    """Return the commits of the range *revisions* as a series."""
    from ptlint.mail.diff import parse_diff
    from ptlint.tree import range_series

    return range_series(folder, revisions, max_commits, parse_diff)


def _from_mail(request: CheckRequest, folder: Path | None) -> Series:
    from ptlint.mail import read_series

    remote = [entry for entry in request.inputs if _is_remote(entry)]
    if remote:
        if len(request.inputs) > 1:
            raise UsageError("a thread to be fetched is the only input of a run; check other inputs on their own")
        return fetched(remote[0], request)
    mails = _read(request.inputs)
    if request.whole_series:
        from ptlint.engine.whole import whole_series

        return whole_series(mails, request, folder)
    return read_series(mails, request.revision)


def fetched(entry: str, request: CheckRequest) -> Series:
    """Return the series of the message that *entry* names, from the archive that b4 would ask."""
    from ptlint.mail import read_series
    from ptlint.mail.lore import fetch_thread

    message_id, mails = fetch_thread(entry, request.cwd)
    return read_series(mails, request.revision, message_id)


def _read(inputs: Sequence[str]) -> tuple[RawMail, ...]:
    from ptlint.mail import read_sources

    return read_sources([_path(entry) for entry in inputs], sys.stdin.buffer)


def _is_range(entry: str, cwd: Path) -> bool:
    return entry != "-" and _RANGE.fullmatch(entry) is not None and not os.path.lexists(cwd / entry)


def _is_remote(entry: str) -> bool:
    if entry == "-" or ("@" not in entry and "://" not in entry):
        return False
    from ptlint.mail.lore import is_remote

    return is_remote(entry) and not _exists(entry)


def _exists(entry: str) -> bool:
    try:
        return os.path.lexists(entry)
    except ValueError:
        return False


def _path(entry: str) -> Path | Literal["-"]:
    """Return the input *entry* as what can be opened. InputError with a sentence when there is nothing to open."""
    if entry == "-":
        return "-"
    try:
        os.stat(entry)
    except (OSError, ValueError) as error:
        if isinstance(error, (ValueError, FileNotFoundError, NotADirectoryError)):
            what = "no such file or folder (a mailbox, a maildir, patches, '-', a range A..B or a Message-ID)"
            raise InputError(f"{entry}: {what}") from error
        raise InputError(f"{entry}: cannot be read ({error.strerror})") from error
    return Path(entry)
