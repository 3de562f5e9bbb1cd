"""Replies to the mails of a series, as a reviewer's mailer would write them: for a person to read, change and send."""

import email.header
import email.utils
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ptlint.core.finding import Finding
from ptlint.core.patch import FilePatch, Hunk, Patch
from ptlint.core.report import Report
from ptlint.report._anchor import Anchor, Placed, placed
from ptlint.report._comment import WIDTH, comment_lines
from ptlint.report._text import one_line, plain

LINES_ABOVE = 8
"""Lines of a hunk that are quoted above a commented one."""

CUT = "[ ... ]"
"""Stands for quoted lines that were left out; b4 knows it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail: header fields in order, not folded or encoded yet, and the lines of its body."""

    fields: tuple[tuple[str, tuple[str, ...]], ...]
    body: tuple[str, ...]


def replies(report: Report, sender: str) -> tuple[Reply, ...]:
    """Return one reply to each patch with findings that came by mail, in order; *sender* is the reviewer's mailbox."""
    if report.series is None:
        return ()
    found: list[Reply] = []
    for patch in report.series.patches:
        findings = [one for one in report.findings if one.patch == patch.ref]
        if findings and patch.ref.message_id:
            found.append(Reply(tuple(_fields(patch, sender)), tuple(_body(report, patch, findings))))
    return tuple(found)


def mbox_of(reply: Reply) -> bytes:
    """Return a reply as a mail of an mbox (mboxrd). It has no date and no Message-ID: sending gives it both."""
    header = "".join(f"{name}: {_folded(name, values)}\n" for name, values in reply.fields)
    header += "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    body = re.sub(r"^(>*From )", r">\1", "\n".join(reply.body).rstrip("\n") + "\n", flags=re.MULTILINE)
    text = f"From mboxrd@z Thu Jan  1 00:00:00 1970\n{header}\n{body}\n"
    return text.encode("utf-8", "backslashreplace")


def _fields(patch: Patch, sender: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    subject = one_line(patch.mail_subject or patch.ref.subject)
    if sender:
        yield "From", (sender,)
    to = patch.reply_to or ((patch.sender or patch.author),)
    yield "To", to
    seen = {_address(one) for one in (*to, sender)}
    cc = []
    for one in (*patch.to, *patch.cc):
        if _address(one) not in seen:
            seen.add(_address(one))
            cc.append(one)
    if cc:
        yield "Cc", tuple(cc)
    yield "Subject", (subject if subject.lower().startswith("re:") else f"Re: {subject}",)
    own = f"<{patch.ref.message_id}>"
    yield "In-Reply-To", (own,)
    above = [f"<{one}>" for one in patch.references if one != patch.ref.message_id]
    yield "References", (*above, own)


def _address(mailbox: str) -> str:
    return _parsed(mailbox)[1].lower() or mailbox.lower()


MOST_BRACKETS = 20
"""Comments in a mailbox, which may stand in one another: each is a call of the standard library's parser."""


def _parsed(mailbox: str) -> tuple[str, str]:
    """Return name and address of a mailbox, both empty for what is none."""
    return ("", "") if mailbox.count("(") > MOST_BRACKETS else email.utils.parseaddr(mailbox)


def _folded(name: str, values: Sequence[str]) -> str:
    """Return the value of a field: addresses and ids one a line, words as RFC 2047 asks for."""
    if name == "Subject":
        return email.header.Header(values[0], "us-ascii" if values[0].isascii() else "utf-8", WIDTH, name).encode()
    if name in ("From", "To", "Cc"):
        return ",\n\t".join(_mailbox(one) for one in values)
    return "\n\t".join(re.sub(r"[^!-~]", "", one) for one in values)


def _mailbox(text: str) -> str:
    """Return a mailbox that any mailer reads; what is none is left as plain words."""
    name, address = _parsed(text)
    if "@" not in address or not address.isascii():
        return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
    return email.utils.formataddr((one_line(name), address), "utf-8")


def _body(report: Report, patch: Patch, findings: Sequence[Finding]) -> Iterator[str]:
    yield _attribution(patch)
    at: Anchor | None = None
    for one in placed(patch, findings):
        if at != one.anchor:
            yield from _quoted(patch, at, one.anchor)
        at = one.anchor
        yield ""
        yield from comment_lines(report, one.finding, one.is_exact)
        yield ""


def _attribution(patch: Patch) -> str:
    name, address = _parsed(patch.sender or patch.author)
    who = one_line(name or address) or "the author"
    line = f"On {one_line(patch.date)}, {who} wrote:" if patch.date else f"{who} wrote:"
    return line if len(line) <= WIDTH else f"{who[: WIDTH - 8]} wrote:"


def _quoted(patch: Patch, last: Anchor | None, anchor: Anchor) -> Iterator[str]:
    """Yield the quoted lines that lead to *anchor*, without those that *last* has shown already."""
    file = patch.files[anchor.file]
    hunk = file.hunks[anchor.hunk]
    if last is None or last.file != anchor.file:
        yield from (_mark(line) for line in file_header(file))
    if last is None or (last.file, last.hunk) != (anchor.file, anchor.hunk):
        if anchor.hunk > 0 and (last is None or last.file != anchor.file or last.hunk != anchor.hunk - 1):
            yield CUT
        yield _mark(hunk_header(hunk))
        start = 0
    else:
        start = last.line + 1
    first = max(start, anchor.line - LINES_ABOVE)
    if first > start:
        yield CUT
    for line in hunk.lines[first : anchor.line + 1]:
        yield _mark(line.kind + line.text.decode("utf-8", "replace"))


def _mark(line: str) -> str:
    return f"> {plain(line)}".rstrip()


def file_header(file: FilePatch) -> tuple[str, ...]:
    """Return the lines of a diff that name its file."""
    old, new = file.old_path or file.path, file.path
    return (
        f"diff --git a/{old} b/{new}",
        f"--- a/{old}" if file.old_path else "--- /dev/null",
        f"+++ b/{new}" if file.new_path else "+++ /dev/null",
    )


def hunk_header(hunk: Hunk) -> str:
    """Return the ``@@`` line of a hunk."""
    section = hunk.section.decode("utf-8", "replace")
    text = f"@@ -{hunk.old_start},{hunk.old_count} +{hunk.new_start},{hunk.new_count} @@"
    return f"{text} {section}" if section else text


def annotated(report: Report, patch: Patch, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the whole diff of *patch*, quoted, with the comments on *findings* under their lines."""
    comments: dict[Anchor, list[Placed]] = {}
    for one in placed(patch, findings):
        comments.setdefault(one.anchor, []).append(one)
    for number, file in enumerate(patch.files):
        yield from (_mark(line) for line in file_header(file))
        for at, hunk in enumerate(file.hunks):
            yield _mark(hunk_header(hunk))
            for line, one_of in enumerate(hunk.lines):
                yield plain(f"> {one_of.kind}{one_of.text.decode('utf-8', 'replace')}")
                for one in comments.get(Anchor(number, at, line), ()):
                    yield ""
                    yield from comment_lines(report, one.finding, one.is_exact)
                    yield ""
