"""Mails put together to series, and the series that a reviewer means."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ptlint.core.patch import LeftOut, Series
from ptlint.errors import InputError, UsageError
from ptlint.mail.assemble import series_of
from ptlint.mail.message import Mail, read_mails
from ptlint.mail.raw import RawMail
from ptlint.mail.threads import Group, Thread, group_mails


def read_series(mails: Iterable[RawMail], revision: int | None = None, message_id: str | None = None) -> Series:
    """Return the one series that a reviewer means with these mails, with what was left out and what replies propose.

    Without more words it is the newest version of the series that starts the thread; a fix-up or a single re-sent
    patch never wins over a series. *message_id* (without brackets) chooses the series that the message belongs to or
    replies to, *revision* a version of it.
    Raises InputError when no patch can be found, UsageError when there is no such revision or message.
    """
    read = read_mails(mails)
    if not read:
        raise InputError("there is no mail in the input")
    thread = Thread(read)
    groups = _groups(thread)
    chosen = _choose(groups, thread, revision, message_id)
    return _complete(chosen, groups, thread)


def all_series(mails: Iterable[RawMail]) -> tuple[Series, ...]:
    """Return every series in the mails, in the order of their first mails, each with the proposals made to it.

    Raises InputError when no patch can be found.
    """
    thread = Thread(read_mails(mails))
    groups = _groups(thread)
    return tuple(_with_proposals(series_of(group), group, thread) for group in groups)


def _groups(thread: Thread) -> list[Group]:
    groups = group_mails(thread)
    if all(group.is_fixup for group in groups):
        from ptlint.mail.requote import quoted_groups

        groups = [*groups, *quoted_groups(thread)]
    if not groups:
        where = ", ".join(dict.fromkeys(mail.raw.source for mail in thread.mails))
        subject = "the mail" if len(thread.mails) == 1 else f"none of the {len(thread.mails)} mails"
        cut = next((f"; {mail.where}: {mail.raw.cut}" for mail in thread.mails if mail.raw.cut), "")
        number = "no" if len(thread.mails) == 1 else "a"
        raise InputError(f"{where}: {subject} carries {number} patch, quoted or not{cut}")
    return groups


def _choose(groups: Sequence[Group], thread: Thread, revision: int | None, message_id: str | None) -> Group:
    if message_id is not None:
        candidates = _lineage(_group_of_message(groups, thread, message_id), groups)
        if revision is None:
            return candidates[0]
    else:
        candidates = _lineage(_main(groups), groups)
        if revision is None:
            return _newest(candidates)
        if not any(group.version == revision for group in candidates):
            candidates = list(groups)
    having = [group for group in candidates if group.version == revision]
    if not having:
        versions = ", ".join(f"v{version}" for version in sorted({group.version for group in candidates}))
        raise UsageError(f"no series of revision {revision} in the input; there is {versions}")
    return max(having, key=_weight)


def _weight(group: Group) -> tuple[bool, bool, float, int, int]:
    """Return a key that is greatest for what a reviewer calls the series: no fix-up, a cover, complete, large."""
    return (
        not group.is_fixup,
        group.cover is not None or group.total == 1,
        len(group.patches) / max(group.total, 1),
        len(group.patches),
        -group.position,
    )


def _main(groups: Sequence[Group]) -> Group:
    """Return the series that the input is about: not sent into another one's thread, the largest, the first."""
    return max(
        groups,
        key=lambda group: (
            not group.is_fixup,
            not group.is_reply,
            len(group.patches),
            group.cover is not None,
            -group.position,
        ),
    )


def _lineage(main: Group, groups: Sequence[Group]) -> list[Group]:
    """Return *main* and the other versions of the same work."""
    return [main, *(group for group in groups if group is not main and group.is_version_of(main))]


def _newest(lineage: Sequence[Group]) -> Group:
    """Return the newest version that is there for the most part; a single patch sent again is none."""
    most = max(len(group.patches) / group.total for group in lineage)
    whole = [
        group
        for group in lineage
        if not group.is_fixup and (group.cover is not None or 2 * len(group.patches) >= min(1, most) * group.total)
    ]
    return max(whole or lineage, key=lambda group: (group.version, *_weight(group)))


def _group_of_message(groups: Sequence[Group], thread: Thread, message_id: str) -> Group:
    wanted = message_id.strip().strip("<>")
    seen: set[str] = set()
    at = wanted
    while at and at not in seen:
        seen.add(at)
        for group in groups:
            if at in group.message_ids:
                return group
        mail = thread.by_id.get(at)
        at = mail.in_reply_to if mail else ""
    raise UsageError(f"the input has no series with the message {wanted}, nor one that it replies to")


def _complete(chosen: Group, groups: Sequence[Group], thread: Thread) -> Series:
    series = _with_proposals(series_of(chosen), chosen, thread)
    used = {mail.position for mail in chosen.mails}
    proposing = {proposal.ref.message_id for proposal in series.proposals}
    left = [*series.left_out, *(_left_group(group, chosen) for group in groups if group is not chosen)]
    named = used | {mail.position for group in groups for mail in [*group.mails, *group.spare]}
    left += [
        _left_mail(mail, thread)
        for mail in thread.mails
        if mail.position not in named and not (mail.message_id and mail.message_id in proposing)
    ]
    left += [
        LeftOut("duplicate", mail.subject.title, "the same Message-ID came before", mail.raw.source, mail.raw.line)
        for mail in thread.duplicates
    ]
    return replace(series, left_out=tuple(left))


def _left_group(group: Group, chosen: Group) -> LeftOut:
    first = group.mails[0]
    name = f"v{group.version} {group.title}" if group.version > 1 else group.title
    if group.is_fixup:
        kind, reason = "fix-up", f"sent as a reply: a change on top of the series, {len(group.patches)} patch(es)"
    elif group.is_version_of(chosen):
        kind, reason = "other-version", f"v{chosen.version} was chosen"
    else:
        kind, reason = "other-series", "another series was chosen"
    return LeftOut(kind, name, reason, first.raw.source, first.raw.line)


def _left_mail(mail: Mail, thread: Thread) -> LeftOut:
    if b"\n\n" not in mail.raw.data and not mail.raw.data.endswith(b"\n"):
        what = mail.subject.title or "a mail"
        return LeftOut("unreadable", what, "it ends within its header: cut short?", mail.raw.source, mail.raw.line)
    if mail.subject.is_cover and not mail.subject.is_reply:
        kind, reason = "cover", "a cover letter without its patches"
    elif mail.subject.is_reply or mail.in_reply_to:
        kind, reason = "reply", "a reply that proposes no code"
    else:
        kind, reason = "no-patch", "a mail without a patch"
    return LeftOut(kind, mail.subject.title, reason, mail.raw.source, mail.raw.line)


def _with_proposals(series: Series, group: Group, thread: Thread) -> Series:
    replies = thread.replies_to(group)
    if not replies:
        return series
    from ptlint.mail.proposals import find_proposals

    return replace(series, proposals=find_proposals(series, replies))
