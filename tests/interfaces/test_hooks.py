"""Hooks run by git, git send-email and pre-commit, with what docs/hooks.md shows."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interfaces.transcript import commands, plain, play, shown
from tests.interfaces.world import BAD, git, run, with_programs
from tests.shared import ROOT, program

Files = dict[str, tuple[int, bytes]]


@pytest.fixture
def hooked(linux: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with the hooks of the page and a remote that has its first commit."""
    with_programs(monkeypatch)
    (install,) = commands("hooks.md", "git")
    play(install, linux, code=0)
    git(linux.parent, "init", "-q", "--bare", "publish.git")
    git(linux, "remote", "add", "publish", "../publish.git")
    git(linux, "push", "-q", "--no-verify", "publish", "master")
    return linux


def files_of(folder: Path) -> Files:
    """Return mode and content of all files below *folder*, hooks and objects of git left out."""
    found: Files = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and not {"objects", "hooks"} & set(path.parts):
            found[str(path)] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
    return found


# --- git am, push, send-email -----------------------------------------------------------------------------------------


def test_am_tells_and_applies(hooked: Path) -> None:
    (am,) = commands("hooks.md", "git am")
    play(am, hooked, code=0)
    assert git(hooked, "rev-list", "--count", "HEAD").strip() == "3"


def test_a_push_with_a_finding_is_refused(hooked: Path) -> None:
    git(hooked, "-c", "core.hooksPath=/dev/null", "am", "-q", str(BAD))
    (push,) = commands("hooks.md", "git push")
    play(push, hooked, code=1)
    assert git(hooked, "ls-remote", "publish", "batches") == ""


def test_clean_commits_go_through_in_silence(hooked: Path) -> None:
    code, out, err = run(["git", "am", "-q", "../clean.mbox"], hooked)
    assert (code, out, err) == (0, "", "")
    before = files_of(hooked)
    code, out, err = run(["git", "push", "-q", "publish", "HEAD:refs/heads/new"], hooked)
    assert (code, out, err) == (0, "", "")
    after = files_of(hooked)
    assert {path: data for path, data in after.items() if path in before} == before
    assert {path for path in after if path not in before and "/refs/remotes/" not in path} == set()
    assert run(["git", "push", "-q", "publish", ":refs/heads/new"], hooked) == (0, "", "")  # a deletion


def test_a_first_push_looks_at_the_newest_commits_only(hooked: Path) -> None:
    git(hooked, "-c", "core.hooksPath=/dev/null", "am", "-q", str(BAD))
    git(hooked.parent, "init", "-q", "--bare", "empty.git")
    line = f"refs/heads/master {git(hooked, 'rev-parse', 'HEAD').strip()} refs/heads/master {'0' * 40}\n".encode()
    words = ["ptlint", "hook", "pre-push"]
    code, out, err = run([*words, "empty", "../empty.git"], hooked, line)
    assert (code, out.count("PT102"), err) == (1, 1, "")
    assert run([*words, "--max-commits", "1", "empty", "../empty.git"], hooked, line) == (0, "", "")
    assert run([*words, "publish", "../publish.git"], hooked, b"") == (0, "", "")


def patches(folder: Path, mailbox: Path) -> Path:
    """Write the mails of a series as files, with a cover letter before them."""
    place = folder / "patches"
    place.mkdir()
    cover = "From: A <a@example.org>\nSubject: [PATCH 0/2] mm: batches\nMessage-ID: <c@example.org>\n\nWhy.\n"
    (place / "0000-cover.patch").write_text(cover)
    for number, mail in enumerate(mailbox.read_text().split("\nFrom 0"), start=1):
        (place / f"000{number}.patch").write_text(("From 0" if number > 1 else "") + mail + "\n")
    return place


@pytest.fixture
def send_email(hooked: Path) -> Path:
    if not os.access(f"{git(hooked, '--exec-path').strip()}/git-send-email", os.X_OK):
        program("git-send-email")
    return hooked


