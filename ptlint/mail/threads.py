"""Which mails belong to one submission, and which reply to it."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from ptlint.mail.message import Mail

if TYPE_CHECKING:
    from ptlint.mail.quotes import Recovery

_COUNTER_IN_ID = re.compile(r"-\d{1,4}-(?!.*-\d{1,4}-)")
_NEAR = 100
_HIGH = 500
"""How many mails above a patch are asked where its series begins: in a thread, each may answer the one before."""
_SENDER = re.compile(r"<([^<>]+)>")


@dataclass(slots=True)
class Thread:
    """The mails of an input by Message-ID. A later mail with a known Message-ID is a duplicate."""

    mails: tuple[Mail, ...]
    by_id: dict[str, Mail] = field(default_factory=dict)
    duplicates: list[Mail] = field(default_factory=list)
    _parents: dict[int, Mail | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept: list[Mail] = []
        for mail in self.mails:
            if mail.message_id and mail.message_id in self.by_id:
                self.duplicates.append(mail)
                continue
            if mail.message_id:
                self.by_id[mail.message_id] = mail
            kept.append(mail)
        self.mails = tuple(kept)

    def ancestors(self, mail: Mail) -> Iterator[Mail]:
        """Yield what *mail* replies to, then what that replies to, as far as the mails are there."""
        seen = {mail.message_id}
        while (parent := self.parent(mail)) is not None and parent.message_id not in seen:
            seen.add(parent.message_id)
            yield parent
            mail = parent

    def parent(self, mail: Mail) -> Mail | None:
        """Return the nearest mail that *mail* names as replied to, None when none of them is there."""
        if mail.position not in self._parents:
            named = (mail.in_reply_to, *reversed(mail.references))
            self._parents[mail.position] = next((self.by_id[name] for name in named if name in self.by_id), None)
        return self._parents[mail.position]

    def replies_to(self, group: "Group") -> tuple[Mail, ...]:
        """Return the mails that answer *group*: below one of its mails in the thread, or with a subject of it."""
        own = {mail.position for mail in group.mails} - set(group.recovered)
        titles = {(group.version, mail.subject.words) for mail in group.mails}
        known: dict[int, bool] = {}
        return tuple(
            mail
            for mail in self.mails
            if mail.position not in own
            and (mail.subject.is_reply or mail.in_reply_to)
            and (not mail.is_patch or mail.subject.is_reply)
            and ((mail.subject.version, mail.subject.words) in titles or self._is_below(mail, own, known))
        )

    def _is_below(self, mail: Mail, above: Set[int], known: dict[int, bool]) -> bool:
        """Return whether *mail* replies, over others or not, to one at a position of *above*; *known* keeps answers."""
        way = [mail.position]
        for up in self.ancestors(mail):
            if up.position in above or up.position in known:
                found = up.position in above or known[up.position]
                break
            way.append(up.position)
        else:
            found = False
        known.update(dict.fromkeys(way, found))
        return found


@dataclass(slots=True)
class Group:
    """The mails of one submission. ``patches`` has them by counter.

    ``recovered`` holds, by position of a mail, the patch that was found in its quotes instead of a diff of its own.
    ``is_fixup`` marks a change sent as a reply on top of a series, ``is_reply`` a submission in the thread of another.
    """

    version: int
    total: int
    cover: Mail | None = None
    patches: dict[int, Mail] = field(default_factory=dict)
    recovered: Mapping[int, "Recovery"] = field(default_factory=dict)
    spare: list[Mail] = field(default_factory=list)
    is_fixup: bool = False
    is_reply: bool = False

    @property
    def mails(self) -> list[Mail]:
        """Return cover and patches in order of their counters."""
        return [*([self.cover] if self.cover else []), *(self.patches[index] for index in sorted(self.patches))]

    @property
    def title(self) -> str:
        """Return the subject of the cover, or of the first patch."""
        return self.mails[0].subject.title or self.mails[0].info.subject

    @property
    def position(self) -> int:
        """Return the place of its first mail in the input."""
        return min(mail.position for mail in self.mails)

    @property
    def message_ids(self) -> frozenset[str]:
        """Return the Message-IDs of its mails."""
        return frozenset(mail.message_id for mail in [*self.mails, *self.spare] if mail.message_id)

    def is_version_of(self, other: "Group") -> bool:
        """Return whether both are submissions of the same work.

        Either their titles or half of their patches are the same words, or one author sent two versions under titles
        that share most words.
        """
        mine, theirs = set(self.mails[0].subject.words), set(other.mails[0].subject.words)
        if mine == theirs:
            return True
        subjects = [{mail.subject.words for mail in group.patches.values()} for group in (self, other)]
        if 2 * len(subjects[0] & subjects[1]) >= min(map(len, subjects)) > 0:
            return True
        shared = len(mine & theirs) / len(mine | theirs)
        return self.version != other.version and shared >= 0.6 and _sender(self.mails[0]) == _sender(other.mails[0])


def _sender(mail: Mail) -> str:
    found = _SENDER.search(mail.sender)
    return (found[1] if found else mail.sender).strip().lower()


def group_mails(thread: Thread) -> list[Group]:
    """Return the submissions among the mails, in the order of their first mails.

    Mails with the same version and total belong together when they stand under one cover or one parent, else when
    Message-IDs or senders say so. A mail whose counter is taken starts another submission.
    """
    by_key: dict[tuple[str, int, int], Group] = {}
    singles: list[Group] = []
    starts: dict[int, Mail] = {}
    for mail in thread.mails:
        subject = mail.subject
        if not (mail.is_patch or (subject.is_cover and not subject.is_reply)):
            continue
        if subject.is_reply or subject.index is None or not subject.total:
            singles.append(Group(subject.version, 1, patches={1: mail}, is_fixup=_is_fixup(mail, thread)))
            continue
        key = (_anchor(mail, thread, starts), subject.version, subject.total)
        _put(by_key.setdefault(key, Group(subject.version, subject.total)), mail)
    groups = sorted([*_merged(list(by_key.values())), *singles], key=lambda group: group.position)
    groups = [group for group in groups if group.patches]
    owners = {mail.position: group for group in groups for mail in group.mails}
    for group in groups:
        _place(group, owners, thread)
    return groups


def _put(group: Group, mail: Mail) -> None:
    index = mail.subject.index or 0
    if index == 0 and group.cover is None:
        group.cover = mail
    elif index and index not in group.patches:
        group.patches[index] = mail
    else:
        group.spare.append(mail)


def _is_fixup(mail: Mail, thread: Thread) -> bool:
    """Return whether an uncounted patch is a change on top of what it replies to, and not a new version of that."""
    parent = thread.parent(mail)
    if mail.subject.is_reply:
        return True
    return parent is not None and (bool(parent.subject.total) or parent.subject.words != mail.subject.words)


def _anchor(mail: Mail, thread: Thread, starts: dict[int, Mail]) -> str:
    """Return what names the submission of a counted mail: its cover, its first mail, the missing parent, or nothing.

    *starts* keeps the cover or first mail of those asked before, by position.
    """
    start = starts[mail.position] = _start(mail, thread, starts)
    if start.subject.is_cover:
        return start.message_id
    if thread.parent(start) is None:
        missing = start.references[:1] or (start.in_reply_to,)
        if missing[0]:
            return missing[0]
    elif start is mail:
        # Patches of a series without a cover, sent into the thread of something else.
        return f"under {mail.in_reply_to} from {_sender(mail)}"
    return start.message_id or "no message-id"


def _start(mail: Mail, thread: Thread, starts: Mapping[int, Mail]) -> Mail:
    """Return the nearest cover above a counted mail, itself included, else the topmost mail counted like it."""
    like = (mail.subject.version, mail.subject.total)
    start = mail
    for up in islice(thread.ancestors(mail), _HIGH):
        if start.subject.is_cover or start.position in starts:
            break
        if not up.subject.is_reply and (up.subject.version, up.subject.total) == like:
            start = up
    return starts.get(start.position, start)


def _merged(groups: list[Group]) -> list[Group]:
    """Join what is one submission although no reference says so."""
    out: list[Group] = []
    alike: dict[tuple[int, int], list[Group]] = {}
    for group in sorted(groups, key=lambda group: group.position):
        near = alike.setdefault((group.version, group.total), [])
        target = next((other for other in reversed(near[-_NEAR:]) if _fits(group, other)), None)
        if target is None:
            out.append(group)
            near.append(group)
            continue
        for mail in group.mails:
            _put(target, mail)
        target.spare += group.spare
    return out


def _fits(group: Group, other: Group) -> bool:
    if (group.cover and other.cover) or not group.patches.keys().isdisjoint(other.patches):
        return False
    mail, with_mail = group.mails[0], other.mails[0]
    if not mail.message_id and not with_mail.message_id:
        return True
    if _stem(mail) and _stem(mail) == _stem(with_mail):
        return True
    return _sender(mail) == _sender(with_mail) and not any(
        one.in_reply_to for one in (*group.patches.values(), *other.patches.values())
    )


def _stem(mail: Mail) -> str:
    """Return a Message-ID without its counter: git send-email and b4 give the mails of a series the same."""
    stem, replaced = _COUNTER_IN_ID.subn("-#-", mail.message_id, count=1)
    return stem if replaced else ""


def _place(group: Group, owners: Mapping[int, Group], thread: Thread) -> None:
    """Note whether *group* was sent into the thread of another one, and whether it is but a part sent again."""
    above = thread.parent(group.mails[0])
    if above is not None:
        group.is_reply = above.subject.is_reply or owners.get(above.position, group) is not group
    few = group.cover is None and 2 * len(group.patches) < group.total
    group.is_fixup = group.is_fixup or (few and group.is_reply)
