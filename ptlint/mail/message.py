"""A mail with everything that series, quotes and proposals ask of it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ptlint.core.patch import FilePatch, Trailer
from ptlint.mail.diff import CorruptPatch, parse_diff
from ptlint.mail.encoding import decode_text
from ptlint.mail.mailinfo import MailInfo, read_mailinfo
from ptlint.mail.raw import RawMail
from ptlint.mail.subject import Subject, parse_subject

MAX_REFERENCES = 1000
"""Message-IDs taken from one References field."""

MAX_LINES = 100_000
"""Lines of a body in which quotes and proposals are looked for."""

_MESSAGE_ID = re.compile(r"<([^<>]*)>")
_CR_HEADER = re.compile(rb"^(?:diff --git |\+\+\+ )[^\n]*\r$", re.MULTILINE)
_NO_BREAK_SPACE = re.compile(rb"^\+[^\n]*\xc2\xa0", re.MULTILINE)
_UNJOINED = "the mail says format=flowed, but its hunks come out only when no lines are joined; git am refuses it"
_BLANK = re.compile(r"\s+")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*)\s*:\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class Mail:
    """One decoded mail. ``author`` is ``Name <address>`` of the commit, ``sender`` that of the mail's own From.

    ``files`` is what its own diff does; ``corrupt`` says why that diff cannot be read (``files`` is then empty).
    ``notes`` says what was done to read it; ``position`` is the mail's place in the input.
    """

    raw: RawMail
    info: MailInfo
    subject: Subject
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    author: str
    sender: str
    files: tuple[FilePatch, ...]
    corrupt: str
    notes: tuple[str, ...]
    position: int

    @property
    def is_patch(self) -> bool:
        """Return whether the mail carries a diff of its own, readable or not."""
        return bool(self.files or self.corrupt) and (self.subject.is_reply or not self.subject.is_cover)

    @property
    def where(self) -> str:
        """Return how to name the mail in a sentence."""
        return f"{self.raw.source}:{self.raw.line}"


def read_mails(raws: Iterable[RawMail]) -> tuple[Mail, ...]:
    """Return the mails decoded, in order."""
    return tuple(read_mail(raw, position) for position, raw in enumerate(raws))


def read_mail(raw: RawMail, position: int = 0) -> Mail:
    """Return one mail decoded. Never fails on its content."""
    info = read_mailinfo(b"\n" + raw.data if raw.is_bare_diff else raw.data)
    files, corrupt, notes = _own_diff(info)
    if info.is_nested and not files:
        info = read_mailinfo(raw.data, reads_nested=True)
        files, corrupt, notes = _own_diff(info)
    parents = message_ids(info.get("in-reply-to"))
    references = message_ids(info.get("references"))
    parent = parents[-1] if parents else references[-1] if references else ""
    own = message_ids(info.get("message-id"))
    return Mail(
        raw=raw,
        info=info,
        subject=parse_subject(info.get("subject")),
        message_id=own[0] if own else "",
        in_reply_to=parent,
        references=references if not parent or parent in references else (*references, parent),
        author=address(info.author_name, info.author_email),
        sender=info.get("from").strip(),
        files=files,
        corrupt=corrupt,
        notes=notes,
        position=position,
    )


def _own_diff(info: MailInfo) -> tuple[tuple[FilePatch, ...], str, tuple[str, ...]]:
    """Return files, what is wrong with the diff, and what was done to read it."""
    patch, notes = info.patch, tuple[str, ...]()
    if not patch:
        return (), "", ()
    # A diff whose own header lines end in CR was encoded with the mail's line ends; no file of it has them.
    if _CR_HEADER.search(patch):
        patch = patch.replace(b"\r\n", b"\n")
        notes = ("CR at the line ends of the encoded mail was taken off; git am needs --quoted-cr=strip for this mail",)
    if _NO_BREAK_SPACE.search(patch):
        notes = (*notes, "added lines hold no-break spaces (U+00A0); they are kept, as git am keeps them")
    try:
        return parse_diff(patch, info.patch_line), "", notes
    except CorruptPatch as error:
        unjoined = _unjoined(info)
        return (unjoined, "", (*notes, _UNJOINED)) if unjoined else ((), str(error), notes)


def _unjoined(info: MailInfo) -> tuple[FilePatch, ...]:
    """Return the files of a diff in format=flowed text read without joining lines.

    A sender that flows text marks an empty context line, which ends in a space, as one to be joined to the next.
    """
    lines = info.text[info.patch_line - 1 :]
    if not any(part.flowed for _, part in lines):
        return ()
    patch = b"".join(line.removeprefix(b" ") if part.flowed else line for line, part in lines)
    try:
        return parse_diff(patch, info.patch_line)
    except CorruptPatch:
        return ()


def address(name: str, email: str) -> str:
    """Return ``Name <address>``, or what there is of it."""
    return f"{name} <{email}>" if email and name != email else email or name


def message_ids(value: str) -> tuple[str, ...]:
    """Return the Message-IDs of a header value without brackets and without the white space of folding."""
    found = [_BLANK.sub("", match[1]) for match in _first(_MESSAGE_ID.finditer(value))]
    if not found and value.strip() and " " not in value.strip():
        found = [value.strip().strip("<>")]
    return tuple(dict.fromkeys(identifier for identifier in found if identifier))


def _first(matches: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    for _, match in zip(range(MAX_REFERENCES), matches, strict=False):
        yield match


def addresses(value: str) -> tuple[str, ...]:
    """Return the mailboxes of a To or Cc field as they are written."""
    found: list[str] = []
    start, in_string, comments, is_literal = 0, False, 0, False
    for at, char in enumerate(value):
        if is_literal or char == "\\":
            is_literal = not is_literal
        elif char == '"' and not comments:
            in_string = not in_string
        elif not in_string and char in "()":
            comments = max(0, comments + (1 if char == "(" else -1))
        elif char == "," and not in_string and not comments:
            found.append(value[start:at])
            start = at + 1
    return tuple(text for one in [*found, value[start:]] if (text := " ".join(one.split())))


def body_text(info: MailInfo) -> tuple[str, ...]:
    """Return the lines of the body as text, without newlines. Lines of parts that are no plain text are empty."""
    return tuple(
        decode_text(line, part.charset).rstrip("\r\n") if part.type in ("text/plain", "") else ""
        for line, part in info.text[:MAX_LINES]
    )


def trailers_of(message: str) -> tuple[Trailer, ...]:
    """Return the ``Key: value`` lines of the last paragraph of a commit message, folded lines joined."""
    paragraph = message.rstrip().rpartition("\n\n")[2]
    found: list[Trailer] = []
    for line in paragraph.splitlines():
        if found and line[:1] in (" ", "\t"):
            last = found.pop()
            found.append(Trailer(last.key, f"{last.value} {line.strip()}"))
        elif match := _TRAILER.match(line):
            found.append(Trailer(match[1], match[2].strip()))
    return tuple(found)
