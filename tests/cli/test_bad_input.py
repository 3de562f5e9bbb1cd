"""Input that is none: each gets one sentence and the documented exit code, and what can be analysed still is."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ptlint.__main__ import main
from ptlint.mail import sources
from tests.kernels import PGTABLE, SMALL, diff_of, mail, mailbox, replaced, text_of
from tests.shared import program

ONE = "x86+noparavirt"
STALE = replaced("\t\told_pte = pte_next_pfn(old_pte);\n", "\t\told_pte = pte;\n")
CALLER = replaced("\tpte_t oldpte, ptent;\n", "\tpte_t oldpte;\n\tpte_t ptent;\n", "mm/mprotect.c")

Err = pytest.CaptureFixture[str]


def check(*words: str | Path) -> int:
    return main(["check", *map(str, words)])


def refused(capsys: Err, code: int, *words: str | Path) -> str:
    """Check that ptlint says one sentence, prints no report and gives *code*; return the sentence."""
    capsys.readouterr()
    assert check(*words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("ptlint: ")
    assert "internal error" not in captured.err
    return captured.err


def report_of(capsys: Err, box: Path, *words: str | Path, tree: Path | None = SMALL, arch: str = ONE) -> Any:
    """Return exit code and JSON report of a mailbox."""
    capsys.readouterr()
    onto: list[str | Path] = ["--tree", tree, "--arch", arch] if tree else []
    code = check(box, *onto, "--format", "json", *words)
    captured = capsys.readouterr()
    assert captured.err == ""
    return code, json.loads(captured.out)


def codes(document: Any) -> list[str]:
    return [finding["code"] for finding in document["findings"]]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Return a mailbox with one patch that breaks a contract."""
    path = tmp_path / "good.mbox"
    path.write_text(mailbox(STALE))
    return path


