"""Where the message ends, what the header says, and how bodies are encoded."""

import base64
import quopri

import pytest

from ptlint.mail.mailinfo import clean_subject, is_patch_break, read_mailinfo, split_address
from tests.mail.letters import DIFF, letter


@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        (b"---\n", True),
        (b"---  \t\n", True),
        (b"--- a/mm/entry.c\n", True),
        (b"diff --git a/x b/x\n", True),
        (b"diff -u x y\n", True),
        (b"Index: mm/entry.c\n", True),
        (b"----\n", False),
        (b"--- \tindented\n", False),
        (b"-- \n", False),
        (b" diff --git a/x b/x\n", False),
        (b"@@ -1 +1 @@\n", False),
        (b"Index of entries\n", False),
    ],
)
def test_the_message_ends_where_git_says(line: bytes, breaks: bool) -> None:
    assert is_patch_break(line) is breaks


@pytest.mark.parametrize(
    ("subject", "clean"),
    [
        ("[PATCH v2 1/3] mm: batch", "mm: batch"),
        ("Re: [PATCH] RE: [RFC] mm: batch", "mm: batch"),
        (" : [PATCH mm: no end", "[PATCH mm: no end"),
        ("[PATCH] ", ""),
        ("mm: [x] batch", "mm: [x] batch"),
    ],
)
def test_tags_are_taken_off_a_subject(subject: str, clean: str) -> None:
    assert clean_subject(subject) == clean


@pytest.mark.parametrize(
    ("value", "pair"),
    [
        ('"Author, A" <a@example.org>', ("Author, A", "a@example.org")),
        ("a@example.org (A Author)", ("A Author", "a@example.org")),
        ("a@example.org", ("a@example.org", "a@example.org")),
        ("A (Work) Author <a@example.org>", ("A (Work) Author", "a@example.org")),
        ("Nobody", ("", "")),
    ],
)
def test_an_address_is_split_from_its_name(value: str, pair: tuple[str, str]) -> None:
    assert split_address(value) == pair


def test_an_in_body_header_names_the_author_only_when_there_is_a_patch() -> None:
    body = "From: B Other <other@example.org>\nSubject: mm: better\n words\n\nSay why.\n"
    with_patch = read_mailinfo(letter("[PATCH] mm: batch", body + DIFF))
    assert (with_patch.author_name, with_patch.subject) == ("B Other", "mm: better words")
    assert with_patch.message == "Say why.\n"
    assert read_mailinfo(letter("[PATCH] mm: batch", body)).author_name == "A Author"


def test_a_scissors_line_is_kept() -> None:
    assert "-- >8 --" in read_mailinfo(letter("x", "Hi.\n-- >8 --\nSay why.\n" + DIFF)).message


BODY = "Grüße.\n" + DIFF


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("base64", base64.encodebytes(BODY.encode())),
        ("quoted-printable", quopri.encodestring(BODY.encode())),
        ("8bit", BODY.encode()),
    ],
)
def test_a_transfer_encoding_is_undone(encoding: str, data: bytes) -> None:
    head = letter("x", "", Content_Type="text/plain; charset=UTF-8", Content_Transfer_Encoding=encoding)
    info = read_mailinfo(head + data)
    assert info.message == "Grüße.\n"
    assert info.patch == DIFF.encode()


@pytest.mark.parametrize(
    ("charset", "raw"),
    [
        ("windows-1252", b"\x80 1\n"),
        ("", b"\x80 1\n"),
        ("UTF-8", "€ 1\n".encode()),
        ("no-such-thing", "€ 1\n".encode()),
    ],
)
def test_a_message_is_read_in_its_character_set(charset: str, raw: bytes) -> None:
    fields = {"Content_Type": f"text/plain; charset={charset}"} if charset else {}
    assert read_mailinfo(letter("x", "", **fields) + raw).message == "€ 1\n"


def test_encoded_words_and_folding_are_undone_in_a_header() -> None:
    data = letter("[PATCH] =?utf-8?q?gr=C3=BC?=\n =?utf-8?q?n_entries?=", Message_ID="\n <1@example.org>")
    info = read_mailinfo(data)
    assert info.subject == "grün entries"
    assert info.get("message-id") == "<1@example.org>"


def test_flowed_text_is_joined_and_its_stuffing_taken_off() -> None:
    plain = read_mailinfo(
        letter("x", "A line \nthat flows.\n  Stuffed.\n-- \nA\n", Content_Type="text/plain; format=flowed")
    )
    assert plain.message == "A line that flows.\n Stuffed.\n-- \nA\n"
    glued = read_mailinfo(letter("x", "a \nb\n", Content_Type="text/plain; format=flowed; delsp=yes"))
    assert glued.message == "ab\n"


def test_an_attached_patch_is_found_in_a_multipart() -> None:
    attached = base64.encodebytes(DIFF.encode()).decode()
    body = (
        "--b1\nContent-Type: multipart/alternative; boundary=b2\n\n--b2\nContent-Type: text/plain\n\nSay why.\n--b2--\n"
        '--b1\nContent-Type: text/x-patch; name="x.patch"\nContent-Transfer-Encoding: base64\n\n'
        + attached
        + "--b1--\n"
    )
    data = letter("x", body, Content_Type='multipart/mixed; boundary="b1"')
    info = read_mailinfo(data, reads_nested=True)
    assert read_mailinfo(data).message.startswith("--b2"), "git takes the inner boundary for text"
    assert info.message.startswith("Say why.\n")
    assert b"+\t\tcommit_entry(vma, ptep++, old_pte);\n" in info.patch


def test_the_body_line_of_the_patch_is_known() -> None:
    info = read_mailinfo(letter("x", "one\ntwo\n" + DIFF))
    assert info.patch_line == 3
    assert info.text[2][0] == b"---\n"


def test_the_first_line_of_an_encoded_body_is_line_one() -> None:
    for encoding, data in (("base64", base64.encodebytes(b"one\ntwo\n")), ("quoted-printable", b"one\ntwo\n")):
        info = read_mailinfo(letter("x", "", Content_Transfer_Encoding=encoding) + data)
        assert [line for line, _ in info.text][:2] == [b"one\n", b"two\n"]