def counts_mails(git_program: str) -> bool:
    """Return whether send-email of a git numbers the mails for its hook, as it does since 2.41."""
    done = subprocess.run([git_program, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"(\d+)\.(\d+)", done.stdout)
    assert version
    return (int(version[1]), int(version[2])) >= (2, 41)


def counting_git() -> dict[str, str]:
    """Return the environment of a git that numbers mails: the one at hand, else the one that CI puts beside it."""
    if counts_mails(program("git")):
        return {}
    place = Path(sys.prefix) / "newer-git"
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    if not (place / "bin/git").exists():
        program(str(place / "bin/git"))
    assert counts_mails(str(place / "bin/git"))
    return {"PATH": path, "GIT_EXEC_PATH": str(place / "libexec/git-core"), "GITPERLLIB": str(place / "share/perl5")}


def test_mails_with_a_finding_are_not_sent(send_email: Path) -> None:
    """The page shows a git that numbers the mails: the series is checked as a whole."""
    patches(send_email.parent, BAD)
    (send,) = commands("hooks.md", "git send-email")
    before = files_of(send_email)
    printed = play(send, send_email, counting_git())
    assert printed.count("PT102") == 1
    assert files_of(send_email) == before


def test_without_numbers_each_mail_is_checked_alone(send_email: Path) -> None:
    if counts_mails(program("git")):
        pytest.skip("this git numbers the mails")
    patches(send_email.parent, BAD)
    (send,) = commands("hooks.md", "git send-email")
    code, out, err = run(send.line.split(), send_email)
    assert code != 0
    assert (out + err).count("PT102") == 1  # the message names another patch number
    assert "include/linux/pgtable.h:157:3: error: " in out + err
    assert "rejected by sendemail-validate hook" in err


@pytest.mark.parametrize("numbered", [True, False])
def test_clean_mails_are_sent_in_silence(send_email: Path, numbered: bool) -> None:
    patches(send_email.parent, send_email.parent / "clean.mbox")
    (send,) = commands("hooks.md", "git send-email")
    mailer = send_email.parent / "mailer"  # /bin/true may be gone before git has written a mail to it
    mailer.write_text(f"#!/bin/sh\necho >>{send_email.parent}/sent\ncat >/dev/null\n")
    mailer.chmod(0o755)
    words = send.line.replace("/bin/true", str(mailer)).split()
    code, out, err = run(words, send_email, b"", **(counting_git() if numbered else {}))
    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if not line.startswith("Sent [PATCH ")] == []
    assert (send_email.parent / "sent").read_text() == "\n" * 3
    assert not (send_email / ".git/ptlint-sendemail").exists()


def test_counted_mails_are_checked_together(hooked: Path) -> None:
    """What git since 2.41 does, whatever git there is."""
    place = patches(hooked.parent, BAD)
    before = files_of(hooked)
    outcomes = [
        run(
            ["ptlint", "hook", "sendemail-validate", str(mail), "/dev/null"],
            hooked,
            GIT_SENDEMAIL_FILE_COUNTER=str(number),
            GIT_SENDEMAIL_FILE_TOTAL="3",
        )
        for number, mail in enumerate(sorted(place.iterdir()), start=1)
    ]
    assert outcomes[:2] == [(0, "", ""), (0, "", "")]
    code, out, err = outcomes[2]
    assert (code, out.count("(patch 1/2) [PT102]"), err) == (1, 1, "")
    assert files_of(hooked) == before


# --- installing -------------------------------------------------------------------------------------------------------


