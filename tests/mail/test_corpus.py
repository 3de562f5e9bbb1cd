"""Every mail of the corpus, against git mailinfo, git apply, unidiff and the corpus's own list."""

import csv
import subprocess
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from unidiff.patch import PatchSet

from ptlint.mail import RawMail, read_series, read_sources
from ptlint.mail.diff import CorruptPatch, parse_diff
from ptlint.mail.encoding import decode_text
from ptlint.mail.mailinfo import MailInfo, read_mailinfo
from ptlint.mail.message import read_mail
from tests.shared import FIXTURES, program, shared

EXCEPTIONS = FIXTURES / "mail" / "mailinfo-exceptions.tsv"


@cache
def corpus() -> tuple[tuple[RawMail, MailInfo], ...]:
    """Return each mail of the corpus once."""
    boxes = sorted(shared("corpus/lore").glob("*.mbox"))
    raws = {raw.data: raw for raw in read_sources(boxes, BytesIO())}
    return tuple((raw, read_mailinfo(raw.data)) for raw in raws.values())


def exceptions() -> dict[str, str]:
    with EXCEPTIONS.open(encoding="utf-8") as file:
        return {row["message_id"]: row["field"] for row in csv.DictReader(file, delimiter="\t")}


def readable(data: bytes) -> str:
    return "".join(decode_text(line, "") for line in data.splitlines(keepends=True))


def test_every_mail_is_split_as_git_mailinfo_splits_it(tmp_path: Path) -> None:
    git = program("git")
    known = exceptions()
    differing = []
    for raw, info in corpus():
        message, patch = tmp_path / "message", tmp_path / "patch"
        command = [git, "mailinfo", "--encoding=UTF-8", str(message), str(patch)]
        done = subprocess.run(command, input=raw.data, capture_output=True, check=True, cwd=tmp_path)
        author = f"Author: {info.author_name}\nEmail: {info.author_email}\n" if info.author_email else ""
        mine = f"{author}Subject: {info.subject}\nDate: {info.date}\n\n"
        assert patch.read_bytes() == info.patch, raw.source
        if (message.read_bytes(), done.stdout) != (info.message.encode(), mine.encode()):
            differing.append(info.get("message-id").strip("<>"))
            assert (readable(message.read_bytes()), readable(done.stdout)) == (info.message, mine)
    assert set(differing) <= known.keys()
    assert len(corpus()) > 500


def test_git_apply_sees_the_same_files_and_counts(tmp_path: Path) -> None:
    git = program("git")
    read = 0
    for raw, info in corpus():
        if not info.patch:
            continue
        done = subprocess.run([git, "apply", "--numstat"], input=info.patch, capture_output=True, cwd=tmp_path)
        try:
            files = parse_diff(info.patch)
        except CorruptPatch:
            assert done.returncode, raw.source
            continue
        rows = []
        for file in files:
            kinds = [line.kind for hunk in file.hunks for line in hunk.lines]
            added, removed = ("-", "-") if file.binary else (kinds.count("+"), kinds.count("-"))
            rows.append(f"{added}\t{removed}\t{file.path}\n")
        assert "".join(rows) == done.stdout.decode(), raw.source
        read += bool(files)
    assert read > 300


def test_unidiff_sees_the_same_hunks() -> None:
    for raw, info in corpus():
        mail = read_mail(raw)
        text = info.patch.decode("utf-8", "replace")
        if not mail.files or "diff --git" not in text or "\r" in text or "\f" in text or mail.notes:
            continue
        theirs = [
            (hunk.source_start, hunk.target_start, [line.line_type for line in hunk if line.line_type in " +-"])
            for file in PatchSet(text[text.find("diff --git") :])
            for hunk in file
        ]
        mine = [
            (hunk.old_start, hunk.new_start, [line.kind for line in hunk.lines])
            for file in mail.files
            for hunk in file.hunks
        ]
        assert mine == [(old, new, [kind for kind in kinds if kind]) for old, new, kinds in theirs], raw.source


def manifest() -> list[tuple[str, str]]:
    """Return the files of the corpus that hold one series, each with the name it is listed under."""
    try:
        rows = shared("corpus/lore/MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]
    except (pytest.skip.Exception, pytest.fail.Exception):
        return []
    listed = [row.split("\t")[0] for row in rows]
    names = [(name, row) for row in listed for name in row.replace("(+ ", "").replace(")", "").split()]
    return [(name, row) for name, row in names if not name.startswith("misc")]


@pytest.mark.parametrize(("name", "row"), manifest(), ids=lambda value: value)
def test_a_file_gives_the_series_that_the_list_says(name: str, row: str) -> None:
    with shared("corpus/lore/MANIFEST.tsv").open(encoding="utf-8") as file:
        entry = next(one for one in csv.DictReader(file, delimiter="\t") if one["file"] == row)
    series = read_series(read_sources([shared(f"corpus/lore/{name}")], BytesIO()))
    missing = {int(text) for text in entry["missing"].split(",") if text.isdigit()}
    mails = int(entry["mails_retrieved"])
    has_cover = int(entry["mails_expected_incl_cover"]) > 1 and 0 not in missing
    assert len(series.patches) == mails - has_cover
    assert set(series.missing) == missing - {0}
    assert series.version == int(entry["version"].lower().lstrip("v"))
    assert [patch.ref.index for patch in series] == sorted({*range(1, series.expected + 1)} - missing)
    assert all(patch.files for patch in series)
