"""b4 itself, with the configuration that docs/b4.md shows: prep, am, shazam, and what it prints piped."""

import os
from pathlib import Path

import pytest

from tests.interfaces.transcript import commands, configure, plain, play
from tests.interfaces.world import BAD, FINDING, MESSAGE_ID, ask, git, run, with_programs

CLEAN_ID = MESSAGE_ID.replace("20260302", "20260303")
HEADING = "prep, am and shazam"
PREP, AM, PIPED = commands("b4.md", HEADING)


@pytest.fixture
def b4(linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with the page's configuration in which b4 can run."""
    with_programs(monkeypatch, "b4")
    configure(linux, "b4.md", HEADING)
    ask(linux, lore)
    (linux / "scripts").mkdir()
    checkpatch = linux / "scripts/checkpatch.pl"
    checkpatch.write_text("#!/bin/sh\ncat >/dev/null\n")  # b4 runs what the page configures; the demo tree has none
    checkpatch.chmod(0o755)
    (linux / ".git/info/exclude").write_text("/scripts\n/out\n")
    return linux


def prepared(b4: Path, mailbox: Path) -> None:
    run(["b4", "prep", "-n", "demo"], b4)
    git(b4, "am", "-q", str(mailbox))


def test_prep_shows_the_finding_once(b4: Path) -> None:
    prepared(b4, BAD)
    assert play(PREP, b4, code=0).count("PT102") == 1


def test_prep_is_silent_on_a_clean_series(b4: Path) -> None:
    prepared(b4, b4.parent / "clean.mbox")
    code, out, err = run(["b4", "prep", "--check"], b4)
    assert "Success: 2, Warning: 0, Error: 0" in plain(out + err)
    assert code == 0


def test_am_shows_the_finding_once(b4: Path) -> None:
    assert play(AM, b4, code=0).count("PT102") == 1


def test_shazam_shows_the_finding_and_applies(b4: Path) -> None:
    _, out, err = run(["b4", "shazam", "--check", MESSAGE_ID], b4)
    assert plain(out + err).count(f"● ptlint: {FINDING}") == 1
    assert git(b4, "log", "--format=%s", "-1").strip() == "mm/mprotect: change present entries in batches"


def test_am_is_silent_on_a_clean_series(b4: Path) -> None:
    _, out, err = run(["b4", "am", "--check", "-o", "out", CLEAN_ID], b4)
    assert plain(out + err).count("● ptlint: passed all checks") == 2


def test_the_mailbox_that_am_prints_is_checked_whole(b4: Path) -> None:
    assert play(PIPED, b4, code=1).count("PT102") == 1


def test_the_protocol_is_one_line_and_silence(b4: Path) -> None:
    """As b4 calls it: one mail on standard input, transport header and all, and no separator of an mbox."""
    noise = "".join(f"Received: from host{n} by host{n + 1}\nARC-Seal: i={n}; cv=none;\n\tb=abc==\n" for n in range(15))
    first, second = (
        (noise + mail.partition("\n")[2]).encode() for mail in BAD.read_text(encoding="utf-8").split("\nFrom 0")
    )
    check = ["ptlint", "check", "--format", "b4", "-"]
    assert run(check, b4, first) == (0, FINDING + "\n", "")
    assert run(check, b4, second) == (0, "", "")
    assert run(check, b4.parent, second) == (0, "", "")  # outside of any repository, as b4 am may be called


def test_a_patch_on_earlier_ones_is_judged_by_its_diff(b4: Path) -> None:
    """The second patch changes the helper that the first one brings: it does not apply, and its function is run."""
    prepared(b4, b4.parent / "clean.mbox")
    header = b4 / "include/linux/pgtable.h"
    good = "\t\told_pte = pte_next_pfn(old_pte);\n"
    header.write_text(header.read_text().replace(good, "\t\told_pte = pte;\n"))
    git(b4, "commit", "-q", "-a", "-m", "mm: simplify", "-m", "Signed-off-by: A Tester <tester@example.org>")
    mail = git(b4, "format-patch", "-1", "--stdout", "-U40")
    git(b4, "checkout", "-q", "master")
    code, out, err = run(["ptlint", "check", "--format", "b4", "-"], b4, mail.partition("\n")[2].encode())
    assert (code, err) == (0, "")
    (line,) = out.splitlines()
    assert line.startswith("include/linux/pgtable.h:157: ")
    assert ":PT102: " in line


def test_an_epoch_changes_nothing_but_the_command_line(b4: Path) -> None:
    mail = git(b4, "format-patch", "--root", "-1", "--stdout", "--", "mm").partition("\n")[2].encode()
    words = ["ptlint", "check", "--format", "b4", "-"]
    assert run([*words, "--b4-epoch", "2"], b4, mail) == run(words, b4, mail)


def test_nothing_of_the_repository_is_touched(b4: Path) -> None:
    before = {path: os.stat(path).st_mtime_ns for path in b4.rglob("*") if path.is_file()}
    assert run(["ptlint", "check", "--format", "b4", "-"], b4, BAD.read_bytes()) == (0, FINDING + "\n", "")
    assert {path: os.stat(path).st_mtime_ns for path in b4.rglob("*") if path.is_file()} == before
