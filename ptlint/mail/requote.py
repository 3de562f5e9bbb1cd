"""Submissions that are only there in the quotes of replies."""

from ptlint.mail.message import Mail, body_text
from ptlint.mail.quotes import Recovery, recover_patch
from ptlint.mail.threads import Group, Thread


def quoted_groups(thread: Thread) -> list[Group]:
    """Return the series whose patches replies quote, one patch from the reply that quotes most of it.

    Version, counter and total are those of the replies' subjects.
    """
    best: dict[tuple[int, int, int, tuple[str, ...]], tuple[Mail, Recovery]] = {}
    for mail in thread.mails:
        recovery = None if mail.files else recover_patch(body_text(mail.info))
        if recovery is None or not recovery.files:
            continue
        subject = mail.subject
        counted = bool(subject.index and subject.total)
        key = (
            subject.version,
            subject.total or 1 if counted else 1,
            subject.index or 1 if counted else 1,
            subject.words,
        )
        if key not in best or _rank(recovery) > _rank(best[key][1]):
            best[key] = (mail, recovery)
    groups: list[Group] = []
    for (version, total, index, _), (mail, recovery) in best.items():
        group = next((one for one in groups if _has_room(one, version, total, index)), None)
        if group is None:
            group = Group(version, total, recovered={})
            groups.append(group)
        group.patches[index] = mail
        group.recovered = {**group.recovered, mail.position: recovery}
    return groups


def _has_room(group: Group, version: int, total: int, index: int) -> bool:
    return (group.version, group.total) == (version, total) and total > 1 and index not in group.patches


def _rank(recovery: Recovery) -> tuple[bool, int]:
    """Return a key that is greatest for the fullest recovery."""
    return not recovery.lost, sum(len(hunk.lines) for file in recovery.files for hunk in file.hunks)