# --- files that are no mail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (bytes(range(256)) * 40, "neither a mail nor a diff"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 4000, "neither a mail nor a diff"),
        (b"\x1f\x8b\x08rubbish", "damaged gzip data"),
        (b"just a letter\n", "neither a mail nor a diff"),
        (b"From: A <a@example.org>\nSubject: hello\n\nNo patch here.\n", "the mail carries no patch"),
        (b"From: A <a@example.org>\nSubject: [PATCH 0/3] a cover\n\nOnly words.\n", "the mail carries no patch"),
    ],
)
def test_a_file_without_a_patch_is_one_sentence(capsys: Err, tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "input"
    path.write_bytes(data)
    assert sentence in refused(capsys, 3, path, "--tree", SMALL)


def test_what_cannot_be_opened_is_one_sentence(capsys: Err, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/notes.txt").write_text("no patch\n")
    assert "no such file or folder" in refused(capsys, 3, tmp_path / "absent.mbox")
    assert "no such file or folder" in refused(capsys, 3, tmp_path / "folder/notes.txt/x.mbox")
    assert "neither a maildir nor patch files" in refused(capsys, 3, tmp_path / "folder")
    assert "cannot be read" in refused(capsys, 3, "x" * 5000)
    assert "\n" not in refused(capsys, 3, "no\nsuch\x1b[31m\0file").rstrip("\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_one_sentence(capsys: Err, box: Path) -> None:
    box.chmod(0)
    assert "cannot be read (Permission denied)" in refused(capsys, 3, box)


def test_a_device_that_fails_or_never_ends_is_one_sentence(capsys: Err, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 1 << 20)
    assert "larger than 1 MiB" in refused(capsys, 3, "/dev/zero")
    assert "cannot be read" in refused(capsys, 3, "/proc/self/mem")


def test_a_pipe_that_nobody_writes_to_is_given_up(capsys: Err, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PIPE_SECONDS", 0)
    os.mkfifo(tmp_path / "pipe")
    assert "a pipe that nothing wrote to" in refused(capsys, 3, tmp_path / "pipe")


def test_a_pipe_with_a_writer_is_read(capsys: Err, box: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["sh", "-c", f"cat '{box}' > '{tmp_path}/pipe'"]):
        code, document = report_of(capsys, tmp_path / "pipe")
    assert (code, codes(document)) == (1, ["PT102"])


# --- trees, ranges, options -------------------------------------------------------------------------------------------


def test_a_tree_that_is_no_kernel_is_one_sentence(capsys: Err, box: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words/readme").write_text("hello\n")
    for folder in ("empty", "words"):
        assert "is no kernel tree" in refused(capsys, 3, box, "--tree", tmp_path / folder)
    assert "no such folder" in refused(capsys, 2, box, "--tree", box)
    assert "no such folder" in refused(capsys, 2, box, "--tree", "x" * 5000)
    assert "plain source tree" in refused(capsys, 2, box, "--tree", SMALL, "--base", "v6.1")


def test_a_repository_without_the_revision_is_one_sentence(capsys: Err, box: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run([program("git"), "init", "-q", repository], check=True)
    assert "HEAD" in refused(capsys, 3, box, "--tree", repository)
    assert "names no commit" in refused(capsys, 3, box, "--tree", repository, "--base", "nowhere")
    assert "names no commit" in refused(capsys, 3, "v1..v2", "--tree", repository)
    (repository / ".git/HEAD").write_bytes(b"\0rubbish\xff")
    assert "repository" in refused(capsys, 3, box, "--tree", repository)


def test_a_range_of_very_many_commits_is_refused_soon(capsys: Err, tmp_path: Path) -> None:
    repository = tmp_path / "long"
    subprocess.run([program("git"), "init", "-q", repository], check=True)
    stream = "blob\nmark :1\ndata 2\nx\n\n" + "".join(
        f"commit refs/heads/master\nmark :{n}\ncommitter A <a@b.c> {n} +0000\ndata 1\nc\nM 644 :1 mm/f{n % 9}.c\n"
        for n in range(2, 20_002)
    )
    subprocess.run([program("git"), "fast-import", "--quiet"], cwd=repository, input=stream.encode(), check=True)
    first = subprocess.run(
        [program("git"), "rev-list", "--max-parents=0", "master"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert "holds more than 500 commits" in refused(capsys, 2, f"{first}..master", "--tree", repository)


def test_a_range_needs_a_repository(capsys: Err, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "needs a repository" in refused(capsys, 2, "v1..v2")
    assert "repository" in refused(capsys, 3, "v1..v2", "--tree", SMALL)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--arch", "pdp11"], "unknown architecture 'pdp11': known are"),
        (["--arch", "x86,pdp11"], "unknown architecture 'pdp11'"),
        (["--arch", "x86+magic"], "unknown profile 'x86+magic'"),
        (["--arch", ""], "--arch"),
        (["--select", "PT999"], "no rule has this code"),
        (["--rules-dir", "absent"], "no such folder of rules"),
        (["--format", "telex"], "--format"),
        (["--revision", "7"], "no series of revision 7"),
        (["--frobnicate"], "unrecognized arguments"),
        (["--config", "absent", "--arch", "x86"], "no such file"),
    ],
)
def test_a_wrong_option_is_one_sentence(capsys: Err, box: Path, options: Sequence[str], sentence: str) -> None:
    assert sentence in refused(capsys, 2, box, "--tree", SMALL, *options)


def test_a_configuration_needs_its_architecture_and_must_be_one(capsys: Err, box: Path, tmp_path: Path) -> None:
    config = tmp_path / ".config"
    config.write_text("CONFIG_MMU=y\n")
    assert "--config needs --arch" in refused(capsys, 2, box, "--tree", SMALL, "--config", config)
    assert "--config needs --arch" in refused(
        capsys, 2, box, "--tree", SMALL, "--config", config, "--arch", "x86,arm64"
    )
    for data in (b"", b"hello world\n", b"\0\xff" * 3000, b"# CONFIG_MMU is a comment\n", b"x=y\n"):
        config.write_bytes(data)
        assert ".config" in refused(capsys, 2, box, "--tree", SMALL, "--config", config, "--arch", "x86")
    assert "no such file" in refused(capsys, 2, box, "--tree", SMALL, "--config", tmp_path, "--arch", "x86")


def test_a_rule_file_with_a_syntax_error_stops_the_run(capsys: Err, box: Path, tmp_path: Path) -> None:
    rule = tmp_path / "rules/pt999_broken.py"
    rule.parent.mkdir()
    rule.write_text("RULE = (\n")
    sentence = refused(capsys, 2, box, "--tree", SMALL, "--rules-dir", rule.parent)
    assert "pt999_broken.py:1: syntax error" in sentence
    rule.unlink()
    os.mkfifo(rule)
    assert "no regular file" in refused(capsys, 2, box, "--tree", SMALL, "--rules-dir", rule.parent)


def test_a_baseline_that_is_a_pipe_is_refused(capsys: Err, box: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "no such file" in refused(capsys, 2, box, "--tree", SMALL, "--baseline", tmp_path / "pipe")


# --- mail that is damaged ---------------------------------------------------------------------------------------------


def test_a_mail_cut_in_its_diff_is_told_and_its_whole_hunks_are_checked(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "cut.mbox"
    path.write_text(
        mail("[PATCH] mm: two", diff_of({PGTABLE: text_of()}, {**STALE, "mm/new.c": "int x;\n" * 30}))[:-200]
    )
    code, document = report_of(capsys, path)
    (patch,) = document["series"]["patches"]
    assert (code, codes(document), patch["applied"]) == (3, ["PT102"], False)
    assert "damaged" in patch["reason"]
    assert "mm/new.c" in next(entry["reason"] for entry in document["left_out"] if entry["kind"] == "corrupt-patch")


def test_whole_functions_of_a_damaged_hunk_run(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "cut.mbox"
    helpers = text_of()[text_of().index("#ifndef modify_prot_start_ptes") : text_of().rindex("#endif /*")]
    bad = helpers.replace("\t\told_pte = pte_next_pfn(old_pte);\n", "\t\told_pte = pte;\n")
    diff = diff_of({PGTABLE: "int first;\nint last;\n"}, {PGTABLE: f"int first;\n{bad}\nint more;\nint last;\n"})
    path.write_text(mail("[PATCH] mm: batch", diff.replace("+int more;\n", "")))
    code, document = report_of(capsys, path)
    assert (code, codes(document)) == (3, ["PT102"])
    code, document = report_of(capsys, path, tree=None)
    assert (code, codes(document)) == (3, ["PT102"])


def test_a_mail_cut_in_its_header_is_told_and_the_others_are_checked(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "cut.mbox"
    text = mailbox(STALE, CALLER)
    path.write_text(text[: text.rindex("Message-ID:") + 20])
    code, document = report_of(capsys, path)
    assert (code, codes(document), document["series"]["missing"]) == (3, ["PT102"], [2])
    assert [entry["kind"] for entry in document["left_out"]] == ["unreadable"]


def test_a_wrong_hunk_count_is_told(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "count.mbox"
    text = mailbox(STALE)
    path.write_text(text.replace(",7 @@", ",9 @@", 1))
    code, document = report_of(capsys, path)
    assert code == 3
    assert "damaged" in document["series"]["patches"][0]["reason"]


def test_missing_patches_are_told_and_the_rest_is_checked(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "part.mbox"
    path.write_text(mailbox(CALLER, STALE, CALLER, numbers=[2]))
    code, document = report_of(capsys, path)
    assert (code, codes(document), document["series"]["missing"]) == (1, ["PT102"], [1, 3])


def test_a_patch_that_does_not_apply_gives_3_and_the_rest_is_checked(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "stale.mbox"
    other = diff_of({"mm/gone.c": "int a;\nint b;\n"}, {"mm/gone.c": "int a;\nint c;\n"})
    path.write_text(mail("[PATCH] mm: all", diff_of({PGTABLE: text_of()}, STALE) + other))
    code, document = report_of(capsys, path)
    (patch,) = document["series"]["patches"]
    assert (code, codes(document), patch["applied"]) == (3, ["PT102"], False)
    assert "mm/gone.c" in patch["reason"]


def test_two_inputs_of_one_series_are_read_together_and_duplicates_told(capsys: Err, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.patch").write_text(mailbox(CALLER, STALE, numbers=[number]))
    code, document = report_of(capsys, tmp_path / "1.patch", tmp_path / "2.patch", tmp_path / "2.patch")
    assert (code, codes(document), document["series"]["missing"]) == (1, ["PT102"], [])
    assert [entry["kind"] for entry in document["left_out"]] == ["duplicate"]


def test_a_patch_that_touches_no_page_tables_is_clean(capsys: Err, tmp_path: Path) -> None:
    path = tmp_path / "docs.mbox"
    change = {"Documentation/x.rst": "words\n", "drivers/net/x.c": "int x(void)\n{\n\treturn 0;\n}\n"}
    path.write_text(mailbox(change))
    code, document = report_of(capsys, path)
    assert (code, codes(document), document["unsupported"]) == (0, [], [])


@pytest.mark.parametrize("path", ["../../etc/passwd.h", "/etc/passwd.h", "include/../../x.h", ".git/config.h"])
def test_a_path_out_of_the_tree_is_refused(capsys: Err, tmp_path: Path, path: str) -> None:
    box = tmp_path / "path.mbox"
    box.write_text(mail("[PATCH] mm: out", diff_of({}, {path: "int x;\n"})))
    code, document = report_of(capsys, box)
    assert (code, document["series"]["patches"][0]["applied"]) == (3, False)


def test_control_characters_do_not_reach_the_terminal(capsys: Err, tmp_path: Path) -> None:
    box = tmp_path / "control.mbox"
    name = "mm/\x1b]0;owned\x07\u202e.c"
    diff = diff_of({PGTABLE: text_of()}, STALE) + diff_of({}, {name: "int x;\n"})
    box.write_text(mail("[PATCH] \x1b[2J\x1b[31mred\x9b0m \u202eevil", diff), encoding="utf-8")
    for style in ("terminal", "gcc", "github", "json", "sarif", "junit"):
        check(box, "--tree", SMALL, "--arch", ONE, "--format", style)
        captured = capsys.readouterr()
        assert captured.out
        assert not set(captured.out + captured.err) & set("\x1b\x07\x9b\u202e"), style


# --- mistakes of ptlint itself ----------------------------------------------------------------------------------------


def test_a_mistake_in_the_simulator_loses_no_other_profile(
    capsys: Err, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ptlint.sim.scenarios import protocol

    judge = protocol.judge

    def failing(program: Any, subject: Any, arch: str) -> Any:
        if arch == ONE:
            raise KeyError("a slip")
        return judge(program, subject, arch)

    monkeypatch.setattr(protocol, "judge", failing)
    code, document = report_of(capsys, box, arch=f"{ONE},x86+xen")
    assert (code, codes(document), document["findings"][0]["archs"]) == (1, ["PT102"], ["x86+xen"])
    (left,) = [entry for entry in document["left_out"] if entry["kind"] == "PT010"]
    assert ONE in left["what"]
    assert "a slip" in left["reason"]


def test_nothing_but_a_mistake_gives_4(capsys: Err, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ptlint.sim.scenarios import protocol

    def failing(program: Any, subject: Any, arch: str) -> Any:
        raise RecursionError("too deep")

    monkeypatch.setattr(protocol, "judge", failing)
    code, document = report_of(capsys, box)
    assert (code, codes(document)) == (4, [])
    assert {entry["kind"] for entry in document["left_out"]} == {"PT010"}


def test_a_rule_that_fails_loses_no_other_rule(capsys: Err, box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ptlint.engine import run
    from ptlint.engine.rules import LoadedRule, load_rules

    def broken(ctx: Any) -> Any:
        raise ValueError("a slip\nof two lines")

    first, *rest = load_rules()
    rules = (LoadedRule(first.info, broken, first.path), *rest)
    monkeypatch.setattr(run, "load_rules", lambda folders: rules)
    code, document = report_of(capsys, box)
    assert (code, codes(document)) == (1, ["PT102"])
    assert [(entry["kind"], entry["what"]) for entry in document["left_out"]] == [("PT010", first.info.code)]