def test_a_hook_that_was_there_runs_first_and_comes_back(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    hook = linux / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "mine: $1 $2"\nsed "s/^/mine: /"\nexit ${MINE:-0}\n')
    hook.chmod(0o755)
    before = {path.name: path.read_bytes() for path in hook.parent.iterdir()}
    for _ in range(2):  # a second time changes nothing
        assert run(["ptlint", "hook", "install"], linux)[0] == 0
    line = f"refs/heads/x {'0' * 40} refs/heads/x {'1' * 40}\n"
    code, out, err = run([hook, "origin", "url"], linux, line.encode())
    assert (code, out, err) == (0, f"mine: origin url\nmine: {line}", "")
    assert run([hook, "origin", "url"], linux, line.encode(), MINE="7")[0] == 7
    code, out, _ = run(["ptlint", "hook", "uninstall"], linux)
    assert code == 0
    assert "is back" in out
    assert {path.name: path.read_bytes() for path in hook.parent.iterdir()} == before
    assert hook.stat().st_mode & 0o111
    assert run(["ptlint", "hook", "uninstall"], linux) == (0, "", "")


def test_a_hook_that_git_would_not_run_is_not_run(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    hook = linux / ".git/hooks/post-applypatch"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho never\n")
    hook.chmod(0o644)
    run(["ptlint", "hook", "install", "post-applypatch"], linux)
    git(linux, "commit", "-q", "--allow-empty", "-m", "nothing")
    assert run([hook], linux) == (0, "", "")


def test_folders_of_others_are_left_alone(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    (linux / ".husky").mkdir()
    git(linux, "config", "core.hooksPath", ".husky")
    code, out, err = run(["ptlint", "hook", "install"], linux)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "core.hooksPath" in err
    assert list((linux / ".husky").iterdir()) == []


def test_a_hook_of_an_uninstalled_ptlint_stops_nothing(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ptlint.cli import _hookfile

    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    hooks = linux / ".git/hooks"
    _hookfile.install(hooks, "pre-push", True)
    code, out, err = run([hooks / "pre-push", "origin", "url"], linux, b"x y z w\n")
    assert (code, out) == (0, "")
    assert "not installed any more" in err


def test_without_an_earlier_commit_nothing_is_stopped(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first commit of a repository: there is nothing that it could be compared with, and that is told."""
    with_programs(monkeypatch)
    (linux / ".git").rename(linux.parent / "away")
    git(linux, "init", "-q")
    git(linux, "add", "-A")
    code, out, err = run(["ptlint", "hook", "staged"], linux)
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "no commit yet" in err
    git(linux, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "-m", "base")
    code, out, err = run(["ptlint", "hook", "post-applypatch"], linux)
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "no commit before" in err


def test_the_repository_of_a_bare_or_linked_tree_is_found(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    git(linux, "worktree", "add", "-q", "../other")
    other, bare = linux.parent / "other", linux.parent / "bare.git"
    git(other, "apply", "--index", str(BAD))
    code, out, err = run(["ptlint", "hook", "staged"], other, GIT_DIR=git(other, "rev-parse", "--git-dir").strip())
    assert (code, out.count("[PT102]"), err) == (1, 1, "")
    git(linux.parent, "clone", "-q", "--bare", "linux", "bare.git")
    assert run(["ptlint", "hook", "staged"], bare) == (0, "", "")
    git(linux, "-c", "core.hooksPath=/dev/null", "am", "-q", str(BAD))
    git(linux, "push", "-q", "--no-verify", "../bare.git", "HEAD:refs/heads/bad")
    code, out, _ = run(["ptlint", "check", "--format", "gcc", "master..bad"], bare)
    assert (code, out.count("[PT102]")) == (1, 1)


def test_a_repository_apart_from_its_work_tree_is_one_sentence(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    (linux / ".git").rename(linux.parent / "apart")
    code, out, err = run(["ptlint", "hook", "staged"], linux, GIT_DIR=str(linux.parent / "apart"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "GIT_DIR" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["install", "post-commit"], "no hook 'post-commit'"),
        (["commit-msg"], "needs the file with the message"),
        (["commit-msg", "absent"], "absent: cannot be read"),
        (["sendemail-validate"], "needs the file with the mail"),
    ],
)
def test_wrong_words_are_one_sentence(
    linux: Path, words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_programs(monkeypatch)
    code, out, err = run(["ptlint", "hook", *words], linux)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


# --- pre-commit -------------------------------------------------------------------------------------------------------


@pytest.fixture
def pre_commit(linux: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone with pre-commit installed as the page says, from a repository that has ptlint's hooks."""
    with_programs(monkeypatch, "pre-commit")
    own = linux.parent / "own"
    own.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", own)
    git(own, "init", "-q")
    git(own, "add", ".")
    git(own, "commit", "-q", "-m", "hooks")
    (text,) = shown("hooks.md", "pre-commit", "yaml")
    text = text.replace("https://git.example.org/ptlint", str(own))
    text = text.replace("v0.1.0", git(own, "rev-parse", "HEAD").strip())
    # The environment that pre-commit would build needs a network; the program at hand stands in for it.
    text = re.sub(r"^( *)- id: .*$", r"\g<0>\n\1  language: system", text, flags=re.MULTILINE)
    config = linux.parent / "ptlint-pre-commit.yaml"
    config.write_text(text + "  - id: ptlint-commit-msg\n    language: system\n")
    clone = linux.parent / "clone"
    git(linux.parent, "clone", "-q", "linux", "clone")
    git(clone, "remote", "rename", "origin", "publish")
    kinds = ["-t", "pre-commit", "-t", "pre-push", "-t", "commit-msg"]
    code, out, err = run(["pre-commit", "install", "-c", str(config), *kinds], clone)
    assert code == 0, out + err
    return clone


def test_pre_commit_stops_a_commit_and_lets_a_clean_one_pass(pre_commit: Path) -> None:
    git(pre_commit, "apply", "--index", str(BAD))
    (commit,) = commands("hooks.md", "pre-commit")
    play(commit, pre_commit, {"SKIP": "ptlint-commit-msg"}, code=1)
    git(pre_commit, "reset", "-q", "--hard")
    git(pre_commit, "apply", "--index", str(pre_commit.parent / "clean.mbox"))
    code, out, err = run(["git", "commit", "-q", "-m", "mm: change protection in batches"], pre_commit)
    assert code == 0, out + err
    assert "error" not in plain(out + err)
    assert plain(out + err).count("Passed") == 2


def test_the_message_of_a_commit_counts(pre_commit: Path) -> None:
    git(pre_commit, "apply", "--index", str(BAD))
    message = "mm: batches\n\nPtlint-ignore: PT102 nobody looks at the old value here\n"
    excused = run(["git", "commit", "-q", "-m", message], pre_commit, SKIP="ptlint")
    assert excused[0] == 0, excused
    git(pre_commit, "reset", "-q", "--soft", "HEAD~1")
    code, out, err = run(["git", "commit", "-q", "-m", "mm: batches"], pre_commit, SKIP="ptlint")
    assert code == 1
    assert (out + err).count("[PT102]") == 1


def test_pre_commit_checks_what_is_pushed(pre_commit: Path) -> None:
    git(pre_commit, "am", "-q", str(BAD))
    for place in ("publish", "../new.git"):  # the second has no commit: pre-commit names no range
        if place.startswith(".."):
            git(pre_commit.parent, "init", "-q", "--bare", "new.git")
        code, out, err = run(["git", "push", "-q", place, "HEAD:refs/heads/batches"], pre_commit)
        assert code != 0
        assert (out + err).count("(patch 1/2) [PT102]") == 1, out + err
        assert "include/linux/pgtable.h:157:3" in out + err


def test_the_index_that_git_names_is_read(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``git commit FILE`` hands its hooks an index of its own."""
    with_programs(monkeypatch)
    hook = linux / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nptlint hook staged\n")
    hook.chmod(0o755)
    git(linux, "apply", str(BAD))
    mode = (linux / ".git/index").stat().st_mtime_ns
    assert run(["ptlint", "hook", "staged"], linux) == (0, "", "")  # nothing is staged
    assert (linux / ".git/index").stat().st_mtime_ns == mode
    code, out, err = run(["git", "commit", "-q", "-m", "x", "include/linux/pgtable.h"], linux)
    assert code == 1
    assert (out + err).count("include/linux/pgtable.h:157:3: error: ") == 1
