"""Every patch of the corpus, in its series, against git am: same commits, same bytes, same modes.

The bases are made from the hunks themselves (see guessbase): a series is cut where a patch does not continue what the
one before left (a mail is missing, or a mailbox holds unrelated patches), and each run gets a base of its own.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ptlint.core.patch import Patch
from ptlint.core.tree import blob_id_of
from ptlint.mail.diff import CorruptPatch
from ptlint.tree.base import commit_tree
from ptlint.tree.repository import open_repository
from ptlint.tree.result import Applied
from ptlint.tree.snapshots import apply_series
from ptlint.tree.state import State
from tests.shared import shared
from tests.tree.guessbase import Run, runs
from tests.tree.scratchrepo import git, make_repository, patch_of, run_git, series_of


@dataclass(frozen=True)
class Mail:
    """A mail with a patch: its file, its counter in the series, what ``git mailinfo`` takes for the diff."""

    path: Path
    subject: str
    counter: int
    diff: bytes


def mails(mbox: Path, folder: Path) -> list[Mail]:
    """Return the mails of *mbox* that carry a patch, in series order; replies only where the mails are no series."""
    split = folder / "split"
    split.mkdir()
    git(folder, "mailsplit", f"-o{split}", str(mbox))
    found = []
    is_series = "misc" not in mbox.name
    for path in sorted(split.iterdir()):
        info = git(folder, "mailinfo", "--encoding=UTF-8", "-k", "message", "patch", stdin=path.read_bytes())
        subject = re.search(rb"^Subject: (.*)", info, re.MULTILINE)
        text = subject[1].decode("utf-8", "replace") if subject else ""
        diff = (folder / "patch").read_bytes()
        if re.search(rb"^(diff --git|--- )", diff, re.MULTILINE) and not (is_series and text.lower().startswith("re:")):
            counter = re.search(r"\[[^]]*?(\d+)/\d+[^]]*]", text)
            found.append(Mail(path, text, int(counter[1]) if counter else 1, diff))
    return sorted(found, key=lambda mail: mail.counter) if is_series else found


def corpus() -> list[Path]:
    """Return the mailboxes of whole series."""
    return [path for path in sorted(shared("corpus/lore").glob("*.mbox")) if not path.stem.endswith("-thread")]


def test_every_series_of_the_corpus_gives_the_tree_that_git_am_gives(tmp_path: Path) -> None:
    compared, left_out = 0, []
    for number, mbox in enumerate(corpus()):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        found = mails(mbox, folder)
        patches = [patch for index, mail in enumerate(found, 1) if (patch := read(mail, index, folder))]
        subjects = {str(mail.path): mail.subject for mail in found}
        for place, run in enumerate(runs(patches)):
            if run.why_not:
                left_out.append(f"{subjects[run.patches[0].source]}: {run.why_not}")
                continue
            compare(folder / f"run-{place}", run)
            compared += len(run.patches)
    assert left_out == [], "a patch for which no base could be made was compared with nothing"
    assert compared >= 290


def read(mail: Mail, index: int, folder: Path) -> Patch | None:
    """Return the patch of a mail; None for one that git cannot read either (a damaged or quoted diff)."""
    try:
        patch = patch_of(mail.diff, index)
    except CorruptPatch:
        patch = None
    if patch is None or not patch.files:
        assert run_git(folder, "apply", "--numstat", stdin=mail.diff).returncode != 0, mail.subject
        return None
    return replace(patch, source=str(mail.path))


def compare(folder: Path, run: Run) -> None:
    """Apply one run with git am and with ptlint and compare every commit."""
    base = make_base(folder, run)
    done = run_git(folder, "am", "-q", *(patch.source for patch in run.patches))
    commits = git(folder, "rev-list", "--reverse", f"{base}..HEAD").decode().split()
    repository = open_repository(folder)
    outcomes = apply_series(commit_tree(repository, base), replace(series_of(), patches=tuple(run.patches)))
    names = [(patch.source, outcome.status) for patch, outcome in zip(run.patches, outcomes, strict=True)]
    assert done.returncode == 0, (names, done.stderr)
    assert len(commits) == len(outcomes)
    for commit, outcome, patch in zip(commits, outcomes, run.patches, strict=True):
        assert outcome.status.how == "clean", outcome.status
        check(folder, commit, outcome, patch)


def make_base(folder: Path, run: Run) -> str:
    """Commit the base of a run with its modes and return the commit."""
    make_repository(folder, run.files)
    for path, mode in run.modes.items():
        if mode == 0o120000:
            target = (folder / path).read_bytes()
            (folder / path).unlink()
            (folder / path).symlink_to(target.decode())
        else:
            (folder / path).chmod(mode & 0o777)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--amend", "--allow-empty", "-m", "base")
    return git(folder, "rev-parse", "HEAD").decode().strip()


def check(folder: Path, commit: str, outcome: Applied, patch: Patch) -> None:
    """Compare what git committed for *patch*, whole and file by file, with what ptlint holds."""
    listing = git(folder, "ls-tree", "-r", "-z", commit).split(b"\0")[:-1]
    expected = {line.partition(b"\t")[2].decode(): (int(line[:6], 8), line.split()[2].decode()) for line in listing}
    assert entries(outcome.state, {*expected, *(file.old_path or file.path for file in patch.files)}) == expected
    regular = {path for path, (mode, _) in expected.items() if mode != 0o120000}
    assert set(outcome.snapshot.paths()) == regular


def entries(state: State, paths: set[str]) -> dict[str, tuple[int, str]]:
    """Return mode and id of everything that stands at *paths*."""
    blobs = {path: state.blob(path) for path in paths}
    return {path: (blob.mode, blob_id_of(blob.data)) for path, blob in blobs.items() if blob is not None}


@pytest.mark.parametrize("option", ["--keep-cr", "--3way"])
def test_a_series_with_the_other_options_of_git_am_is_the_same(tmp_path: Path, option: str) -> None:
    found = mails(shared("corpus/lore/mprotect-batch-v4.mbox"), tmp_path)
    patches = [replace(patch_of(mail.diff, mail.counter, len(found)), source=str(mail.path)) for mail in found]
    (run,) = runs(patches)
    folder = tmp_path / "repository"
    base = make_base(folder, run)
    git(folder, "am", "-q", option, *(patch.source for patch in patches))
    repository = open_repository(folder)
    outcomes = apply_series(commit_tree(repository, base), replace(series_of(), patches=tuple(patches)))
    check(folder, "HEAD", outcomes[-1], patches[-1])
