"""Commits of a repository, and what is not committed yet, as a series of patches."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ptlint.core.patch import FilePatch, LeftOut, Patch, PatchRef, Series, Trailer
from ptlint.errors import InputError, TreeError, UsageError
from ptlint.tree.overlay import DIFF_OPTIONS, LocalTree, index_tree, local_diff, work_tree
from ptlint.tree.repository import Repository, open_repository

DiffParser = Callable[[bytes], tuple[FilePatch, ...]]
"""Reads the text of a diff. Raises InputError when it cannot."""

MAX_COUNT_SECONDS = 3.0
"""Seconds that counting the commits of a range may take."""

_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): +(\S.*)")


def range_series(repo: Path, revisions: str, max_commits: int, parse: DiffParser) -> Series:
    """Return the commits of the range ``A..B`` (or ``A..``, ``..B``), oldest first, as a series.

    Merges are left out and listed. Raises UsageError when *revisions* is no range or holds more than *max_commits*,
    TreeError when an end of it is no commit of the repository.
    """
    repository = open_repository(repo)
    old, new = _ends(repository, revisions)
    commits = _commits(repository, old, new, revisions, max_commits)
    merges = {commit for commit, parents in commits if len(parents) > 1}
    plain = [(commit, parents[0] if parents else "") for commit, parents in commits if len(parents) < 2]
    patches = []
    diffs = _diffs(repository, [commit for commit, _ in plain])
    for index, (commit, _) in enumerate(plain, 1):
        patches.append(_patch(repository, commit, (index, len(plain)), diffs.get(commit, b""), parse))
    left_out = tuple(
        LeftOut("merge", commit[:12], "a merge commit brings no change of its own that could be applied", revisions)
        for commit in sorted(merges)
    )
    title = patches[0].ref.subject if len(patches) == 1 else revisions
    return Series(title, 1, "", "", tuple(patches), len(plain), base_commit=old, left_out=left_out)


def pushed_series(repo: Path, tip: str, known: Sequence[str], max_commits: int, parse: DiffParser) -> Series:
    """Return the commits of *tip* that none of *known* has, oldest first, as a series; the newest when there are many.

    *known* are commits and options of git-rev-list that stand for commits, as ``--remotes``. Merges, a commit without
    a parent, and what is older than the newest *max_commits* are left out and listed. No patch is no error.
    """
    repository = open_repository(repo)
    arguments = ("rev-list", "--parents", "--topo-order", f"--max-count={max_commits + 1}", tip, "--not", *known, "--")
    answer = repository.run(*arguments)
    if answer.code:
        raise TreeError(f"{repository.path}: git cannot list the commits of {tip}: {answer.complaint}")
    listed = [words for line in answer.output.decode("ascii").splitlines() if (words := line.split())]
    left_out: list[LeftOut] = []
    if len(listed) > max_commits:
        left_out.append(LeftOut("older-commits", tip[:12], f"only the newest {max_commits} commits are looked at"))
    newest = list(reversed(listed[:max_commits]))
    for commit, *parents in newest:
        if len(parents) != 1:
            what = "a merge commit brings no change of its own" if parents else "a first commit has nothing before it"
            left_out.append(LeftOut("merge" if parents else "root", commit[:12], what))
    plain = [(words[0], words[1]) for words in newest if len(words) == 2]
    diffs = _diffs(repository, [commit for commit, _ in plain]) if plain else {}
    patches = tuple(
        _patch(repository, commit, (index, len(plain)), diffs.get(commit, b""), parse)
        for index, (commit, _) in enumerate(plain, 1)
    )
    title = patches[0].ref.subject if len(patches) == 1 else f"{len(patches)} commits up to {tip[:12]}"
    base = plain[0][1] if plain else None
    return Series(title, 1, "", "", patches, len(patches), base_commit=base, left_out=tuple(left_out))


def with_message(series: Series, message: str) -> Series:
    """Return a series of one patch with *message* as its commit message."""
    subject, body = _split_message(message)
    patches = tuple(
        replace(patch, ref=replace(patch.ref, subject=subject), body=body, trailers=_trailers(body))
        for patch in series.patches
    )
    return replace(series, title=subject or series.title, patches=patches)


def staged_series(repo: Path, parse: DiffParser) -> Series:
    """Return what is staged (in the index that ``GIT_INDEX_FILE`` names, if any) as a series of one patch."""
    return _local_series(index_tree(open_repository(repo)), "staged changes", parse)


def worktree_series(repo: Path, parse: DiffParser) -> Series:
    """Return how the tracked files on disk differ from HEAD as a series of one patch."""
    return _local_series(work_tree(open_repository(repo)), "changes in the work tree", parse)


def _local_series(tree: LocalTree, title: str, parse: DiffParser) -> Series:
    diff = local_diff(tree)
    commit = tree.base.commit_id
    if not diff:
        return Series(title, 1, "", "", (), 0, base_commit=commit, left_out=tree.left_out)
    patch = Patch(PatchRef(1, 1, "", title), "", "", "", _parsed(parse, diff, title), diff, source=title)
    return Series(title, 1, "", "", (patch,), 1, base_commit=commit, left_out=tree.left_out)


def _ends(repository: Repository, revisions: str) -> tuple[str, str]:
    """Return the commit ids of both ends of a range."""
    first, dots, last = revisions.partition("..")
    if not dots or last.startswith("."):
        raise UsageError(f"{revisions!r} is not a range of commits; write it as A..B")
    ids = []
    for name in (first or "HEAD", last or "HEAD"):
        commit = repository.resolve(name, "commit")
        if commit is None:
            raise TreeError(f"{repository.path}: {name!r} names no commit of this repository")
        ids.append(commit)
    return ids[0], ids[1]


def _commits(
    repository: Repository, old: str, new: str, revisions: str, max_commits: int
) -> list[tuple[str, list[str]]]:
    """Return the commits of a range with their parents, oldest first; give up early when there are too many."""
    arguments = ("rev-list", "--parents", "--topo-order", f"--max-count={max_commits + 1}", new, f"^{old}", "--")
    too_many = f"{revisions} holds more than {max_commits} commits; name a shorter range"
    try:
        answer = repository.run(*arguments, seconds=MAX_COUNT_SECONDS)
    except TreeError as error:
        raise UsageError(f"{too_many} (they could not be counted in {MAX_COUNT_SECONDS:.0f} seconds)") from error
    if answer.code:
        raise TreeError(f"{repository.path}: git cannot list {revisions}: {answer.complaint}")
    lines = answer.output.decode("ascii").splitlines()
    if len(lines) > max_commits:
        raise UsageError(too_many)
    return [(words[0], words[1:]) for words in (line.split() for line in reversed(lines))]


def _diffs(repository: Repository, commits: list[str]) -> dict[str, bytes]:
    """Return the diff of each commit to its parent. A line that is a whole id and nothing else parts them.

    No other line of a diff looks like one: lines of hunks start with a sign, and one of base85 has another length.
    """
    text = "".join(commit + "\n" for commit in commits).encode("ascii")
    output = repository.ask("diff-tree", "--stdin", "--root", "-r", *DIFF_OPTIONS, stdin=text)
    separator = re.compile(rb"^([0-9a-f]{%d})\n" % repository.hex_length, re.MULTILINE)
    parts = separator.split(output)[1:]
    return {commit.decode("ascii"): diff.lstrip(b"\n") for commit, diff in zip(parts[::2], parts[1::2], strict=True)}


def _patch(repository: Repository, commit: str, place: tuple[int, int], diff: bytes, parse: DiffParser) -> Patch:
    found = repository.read(commit)
    if found is None:
        raise TreeError(f"{repository.path}: commit {commit[:12]} is missing")
    header, _, message = found[1].partition(b"\n\n")
    fields = dict(line.split(b" ", 1) for line in header.split(b"\n") if b" " in line and not line.startswith(b" "))
    text = _decoded(message, fields.get(b"encoding", b"utf-8"))
    subject, body = _split_message(text)
    who, _, when = _decoded(fields.get(b"author", b""), fields.get(b"encoding", b"utf-8")).rpartition("> ")
    return Patch(
        PatchRef(*place, "", subject),
        author=f"{who}>" if who else "",
        date=when,
        body=body,
        files=_parsed(parse, diff, commit[:12]),
        diff=diff,
        trailers=_trailers(body),
        source=commit[:12],
    )


def _parsed(parse: DiffParser, diff: bytes, source: str) -> tuple[FilePatch, ...]:
    try:
        return parse(diff)
    except InputError as error:
        raise TreeError(f"{source}: the diff that git prints cannot be read: {error}") from error


def _decoded(data: bytes, encoding: bytes) -> str:
    """Decode text of a commit object in the encoding it names; git stores what it was given."""
    try:
        return data.decode(encoding.decode("ascii", "replace"))
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def _split_message(text: str) -> tuple[str, str]:
    """Return subject and body: the subject is the first paragraph on one line, as ``git format-patch`` has it."""
    lines = text.strip("\n").split("\n")
    end = next((number for number, line in enumerate(lines) if not line.strip()), len(lines))
    return " ".join(line.strip() for line in lines[:end]), "\n".join(lines[end:]).strip("\n")


def _trailers(body: str) -> tuple[Trailer, ...]:
    """Return the ``Key: value`` lines of the last paragraph."""
    last = body.rsplit("\n\n", 1)[-1].split("\n")
    found = (_TRAILER.fullmatch(line) for line in last)
    return tuple(Trailer(match[1], match[2]) for match in found if match)
