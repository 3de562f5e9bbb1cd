"""Mail that is built to hurt: it ends in a series or in one sentence, and soon."""

import base64
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.errors import PtlintError
from ptlint.mail import all_series, read_series
from ptlint.mail.raw import MOST_LINES
from ptlint.mail.sources import split_mails
from tests.mail.letters import DIFF, letter, quoted, submission

MANY = 300_000
NEWLINE = b"\n"
SEPARATOR = b"From mboxrd@z Thu Jan  1 00:00:00 1970\n"
REPLY = letter("Re: [PATCH] mm: x", quoted(DIFF))


def with_field(name: str, value: str) -> bytes:
    return letter("[PATCH v2 1/2] mm: x", "Say why.\n" + DIFF, **{name: value})


HOSTILE = {
    "a long line": letter("x", "y" * MANY + "\n" + DIFF),
    "NUL bytes": letter("x", "\0" * MANY + "\n" + DIFF.replace("ptep", "\0")),
    "tags without end": with_field("Subject", "[" * MANY),
    "many tags": with_field("Subject", "[a]" * MANY),
    "many replies": with_field("Subject", "re: " * MANY),
    "encoded words without end": with_field("Subject", "=?utf-8?q?" * (MANY // 10)),
    "quotes in an address": with_field("From", '"' * MANY),
    "comments in an address": with_field("To", "(a " * MANY),
    "endless references": with_field("References", "<a@b> " * (MANY // 6)),
    "brackets in references": with_field("References", "<  " * MANY),
    "an unknown character set": with_field("Content-Type", "text/plain; charset=" + "z" * MANY),
    "a character set that is a codec": with_field("Content-Type", "text/plain; charset=zip"),
    "broken base64": letter("x", "=*" * MANY, Content_Transfer_Encoding="base64"),
    "truncated base64": letter("x", base64.b64encode(DIFF.encode()).decode()[:-7], Content_Transfer_Encoding="base64"),
    "boundaries in boundaries": letter("x", "")[:-1]
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(5000))
    + DIFF.encode(),
    "parts without content": letter("x", "--b\n\n" * (MANY // 5), Content_Type="multipart/mixed; boundary=b"),
    "lines that flow on": letter("x", "a \n" * MANY, Content_Type="text/plain; format=flowed"),
    "counts beyond the mail": letter("[PATCH] x", DIFF.replace("-10,8", "-10,999999999")),
    "counts of many digits": letter("[PATCH] x", DIFF.replace("-10,8", "-10," + "9" * MANY)),
    "many quote marks": REPLY + b">" * MANY + b"\n",
    "empty quotes": REPLY + b"> \n" * (MANY // 3),
    "open braces": REPLY + b"int f(void)\n{\n" + b"if (a) {\n" * 20_000,
    "heads of functions": REPLY + b"static int f(int x) {\n" * 20_000,
    "parentheses": REPLY + b"use " + b"(" * 20_000 + b"a" + b")" * 20_000 + b";\n",
    "separators": SEPARATOR * 20_000 + letter("[PATCH] x"),
    "a loop of replies": letter("[PATCH 1/2] a", Message_ID="<a@x>", In_Reply_To="<b@x>")
    + SEPARATOR
    + letter("[PATCH 2/2] b", Message_ID="<b@x>", In_Reply_To="<a@x>"),
}


def test_of_a_mail_with_too_many_lines_the_diff_is_read_and_the_rest_is_told() -> None:
    mail = letter("[PATCH] mm: x", "why\n" * MOST_LINES + DIFF)
    (raw,) = split_mails(mail, "x.mbox")
    series = read_series([raw])
    assert [file.path for file in series.patches[0].files] == ["mm/entry.c"]
    assert [(one.kind, one.line) for one in series.left_out] == [("cut", raw.line)]
    assert f"it has {mail.count(NEWLINE)} lines, of which {raw.data.count(NEWLINE)} were read" in raw.cut


def test_of_a_diff_with_too_many_lines_whole_files_are_read() -> None:
    large = f"diff --git a/b.h b/b.h\n--- /dev/null\n+++ b/b.h\n@@ -0,0 +1,{MOST_LINES} @@\n" + "+b\n" * MOST_LINES
    (raw,) = split_mails(letter("[PATCH] mm: x", DIFF + large), "x.mbox")
    series = read_series([raw])
    assert [file.path for file in series.patches[0].files] == ["mm/entry.c"]
    assert not series.patches[0].damaged
    assert raw.cut
    with pytest.raises(PtlintError, match=r"it has \d+ lines, of which \d+ were read"):
        read_series(split_mails(b"a\n" * MOST_LINES + letter("x", large), "x.mbox"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_ends_soon_and_in_the_open(name: str) -> None:
    start = time.process_time()
    sentence = ""
    try:
        read_series(split_mails(HOSTILE[name], "mail"))
    except PtlintError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert time.process_time() - start < 10


def test_thousands_of_mails_are_put_together_in_time() -> None:
    start = time.process_time()
    box = b"".join(
        SEPARATOR + letter(f"[PATCH {at}/9999] mm: x", From=f"a{at}@b", Message_ID=f"<{at}@x>") for at in range(1, 1500)
    )
    assert len(all_series(split_mails(box, "box"))) == 1499
    assert time.process_time() - start < 10


BOX = b"".join(SEPARATOR + mail + b"\n" for mail in [*submission(2, 2, "1.2"), REPLY])
BREAKS = [
    b"\0",
    b">",
    b"\n",
    b"\r\n",
    b"@@ -1,3 +1,4 @@\n",
    b"--- a/x\n+++ b/x\n",
    b"=?utf-8?q?=ff?=",
    b"\xff",
    b"[...]\n",
]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_damaged_boxes_give_series_or_a_sentence(seed: int, times: int) -> None:
    dice = random.Random(seed)
    box = bytearray(BOX)
    for _ in range(times):
        at = dice.randrange(len(box))
        if dice.random() < 0.4:
            del box[at : at + dice.randrange(80)]
        else:
            box[at:at] = dice.choice(BREAKS)
    message = ""
    try:
        read_series(split_mails(bytes(box), "box"))
    except PtlintError as error:
        message = str(error)
    assert "\n" not in message


@pytest.mark.parametrize("size", range(0, len(BOX), 97))
def test_a_truncated_box_gives_a_series_or_a_sentence(size: int) -> None:
    count, sentence = 0, ""
    try:
        count = len(all_series(split_mails(BOX[:size], "box")))
    except PtlintError as error:
        sentence = str(error)
    assert count <= 2
    assert "\n" not in sentence
