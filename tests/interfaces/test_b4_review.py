"""``b4 review`` driven on a terminal with the configuration of docs/b4.md: checks, checks again, comments."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptlint.report._comment import tag_of
from tests.interfaces.terminal import Terminal
from tests.interfaces.transcript import configure, shown
from tests.interfaces.world import BAD, MESSAGE_ID, PLACE, ask, git, run, with_programs

CHECKS, AGENT = "Checks of b4 review", "Comments in b4 review"
ADDRESS = "ptlint@ptlint.invalid"


@pytest.fixture
def tracked(linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Terminal]]:
    """Return a repository in which b4 tracks the series, and b4 review on a terminal."""
    with_programs(monkeypatch, "b4", "tmux")
    monkeypatch.setenv("TERM", "screen-256color")
    configure(linux, "b4.md", CHECKS)
    configure(linux, "b4.md", AGENT)
    git(linux, "config", "--unset", "b4.review-perpatch-check-cmd", "_builtin_checkpatch")  # the demo tree has none
    (linux / ".git/ptlint-prompt.md").touch()
    ask(linux, lore)
    for words in (("enroll",), ("track", MESSAGE_ID)):
        code, out, err = run(["b4", "review", *words], linux)
        assert code == 0, out + err
    terminal = Terminal(linux, "b4 review tui")
    try:
        terminal.press("", lambda screen: "start and commit protection changes" in screen and "Change-ID" in screen)
        yield linux, terminal
    finally:
        terminal.close()


def tracking(repository: Path) -> Any:
    """Return what b4 notes in the last commit of the review branch."""
    (branch,) = git(repository, "for-each-ref", "--format=%(refname)", "refs/heads/b4/review/").split()
    message = git(repository, "log", "-1", "--format=%B", branch)
    text = message.partition("--- b4-review-tracking ---\n")[2]
    return json.loads("".join(line for line in text.splitlines(True) if not line.startswith("#")))


def comments(repository: Path) -> list[list[Any]]:
    return [patch.get("reviews", {}).get(ADDRESS, {}).get("comments", []) for patch in tracking(repository)["patches"]]


def row(screen: str, number: str) -> list[str]:
    """Return the cells of a row of the matrix of results."""
    (line,) = [line for line in screen.splitlines() if re.search(rf"\b{number}\b", line) and "│" in line]
    return re.findall(r"● \w+|–", line)


def test_checks_and_comments_are_where_reviewers_look(tracked: tuple[Path, Terminal]) -> None:
    repository, terminal = tracked
    shown_line, marked = (block.strip() for heading in (CHECKS, AGENT) for block in shown("b4.md", heading, "text"))

    def done(screen: str) -> bool:
        return "ptlint-series" in screen and bool(re.search(r"1/2 .*● \w+ +● \w+", screen))

    for key in ("c", "R"):
        screen = terminal.press(key, done)
        assert [row(screen, "1/2"), row(screen, "2/2")] == [["● fail", "● fail"], ["● pass", "–"]]
        if key == "c":  # the old table stays until the new one comes
            terminal.press("Enter", lambda screen: shown_line[:60] in screen)  # wrapped behind that
            terminal.press("Escape", done)
    terminal.press("Escape", lambda screen: "CI Check Results" not in screen)

    terminal.press("r", lambda screen: "Apply results: clean" in screen, past="CI Check Results")
    terminal.press("C-y", lambda screen: "a agent" in screen and "x skip" in screen)
    terminal.press("a", lambda screen: "Agent finished successfully" in screen)
    terminal.press("Enter", lambda screen: marked[:30] in screen)  # the list is narrow
    first, second = comments(repository)
    assert [(one["path"], one["line"]) for one in first] == [("b/include/linux/pgtable.h", int(PLACE.split(":")[1]))]
    assert first[0]["content"] == "+\t\tptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);"
    assert first[0]["text"].startswith("[PT102 error commit-stale-old-pte ")
    assert "Could it be that ptep_modify_prot_commit() gets old_pte of another entry" in first[0]["text"]
    assert second == []

    before = tracking(repository)
    terminal.press("a", lambda screen: "Agent finished successfully" in screen)
    terminal.press("Enter", lambda screen: "x skip" in screen)
    assert tracking(repository) == before
    assert [path.name for path in (repository / ".git/b4-review").iterdir()] == ["metadata.json"]


def agent_on(linux: Path, mailbox: Path, **patch: object) -> tuple[int, str, str]:
    """Make a branch as b4 review does, run the agent on it, and return what it says."""
    base = git(linux, "rev-parse", "HEAD").strip()
    git(linux, "checkout", "-q", "-b", "b4/review/some-change")
    git(linux, "am", "-q", str(mailbox))
    first = git(linux, "rev-list", "--reverse", f"{base}..HEAD").split()[0]
    notes = {"series": {"change-id": "some-change", "first-patch-commit": first}, "patches": [patch, {}]}
    message = f"Cover\n\n--- b4-review-tracking ---\n# Internal.\n{json.dumps(notes, indent=1)}\n"
    git(linux, "commit", "-q", "--allow-empty", "-F", "-", stdin=message.encode())
    return run(["ptlint", "b4-agent", "Read and execute the prompt from /x"], linux)


def test_a_clean_series_gets_no_comments(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    code, _, err = agent_on(linux, linux.parent / "clean.mbox")
    assert (code, err) == (0, "")
    assert not (linux / ".git/b4-review").exists()


def test_a_patch_to_be_skipped_gets_no_comments(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    code, _, err = agent_on(linux, BAD, reviews={"me@example.org": {"patch-state": "skip"}})
    assert (code, err) == (0, "")
    assert not (linux / ".git/b4-review").exists()


def test_files_of_an_agent_hold_every_line_of_the_diff(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    assert agent_on(linux, BAD)[0] == 0
    head = git(linux, "rev-parse", "HEAD").strip()
    folder = linux / ".git/b4-review" / head
    assert sorted(path.name for path in folder.iterdir()) == ["0001.txt", "identity.txt", "series.txt"]
    quoted = [line[2:] for line in (folder / "0001.txt").read_text().splitlines() if line.startswith("> ")]
    diff = git(linux, "diff", "HEAD~3", "HEAD~2").splitlines()
    assert quoted == [line for line in diff if not line.startswith("index ")]
    assert (folder / "series.txt").read_text().startswith("ptlint: 1 error\n\ninclude/linux/pgtable.h:157: PT102")


def test_what_is_no_review_is_one_sentence(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    for folder, sentence in (
        (linux, "not the last commit of a branch of 'b4 review'"),
        (Path("/"), "no git repository"),
    ):
        code, out, err = run(["ptlint", "b4-agent", "prompt"], folder)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert sentence in err
    git(linux, "worktree", "add", "-q", "../other")
    code, _, err = run(["ptlint", "b4-agent"], linux.parent / "other")
    assert (code, err.count("\n")) == (2, 1)
    assert "linked work tree" in err


# --- checks without a terminal --------------------------------------------------------------------------------------


def results(linux: Path, mail: bytes, *words: str, **environment: str) -> list[Any]:
    code, out, err = run(["ptlint", "check", "--format", "b4-review", *words, "-"], linux, mail, **environment)
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert isinstance(document, list)
    assert all(isinstance(value, str) for entry in document for value in entry.values())
    return document


def cover() -> bytes:
    return (
        b"From: A. Developer <developer@example.org>\nSubject: [PATCH 0/2] mm: batches\n"
        b"Message-ID: <cover@example.org>\n\nWhy.\n"
    )


def test_a_series_under_review_is_taken_from_its_branch(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    agent_on(linux, BAD)
    head = git(linux, "rev-list", "HEAD").split()
    git(linux, "checkout", "-q", "master")
    notes = {
        "series": {
            "change-id": "some-change",
            "first-patch-commit": head[2],
            "header-info": {"msgid": "cover@example.org"},
        },
        "patches": [{}, {}],
    }
    path = linux.parent / "tracking.json"
    path.write_text(json.dumps(notes))
    (result,) = results(linux, cover(), "--series", B4_TRACKING_FILE=str(path))
    assert (result["tool"], result["status"], result["summary"]) == ("ptlint-series", "fail", "1 error")
    (finding,) = [one for one in json.loads(result["details"]) if one["state"] == "error"]
    assert finding["context"] == "PT102"
    assert finding["description"].startswith(PLACE)


def test_a_series_that_is_not_at_hand_has_no_result(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    ask(linux, "http://127.0.0.1:9/all")
    for text in ("{}", "[1]", '{"series": {"change-id": "../..", "first-patch-commit": "--help"}}', "[" * 9999, ""):
        path = linux.parent / "tracking.json"
        path.write_text(text)
        assert results(linux, cover(), "--series", B4_TRACKING_FILE=str(path)) == []
    code, out, err = run(["ptlint", "check", "--format", "gcc", "--series", "-"], linux, cover())
    assert (code, out, err.count("\n")) == (3, "", 1)


def test_equal_findings_are_told_apart_by_their_number() -> None:
    from ptlint.cli.b4_agent import _unsaid
    from tests.report.sample import ERROR, WARNING

    assert _unsaid([ERROR, ERROR, WARNING], "") == [ERROR, ERROR, WARNING]
    assert _unsaid([ERROR, ERROR, WARNING], f"{tag_of(ERROR)}\nreworded\n") == [ERROR, WARNING]
