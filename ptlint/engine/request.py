"""What a run of ``ptlint check`` is asked to do: the options of the command line, as one value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The input, the tree and the rules of one run.

    ``inputs`` are as given: mailboxes, maildirs, patch files, folders, ``-`` for standard input, Message-IDs or URLs of
    lore, git ranges; empty with ``staged`` (index against HEAD) or ``worktree`` (work tree against HEAD), of which at
    most one is set. ``whole_series`` says that the input is one mail and the series that it is part of is meant.
    ``tree`` is None when none was named: the repository that ``cwd`` stands in is used then, if any. ``base`` is a
    revision of it. ``archs`` are profile names or architectures, empty for all. ``config`` is a kernel ``.config``.
    ``select`` and ``ignore`` are rule codes or their beginnings. ``revision`` chooses among the versions of a series in
    one thread. ``max_commits`` bounds a git range. ``isolated`` says that neither the tree's configuration nor a
    trailer of a patch may leave anything out.
    """

    inputs: tuple[str, ...] = ()
    tree: Path | None = None
    base: str | None = None
    staged: bool = False
    worktree: bool = False
    whole_series: bool = False
    archs: tuple[str, ...] = ()
    config: Path | None = None
    rules_dirs: tuple[Path, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    revision: int | None = None
    max_commits: int = 500
    isolated: bool = False
    cwd: Path = Path()
