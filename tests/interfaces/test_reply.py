"""Replies as mail: what docs/reply.md shows, what Python's and b4's parsers make of them, and hostile series."""

import email
import email.policy
import email.utils
import mailbox
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.interfaces.transcript import commands, play
from tests.interfaces.world import BAD, MESSAGE_ID, PLACE, run, with_programs
from tests.shared import package


@pytest.fixture
def at(linux: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with_programs(monkeypatch)
    return linux


def replies_to(at: Path, text: str, *words: str) -> list[EmailMessage]:
    """Return the replies to a series as Python's mail parser reads them from the mbox."""
    (at.parent / "in.mbox").write_text(text, encoding="utf-8")
    out = at.parent / "out.mbox"
    code, printed, err = run(["ptlint", "reply", "../in.mbox", "-o", "../out.mbox", *words], at)
    assert (code, printed, err) == (1, "", "")
    found = []
    for mail in mailbox.mbox(str(out)):
        message = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def body_of(message: EmailMessage) -> str:
    return str(message.get_content())


def test_the_page_shows_the_draft(at: Path) -> None:
    (command,) = commands("reply.md", "Replies")
    play(command, at, code=1)


def test_a_clean_series_gets_no_mail(at: Path) -> None:
    assert run(["ptlint", "reply", "../clean.mbox"], at) == (0, "", "")


HEADERS = """\
From: Sénder Ö <sender@example.org>
Reply-To: list@example.org
To: "Last, First" <first@example.org>, tester@example.org
Cc: linux-mm@kvack.org,
	=?utf-8?q?J=C3=BCrgen?= <juergen@example.org>, LIST@example.org
References: <cover@example.org> <other@example.org>
In-Reply-To: <cover@example.org>
"""


def test_it_goes_where_a_mailer_would_send_it(at: Path) -> None:
    text = BAD.read_text(encoding="utf-8").replace('From: "A. Developer" <developer@example.org>\n', HEADERS, 1)
    (reply,) = replies_to(at, text)
    assert [one.addr_spec for one in reply["To"].addresses] == ["list@example.org"]
    assert [(one.display_name, one.addr_spec) for one in reply["Cc"].addresses] == [
        ("Last, First", "first@example.org"),
        ("", "linux-mm@kvack.org"),
        ("Jürgen", "juergen@example.org"),
    ]
    assert reply["From"] == "A Tester <tester@example.org>"
    assert reply["In-Reply-To"] == f"<{MESSAGE_ID}>"
    assert reply["References"].split() == ["<cover@example.org>", "<other@example.org>", f"<{MESSAGE_ID}>"]
    assert reply["Subject"] == "Re: [PATCH 1/2] mm: start and commit protection changes in batches"
    (other,) = replies_to(at, text, "--from", "Somebody <me@example.org>")
    assert other["From"] == "Somebody <me@example.org>"
    assert "tester@example.org" in str(other["Cc"])


def test_it_is_plain_text_of_72_columns(at: Path) -> None:
    (reply,) = replies_to(at, BAD.read_text(encoding="utf-8"))
    assert reply.get_content_type() == "text/plain"
    assert reply["Content-Transfer-Encoding"] == "8bit"
    own = [line for line in body_of(reply).splitlines() if not line.startswith(">") and "://" not in line]
    assert max(map(len, own)) <= 72
    assert any(line.endswith("?") for line in own)
    assert "[ ... ]" in own
    assert "For example:" in own
    assert not any(line.startswith("--") for line in own)


def test_b4_makes_comments_of_it(at: Path) -> None:
    """The function with which b4 review turns a reply in a thread into comments on lines of the patch."""
    review = package("b4.review")
    (reply,) = replies_to(at, BAD.read_text(encoding="utf-8"))
    found = review._extract_comments_from_quoted_reply(body_of(reply))
    diff = BAD.read_text(encoding="utf-8").split("\n\ndiff --git")[1].split("\n-- \n")[0]
    review._review._resolve_comment_positions("diff --git" + diff, found)
    (comment,) = found
    assert (comment["path"], comment["line"]) == ("b/include/linux/pgtable.h", int(PLACE.split(":")[1]))
    assert comment["content"] == "+\t\tptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);"
    assert comment["text"].startswith("[PT102 error commit-stale-old-pte ")


def test_hostile_mail_cannot_forge_a_header_or_another_mail(at: Path) -> None:
    text = BAD.read_text(encoding="utf-8")
    forged = "\x1b[31mX\r\n =?utf-8?q?=0ABcc:_victim=40example.org?= <a@b>"
    author, subject = 'From: "A. Developer" <developer@example.org>\n', "Subject: [PATCH 1/2]"
    text = text.replace(author, f"From: {forged}\nCc: x\ty <{'q' * 3000}@h>, @\n", 1)
    text = text.replace(subject, f"{subject} =?utf-8?q?=0AFrom_x=40y_Thu_Jan_1_00:00:00_1970?=", 1)
    (reply,) = replies_to(at, text)
    assert reply["Bcc"] is None
    assert set(reply.keys()) <= {
        "From", "To", "Cc", "Subject", "In-Reply-To", "References",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    data = (at.parent / "out.mbox").read_bytes()
    assert data.count(b"\nFrom ") == 0
    assert not re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", data)


def test_commits_and_bare_diffs_have_nobody_to_reply_to(at: Path) -> None:
    text = BAD.read_text(encoding="utf-8")
    (at.parent / "bare.diff").write_text("diff --git" + text.split("\n\ndiff --git")[1].split("\n-- \n")[0] + "\n")
    code, out, err = run(["ptlint", "reply", "../bare.diff"], at)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "nothing to reply to" in err


def test_a_finding_outside_of_the_patch_says_where_it_is() -> None:
    from dataclasses import replace

    from ptlint.core.patch import FilePatch, Hunk, HunkLine, Patch
    from ptlint.core.span import Span
    from ptlint.report._mail import replies
    from tests.report.sample import ERROR, FIRST, FULL

    lines = (HunkLine(" ", b"int a;"), HunkLine("-", b"int b;"), HunkLine("+", b"int c;"), HunkLine(" ", b"int d;"))
    file = FilePatch("mm/x.c", "mm/x.c", (Hunk(7, 3, 7, 3, b"", lines),))
    patch = Patch(FIRST, "A Writer <writer@example.org>", "", "", (file,), b"")
    finding = replace(ERROR, span=Span("arch/x86/mm/y.c", 3), related=())
    assert FULL.series is not None
    series = replace(FULL.series, patches=(patch,))
    (reply,) = replies(replace(FULL, series=series, findings=(finding,)), "")
    body = list(reply.body)
    at = body.index("> +int c;")
    assert body[at - 2 : at] == [">  int a;", "> -int b;"]
    assert "This is about arch/x86/mm/y.c:3, which the patch does not show." in body[at:]
    assert dict(reply.fields)["To"] == ("A Writer <writer@example.org>",)
    assert "From" not in dict(reply.fields)
    assert email.utils.parseaddr(dict(reply.fields)["To"][0])[1] == "writer@example.org"
