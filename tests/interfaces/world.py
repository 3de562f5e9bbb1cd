"""A kernel repository, a series that breaks a contract and one that does not, and an archive on the loopback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shared import FIXTURES, program, shared

DEMO = FIXTURES / "demo"
BAD = DEMO / "series.mbox"
MESSAGE_ID = "20260302110000.1-1-developer@example.org"
SECOND_ID = "20260302110000.1-2-developer@example.org"
PLACE = "include/linux/pgtable.h:157"
FINDING = f"{PLACE}: ERROR:PT102: ptep_modify_prot_commit() gets old_pte of another entry or protection"


def clean_series() -> str:
    """Return the mails of the demo series as they should have been; their Message-IDs are others."""
    text = BAD.read_text(encoding="utf-8")
    bad = "+\t\told_pte = pte;\n"
    assert text.count(bad) == 1
    return text.replace(bad, "+\t\told_pte = pte_next_pfn(old_pte);\n").replace("20260302110000", "20260303110000")


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    """Run git and return what it prints."""
    done = subprocess.run([program("git"), *words], cwd=folder, input=stdin, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def kernel(folder: Path) -> Path:
    """Make a repository of the demo tree, with the mails of both series beside it, and return it."""
    tree = folder / "linux"
    shutil.copytree(DEMO / "tree", tree)
    git(tree, "init", "-q", "-b", "master")
    git(tree, "config", "user.name", "A Tester")
    git(tree, "config", "user.email", "tester@example.org")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "base")
    shutil.copy(BAD, folder / "series.mbox")
    (folder / "clean.mbox").write_text(clean_series(), encoding="utf-8")
    return tree


def with_programs(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Put the programs of this environment, ptlint among them, into PATH; skip the test when one of *names* lacks."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    for name in ("ptlint", *names):
        program(name)


def run(words: Sequence[str | Path], folder: Path, stdin: bytes = b"", **environment: str) -> tuple[int, str, str]:
    """Run a program and return exit code, output and errors."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@contextmanager
def archive(folder: Path, *mailboxes: Path) -> Iterator[str]:
    """Serve *mailboxes* from a real public-inbox and yield the address of the inbox."""
    script = str(shared("tools/local-lore.sh"))
    for name in ("public-inbox-init", "public-inbox-httpd", "curl"):
        program(name)
    place = folder / "lore"
    try:
        done = subprocess.run(
            ["sh", script, "start", "0", str(place), *map(str, mailboxes)], stdout=subprocess.PIPE, timeout=120
        )
        assert done.returncode == 0
        yield done.stdout.decode().splitlines()[0].partition("=")[2]
    finally:
        subprocess.run(["sh", script, "stop", str(place)], timeout=30)


def ask(repository: Path, url: str) -> None:
    """Let b4 and ptlint fetch from *url*."""
    for key in ("midmask", "linkmask"):
        git(repository, "config", f"b4.{key}", f"{url}/%s")
