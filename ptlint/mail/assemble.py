"""A submission's mails made into a Series."""

import re
from typing import TYPE_CHECKING

from ptlint.core.patch import FilePatch, LeftOut, Patch, PatchRef, Series
from ptlint.mail.encoding import decode_text
from ptlint.mail.message import Mail, addresses, body_text, trailers_of
from ptlint.mail.threads import Group

if TYPE_CHECKING:
    from ptlint.mail.quotes import Recovery

_BASE_COMMIT = re.compile(r"^base-commit: ([0-9a-f]{7,64})\s*$", re.MULTILINE)
_PREREQUISITE = re.compile(r"^prerequisite-patch-id: ([0-9a-f]{40,64})\s*$", re.MULTILINE)
_MAILBOX = re.compile(r'"?([^"<>]*?)"?\s*<([^<>]+)>')


def series_of(group: Group) -> Series:
    """Return the series that a submission is, without proposals."""
    patches: list[Patch] = []
    left_out: list[LeftOut] = []
    for index in sorted(group.patches):
        mail = group.patches[index]
        recovery = group.recovered.get(mail.position)
        made = _quoted_patch(mail, recovery, index, group) if recovery else _own_patch(mail, index, group, left_out)
        patches.append(made)
    left_out += [
        LeftOut(
            "duplicate", mail.subject.title, "its counter is taken by an earlier mail", mail.raw.source, mail.raw.line
        )
        for mail in group.spare
    ]
    left_out += [
        LeftOut("cut", mail.subject.title, mail.raw.cut, mail.raw.source, mail.raw.line)
        for mail in group.mails
        if mail.raw.cut
    ]
    trailing = "\n".join(_whole_text(mail) for mail in group.mails) if not group.recovered else ""
    base = _BASE_COMMIT.search(trailing)
    return Series(
        title=group.title,
        version=group.version,
        message_id=group.mails[0].message_id if not group.recovered else patches[0].ref.message_id,
        cover=_whole_text(group.cover).strip("\n") if group.cover else "",
        patches=tuple(patches),
        expected=group.total,
        base_commit=base[1] if base else None,
        missing=tuple(index for index in range(1, group.total + 1) if index not in group.patches),
        inferred=_inferred(group),
        left_out=tuple(left_out),
        prerequisite_patch_ids=tuple(match[1] for match in _PREREQUISITE.finditer(trailing)),
    )


def _inferred(group: Group) -> frozenset[str]:
    concluded = {
        "counters": any(mail.subject.index is None for mail in group.patches.values()),
        "version": not any(mail.subject.has_version for mail in group.mails),
        "cover": group.cover is None and group.total > 1,
        "patches-from-quotes": bool(group.recovered),
    }
    return frozenset(name for name, is_concluded in concluded.items() if is_concluded)


def _whole_text(mail: Mail) -> str:
    return mail.info.message + decode_text(mail.info.patch, "")


def _own_patch(mail: Mail, index: int, group: Group, left_out: list[LeftOut]) -> Patch:
    """Return the patch of a mail that carries one; a damaged diff is repaired or said to be left out."""
    files, notes, damaged = mail.files, mail.notes, ""
    if mail.corrupt:
        files, notes, lost = _repaired(mail)
        if lost or not files:
            damaged = f"the diff is damaged: {mail.corrupt}"
            reason = "; ".join(lost) or damaged
            left_out.append(LeftOut("corrupt-patch", mail.subject.title, reason, mail.raw.source, mail.raw.line))
    return Patch(
        ref=PatchRef(index, group.total, mail.message_id, mail.info.subject),
        author=mail.author,
        date=mail.info.date,
        body=mail.info.message.strip("\n"),
        files=files,
        diff=mail.info.patch,
        trailers=trailers_of(mail.info.message),
        notes=notes,
        source=mail.raw.source,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        to=addresses(mail.info.get("to")),
        cc=addresses(mail.info.get("cc")),
        damaged=damaged,
        mail_subject=" ".join(mail.info.get("subject").split()),
        sender=mail.sender,
        reply_to=addresses(mail.info.get("reply-to")),
    )


def _repaired(mail: Mail) -> tuple[tuple[FilePatch, ...], tuple[str, ...], tuple[str, ...]]:
    """Return what can be read of a damaged diff, what was done to read it, and what is lost all the same."""
    from ptlint.mail.quotes import RESTORED_SPACES, recover_at, split_quotes

    text = body_text(mail.info)
    lines = split_quotes(text)
    start = mail.info.patch_line
    recovery = recover_at([line for line in lines if line.depth == 0 and line.number >= start], 0)
    note = (RESTORED_SPACES,) if any("\xa0" in line for line in text[start - 1 :]) else ()
    return recovery.files, note + recovery.notes, recovery.lost


def _quoted_patch(mail: Mail, recovery: "Recovery", index: int, group: Group) -> Patch:
    """Return the patch that a reply quotes. Author and Message-ID are those that the reply names, if it does."""
    from ptlint.mail.quotes import authors_by_depth, split_quotes
    from ptlint.mail.render import render_files

    name = authors_by_depth(split_quotes(body_text(mail.info))).get(recovery.depth, "")
    above = mail.references
    message_id = above[-recovery.depth] if len(above) >= recovery.depth else ""
    message = "\n".join(line for line in recovery.message if not line.startswith("On ") or "wrote" not in line)
    notes = [f"recovered from the quotes of {mail.message_id or mail.where}, at quote depth {recovery.depth}"]
    if not message_id:
        notes.append("the Message-ID of the quoted patch is not known")
    notes += recovery.notes
    notes += [f"lost: {loss}" for loss in recovery.lost]
    return Patch(
        ref=PatchRef(index, group.total, message_id, mail.info.subject),
        author=_known_address(name, mail),
        date="",
        body=message.strip("\n"),
        files=recovery.files,
        diff=render_files(recovery.files),
        trailers=trailers_of(message),
        notes=tuple(notes),
        source=mail.raw.source,
        to=addresses(mail.info.get("to")),
        cc=addresses(mail.info.get("cc")),
    )


def _known_address(name: str, mail: Mail) -> str:
    """Return *name* with the address that the reply's recipients have under it, if one has."""
    for field in ("to", "cc", "from"):
        for mailbox in addresses(mail.info.get(field)):
            found = _MAILBOX.match(mailbox)
            if found and name and found[1].strip().lower() == name.lower():
                return f"{name} <{found[2]}>"
    return name
