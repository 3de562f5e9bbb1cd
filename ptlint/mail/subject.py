"""The tags in front of a subject: version, counter and total."""

import re
from dataclasses import dataclass

MAX_LENGTH = 2000
"""Characters of a subject that are read; the rest cannot hold a tag."""

_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|fwd?|答复|回复)(?:\[\d+\])?\s*:\s*", re.IGNORECASE)
_TAG = re.compile(r"\s*[\[{]([^\[\]{}]*)\]\s*")
_COUNTER = re.compile(r"(?<![\w.])(\d{1,4})\s*/\s*(\d{1,4})(?![\w.])")
_VERSION = re.compile(r"(?<![\w.])[vV](\d{1,3})(?![\w])")
_PATCH_WORD = re.compile(r"patch|rfc|rft|rfd|resend|(?<![\w.])v\d", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject taken apart.

    ``index`` and ``total`` are None when there is no counter, ``version`` is 1 unless ``has_version``. ``is_patch``
    says that a tag calls it a patch. ``title`` is the text behind the tags.
    """

    title: str
    index: int | None = None
    total: int | None = None
    version: int = 1
    has_version: bool = False
    is_reply: bool = False
    is_patch: bool = False

    @property
    def is_cover(self) -> bool:
        """Return whether the counter is 0 of something."""
        return self.index == 0 and bool(self.total)

    @property
    def words(self) -> tuple[str, ...]:
        """Return the words of the title in lower case: equal for the rerolls of a series."""
        return tuple(_WORD.findall(self.title.lower()))


def parse_subject(text: str) -> Subject:
    """Return the parts of a decoded, unfolded subject."""
    text = " ".join(text[:MAX_LENGTH].split())
    is_reply = False
    while found := _REPLY.match(text):
        is_reply = True
        text = text[found.end() :]
    tags: list[str] = []
    while found := _TAG.match(text):
        tags.append(found[1])
        text = text[found.end() :]
        while reply := _REPLY.match(text):
            is_reply = True
            text = text[reply.end() :]
    tag = " ".join(tags)
    counter = _COUNTER.search(tag)
    version = _VERSION.search(tag)
    index, total = (int(counter[1]), int(counter[2])) if counter else (None, None)
    if total is not None and index is not None and index > total:
        index = total = None
    return Subject(
        title=text.strip(),
        index=index,
        total=total,
        version=int(version[1]) if version else 1,
        has_version=version is not None,
        is_reply=is_reply,
        is_patch=_PATCH_WORD.search(tag) is not None or counter is not None,
    )
