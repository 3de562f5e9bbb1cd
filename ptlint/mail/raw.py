"""One mail as it was found, and how much of it is read."""

import re
from dataclasses import dataclass, replace

MOST_LINES = 500_000
"""The lines that are read of one mail or diff: more than the largest patches of the kernel's code have."""

MOST_ABOVE = 20_000
"""Of so many, those that may stand above the diff."""

_FILE = b"\ndiff --git "


@dataclass(frozen=True, slots=True)
class RawMail:
    """One mail as it was found: its bytes with LF line ends and without the ``From `` separator of an mbox.

    ``source`` names the file, ``line`` is where it starts there (from 1). ``is_bare_diff`` marks text without a mail
    header, as ``git diff`` prints it. ``cut`` says what of it is not read, empty when it is whole.
    """

    data: bytes
    source: str
    line: int = 1
    is_bare_diff: bool = False
    cut: str = ""


def bounded(mail: RawMail) -> RawMail:
    """Return *mail*, of one with too many lines what is read: the start of its text, and the first files of its diff.

    A file is read whole or not at all; without files, the first lines are read.
    """
    total = mail.data.count(b"\n")
    if total <= MOST_LINES:
        return mail
    data = mail.data
    first = data.find(_FILE) + 1
    above = _first_lines(data, MOST_ABOVE)
    if first > above:
        data, first = data[:above] + data[first:], above
    end = _first_lines(data, MOST_LINES)
    if first and end < len(data):
        end = data.rfind(_FILE, 0, end) + 1 or end
    data = data[:end]
    return replace(mail, data=data, cut=f"it has {total} lines, of which {data.count(_LINE)} were read")


_LINE = b"\n"


def _first_lines(data: bytes, number: int) -> int:
    """Return where the first *number* lines of *data* end."""
    found = re.match(rb"(?:[^\n]*+\n){0,%d}" % number, data)
    return found.end() if found else 0
