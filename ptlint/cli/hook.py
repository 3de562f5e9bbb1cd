"""``ptlint hook``: what git and pre-commit run at a commit, a push, after git am, and before mails are sent.

A hook prints what it found as compilers do and nothing else; nothing when there is nothing. It reads the repository
and touches neither index nor work tree.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.cli._checked import checked, exit_code
from ptlint.cli._output import NEVER
from ptlint.cli._parser import positive
from ptlint.cli._request import add_profiles, add_rules, request_of
from ptlint.errors import UsageError

if TYPE_CHECKING:
    from ptlint.core.patch import Series
    from ptlint.tree import Repository

SUMMARY = "Run as a hook of git or pre-commit, and install or uninstall the hooks of git."

MAX_COMMITS = 100
"""Commits of a push that are looked at, the newest ones."""

COLLECTED = "ptlint-sendemail"
"""Folder of the git directory in which the mails of one git send-email wait for the last of them."""

INSTALLED = {"post-applypatch": False, "pre-push": True, "sendemail-validate": False}
"""The hooks that ``install`` knows, and whether git gives them standard input."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the hook and what git hands it."""
    parser.add_argument(
        "hook",
        metavar="HOOK",
        choices=[*RUN, "install", "uninstall"],
        help=f"one of {', '.join(RUN)}; or 'install' or 'uninstall' with names of {', '.join(INSTALLED)} (all)",
    )
    parser.add_argument("words", metavar="WORD", nargs="*", help="what git or pre-commit hands to the hook")
    parser.add_argument(
        "--fail-on",
        choices=["error", "warning", "note", NEVER],
        default="warning",
        help="the least severity that stops a commit, a push or mails (default: warning)",
    )
    parser.add_argument(
        "--max-commits", metavar="N", type=positive, default=MAX_COMMITS, help="newest commits of a push to look at"
    )
    add_profiles(parser)
    add_rules(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the hook, or install or uninstall hooks, and return the exit code that git acts on."""
    if arguments.hook in ("install", "uninstall"):
        return _manage(arguments)
    code = 0
    for series in RUN[arguments.hook](arguments):
        code = max(code, _report(arguments, series))
    return 0 if arguments.hook == "post-applypatch" else code


def _report(arguments: argparse.Namespace, series: "Series") -> int:
    from ptlint.report import load_format
    from ptlint.report._text import one_line

    if not series.patches:
        return 0
    report = checked(request_of(arguments, ()), findings_only=True, series=series)
    load_format("gcc").report(report, sys.stdout)
    failed = [f"patch {one.index}: {one.reason}" for one in report.patches if not one.applied]
    for line in failed:
        print(f"ptlint: {one_line(line)}", file=sys.stderr)
    # Commits around a merge, and a series on top of another one, need not apply to what is here: no fault of theirs.
    return exit_code(replace(report, patches=()), arguments.fail_on)


# --- one function a hook: the series that it is about -----------------------------------------------------------------


def _staged(arguments: argparse.Namespace) -> "Iterator[Series]":
    from ptlint.mail.diff import parse_diff
    from ptlint.tree import staged_series

    if not _is_commit("HEAD"):
        return _say("there is no commit yet that the staged changes could be compared with")
    series = staged_series(_folder(), parse_diff)
    yield replace(series, missing=(2,), expected=2)  # more commits may follow: what this one leaves open is no fault


def _commit_msg(arguments: argparse.Namespace) -> "Iterator[Series]":
    from ptlint.tree import with_message

    for series in _staged(arguments):
        yield with_message(series, _message(_word(arguments, "the file with the message")))


def _post_applypatch(arguments: argparse.Namespace) -> "Iterator[Series]":
    """Yield the commit that git am has just made, at its place in the mails that it applies."""
    if not _is_commit("HEAD~1"):
        return _say("there is no commit before this one that it could be compared with")
    series = _new_commits("HEAD", ["HEAD~1"], 1)
    state = _repository().git_dir / "rebase-apply"
    try:
        at, last = (int((state / name).read_text()) for name in ("next", "last"))
    except (OSError, ValueError):
        at, last = 1, 2
    patches = tuple(replace(patch, ref=replace(patch.ref, index=at, total=last)) for patch in series.patches)
    yield replace(series, patches=patches, missing=tuple(range(at + 1, last + 1)), expected=last)


def _push(arguments: argparse.Namespace) -> "Iterator[Series]":
    """Yield the new commits of each ref that is pushed, as pre-commit tells it or git does."""
    remote = arguments.words[0] if arguments.words else os.environ.get("PRE_COMMIT_REMOTE_NAME", "")
    if os.environ.get("PRE_COMMIT"):
        tip = os.environ.get("PRE_COMMIT_TO_REF") or os.environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
        updates = [(tip, os.environ.get("PRE_COMMIT_FROM_REF", ""))]
    else:
        lines = [line.split() for line in sys.stdin.read(1 << 20).splitlines()]
        updates = [(words[1], words[3]) for words in lines if len(words) == 4]
    seen: set[str] = set()
    for tip, old in updates:
        if tip.strip("0") and tip not in seen:  # zeros: the ref is deleted
            seen.add(tip)
            yield _new_commits(tip, _known(tip, old, remote), arguments.max_commits)


def _sendemail_validate(arguments: argparse.Namespace) -> "Iterator[Series]":
    """Yield the series when its last mail comes; where git does not count the mails, each alone."""
    from ptlint.mail import read_series, read_sources
    from ptlint.mail.message import read_mails

    mail = Path(_word(arguments, "the file with the mail"))
    counter, total = (os.environ.get(f"GIT_SENDEMAIL_FILE_{name}", "") for name in ("COUNTER", "TOTAL"))
    if counter.isdigit() and total.isdigit():
        with _collected(mail, int(counter), int(total)) as paths:
            raws = read_sources(paths, sys.stdin.buffer)
    else:
        raws = read_sources([mail], sys.stdin.buffer)
    if any(one.is_patch for one in read_mails(raws)):
        yield read_series(raws)


RUN: "dict[str, Callable[[argparse.Namespace], Iterator[Series]]]" = {
    "staged": _staged,
    "commit-msg": _commit_msg,
    "push": _push,
    "pre-push": _push,
    "post-applypatch": _post_applypatch,
    "sendemail-validate": _sendemail_validate,
}


def _word(arguments: argparse.Namespace, what: str) -> str:
    if not arguments.words:
        raise UsageError(f"'ptlint hook {arguments.hook}' needs {what}: git hands it to the hook")
    return str(arguments.words[0])


def _folder() -> Path:
    from ptlint.tree import enclosing_tree

    folder = enclosing_tree(Path.cwd())
    if folder is None:
        if os.environ.get("GIT_DIR") and not (Path.cwd() / ".git").exists():
            raise UsageError("the repository (GIT_DIR) is apart from its work tree, where ptlint does not look for it")
        raise UsageError("this is no git repository of a kernel, so there is nothing that a hook could check")
    return folder


def _is_commit(revision: str) -> bool:
    return _repository().resolve(revision, "commit") is not None


def _say(sentence: str) -> None:
    """Tell why nothing is checked where that is no reason to stop anybody."""
    print(f"ptlint: {sentence}, so nothing was checked", file=sys.stderr)


def _repository() -> "Repository":
    from ptlint.tree import open_repository

    return open_repository(_folder())


def _new_commits(tip: str, known: list[str], max_commits: int) -> "Series":
    from ptlint.mail.diff import parse_diff
    from ptlint.tree import pushed_series

    commit = _repository().resolve(tip, "commit")
    if commit is None:
        raise UsageError(f"{tip!r} names no commit of this repository")
    return pushed_series(_folder(), commit, known, max_commits, parse_diff)


def _known(tip: str, old: str, remote: str) -> list[str]:
    """Return what the other side has: the old end of the ref, and all that was fetched where that is not enough."""
    repository = _repository()
    commit = repository.resolve(old, "commit") if old.strip("0") else None
    fetched = f"--remotes={remote}" if remote and "/" not in remote and ":" not in remote else "--remotes"
    if commit is None:
        return [fetched]
    is_ancestor = repository.run("merge-base", "--is-ancestor", commit, tip).code == 0
    return [commit] if is_ancestor else [commit, fetched]


def _message(path: str) -> str:
    """Return a commit message as git will store it: without comments and what stands below the scissors."""
    from ptlint.cli._gitconfig import git_value

    mark = git_value("core.commentChar")
    mark = mark if len(mark) == 1 else "#"
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    text = text.partition(f"{mark} ------------------------ >8 ------------------------")[0]
    return "\n".join(line for line in text.splitlines() if not line.startswith(mark))


@contextmanager
def _collected(mail: Path, counter: int, total: int) -> Iterator[list[Path]]:
    """Keep a mail until the last one is there; give them all then, and none before. Those given are gone afterwards."""
    import shutil

    place = _repository().git_dir / COLLECTED
    try:
        if counter == 1:  # what an aborted command left
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(exist_ok=True)
        shutil.copyfile(mail, place / f"{counter:06}.patch")
    except OSError as error:
        raise UsageError(f"{mail}: cannot be kept in {place} ({error.strerror})") from error
    if counter < total:
        yield []
        return
    try:
        yield sorted(place.glob("*.patch"))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _manage(arguments: argparse.Namespace) -> int:
    from ptlint.cli._hookfile import install, uninstall

    wrong = sorted(set(arguments.words) - set(INSTALLED))
    if wrong:
        raise UsageError(f"no hook {wrong[0]!r} to {arguments.hook}; there are {', '.join(INSTALLED)}")
    folder = _hooks_folder()
    for name in arguments.words or INSTALLED:
        told = install(folder, name, INSTALLED[name]) if arguments.hook == "install" else uninstall(folder, name)
        if told:
            print(told)
    return 0


def _hooks_folder() -> Path:
    """Return the folder of hooks. UsageError when it is not the repository's own."""
    from ptlint.cli._gitconfig import git_value

    repository = _repository()
    configured = git_value("core.hooksPath", repository.path)
    own = repository.common_dir / "hooks"
    if configured and (repository.path / Path(configured).expanduser()).resolve() != own.resolve():
        raise UsageError(
            f"core.hooksPath is {configured}, which is not this repository's own folder of hooks; "
            "let a hook there run 'ptlint hook NAME \"$@\"'"
        )
    return own
