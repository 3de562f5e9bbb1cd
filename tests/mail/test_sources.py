"""What counts as input, and how it is cut into mails."""

import gzip
import io
from pathlib import Path

import pytest

from ptlint.errors import InputError
from ptlint.mail import RawMail, read_sources
from ptlint.mail.sources import split_mails
from tests.mail.letters import DIFF, letter

SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def read(path: Path) -> tuple[RawMail, ...]:
    return read_sources([path], io.BytesIO())


def test_an_mbox_is_cut_at_its_separators(tmp_path: Path) -> None:
    box = tmp_path / "two.mbox"
    box.write_bytes(SEPARATOR + letter("one") + b"\n" + SEPARATOR + letter("two"))
    first, second = read(box)
    assert b"Subject: one" in first.data
    assert b"Subject: two" in second.data
    assert second.line == 2 + first.data.count(b"\n") + 1
    assert not first.data.startswith(b"From ")


def test_a_sentence_that_starts_with_from_does_not_cut_a_mail() -> None:
    body = "Say why.\nFrom here on 12:34:56 2026 entries are batched.\nFrom now on.\n"
    assert len(split_mails(SEPARATOR + letter("one", body), "box")) == 1


def test_quoted_from_lines_of_an_mbox_are_restored() -> None:
    (mail,) = split_mails(SEPARATOR + letter("one", ">From the start\n>>From a reply\n"), "box")
    assert mail.data.endswith(b"\n\nFrom the start\n>From a reply\n")


def test_format_patch_output_is_not_unquoted() -> None:
    separator = b"From " + b"a1" * 20 + b" Mon Sep 17 00:00:00 2001\n"
    (mail,) = split_mails(separator + letter("[PATCH] one", ">From the start\n"), "0001.patch")
    assert mail.data.endswith(b"\n\n>From the start\n")


def test_a_mail_stored_with_crlf_gets_unix_line_ends_and_others_keep_their_cr() -> None:
    (stored,) = split_mails(letter("one").replace(b"\n", b"\r\n"), "mail")
    assert b"\r" not in stored.data
    (mixed,) = split_mails(letter("one").replace(b"ptep++;\n", b"ptep++;\r\n"), "mail")
    assert b"ptep++;\r\n" in mixed.data


def test_a_compressed_mbox_is_read(tmp_path: Path) -> None:
    box = tmp_path / "t.mbox.gz"
    box.write_bytes(gzip.compress(SEPARATOR + letter("one")))
    assert len(read(box)) == 1


def test_a_maildir_and_a_folder_of_patches_are_read_in_order(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "dir" / name).mkdir(parents=True)
    (tmp_path / "dir" / "cur" / "2.host:2,S").write_bytes(letter("two"))
    (tmp_path / "dir" / "new" / "1.host").write_bytes(letter("one"))
    (tmp_path / "dir" / "tmp" / "3.host").write_bytes(letter("unfinished"))
    assert [mail.data.split(b"Subject: ")[1][:3] for mail in read(tmp_path / "dir")] == [b"one", b"two"]
    (tmp_path / "out").mkdir()
    for name in ("0002-b.patch", "0001-a.patch", "notes.txt"):
        (tmp_path / "out" / name).write_bytes(letter(name))
    assert [Path(mail.source).name for mail in read(tmp_path / "out")] == ["0001-a.patch", "0002-b.patch"]


def test_a_bare_diff_and_standard_input_are_read(tmp_path: Path) -> None:
    diff = DIFF.split("\n", 4)[4].encode()
    (tmp_path / "x.diff").write_bytes(diff)
    bare, piped = read_sources([tmp_path / "x.diff", "-"], io.BytesIO(letter("one")))
    assert bare.is_bare_diff
    assert (piped.source, piped.is_bare_diff) == ("<stdin>", False)


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\0\1\2" * 99, b"Dear all,\nno patch today.\n", b"\x1f\x8bnot gzip"])
def test_input_that_is_no_mail_gets_one_sentence(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError) as error:
        read(tmp_path / "x")
    assert str(tmp_path / "x") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_an_empty_folder_get_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "none.mbox", tmp_path):
        with pytest.raises(InputError, match=path.name):
            read(path)
