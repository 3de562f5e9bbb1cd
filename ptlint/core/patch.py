"""Patches as they come from mail or git, before they are applied."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HunkLine:
    """One line of a hunk. ``kind`` is ``" "``, ``"-"`` or ``"+"``; ``text`` is without kind and newline.

    ``newline`` is False on the line that a ``\\ No newline at end of file`` marker follows. ``source_line`` is the
    line of the mail body (1-based, decoded) it was read from, 0 when there is none.
    """

    kind: str
    text: bytes
    newline: bool = True
    source_line: int = 0


@dataclass(frozen=True, slots=True)
class Hunk:
    """One ``@@`` block. Starts count from 1 (0 for an empty side), as in the header.

    ``is_part`` marks lines that are left of a damaged block: its starts are the least possible ones.
    """

    old_start: int
    old_count: int
    new_start: int
    new_count: int
    section: bytes
    lines: tuple[HunkLine, ...]
    is_part: bool = False

    def preimage(self) -> bytes:
        """Return the bytes that this hunk expects to find."""
        return b"".join(_bytes_of(line) for line in self.lines if line.kind != "+")

    def postimage(self) -> bytes:
        """Return the bytes that this hunk leaves behind."""
        return b"".join(_bytes_of(line) for line in self.lines if line.kind != "-")


def _bytes_of(line: HunkLine) -> bytes:
    return line.text + (b"\n" if line.newline else b"")


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a patch does to one file.

    ``old_path`` is None for a new file, ``new_path`` None for a deleted one; both are set and differ for a rename or
    copy. Modes are git's octal numbers, None when not named. ``old_blob`` and ``new_blob`` are the (abbreviated)
    hexadecimal ids of the ``index`` line. ``binary`` holds the text of a ``GIT binary patch`` block, if any.
    """

    old_path: str | None
    new_path: str | None
    hunks: tuple[Hunk, ...] = ()
    old_mode: int | None = None
    new_mode: int | None = None
    old_blob: str | None = None
    new_blob: str | None = None
    is_rename: bool = False
    is_copy: bool = False
    binary: bytes | None = None

    @property
    def path(self) -> str:
        """Return the path after the patch, or the old one for a deleted file."""
        return self.new_path or self.old_path or ""


@dataclass(frozen=True, slots=True)
class PatchRef:
    """Which patch of which series: enough to name it in a report.

    ``index`` counts from 1; 0 means a cover letter or a proposal made in a reply. ``message_id`` is without angle
    brackets, empty when the patch comes from git or a bare diff. ``proposed`` and ``line`` tell the proposals of one
    reply apart: the first line of the C, and the line of the mail body it stands on.
    """

    index: int
    total: int
    message_id: str
    subject: str
    proposed: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Trailer:
    """A ``Key: value`` line at the end of a commit message."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch: the commit it would become and what it changes.

    ``diff`` is the patch text as git mailinfo would hand it to git apply; ``body`` the commit message without the
    subject. ``notes`` says what was inferred or repaired while reading (see ``Note``). ``source`` names the file it was
    read from. ``mail_subject`` (with its tags), ``sender``, ``reply_to``, ``to``, ``cc``, ``references`` and
    ``in_reply_to`` are those of the mail, which a reply needs; empty for a patch from git. ``damaged`` says what is
    wrong with a diff that git would refuse; ``files`` then holds what could be read of it, and only the hunks that
    are whole are ever applied.
    """

    ref: PatchRef
    author: str
    date: str
    body: str
    files: tuple[FilePatch, ...]
    diff: bytes
    trailers: tuple[Trailer, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    damaged: str = ""
    mail_subject: str = ""
    sender: str = ""
    reply_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """C that a reviewer proposes in a reply: checked as if it replaced what it answers.

    ``kind`` is ``"function"`` (a whole definition, in ``text``) or ``"statement"`` (statements written under a quoted
    line). ``answers`` is the patch whose quoted text it stands under, ``function`` the name of the function it would
    change, ``after`` the quoted lines right before it (without quote marks and diff signs), nearest last.
    ``source_line`` is its line in the body of the reply, ``path`` the file whose quoted hunk it stands under, ``""``
    when there is none.
    """

    kind: str
    text: str
    ref: PatchRef
    author: str
    answers: PatchRef | None
    function: str
    after: tuple[str, ...]
    source: str
    source_line: int
    replaces: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of the input that was not analysed, and why. ``kind`` is a short stable word for machines."""

    kind: str
    what: str
    reason: str
    source: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """A patch series in order, as one submission.

    ``version`` is 1 when the subjects name none. ``expected`` is the total the subjects promise, ``missing`` the
    counters that no mail carried. ``base_commit`` is the trailer's id. ``inferred`` names the fields that were
    concluded and not read (``"counters"``, ``"version"``, ``"cover"``, ``"patches-from-quotes"``).
    """

    title: str
    version: int
    message_id: str
    cover: str
    patches: tuple[Patch, ...]
    expected: int
    base_commit: str | None = None
    missing: tuple[int, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    inferred: frozenset[str] = field(default_factory=frozenset)
    left_out: tuple[LeftOut, ...] = ()
    prerequisite_patch_ids: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Patch]:
        return iter(self.patches)
